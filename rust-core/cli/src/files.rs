//! Reading what the user names, with errors that name the file.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use thalweg_sim::Scenario;
use thalweg_sim::scenario::read;

/// Reads a text file.
pub fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads a scenario; series that it names are looked for beside it.
pub fn scenario(path: &Path) -> Result<Scenario> {
    let beside = path.parent().unwrap_or(Path::new(".")).to_owned();
    let open = |file: &str| fs::read_to_string(beside.join(file)).map_err(|e| e.to_string());
    Ok(read(&path.display().to_string(), &text(path)?, open)?)
}

/// Writes a file whole, or not at all.
pub fn write(path: &Path, content: &str) -> Result<()> {
    whole(path, |mut file| Ok(file.write_all(content.as_bytes())?))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a large file beside its place until it is whole, so that nobody takes half of it for all.
pub fn whole<T>(path: &Path, write: impl FnOnce(File) -> Result<T>) -> Result<T> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = File::create(&part).with_context(|| part.display().to_string())?;
    let written = write(file);
    if written.is_err() {
        // What went wrong is told; that the half is in nobody's way is only tidy.
        let _ = fs::remove_file(&part);
        return written;
    }
    fs::rename(&part, path).with_context(|| path.display().to_string())?;
    written
}

/// Prints a result for programs.
pub fn print_json(result: &Value) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(result)?);
    Ok(())
}
