//! A process that is killed at any byte, and a disk that is full: nothing whole is lost, and what is missing is told.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs::{self, OpenOptions};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use support::{ROOMY, Small, copy, entry, ledger, numbers, open, segments, settings};
use thalweg_ledger::{Condition, Files, Ledger, Limits, Pace, Writer, verify};

#[test]
fn a_ledger_that_was_cut_at_any_byte_keeps_all_whole_records() {
    let folder = tempfile::tempdir().unwrap();
    ledger(folder.path(), 3);
    // What a kill leaves: records behind the last checkpoint, the last of them in part.
    let before = fs::metadata(&segments(folder.path())[0]).unwrap().len();
    let mut writer = open(folder.path());
    writer.append(&[entry(10), entry(11), entry(12)]).unwrap();
    let killed = copy(folder.path());
    drop(writer);
    let whole = fs::read(&segments(killed.path())[0]).unwrap();
    let signed = whole.len() - whole[usize::try_from(before).unwrap()..].len();
    // The records that were written at the opening are signed, so the cuts begin behind them.
    let signed_lines = whole[signed..].split_inclusive(|b| *b == b'\n').take(2);
    let begin = signed + signed_lines.map(<[u8]>::len).sum::<usize>();
    for cut in begin..=whole.len() {
        let folder = copy(killed.path());
        let path = &segments(folder.path())[0];
        OpenOptions::new().write(true).open(path).unwrap().set_len(cut as u64).unwrap();
        let live = verify(folder.path(), &[], &[]).unwrap();
        assert!(live.findings.is_empty(), "cut at {cut}: {:?}", live.findings);
        let mut expected = numbers(folder.path());
        let lines = whole[begin..cut].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(expected, [vec![0, 1, 2], (10..10 + lines as u64).collect()].concat());
        let mut writer = open(folder.path());
        writer.append(&[entry(20)]).unwrap();
        drop(writer);
        expected.push(20);
        assert_eq!(numbers(folder.path()), expected, "cut at {cut}");
        let report = verify(folder.path(), &[], &[]).unwrap();
        assert!(report.findings.is_empty(), "cut at {cut}: {:?}", report.findings);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn after_any_cut_of_any_ledger_it_goes_on_behind_the_last_whole_record(
        records in 0..30u64, cut in 0.0..1.0f64,
    ) {
        let folder = tempfile::tempdir().unwrap();
        ledger(folder.path(), records);
        let path = segments(folder.path()).pop().unwrap();
        let len = fs::metadata(&path).unwrap().len();
        let cut = (len as f64 * cut) as u64;
        OpenOptions::new().write(true).open(&path).unwrap().set_len(cut).unwrap();
        let mut kept = numbers(folder.path());
        ledger(folder.path(), 1);
        kept.push(0);
        prop_assert_eq!(numbers(folder.path()), kept);
        // The head had told of more.
        prop_assert!(!verify(folder.path(), &[], &[]).unwrap().findings.is_empty());
    }
}

#[test]
fn a_disk_that_fills_up_at_any_byte_leaves_a_whole_ledger() {
    let size = |folder: &std::path::Path| {
        segments(folder).iter().map(|path| fs::metadata(path).unwrap().len()).sum::<u64>()
    };
    let folder = tempfile::tempdir().unwrap();
    ledger(folder.path(), 2);
    let one = size(folder.path());
    for room in (0..one).step_by(7) {
        let disk = Small::of(room);
        let folder = tempfile::tempdir().unwrap();
        let opened = Writer::open(settings(folder.path(), ROOMY), Box::new(disk.clone()));
        let mut written = Vec::new();
        if let Ok(mut writer) = opened {
            for n in 0..3 {
                if writer.append(&[entry(n)]).is_ok() {
                    written.push(n);
                }
            }
            disk.0.store(1 << 20, Ordering::SeqCst);
            writer.append(&[entry(3)]).unwrap();
            written.push(3);
        }
        ledger(folder.path(), 0);
        assert_eq!(numbers(folder.path()), written, "room for {room}");
        let report = verify(folder.path(), &[], &[]).unwrap();
        assert!(report.findings.is_empty(), "room for {room}: {:?}", report.findings);
    }
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(Instant::now() < end, "not in time: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn while_the_disk_is_full_nobody_waits_and_the_gap_is_told_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Small::of(4000);
    let pace = Pace { retry: Duration::from_millis(1), ..Pace::default() };
    let small = disk.clone();
    let settings = settings(folder.path(), ROOMY);
    let ledger = Ledger::open(settings, pace, move || Box::new(small.clone())).unwrap();
    // More than may wait.
    let begun = Instant::now();
    for n in 0..6000 {
        ledger.append(entry(n));
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    until("the fault", || ledger.condition().fault.is_some());
    let Condition { lost, fault, .. } = ledger.condition();
    assert!(lost > 0 && fault.is_some(), "{lost} {fault:?}");
    disk.0.store(1 << 30, Ordering::SeqCst);
    assert!(ledger.settle(Duration::from_secs(20)));
    ledger.append(entry(7000));
    until("it is written again", || ledger.condition().fault.is_none());
    let lost = ledger.condition().lost;
    drop(ledger);
    let report = verify(folder.path(), &[], &[]).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(report.gaps.iter().map(|(_, lost, _)| lost).sum::<u64>(), lost);
    let kept = numbers(folder.path());
    assert_eq!(kept.len() as u64 + lost, 6001);
    assert!(kept.is_sorted() && kept.last() == Some(&7000));
}

#[test]
fn a_folder_that_cannot_be_made_is_told_once_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("ledger");
    fs::write(&place, "in the way").unwrap();
    let pace = Pace { retry: Duration::from_millis(1), ..Pace::default() };
    let ledger = Ledger::open(settings(&place, ROOMY), pace, || Box::new(Files)).unwrap();
    ledger.append(entry(1));
    until("the fault", || ledger.condition().failures > 2);
    assert!(ledger.condition().fault.unwrap().contains("ledger: "));
    fs::remove_file(&place).unwrap();
    assert!(ledger.settle(Duration::from_secs(20)));
    drop(ledger);
    assert_eq!(numbers(&place), [1]);
}

#[test]
fn nobody_else_may_write_or_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("ledger");
    let first = Writer::open(settings(&place, ROOMY), Box::new(Files)).unwrap();
    let second = Writer::open(settings(&place, ROOMY), Box::new(Files));
    assert!(second.is_err_and(|error| error.to_string().contains("another process")));
    drop(first);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place), 0o700);
    for file in fs::read_dir(&place).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

/// Names the folder to a process that writes to it until it is killed.
const CHILD: &str = "THALWEG_LEDGER_CHILD";

/// What that process does; nothing where no folder is named.
#[test]
fn a_process_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let quick = Duration::from_millis(1);
    let pace = Pace { retry: quick, checkpoint: quick * 5, retention: quick * 20 };
    let limits = Limits { bytes: 400_000, age_ms: 0 };
    let settings = settings(folder.as_ref(), limits);
    let ledger = Ledger::open(settings, pace, || Box::new(Files)).unwrap();
    for n in 0.. {
        ledger.append(entry(n));
        if n % 50 == 0 {
            ledger.settle(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_process_that_is_killed_again_and_again_leaves_a_whole_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let newest = || thalweg_ledger::verify(folder.path(), &[], &[]).ok()?.last.map(|last| last.seq);
    let mut last = 0;
    for round in 0..12 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_process_writes_until_it_is_killed"])
            .env(CHILD, folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        until("it has written", || newest().is_some_and(|seq| seq > last + 150 * (round % 4 + 1)));
        child.kill().unwrap();
        child.wait().unwrap();
        let report = verify(folder.path(), &[], &[]).unwrap();
        assert!(report.findings.is_empty(), "round {round}: {:?}", report.findings);
        last = report.last.unwrap().seq;
    }
}

/// Names the folder with a small disk of its own to the process that fills it.
const SMALL_DISK: &str = "THALWEG_LEDGER_SMALL_DISK";
/// Half of the disk is taken by something else at first.
const DISK_KIB: usize = 512;

/// What that process does; nothing where no folder is named.
#[test]
fn a_process_fills_a_disk_until_somebody_makes_room() {
    let Some(disk) = std::env::var_os(SMALL_DISK).map(std::path::PathBuf::from) else { return };
    let (other, folder) = (disk.join("other"), disk.join("ledger"));
    fs::write(&other, vec![0; DISK_KIB * 1024 / 2]).unwrap();
    let pace = Pace { retry: Duration::from_millis(1), ..Pace::default() };
    let ledger = Ledger::open(settings(&folder, ROOMY), pace, || Box::new(Files)).unwrap();
    let mut appended = 0;
    let full = |ledger: &Ledger| ledger.condition().fault.is_some();
    while !full(&ledger) {
        assert!(appended < 100_000, "it is never full");
        ledger.append(entry(appended));
        appended += 1;
        // Or what waits for the disk would be dropped long before that is full.
        if appended % 50 == 0 {
            until("it is written or cannot be", || {
                ledger.settle(Duration::from_millis(1)) || full(&ledger)
            });
        }
    }
    let fault = ledger.condition().fault.unwrap();
    assert!(fault.to_lowercase().contains("no space left"), "{fault}");
    let report = verify(&folder, &[], &[]).unwrap();
    assert!(report.findings.is_empty(), "while it is full: {:?}", report.findings);
    fs::remove_file(other).unwrap();
    assert!(ledger.settle(Duration::from_secs(20)));
    ledger.append(entry(appended));
    until("it is written again", || ledger.condition().fault.is_none());
    drop(ledger);
    let report = verify(&folder, &[], &[]).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(numbers(&folder), (0..=appended).collect::<Vec<_>>(), "nothing is lost");
}

#[test]
fn a_real_disk_that_is_full_loses_nothing_that_can_wait() {
    let folder = tempfile::tempdir().unwrap();
    // The disk is seen by that process alone, and gone with it.
    let mounted = r#"mount -t tmpfs -o size="$1"k none "$2" && exec "$3" --exact "$4""#;
    let done = std::process::Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            mounted,
            "sh",
            &DISK_KIB.to_string(),
        ])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .arg("a_process_fills_a_disk_until_somebody_makes_room")
        .env(SMALL_DISK, folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && told.contains("1 passed"), "{told}{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "it was that disk");
}
