//! Tables in Parquet: rows in, columns out; and one column back.

mod read;

use std::fs::File;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

pub use read::copy_texts;

/// Bytes of rows that make a row group: all of them are in memory until then.
const GROUP_BYTES: usize = 32 << 20;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A time in ms since 1970, in UTC.
    Time,
    /// A whole number.
    Whole,
    /// Any number.
    Number,
    /// Yes or no.
    Flag,
    /// A text.
    Text,
    /// A text in JSON.
    Json,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may hold nothing: what was not measured.
    pub may_miss: bool,
}

impl Column {
    /// One that holds something in each row.
    pub const fn of(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, may_miss: false }
    }

    /// One that may hold nothing.
    pub const fn perhaps(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, may_miss: true }
    }

    /// As Parquet's schemas have it.
    fn schema(&self) -> String {
        let repeated = if self.may_miss { "OPTIONAL" } else { "REQUIRED" };
        let (kind, means) = match self.kind {
            Kind::Time => ("INT64", " (TIMESTAMP(MILLIS,true))"),
            Kind::Whole => ("INT64", ""),
            Kind::Number => ("DOUBLE", ""),
            Kind::Flag => ("BOOLEAN", ""),
            Kind::Text => ("BYTE_ARRAY", " (UTF8)"),
            Kind::Json => ("BYTE_ARRAY", " (JSON)"),
        };
        format!("{repeated} {kind} {}{means};", self.name)
    }
}

/// A value in a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing: it was not measured.
    Missing,
    /// A whole number, or a time in ms since 1970.
    Whole(i64),
    /// Any number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// A text, also in JSON.
    Text(&'a str),
}

/// A count; one beyond what a column holds is the largest.
pub fn whole(count: u64) -> Cell<'static> {
    Cell::Whole(i64::try_from(count).unwrap_or(i64::MAX))
}

/// A count that may be missing.
pub fn perhaps_whole(count: Option<u64>) -> Cell<'static> {
    count.map_or(Cell::Missing, whole)
}

/// A number that may be missing.
pub fn perhaps(number: Option<f64>) -> Cell<'static> {
    number.map_or(Cell::Missing, Cell::Number)
}

/// A text that may be missing.
pub fn perhaps_text(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Missing, Cell::Text)
}

/// Writes a table.
pub struct Table {
    writer: SerializedFileWriter<File>,
    columns: Vec<(Column, Waiting)>,
    bytes: usize,
    rows: u64,
}

/// Values of a column that are not written yet, and for each row whether there is one.
#[derive(Default)]
struct Waiting {
    wholes: Vec<i64>,
    numbers: Vec<f64>,
    flags: Vec<bool>,
    texts: Vec<ByteArray>,
    there: Vec<i16>,
}

impl Table {
    /// Begins a table of this name.
    pub fn new(file: File, name: &str, columns: &[Column]) -> Result<Self> {
        let fields: Vec<String> = columns.iter().map(Column::schema).collect();
        let schema = parse_message_type(&format!("message {name} {{ {} }}", fields.join(" ")))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))?;
        let columns = columns.iter().map(|column| (*column, Waiting::default())).collect();
        Ok(Self { writer, columns, bytes: 0, rows: 0 })
    }

    /// Takes a row: a cell for each column.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        if cells.len() != self.columns.len() {
            bail!("a row of {} cells for {} columns", cells.len(), self.columns.len());
        }
        for ((column, waiting), cell) in self.columns.iter_mut().zip(cells) {
            self.bytes += waiting.take(*column, *cell)?;
        }
        self.rows += 1;
        if self.bytes >= GROUP_BYTES { self.write_group() } else { Ok(()) }
    }

    /// Ends the file, and tells how many rows there are.
    pub fn end(mut self) -> Result<u64> {
        if self.bytes > 0 {
            self.write_group()?;
        }
        self.writer.close()?;
        Ok(self.rows)
    }

    fn write_group(&mut self) -> Result<()> {
        self.bytes = 0;
        let mut group = self.writer.next_row_group()?;
        for (column, waiting) in &mut self.columns {
            let waiting = std::mem::take(waiting);
            let there = column.may_miss.then_some(&*waiting.there);
            match column.kind {
                Kind::Time | Kind::Whole => write::<Int64Type>(&mut group, &waiting.wholes, there),
                Kind::Number => write::<DoubleType>(&mut group, &waiting.numbers, there),
                Kind::Flag => write::<BoolType>(&mut group, &waiting.flags, there),
                Kind::Text | Kind::Json => {
                    write::<ByteArrayType>(&mut group, &waiting.texts, there)
                }
            }
            .with_context(|| format!("column {}", column.name))?;
        }
        group.close()?;
        Ok(())
    }
}

impl Waiting {
    /// Takes a cell, and tells how many bytes it has.
    fn take(&mut self, column: Column, cell: Cell<'_>) -> Result<usize> {
        self.there.push(i16::from(cell != Cell::Missing));
        match (column.kind, cell) {
            (_, Cell::Missing) if column.may_miss => return Ok(1),
            (Kind::Time | Kind::Whole, Cell::Whole(number)) => self.wholes.push(number),
            (Kind::Number, Cell::Number(number)) => self.numbers.push(number),
            (Kind::Flag, Cell::Flag(flag)) => self.flags.push(flag),
            (Kind::Text | Kind::Json, Cell::Text(text)) => {
                self.texts.push(ByteArray::from(text));
                return Ok(1 + text.len());
            }
            (kind, cell) => bail!("column {}: {cell:?} is no {kind:?}", column.name),
        }
        Ok(8)
    }
}

fn write<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: &[T::T],
    there: Option<&[i16]>,
) -> Result<()> {
    let mut column =
        group.next_column()?.context("the table has fewer columns than are written")?;
    column.typed::<T>().write_batch(values, there, None)?;
    column.close()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;

    #[test]
    fn rows_come_back_and_what_is_missing_is_null() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rows.parquet");
        let columns = [
            Column::of("at", Kind::Time),
            Column::perhaps("number", Kind::Number),
            Column::perhaps("text", Kind::Text),
            Column::of("flag", Kind::Flag),
        ];
        let file = File::create(&path).expect("a file");
        let mut table = Table::new(file, "rows", &columns).expect("a table");
        let flag = Cell::Flag(true);
        table.row(&[Cell::Whole(5), Cell::Missing, Cell::Text("ä\0"), flag]).expect("a row");
        table.row(&[Cell::Whole(6), Cell::Number(0.5), Cell::Missing, flag]).expect("a row");
        assert!(table.row(&[Cell::Whole(6)]).is_err());
        assert_eq!(table.end().expect("written"), 2);
        let file = File::open(&path).expect("it is there");
        let read = SerializedFileReader::new(file).expect("a table");
        let rows: Vec<String> = read
            .get_row_iter(None)
            .expect("rows")
            .map(|row| row.expect("a row").to_string())
            .collect();
        assert_eq!(rows.len(), 2);
        assert!(rows[0].contains("number: null") && rows[0].contains("ä\0"), "{rows:?}");
        assert!(rows[1].contains("number: 0.5") && rows[1].contains("text: null"), "{rows:?}");
    }

    #[test]
    fn what_does_not_fit_a_column_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = File::create(folder.path().join("rows.parquet")).expect("a file");
        let columns = [Column::of("number", Kind::Number)];
        let mut table = Table::new(file, "rows", &columns).expect("a table");
        for cell in [Cell::Missing, Cell::Whole(1), Cell::Text("1")] {
            let error = table.row(&[cell]).expect_err("no number");
            assert!(error.to_string().starts_with("column number"), "{error}");
        }
    }
}
