//! Whatever is done to a ledger's files is found.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use support::{copy, entry, ledger, open, segments};
use thalweg_ledger::{Anchor, Fault, Finding, Limits, PublicKey, Writer, verify};

/// Something that is done to a ledger.
#[derive(Debug, Clone)]
enum Deed {
    /// One bit of a byte is turned.
    Flip { at: f64, bit: u8 },
    /// A record is taken out.
    Remove { line: f64 },
    /// Two records change places.
    Swap { one: f64, other: f64 },
    /// A record stands there once more.
    Double { line: f64, to: f64 },
    /// The end is cut off.
    Truncate { at: f64 },
    /// The oldest segment is taken away.
    Behead,
    /// A segment is taken out.
    Lose { segment: f64 },
    /// The head is taken away.
    LoseHead,
}

fn deeds() -> impl Strategy<Value = Deed> {
    let share = || 0.0..1.0f64;
    prop_oneof![
        (share(), 0..8u8).prop_map(|(at, bit)| Deed::Flip { at, bit }),
        share().prop_map(|line| Deed::Remove { line }),
        (share(), share()).prop_map(|(one, other)| Deed::Swap { one, other }),
        (share(), share()).prop_map(|(line, to)| Deed::Double { line, to }),
        share().prop_map(|at| Deed::Truncate { at }),
        Just(Deed::Behead),
        share().prop_map(|segment| Deed::Lose { segment }),
        Just(Deed::LoseHead),
    ]
}

fn nth(share: f64, of: usize) -> usize {
    ((share * of as f64) as usize).min(of - 1)
}

/// Does it; tells whether anything has changed.
fn done(deed: &Deed, folder: &Path) -> bool {
    let segments = segments(folder);
    let whole: Vec<Vec<u8>> = segments.iter().map(|path| fs::read(path).unwrap()).collect();
    let mut lines: Vec<(usize, Vec<u8>)> = Vec::new();
    for (segment, bytes) in whole.iter().enumerate() {
        let of = bytes.split_inclusive(|byte| *byte == b'\n');
        lines.extend(of.map(|line| (segment, line.to_vec())));
    }
    let before = lines.clone();
    match deed {
        Deed::Flip { at, bit } => {
            let line = nth(*at, lines.len());
            let bytes = &mut lines[line].1;
            let at = nth((at * 7919.0).fract(), bytes.len());
            bytes[at] ^= 1 << bit;
        }
        Deed::Remove { line } => {
            lines.remove(nth(*line, lines.len()));
        }
        Deed::Swap { one, other } => {
            let (one, other) = (nth(*one, lines.len()), nth(*other, lines.len()));
            let kept = lines[one].1.clone();
            lines[one].1 = std::mem::replace(&mut lines[other].1, kept);
        }
        Deed::Double { line, to } => {
            let line = lines[nth(*line, lines.len())].1.clone();
            let to = nth(*to, lines.len());
            lines.insert(to, (lines[to].0, line));
        }
        Deed::Truncate { at } => {
            let line = nth(*at, lines.len());
            let keep = nth((at * 7919.0).fract(), lines[line].1.len());
            lines[line].1.truncate(keep);
            lines.truncate(line + 1);
        }
        Deed::Behead if segments.len() > 1 => lines.retain(|(segment, _)| *segment > 0),
        Deed::Lose { segment } => {
            let lost = nth(*segment, segments.len());
            lines.retain(|(segment, _)| *segment != lost);
        }
        Deed::Behead | Deed::LoseHead => {
            fs::remove_file(folder.join("head.json")).unwrap();
            return true;
        }
    }
    for (segment, path) in segments.iter().enumerate() {
        let of = lines.iter().filter(|(of, _)| *of == segment);
        let bytes: Vec<u8> = of.flat_map(|(_, line)| line.clone()).collect();
        fs::write(path, bytes).unwrap();
    }
    lines != before
}

/// A closed ledger of several segments, the oldest of which may have been dropped.
fn written(records: u64, dropping: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { bytes: if dropping { 150_000 } else { 1 << 20 }, age_ms: 0 };
    let settings = support::settings(folder.path(), limits);
    let mut writer = Writer::open(settings, Box::new(support::Quick)).unwrap();
    for n in 0..records {
        // Long ones, so that there are segments although none is small.
        let mut entry = entry(n);
        entry.why = "y".repeat(6000);
        writer.append(&[entry]).unwrap();
        if n % 5 == 0 {
            writer.checkpoint().unwrap();
            writer.retain(0).unwrap();
        }
    }
    drop(writer);
    folder
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_is_done_to_a_closed_ledger_is_found(
        records in 1..60u64, dropping: bool, deed in deeds(),
    ) {
        let folder = written(records, dropping);
        let path = folder.path();
        let before = verify(path, &[], &[]).unwrap();
        prop_assert!(before.findings.is_empty(), "{:?}", before.findings);
        prop_assert_eq!((before.unsigned, before.unfinished), (0, 0));
        if done(&deed, path) {
            let after = verify(path, &[], &[]).unwrap();
            prop_assert!(!after.findings.is_empty(), "{deed:?} is not found");
        }
    }
}

fn first(folder: &Path) -> Finding {
    verify(folder, &[], &[]).unwrap().findings.remove(0)
}

fn edit(folder: &Path, change: impl FnOnce(&mut Vec<String>)) {
    let path = &segments(folder)[0];
    let text = fs::read_to_string(path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

#[test]
fn the_first_bad_record_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    ledger(folder.path(), 20);
    let file = "00000000000000000001.jsonl";
    let changed = copy(folder.path());
    edit(changed.path(), |lines| lines[4] = lines[4].replace("ann", "bob"));
    let found = first(changed.path());
    assert_eq!(found.place.to_string(), format!("{file}:5"));
    assert!(matches!(found.fault, Fault::Changed { after: 4, .. }), "{found:?}");

    let removed = copy(folder.path());
    edit(removed.path(), |lines| _ = lines.remove(4));
    let found = first(removed.path());
    assert_eq!((found.place.line, found.fault), (5, Fault::Missing { from: 5, to: 5 }));

    let swapped = copy(folder.path());
    edit(swapped.path(), |lines| lines.swap(4, 5));
    assert_eq!(first(swapped.path()).fault, Fault::Missing { from: 5, to: 5 });

    let cut = copy(folder.path());
    edit(cut.path(), |lines| lines.truncate(10));
    let found = first(cut.path());
    assert_eq!(found.place.to_string(), "head.json");
    assert!(matches!(found.fault, Fault::CutOff { from: 11, .. }), "{found:?}");
}

#[test]
fn a_chain_that_was_made_anew_has_no_right_signatures() {
    let folder = tempfile::tempdir().unwrap();
    ledger(folder.path(), 20);
    let key = PublicKey::of_private(&folder.path().join("key")).unwrap();
    let known = verify(folder.path(), std::slice::from_ref(&key), &[]).unwrap();
    assert!(known.findings.is_empty());
    assert_eq!(known.key.clone().unwrap(), (key.clone(), true));
    // Somebody writes all of it anew, with a key of his own.
    let forged = tempfile::tempdir().unwrap();
    support::key(forged.path(), 'f');
    ledger(forged.path(), 20);
    assert!(verify(forged.path(), &[], &[]).unwrap().findings.is_empty(), "it is whole in itself");
    let found = verify(forged.path(), &[key], &[]).unwrap().findings.remove(0);
    assert!(matches!(found.fault, Fault::OtherKey { .. }), "{found:?}");
    // A hash that was noted elsewhere tells it without any key.
    let noted = known.last.unwrap();
    let found = verify(forged.path(), &[], std::slice::from_ref(&noted)).unwrap().findings;
    assert_eq!(found[0].fault, Fault::NotThatRecord { seq: noted.seq });
}

#[test]
fn an_old_state_that_was_put_back_is_found_by_what_was_noted_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    ledger(folder.path(), 5);
    let old = copy(folder.path());
    let mut writer = open(folder.path());
    writer.append(&[entry(9)]).unwrap();
    let (seq, hash) = writer.head();
    let noted = Anchor { seq, hash: hash.to_owned() };
    drop(writer);
    assert!(verify(folder.path(), &[], std::slice::from_ref(&noted)).unwrap().findings.is_empty());
    assert!(verify(old.path(), &[], &[]).unwrap().findings.is_empty());
    let found = verify(old.path(), &[], &[noted]).unwrap().findings.remove(0);
    assert!(matches!(found.fault, Fault::CutOff { .. }), "{found:?}");
}

#[test]
fn a_writer_does_not_hide_that_the_end_was_cut_off_before_it_began() {
    let folder = tempfile::tempdir().unwrap();
    ledger(folder.path(), 20);
    edit(folder.path(), |lines| lines.truncate(10));
    ledger(folder.path(), 5);
    let found = first(folder.path());
    assert!(matches!(found.fault, Fault::Missing { from: 11, .. }), "{found:?}");
}
