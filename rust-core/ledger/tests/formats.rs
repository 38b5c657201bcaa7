//! A ledger of today's format is read and continued; one of a newer format is refused by name and stays as it is.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};
use support::{Quick, ROOMY, copy, key, settings};
use thalweg_ledger::{Ask, Entry, Ledger, Merged, Pace, Writer, page, verify};

const ALL: Ask<'_> =
    Ask { before: None, after: 0, topology: None, kind: None, limit: 100, bytes: usize::MAX };

/// A copy of the ledger that lies beside this test, as the first format has it.
fn of_format_1() -> tempfile::TempDir {
    let folder = copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1"));
    key(folder.path(), 'a');
    folder
}

/// All files but the lock, which is nobody's content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let named = files.map(|file| (file.file_name().into_string().unwrap(), file.path()));
    let content = named.filter(|(name, _)| name != "lock");
    content.map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

/// Puts a record there as a newer version might write it: with a field more, and with the hash of its bytes.
fn add_newer(folder: &Path) -> String {
    let path = support::segments(folder).pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let body = br#"{"v":2,"seq":9,"at":5,"kind":{"of":"a newer version"}"#;
    let hash: String =
        digest(&SHA256, body).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.extend_from_slice(body);
    bytes.extend_from_slice(format!(",\"hash\":\"{hash}\"}}\nhalf a re").as_bytes());
    fs::write(&path, bytes).unwrap();
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_ledger_of_the_first_format_is_read_and_continued() {
    let folder = of_format_1();
    let report = verify(folder.path(), &[], &[]).unwrap();
    assert_eq!(report.findings, []);
    let read = page(folder.path(), &ALL).unwrap();
    let read: Vec<(u64, &str, &str)> =
        read.records.iter().map(|r| (r.seq, r.kind.as_str(), r.why.as_str())).collect();
    assert_eq!(read, [(3, "decision", "because of 1"), (1, "opened", "")]);
    let mut writer = Writer::open(settings(folder.path(), ROOMY), Box::new(Quick)).unwrap();
    writer.append(&[support::entry(2)]).unwrap();
    drop(writer);
    let report = verify(folder.path(), &[], &[]).unwrap();
    assert_eq!((report.findings, report.records), (vec![], report.last.unwrap().seq));
}

#[test]
fn records_of_a_newer_format_are_refused_by_file_and_stay_as_they_are() {
    let folder = of_format_1();
    let file = add_newer(folder.path());
    let before = files(folder.path());
    let opened = Writer::open(settings(folder.path(), ROOMY), Box::new(Quick));
    let text = opened.map(drop).unwrap_err().to_string();
    let newer = "of version 2, and this version knows up to 1";
    assert!(text.contains(&file) && text.contains(newer), "{text}");
    let last = before[&file].iter().filter(|byte| **byte == b'\n').count();
    for text in [
        verify(folder.path(), &[], &[]).map(drop).unwrap_err().to_string(),
        page(folder.path(), &ALL).map(drop).unwrap_err().to_string(),
        Merged::of(&[folder.path()]).unwrap().find_map(Result::err).unwrap().to_string(),
    ] {
        assert!(text.starts_with(&file) && text.contains(newer), "{text}");
    }
    let text = verify(folder.path(), &[], &[]).map(drop).unwrap_err().to_string();
    assert!(text.starts_with(&format!("{file}:{last}: ")), "{text}");
    assert_eq!(files(folder.path()), before);
}

#[test]
fn whoever_writes_such_a_ledger_tells_why_it_cannot_and_loses_nothing_of_it() {
    let folder = of_format_1();
    let file = add_newer(folder.path());
    let before = files(folder.path());
    let disk = || -> Box<dyn thalweg_ledger::Disk> { Box::new(Quick) };
    let ledger = Ledger::open(settings(folder.path(), ROOMY), Pace::default(), disk).unwrap();
    ledger.append(Entry::of("decision", &serde_json::json!({})));
    let end = Instant::now() + Duration::from_secs(20);
    let fault = loop {
        if let Some(fault) = ledger.condition().fault {
            break fault;
        }
        assert!(Instant::now() < end, "{:?}", ledger.condition());
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(fault.contains(&file), "{fault}");
    drop(ledger);
    assert_eq!(files(folder.path()), before);
}

/// The names of the fields of the first record in a folder, and of what is noted of its end.
fn fields(folder: &Path) -> [Vec<String>; 2] {
    let names = |text: &str| -> Vec<String> {
        let told: serde_json::Value = serde_json::from_str(text).unwrap();
        told.as_object().unwrap().keys().cloned().collect()
    };
    let segment = fs::read_to_string(&support::segments(folder)[0]).unwrap();
    let head = fs::read_to_string(folder.join("head.json")).unwrap();
    [names(segment.lines().next().unwrap()), names(&head)]
}

/// Or it would be another format.
#[test]
fn what_is_written_today_has_the_fields_of_the_first_format() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(settings(folder.path(), ROOMY), Box::new(Quick)).unwrap();
    writer.append(&[support::entry(1)]).unwrap();
    drop(writer);
    assert_eq!(fields(folder.path()), fields(of_format_1().path()));
}
