//! A copy of a ledger as a table in Parquet: a column for each field, the content as JSON.

use std::fs::File;

use anyhow::Result;
use thalweg_ledger::Record;

use super::sink::Sink;
use crate::parquet::{Cell, Column, Kind, Table, whole};

/// The columns, in the order in which they are written.
const COLUMNS: [Column; 12] = [
    Column::of("seq", Kind::Whole),
    Column::of("at", Kind::Time),
    Column::of("term", Kind::Whole),
    Column::of("kind", Kind::Text),
    Column::of("engine", Kind::Text),
    Column::of("topology", Kind::Text),
    Column::of("name", Kind::Text),
    Column::of("who", Kind::Text),
    Column::of("why", Kind::Text),
    Column::of("content", Kind::Json),
    Column::of("prev", Kind::Text),
    Column::of("hash", Kind::Text),
];

/// Writes the table.
pub(super) struct Columns(Table);

impl Columns {
    pub(super) fn new(file: File) -> Result<Self> {
        Ok(Self(Table::new(file, "record", &COLUMNS)?))
    }
}

impl Sink for Columns {
    fn take(&mut self, record: &Record, _: &[u8]) -> Result<()> {
        self.0.row(&[
            whole(record.seq),
            Cell::Whole(record.at),
            whole(record.term),
            Cell::Text(&record.kind),
            Cell::Text(&record.engine),
            Cell::Text(&record.topology),
            Cell::Text(&record.name),
            Cell::Text(&record.who),
            Cell::Text(&record.why),
            Cell::Text(record.content.get()),
            Cell::Text(&record.prev),
            Cell::Text(&record.hash),
        ])
    }

    fn end(self: Box<Self>) -> Result<()> {
        self.0.end().map(drop)
    }
}
