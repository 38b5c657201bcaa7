//! The newest records of a ledger, page by page.

use std::fs;
use std::io;
use std::path::Path;

use crate::chain::{Place, refusal};
use crate::folder::{Segment, segments};
use crate::record::Record;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Only records before this number.
    pub before: Option<u64>,
    /// Only records after this number.
    pub after: u64,
    /// Only those about a topology, by its id or name.
    pub topology: Option<&'a str>,
    /// Only those of this kind.
    pub kind: Option<&'a str>,
    /// At most so many.
    pub limit: usize,
    /// At most so many bytes, but for a single record.
    pub bytes: usize,
}

/// Some records.
#[derive(Debug, Default)]
pub struct Page {
    /// The records, the newest first.
    pub records: Vec<Record>,
    /// Whether there may be more before them that are asked for.
    pub more: bool,
}

/// Kinds that tell of the ledger itself, and are shown to nobody who does not ask for them.
const OWN: [&str; 2] = ["checkpoint", "dropped"];

/// Reads a page. Hashes are not checked here; a line that is no record is left out.
///
/// # Errors
/// When the folder or a segment cannot be read, or a newer version has written there.
pub fn page(folder: &Path, ask: &Ask<'_>) -> io::Result<Page> {
    let mut page = Page::default();
    let mut room = ask.bytes;
    let before = ask.before.unwrap_or(u64::MAX);
    for segment in segments(folder)?.into_iter().rev() {
        if segment.first >= before {
            continue;
        }
        let bytes = match fs::read(&segment.path) {
            Ok(bytes) => bytes,
            // Dropped meanwhile, and all before it too.
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        };
        // What stands behind the last newline is being written.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        for line in bytes[..whole].rsplit(|byte| *byte == b'\n') {
            let Some(seq) = number(line) else {
                refuse_newer(line, &segment)?;
                continue;
            };
            if seq >= before {
                continue;
            }
            if seq <= ask.after {
                return Ok(page);
            }
            let Some(record) = wanted(line, ask) else { continue };
            if page.records.len() == ask.limit || (room < line.len() && !page.records.is_empty()) {
                page.more = true;
                return Ok(page);
            }
            room = room.saturating_sub(line.len());
            page.records.push(record);
        }
        if segment.first <= ask.after {
            break;
        }
    }
    Ok(page)
}

/// What is left out must be no record: of one that only a newer version can read, who asks is told.
fn refuse_newer(line: &[u8], segment: &Segment) -> io::Result<()> {
    let refuse = |version| Err(refusal(&Place { file: segment.name(), line: 0 }, version));
    Record::newer(line).map_or(Ok(()), refuse)
}

/// The number of a record, without reading all of it.
fn number(line: &[u8]) -> Option<u64> {
    let digits = line.strip_prefix(b"{\"v\":1,\"seq\":")?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

fn wanted(line: &[u8], ask: &Ask<'_>) -> Option<Record> {
    let text = std::str::from_utf8(line).ok()?;
    // To look for the word is much cheaper than to read the record, and most records do not have it.
    let words = [ask.topology, ask.kind].into_iter().flatten();
    if !words.into_iter().all(|word| mentions(text, word)) {
        return None;
    }
    let record: Record = serde_json::from_str(text).ok()?;
    let is = match ask.kind {
        Some(kind) => record.kind == kind,
        None => !OWN.contains(&record.kind.as_str()),
    };
    (is && ask.topology.is_none_or(|topology| record.is_about(topology))).then_some(record)
}

fn mentions(text: &str, word: &str) -> bool {
    serde_json::to_string(word).is_ok_and(|quoted| text.contains(&quoted))
}
