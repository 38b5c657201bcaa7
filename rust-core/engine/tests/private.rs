//! What an engine leaves on its machine is for its user alone, whatever the mask of the process that it is in lets through.
#![allow(clippy::unwrap_used)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use thalweg_core::model::Observation;
use thalweg_core::units::Timestamp;
use thalweg_engine::Engine;

/// The longest that a thread may take to write.
const LIMIT: Duration = Duration::from_secs(30);

/// All that lies in a folder, itself too, with its kind and mode.
fn modes(folder: &Path) -> Vec<(PathBuf, bool, u32)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        // What is written under another name first may be gone.
        let Ok(about) = fs::symlink_metadata(&path) else { continue };
        if about.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        found.push((path, about.is_dir(), about.permissions().mode() & 0o777));
    }
    found
}

fn looks(folder: &Path) {
    let settings = json!({
        "thalweg.store.dir": folder,
        "thalweg.recording.file": folder.join("recording.jsonl"),
    });
    let engine = Engine::open(&settings.to_string()).unwrap().serve();
    engine.observe(Observation::default(), Timestamp::from_millis(1_000)).unwrap();
    // A thread of its own writes the ledger.
    let begun = Instant::now();
    while !folder.join("ledger/head.json").exists() {
        assert!(begun.elapsed() < LIMIT, "no ledger: {:?}", modes(folder));
        std::thread::sleep(Duration::from_millis(10));
    }
    let names: Vec<_> = modes(folder);
    for wanted in ["status.json", "recording.jsonl", "thalweg.redb", "control.sock", "ledger"] {
        assert!(names.iter().any(|(path, ..)| path.ends_with(wanted)), "{wanted}: {names:?}");
    }
    for (path, is_folder, mode) in names {
        let wanted = if is_folder { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{}: {mode:o}", path.display());
    }
}

/// In one test, as the mask is the process's.
#[test]
fn files_and_folders_are_for_the_engines_user_alone() {
    let place = tempfile::tempdir().unwrap();
    let before = rustix::process::umask(rustix::fs::Mode::empty());
    let made = std::panic::catch_unwind(|| looks(&place.path().join("new/thalweg")));
    rustix::process::umask(before);
    made.unwrap();
    what_others_left_is_not_written_through(place.path());
    what_was_opened_to_others_stays_so(place.path());
}

fn what_others_left_is_not_written_through(place: &Path) {
    let (folder, other) = (place.join("linked"), place.join("others"));
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    fs::write(&other, "another's").unwrap();
    for name in ["status.part", "status.json"] {
        symlink(&other, folder.join(name)).unwrap();
    }
    looks(&folder);
    assert_eq!(fs::read_to_string(&other).unwrap(), "another's");
}

/// Whoever watches the scheduler by its status file may have been let in.
fn what_was_opened_to_others_stays_so(place: &Path) {
    let folder = place.join("opened");
    looks(&folder);
    let status = folder.join("status.json");
    fs::set_permissions(&status, Permissions::from_mode(0o644)).unwrap();
    let engine = Engine::open(&json!({ "thalweg.store.dir": folder }).to_string()).unwrap();
    engine.observe(Observation::default(), Timestamp::from_millis(2_000)).unwrap();
    assert_eq!(fs::metadata(&status).unwrap().permissions().mode() & 0o777, 0o644);
}
