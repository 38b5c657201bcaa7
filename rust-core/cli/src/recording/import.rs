//! `thalweg recording import`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;

use super::lines;
use crate::files;

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
        let table = SerializedFileReader::new(file).with_context(place)?;
        let written = files::whole(&self.out, |file| copy(&table, file).with_context(place))?;
        println!("{written} lines in {}", self.out.display());
        Ok(())
    }
}

fn copy(table: &SerializedFileReader<File>, out: File) -> Result<u64> {
    let mut out = BufWriter::new(out);
    let mut written = 0;
    for row in table.get_row_iter(None)? {
        let row = row.with_context(|| format!("row {}", written + 1))?;
        let line = row.get_string(lines::LINE).with_context(|| format!("row {}", written + 1))?;
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")?;
        written += 1;
    }
    out.flush()?;
    Ok(written)
}
