//! `thalweg ledger`: whether ledgers are as they were written, and copies of them.

mod columns;
mod export;
mod heads;
mod sink;
mod verify;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use thalweg_ledger::{FOLDER, PublicKey};

use crate::exit::Failure;

/// Verifies and exports ledgers, also of schedulers that are gone
#[derive(Debug, Args)]
pub struct Ledger {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(verify::Verify),
    Export(export::Export),
    Key(Key),
}

impl Ledger {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Verify(verify) => verify.run(),
            Command::Export(export) => export.run(),
            Command::Key(key) => key.run(),
        }
    }
}

/// Prints the public key of a ledger, which verifies it and is to be kept elsewhere
#[derive(Debug, Args)]
struct Key {
    /// The ledger, the folder that it lies in, or the file of the private key
    place: PathBuf,
}

impl Key {
    fn run(self) -> Result<(), Failure> {
        let path = if self.place.is_dir() { folder(&self.place).join("key") } else { self.place };
        let key = PublicKey::of_private(&path).map_err(anyhow::Error::from)?;
        println!("{key}");
        Ok(())
    }
}

/// A ledger's own folder, where the scheduler's is named.
fn folder(named: &Path) -> PathBuf {
    let inner = named.join(FOLDER);
    if inner.is_dir() { inner } else { named.to_owned() }
}

/// All ledgers that are named; one that is not there is an error, not an empty one.
fn folders(named: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let there = |named: &PathBuf| {
        let folder = folder(named);
        std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        Ok(folder)
    };
    named.iter().map(there).collect()
}
