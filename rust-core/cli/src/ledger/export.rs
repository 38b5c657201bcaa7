//! `thalweg ledger export`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use thalweg_ledger::{Merged, Record};

use super::columns::Columns;
use super::folders;
use super::sink::Sink;
use crate::exit::Failure;
use crate::files;

/// Copies records of one or several ledgers into a file, by time
#[derive(Debug, Args)]
pub struct Export {
    /// The ledgers, or the folders that they lie in
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// As what
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// The file, which is replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Only records from this time on: `2026-11-29`, `2026-11-29T06:00`, both in UTC, or ms since 1970
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<i64>,
    /// Only records before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<i64>,
    /// Only records about this topology, by its id or name
    #[arg(long, value_name = "TOPOLOGY")]
    topology: Option<String>,
}

/// What a copy is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The very lines of the ledgers
    Jsonl,
    /// A table with a column for each field
    Parquet,
}

impl Export {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let folders = folders(&self.folders)?;
        let (written, unreadable) = files::whole(&self.out, |file| self.copy(&folders, file))?;
        println!("{written} records in {}", self.out.display());
        match unreadable {
            0 => Ok(()),
            lines => Err(Failure::Tampered(format!(
                "{lines} lines are no records as they were written, and not in the copy: thalweg ledger verify names them"
            ))),
        }
    }

    fn copy(&self, folders: &[PathBuf], file: File) -> Result<(u64, u64)> {
        let mut sink: Box<dyn Sink> = match self.format {
            Format::Jsonl => Box::new(Lines(BufWriter::new(file))),
            Format::Parquet => Box::new(Columns::new(file)?),
        };
        let (mut written, mut unreadable) = (0, 0);
        for step in Merged::of(folders)? {
            let step = step?;
            match &step.read {
                Ok(record) if self.wants(record) => {
                    sink.take(record, &step.line)?;
                    written += 1;
                }
                Ok(_) => {}
                Err(_) => unreadable += 1,
            }
        }
        sink.end()?;
        Ok((written, unreadable))
    }

    fn wants(&self, record: &Record) -> bool {
        self.since.is_none_or(|since| record.at >= since)
            && self.until.is_none_or(|until| record.at < until)
            && self.topology.as_ref().is_none_or(|topology| record.is_about(topology))
    }
}

/// A time as a date, a date with a time of day, both in UTC, or as milliseconds since 1970.
fn time(text: &str) -> Result<i64, String> {
    if let Ok(millis) = text.parse() {
        return Ok(millis);
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(at.as_millisecond());
    }
    let civil = text.parse::<jiff::civil::DateTime>();
    let civil = civil.map_err(|_| "a time as 2026-11-29, 2026-11-29T06:00, or ms since 1970")?;
    let at = civil.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?;
    Ok(at.timestamp().as_millisecond())
}

struct Lines(BufWriter<File>);

impl Sink for Lines {
    fn take(&mut self, _: &Record, line: &[u8]) -> Result<()> {
        self.0.write_all(line)?;
        Ok(self.0.write_all(b"\n")?)
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        Ok(self.0.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_are_read_in_utc() {
        let day = 1_795_910_400_000;
        assert_eq!(time("2026-11-29"), Ok(day));
        assert_eq!(time("2026-11-29T06:00"), Ok(day + 6 * 3_600_000));
        assert_eq!(time("2026-11-29T06:00:00+01:00"), Ok(day + 5 * 3_600_000));
        assert_eq!(time("1795910400000"), Ok(day));
        assert!(time("yesterday").is_err());
    }
}
