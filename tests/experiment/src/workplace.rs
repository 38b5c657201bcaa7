//! A folder for one run, from which nothing is left behind, not even after Ctrl-C.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use tempfile::TempDir;
use thalweg_lab::StormCluster;
use thalweg_lab::cpu::{CpuGroups, group_name};
use thalweg_lab::network::remove_namespaces;
use thalweg_lab::process::sweep;

/// What has to be undone when the program is interrupted.
static CURRENT: Mutex<Option<Traces>> = Mutex::new(None);

/// Folders of the program itself.
static BESIDE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

#[derive(Debug, Default)]
struct Traces {
    folder: PathBuf,
    cluster: Option<(u16, usize)>,
}

/// The folder of the run under way; there is one at a time.
#[derive(Debug)]
pub struct Workplace {
    folder: TempDir,
    keep: Option<PathBuf>,
}

impl Workplace {
    /// Makes a new folder; what is in it at the end is copied to `keep`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(keep: Option<PathBuf>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("thalweg-run-").tempdir()?;
        set(Some(Traces { folder: folder.path().canonicalize()?, cluster: None }));
        Ok(Self { folder, keep })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Remembers what else a cluster leaves on the machine while it runs.
    pub fn hosts(&self, storm: &StormCluster) {
        if let Some(traces) = current().as_mut() {
            traces.cluster = Some((storm.id(), storm.nodes().len()));
        }
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        set(None);
        if let Some(keep) = &self.keep
            && let Err(error) = copy(self.path(), keep)
        {
            eprintln!("not everything could be kept in {}: {error}", keep.display());
        }
    }
}

/// From now on an interrupt ends the program, once everything that the run started is gone.
///
/// # Errors
/// When the system does not allow a handler.
pub fn clean_up_when_interrupted() -> Result<()> {
    ctrlc::set_handler(|| {
        eprintln!("\ninterrupted, stopping the cluster");
        if let Some(traces) = current().take() {
            traces.remove();
        }
        for folder in BESIDE.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = std::fs::remove_dir_all(folder);
        }
        std::process::exit(130);
    })
    .context("cannot handle interrupts")
}

/// An interrupt removes this folder as well.
pub fn remove_when_interrupted(folder: &Path) {
    BESIDE.lock().unwrap_or_else(PoisonError::into_inner).push(folder.to_owned());
}

impl Traces {
    fn remove(&self) {
        if let Err(error) = sweep(&self.folder, |_| true) {
            eprintln!("some processes may live on: {error:#}");
        }
        if let Some((id, nodes)) = self.cluster {
            remove_namespaces(id, nodes);
            CpuGroups::remove(&group_name(id));
        }
        // The processes wrote there until just now; what cannot be removed is only files.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&from, &to)?;
        } else if kind.is_file() {
            std::fs::copy(&from, &to)?;
        }
    }
    Ok(())
}

fn set(traces: Option<Traces>) {
    *current() = traces;
}

fn current() -> std::sync::MutexGuard<'static, Option<Traces>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}
