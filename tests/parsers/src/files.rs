//! What is read back from files: recordings, ledgers and tables.

use std::cell::RefCell;
use std::fs;

use axum::body::Bytes;
use tempfile::TempDir;
use thalweg_engine::recording::Entry;
use thalweg_ledger::{Anchor, Ask, Record, page, verify};

use crate::Then;

#[path = "../../../rust-core/cli/src/parquet/read.rs"]
pub mod of_parquet;

/// The lines of a recording.
pub fn recording(bytes: &[u8]) -> Then<'_> {
    let text = std::str::from_utf8(bytes).ok()?;
    let read: Vec<Entry<'_>> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Some(Box::new(move || {
        for entry in &read {
            let line = serde_json::to_string(entry).expect("it is JSON");
            let again: Entry<'_> = serde_json::from_str(&line).expect("it was just written");
            let again = serde_json::to_string(&again).expect("it is JSON");
            assert!(again == line, "{line} is read as {again}");
        }
    }))
}

thread_local! {
    static FOLDER: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

/// A segment of a ledger, and what is asked of it.
pub fn ledger(bytes: &[u8]) -> Then<'_> {
    for line in bytes.split(|byte| *byte == b'\n') {
        drop(Record::read(line).map(|record| record.told()));
    }
    drop(serde_json::from_slice::<Anchor>(bytes));
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(|| tempfile::tempdir().expect("a folder"));
        let folder = folder.path();
        fs::write(folder.join("00000000000000000001.jsonl"), bytes).expect("it is ours");
        // The same bytes are no head, but they may look like one.
        fs::write(folder.join("head.json"), bytes).expect("it is ours");
        drop(verify(folder, &[], &[]));
        let ask = Ask {
            before: None,
            after: 0,
            topology: Some("words"),
            kind: None,
            limit: 100,
            bytes: 1 << 20,
        };
        drop(page(folder, &ask));
        drop(page(folder, &Ask { topology: None, ..ask }));
    });
    None
}

/// A table in Parquet, of which a recording is made.
pub fn parquet(bytes: &[u8]) -> Then<'_> {
    let mut out = std::io::sink();
    drop(of_parquet::copy_texts(Bytes::copy_from_slice(bytes), 3, &mut out));
    None
}
