//! The embedded store, with the crashes and the damage that a file meets.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use redb::{ReadableDatabase, ReadableTableMetadata};
use support::{contract, table};
use thalweg_store::{EmbeddedStore, Stamped, Store, StoreError, TERM_SHIFT};

const CHILD_DIR: &str = "THALWEG_STORE_TEST_DIR";

fn open(dir: &Path) -> EmbeddedStore {
    EmbeddedStore::open(dir).unwrap()
}

#[test]
fn keeps_what_every_store_promises() {
    let dir = tempfile::tempdir().unwrap();
    contract::holds(&open(dir.path()));
}

#[test]
fn everything_outlives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.publish(&table("t", 3, 20)).unwrap();
    assert_eq!(store.next_epoch("t", 0), Ok(4));
    store.put_state("k", b"v").unwrap();
    drop(store);

    let store = open(dir.path());
    assert_eq!(store.table("t").unwrap().unwrap().table, table("t", 3, 20));
    assert_eq!(store.next_epoch("t", 0), Ok(5));
    assert_eq!(store.state("k"), Ok(Some(b"v".to_vec())));
}

#[test]
fn terms_come_after_all_that_was_seen() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.publish(&table("t", 7 << TERM_SHIFT, 1)).unwrap();
    assert_eq!(store.begin_term(0), Ok(8));
    store.put_stamped("k", 11, b"v").unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.begin_term(0), Ok(12));
    assert_eq!(store.next_epoch("t", 14), Ok(14 << TERM_SHIFT));
    assert_eq!(store.begin_term(0), Ok(15));
    let kept = Stamped { term: 11, bytes: b"v".to_vec() };
    assert_eq!(store.stamped("k"), Ok(Some(kept)));
}

#[test]
fn topologies_that_went_leave_nothing_but_a_floor() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.publish(&table("stays", 3, 1)).unwrap();
    for n in 1..=50u64 {
        let topology = format!("t{n}");
        let epoch = store.next_epoch(&topology, 0).unwrap();
        assert!(epoch > n - 1, "epochs of new topologies are above those of removed ones");
        store.publish(&table(&topology, epoch, 1)).unwrap();
        store.remove(&topology).unwrap();
    }
    store.next_epoch("never-published", 0).unwrap();
    drop(store);
    drop(open(dir.path()));

    let file = redb::Database::open(dir.path().join("thalweg.redb")).unwrap();
    let epochs = redb::TableDefinition::<&str, u64>::new("epochs");
    let read = file.begin_read().unwrap();
    let left = read.open_table(epochs).unwrap().len().unwrap();
    assert_eq!(left, 0, "nothing is kept of topologies without a table");
    drop((read, file));

    let store = open(dir.path());
    for topology in ["t1", "t50", "never-published", "stays", "new"] {
        let epoch = store.next_epoch(topology, 0).unwrap();
        assert!(epoch > 51, "{topology} got {epoch} again");
    }
}

#[test]
fn a_file_in_use_is_a_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let _held = open(dir.path());
    let refused = EmbeddedStore::open(dir.path()).unwrap_err();
    assert!(matches!(refused, StoreError::Locked(_)), "{refused}");
    assert!(refused.to_string().contains("in use by another process"));
}

#[test]
fn damaged_files_are_errors_and_never_panics() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.publish(&table("t", 1, 400)).unwrap();
    drop(store);
    let file = dir.path().join("thalweg.redb");
    let good = fs::read(&file).unwrap();
    let mut refused = 0;
    // A prime step visits headers, branches and leaves alike.
    for place in (0..good.len()).step_by(40_009) {
        let mut bad = good.clone();
        bad[place] ^= 0x5a;
        fs::write(&file, &bad).unwrap();
        match EmbeddedStore::open(dir.path()) {
            Ok(store) => assert_eq!(store.table("t").unwrap().unwrap().table, table("t", 1, 400)),
            Err(_) => refused += 1,
        }
    }
    for bad in [&good[..good.len() / 2], b"not a database"] {
        fs::write(&file, bad).unwrap();
        refused += u32::from(EmbeddedStore::open(dir.path()).is_err());
    }
    assert!(refused >= 2, "damage must be noticed");
}

#[test]
fn a_killed_writer_leaves_its_last_table_whole() {
    // The writer is this very test in a process of its own.
    if let Some(dir) = std::env::var_os(CHILD_DIR) {
        write_until_killed(Path::new(&dir));
    }
    for round in 0..3 {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_killed_writer_leaves_its_last_table_whole", "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let written = lines.map_while(Result::ok).filter_map(|line| line.parse::<u64>().ok());
        let committed = written.take(10 + 7 * round).last().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();

        let store = open(dir.path());
        let found = store.table("t").unwrap().unwrap().table;
        assert!(found.epoch >= committed, "epoch {} is lost", committed);
        assert_eq!(found, table("t", found.epoch, 200));
        assert!(store.next_epoch("t", 0).unwrap() > found.epoch);
    }
}

fn write_until_killed(dir: &Path) -> ! {
    let store = open(dir);
    println!();
    for epoch in 1.. {
        store.publish(&table("t", epoch, 200)).unwrap();
        println!("{epoch}");
    }
    unreachable!("the parent kills this process long before numbers end")
}
