//! Files of trips that come into a folder at an even pace.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

/// A thread that brings them.
pub(super) struct Feed(JoinHandle<Result<u64>>);

impl Feed {
    /// Begins; each file appears whole, as it is moved there.
    pub fn start(folder: PathBuf, files: &[Vec<&str>], length: Duration) -> Result<Self> {
        let texts: Vec<(usize, String)> =
            files.iter().map(|lines| (lines.len(), lines.join("\n") + "\n")).collect();
        let step = length / u32::try_from(texts.len().max(1))?;
        let thread = std::thread::Builder::new().name("feed".to_owned()).spawn(move || {
            let (begun, mut lines) = (Instant::now(), 0);
            for (n, (count, text)) in (0u32..).zip(&texts) {
                bring(&folder, n, text)?;
                lines += *count as u64;
                std::thread::sleep((step * (n + 1)).saturating_sub(begun.elapsed()));
            }
            Ok(lines)
        })?;
        Ok(Self(thread))
    }

    /// Whether all have come, or none comes any more.
    pub fn is_over(&self) -> bool {
        self.0.is_finished()
    }

    /// The lines that came.
    pub fn join(self) -> Result<u64> {
        self.0.join().map_err(|_| anyhow!("who brings trips panicked"))?
    }
}

fn bring(folder: &Path, n: u32, text: &str) -> Result<()> {
    let name = format!("{n:06}.csv");
    // Spark leaves out what begins with a dot.
    let draft = folder.join(format!(".{name}"));
    fs::write(&draft, text)?;
    Ok(fs::rename(&draft, folder.join(name))?)
}
