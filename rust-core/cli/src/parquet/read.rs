//! A column of texts out of a table in Parquet, which anybody may have written.

use std::io::{BufWriter, Write};
use std::panic::{self, AssertUnwindSafe};

use anyhow::{Context, Result, bail};
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
    // The reader of the format takes much of what a table says of itself for true, and panics where it is not.
    let told = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let copied = panic::catch_unwind(AssertUnwindSafe(|| copy(table, column, out)));
    panic::set_hook(told);
    match copied {
        Ok(copied) => copied,
        Err(_) => bail!("it is damaged: what it says of its columns is not so"),
    }
}

fn copy(table: impl ChunkReader + 'static, column: usize, out: impl Write) -> Result<u64> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of the four columns of a recording's lines.
    const TABLE: &[u8] = include_bytes!("../../../../fuzz/seeds/parquet/lines");

    #[test]
    fn a_damaged_table_is_an_error_and_no_panic() {
        let copied = |bytes: &[u8]| {
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(bytes).expect("it is ours");
            copy_texts(file, 3, std::io::sink())
        };
        assert_eq!(copied(TABLE).expect("it is whole"), 3);
        let mut refused = 0;
        for at in 0..TABLE.len() {
            let mut damaged = TABLE.to_vec();
            damaged[at] ^= 0x55;
            refused += usize::from(copied(&damaged).is_err());
        }
        assert!(refused > TABLE.len() / 10, "{refused}");
    }
}
