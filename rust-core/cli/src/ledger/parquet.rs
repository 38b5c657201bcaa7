//! A copy of a ledger as a table in Parquet: a column for each field, the content as JSON.

use std::fs::File;
use std::sync::Arc;

use anyhow::Result;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use thalweg_ledger::Record;

use super::sink::Sink;

/// The columns, in the order in which they are written.
const SCHEMA: &str = "message record {
    REQUIRED INT64 seq;
    REQUIRED INT64 at (TIMESTAMP(MILLIS,true));
    REQUIRED INT64 term;
    REQUIRED BYTE_ARRAY kind (UTF8);
    REQUIRED BYTE_ARRAY engine (UTF8);
    REQUIRED BYTE_ARRAY topology (UTF8);
    REQUIRED BYTE_ARRAY name (UTF8);
    REQUIRED BYTE_ARRAY who (UTF8);
    REQUIRED BYTE_ARRAY why (UTF8);
    REQUIRED BYTE_ARRAY content (JSON);
    REQUIRED BYTE_ARRAY prev (UTF8);
    REQUIRED BYTE_ARRAY hash (UTF8);
}";
/// Bytes of records that make a row group: all of them are in memory until then.
const GROUP_BYTES: usize = 32 << 20;

/// Writes the table.
pub(super) struct Table {
    writer: SerializedFileWriter<File>,
    waiting: Vec<Record>,
    bytes: usize,
}

impl Table {
    pub(super) fn new(file: File) -> Result<Self> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
        Ok(Self { writer, waiting: Vec::new(), bytes: 0 })
    }

    fn write_group(&mut self) -> Result<()> {
        let records = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        let mut group = self.writer.next_row_group()?;
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        numbers(&mut group, &records, |record| number(record.seq))?;
        numbers(&mut group, &records, |record| record.at)?;
        numbers(&mut group, &records, |record| number(record.term))?;
        let texts: [fn(&Record) -> &str; 9] = [
            |record| &record.kind,
            |record| &record.engine,
            |record| &record.topology,
            |record| &record.name,
            |record| &record.who,
            |record| &record.why,
            |record| record.content.get(),
            |record| &record.prev,
            |record| &record.hash,
        ];
        for text in texts {
            let values: Vec<ByteArray> =
                records.iter().map(|record| ByteArray::from(text(record))).collect();
            let mut column = group.next_column()?.ok_or_else(no_column)?;
            column.typed::<ByteArrayType>().write_batch(&values, None, None)?;
            column.close()?;
        }
        group.close()?;
        Ok(())
    }
}

fn numbers(
    group: &mut SerializedRowGroupWriter<'_, File>,
    records: &[Record],
    number: impl Fn(&Record) -> i64,
) -> Result<()> {
    let values: Vec<i64> = records.iter().map(number).collect();
    let mut column = group.next_column()?.ok_or_else(no_column)?;
    column.typed::<Int64Type>().write_batch(&values, None, None)?;
    column.close()?;
    Ok(())
}

fn no_column() -> anyhow::Error {
    anyhow::anyhow!("the table has fewer columns than are written")
}

impl Sink for Table {
    fn take(&mut self, record: &Record, line: &[u8]) -> Result<()> {
        self.bytes += line.len();
        self.waiting.push(record.clone());
        if self.bytes >= GROUP_BYTES { self.write_group() } else { Ok(()) }
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        if !self.waiting.is_empty() {
            self.write_group()?;
        }
        self.writer.close()?;
        Ok(())
    }
}
