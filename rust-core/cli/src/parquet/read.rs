//! A column of texts out of a table in Parquet, which anybody may have written.

use std::io::{BufWriter, Write};

use anyhow::{Context, Result};
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::record::RowAccessor;

/// Writes the texts of a column, a line for each row, and tells how many there are.
///
/// # Errors
/// When it is no table, has no such column of texts, or they cannot be written.
pub fn copy_texts(
    table: impl ChunkReader + 'static,
    column: usize,
    out: impl Write,
) -> Result<u64> {
    let table = SerializedFileReader::new(table)?;
    let mut out = BufWriter::new(out);
    let mut written = 0;
    for row in table.get_row_iter(None)? {
        let row = row.with_context(|| format!("row {}", written + 1))?;
        let text = row.get_string(column).with_context(|| format!("row {}", written + 1))?;
        out.write_all(text.as_bytes())?;
        out.write_all(b"\n")?;
        written += 1;
    }
    out.flush()?;
    Ok(written)
}
