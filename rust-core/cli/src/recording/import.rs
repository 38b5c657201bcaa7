//! `thalweg recording import`.

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::lines;
use crate::{files, parquet};

/// Writes the recording anew from its tables, for `thalweg replay`: the very lines that it had
#[derive(Debug, Args)]
pub struct Import {
    /// The folder with `lines.parquet`, as `recording export` wrote it
    tables: PathBuf,
    /// The recording, which is replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Import {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let path = self.tables.join(lines::FILE);
        let place = || path.display().to_string();
        let file = File::open(&path).with_context(place)?;
        let written = files::whole(&self.out, |out| {
            parquet::copy_texts(file, lines::LINE, out).with_context(place)
        })?;
        println!("{written} lines in {}", self.out.display());
        Ok(())
    }
}
