//! A long ledger: what an engine wrote of one simulated job, copied until it is long enough.

use std::path::Path;
use std::time::Duration;

use thalweg_control::now_millis;
use thalweg_core::units::Timestamp;
use thalweg_ledger::{Ask, Entry, FOLDER, Files, Limits, Record, Settings, Writer, page};
use thalweg_sim::Scenario;

use crate::{copies, simulated};

/// Between two records, in ms.
const APART: i64 = 700;
/// Written at a time.
const BATCH: u64 = 500;
/// The topology whose records are copied.
const NAME: &str = "pattern";

/// Writes the ledger of an engine that keeps its files in `folder`.
pub fn write(folder: &Path, scenario: Scenario, (topologies, records): (u32, u64)) {
    let pattern = pattern(scenario);
    let settings = Settings {
        folder: folder.join(FOLDER),
        key_file: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        limits: Limits { bytes: 8 << 30, age_ms: 0 },
    };
    let mut writer = Writer::open(settings, Box::new(Files)).expect("the folder is ours");
    let begin = now_millis() - i64::try_from(records).unwrap_or_default() * APART;
    let mut batch = Vec::new();
    for number in 0..records {
        let of = &pattern[number as usize % pattern.len()];
        // Whole lives of topologies lie beside each other.
        let copy = (number / pattern.len() as u64 % u64::from(topologies)) as u32;
        batch.push(copied(of, copy, begin + number as i64 * APART));
        if batch.len() as u64 == BATCH || number + 1 == records {
            writer.append(&batch).expect("there is room");
            batch.clear();
        }
    }
}

/// What an engine writes of a job that it changes.
fn pattern(mut scenario: Scenario) -> Vec<Record> {
    scenario.duration_secs = 1200.0;
    let folder = tempfile::tempdir().expect("a folder of our own");
    let now = Timestamp::from_millis(now_millis());
    drop(simulated::Job::new(scenario, NAME, folder.path(), (1, now)).run(Duration::ZERO, None));
    let ask = Ask {
        before: None,
        after: 0,
        topology: Some(NAME),
        kind: None,
        limit: 1000,
        bytes: 64 << 20,
    };
    let read = page(&folder.path().join(FOLDER), &ask).expect("it was just written");
    assert!(!read.records.is_empty(), "an engine tells of what it does");
    read.records.into_iter().rev().collect()
}

fn copied(of: &Record, copy: u32, at: i64) -> Entry {
    let kind = ["decision", "action", "outcome", "order"].into_iter().find(|kind| *kind == of.kind);
    // A plan's id begins with the topology's.
    let content = of.content.get().replace(&of.topology, &copies::id(copy));
    let content = content.replace(&format!("\"{NAME}\""), &format!("\"{}\"", copies::name(copy)));
    let since = of.content.get().find("\"at\":").map_or("", |place| &of.content.get()[place..]);
    let digits: String = since.chars().skip(5).take_while(char::is_ascii_digit).collect();
    Entry {
        kind: kind.unwrap_or("operator"),
        at,
        term: of.term,
        topology: copies::id(copy),
        name: copies::name(copy),
        who: of.who.clone(),
        why: of.why.clone(),
        content: content.replacen(&format!("\"at\":{digits}"), &format!("\"at\":{at}"), 1),
    }
}
