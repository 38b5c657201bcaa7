//! The table of all lines of a recording: what it takes to have the recording back.

use std::fs::File;

use anyhow::Result;
use thalweg_core::units::Timestamp;
use thalweg_engine::recording::Entry;

use crate::parquet::{Cell, Column, Kind, Table, whole};

/// The file's name.
pub const FILE: &str = "lines.parquet";
/// Which column holds the line.
pub const LINE: usize = 3;

/// Its columns.
pub const COLUMNS: [Column; 4] = [
    Column::of("line_number", Kind::Whole),
    Column::perhaps("at", Kind::Time),
    Column::of("kind", Kind::Text),
    Column::of("line", Kind::Json),
];

/// Begins the table.
pub fn table(file: File) -> Result<Table> {
    Table::new(file, "lines", &COLUMNS)
}

/// Writes a line.
pub fn write(table: &mut Table, number: u64, entry: &Entry<'_>, line: &str) -> Result<()> {
    let (kind, at) = kind(entry);
    let at = at.map_or(Cell::Missing, |at| Cell::Whole(at.millis()));
    table.row(&[whole(number), at, Cell::Text(kind), Cell::Text(line)])
}

/// What an entry is, as the line has it, and when it was.
fn kind(entry: &Entry<'_>) -> (&'static str, Option<Timestamp>) {
    match entry {
        Entry::Begun { .. } => ("begun", None),
        Entry::Said { now, .. } => ("said", Some(*now)),
        Entry::Observed { now, .. } => ("observed", Some(*now)),
        Entry::Finished { now, .. } => ("finished", Some(*now)),
        Entry::Aborted { now, .. } => ("aborted", Some(*now)),
        Entry::CouldNotRun { now, .. } => ("could_not_run", Some(*now)),
        Entry::Happened { now, .. } => ("happened", Some(*now)),
        Entry::Led { .. } => ("led", None),
        Entry::CarriedOn { .. } => ("carried_on", None),
        Entry::Awaited { now, .. } => ("awaited", Some(*now)),
    }
}
