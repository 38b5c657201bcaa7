//! What a copy of a ledger is written to.

use anyhow::Result;
use thalweg_ledger::Record;

/// What takes the records.
pub(super) trait Sink {
    /// Takes one, with the line that it was.
    fn take(&mut self, record: &Record, line: &[u8]) -> Result<()>;
    /// Ends the file.
    fn end(self: Box<Self>) -> Result<()>;
}
