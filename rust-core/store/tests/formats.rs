//! What an older version wrote is read, and what a newer one wrote is refused and stays as it is.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use support::server::RedisServer;
use support::{table, wait_until};
use thalweg_store::{
    BackedStore, EmbeddedStore, Mailbox, Pace, Reach, RedisStore, Stamped, Store, open,
};

/// The tables of the file, as its format has them; told once more here, so that no change of them goes unnoticed.
const TABLES: TableDefinition<&str, &[u8]> = TableDefinition::new("tables");
const HEADS: TableDefinition<&str, (u64, &str)> = TableDefinition::new("heads");
const EPOCHS: TableDefinition<&str, u64> = TableDefinition::new("epochs");
const STATE: TableDefinition<&str, &[u8]> = TableDefinition::new("state");
const STAMPED: TableDefinition<&str, (u64, u64, &[u8])> = TableDefinition::new("stamped");
const NUMBERS: TableDefinition<&str, u64> = TableDefinition::new("numbers");

/// What `fixtures/format-1.json` holds of one topology: its table in stored form, with the head beside it.
const FIXTURE: &str = include_str!("fixtures/format-1.json");

fn fixture() -> serde_json::Value {
    serde_json::from_str(FIXTURE).unwrap()
}

/// A file of before formats were counted, written table by table.
fn plant(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    let database = Database::create(dir.join("thalweg.redb")).unwrap();
    let write = database.begin_write().unwrap();
    let kept = fixture();
    let text = |place: &str| kept.pointer(place).unwrap().as_str().unwrap();
    let stored = kept["table"].to_string();
    write.open_table(TABLES).unwrap().insert("t", stored.as_bytes()).unwrap();
    let epoch: u64 = text("/table/meta/epoch").parse().unwrap();
    write.open_table(HEADS).unwrap().insert("t", (epoch, text("/table/meta/digest"))).unwrap();
    write.open_table(EPOCHS).unwrap().insert("t", epoch).unwrap();
    write.open_table(STATE).unwrap().insert("k", b"v".as_slice()).unwrap();
    let seq = (7 << 20) + 1;
    write.open_table(STAMPED).unwrap().insert("s", (3, seq, b"w".as_slice())).unwrap();
    write.open_table(NUMBERS).unwrap().insert("term", 3).unwrap();
    write.open_table(NUMBERS).unwrap().insert("writer", 7).unwrap();
    write.commit().unwrap();
}

fn number(dir: &Path, name: &str) -> Option<u64> {
    let database = Database::create(dir.join("thalweg.redb")).unwrap();
    let read = database.begin_read().unwrap();
    let numbers = read.open_table(NUMBERS).unwrap();
    numbers.get(name).unwrap().map(|number| number.value())
}

fn set_number(dir: &Path, name: &str, value: u64) {
    let database = Database::create(dir.join("thalweg.redb")).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(NUMBERS).unwrap().insert(name, value).unwrap();
    write.commit().unwrap();
}

fn assert_is_the_fixture(store: &dyn Store) {
    let loaded = store.table("t").unwrap().unwrap();
    assert_eq!((loaded.table, loaded.dropped.len()), (table("t", 5, 2), 0));
    assert_eq!(store.state("k"), Ok(Some(b"v".to_vec())));
    let bytes = b"w".to_vec();
    assert_eq!(store.stamped("s"), Ok(Some(Stamped { term: 3, bytes })));
}

#[test]
fn a_file_of_before_formats_were_counted_is_read_and_is_of_the_first_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    plant(dir.path());
    assert_is_the_fixture(&EmbeddedStore::open(dir.path()).unwrap());
    assert_eq!(number(dir.path(), "format"), Some(1));
    assert_is_the_fixture(&EmbeddedStore::open(dir.path()).unwrap());
}

#[test]
fn a_table_is_stored_as_the_fixture_has_it() {
    let stored = thalweg_store::Stored::of(&table("t", 5, 2));
    assert_eq!(serde_json::to_value(stored).unwrap(), fixture()["table"]);
}

#[test]
fn a_file_of_a_newer_format_is_refused_by_name_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    plant(dir.path());
    set_number(dir.path(), "format", 2);
    let before = contents(dir.path());
    let error = EmbeddedStore::open(dir.path()).unwrap_err();
    assert_eq!(error.code(), "STORE_NEWER");
    let text = error.to_string();
    let file = dir.path().join("thalweg.redb").display().to_string();
    assert!(text.starts_with(&format!("{file} is of format 2, ")), "{text}");
    assert!(text.contains("reads up to 1"), "{text}");
    assert_eq!(contents(dir.path()), before);
}

/// Everything in the file, as text.
fn contents(dir: &Path) -> Vec<String> {
    let database = Database::create(dir.join("thalweg.redb")).unwrap();
    let read = database.begin_read().unwrap();
    let mut all = Vec::new();
    for entry in read.open_table(TABLES).unwrap().iter().unwrap() {
        let (key, value) = entry.unwrap();
        all.push(format!("{} {:?}", key.value(), value.value()));
    }
    for entry in read.open_table(STAMPED).unwrap().iter().unwrap() {
        let (key, value) = entry.unwrap();
        all.push(format!("{} {:?}", key.value(), value.value()));
    }
    for entry in read.open_table(STATE).unwrap().iter().unwrap() {
        let (key, value) = entry.unwrap();
        all.push(format!("{} {:?}", key.value(), value.value()));
    }
    for entry in read.open_table(NUMBERS).unwrap().iter().unwrap() {
        let (key, value) = entry.unwrap();
        all.push(format!("{} {}", key.value(), value.value()));
    }
    all
}

/// Keys of a Redis of before formats were counted.
fn plant_redis(link: &mut redis::Connection) {
    let kept = fixture();
    for (part, map) in [("meta", "meta"), ("C", "components"), ("N", "nodes"), ("P", "ports")] {
        for (field, value) in kept["table"][map].as_object().unwrap() {
            let mut set = redis::cmd("HSET");
            set.arg(format!("thalweg:{{t}}:{part}")).arg(field).arg(value.as_str().unwrap());
            set.exec(link).unwrap();
        }
    }
    redis::cmd("SADD").arg("thalweg:topologies").arg("t").exec(link).unwrap();
    redis::cmd("SET").arg("thalweg:term").arg(3).exec(link).unwrap();
    let stamp = format!("3 {} w", (7 << 20) + 1);
    redis::cmd("HSET").arg("thalweg:stamped").arg("s").arg(stamp).exec(link).unwrap();
    redis::cmd("HSET").arg("thalweg:state").arg("k").arg("v").exec(link).unwrap();
}

fn all_of(link: &mut redis::Connection) -> BTreeMap<String, Vec<u8>> {
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(link).unwrap();
    let dump = |key: String| {
        let bytes = redis::cmd("DUMP").arg(&key).query(link).unwrap();
        (key, bytes)
    };
    keys.into_iter().map(dump).collect()
}

#[test]
fn keys_of_before_formats_were_counted_are_read_and_are_of_the_first_from_then_on() {
    let server = RedisServer::start();
    let mut link = server.connection();
    plant_redis(&mut link);
    let store = open(&server.settings()).unwrap();
    wait_until("both sides are compared", || store.state("k").unwrap().is_some());
    assert_is_the_fixture(store.as_ref());
    let format: String = redis::cmd("GET").arg("thalweg:format").query(&mut link).unwrap();
    assert_eq!(format, "1");
}

#[test]
fn an_older_format_is_raised_by_the_version_that_reads_both() {
    let server = RedisServer::start();
    let mut link = server.connection();
    plant_redis(&mut link);
    redis::cmd("SET").arg("thalweg:format").arg("0").exec(&mut link).unwrap();
    let store = open(&server.settings()).unwrap();
    wait_until("both sides are compared", || store.state("k").unwrap().is_some());
    let format: String = redis::cmd("GET").arg("thalweg:format").query(&mut link).unwrap();
    assert_eq!(format, "1");
}

#[test]
fn a_redis_of_a_newer_format_is_refused_by_key_and_stays_as_it_is() {
    let server = RedisServer::start();
    let mut link = server.connection();
    plant_redis(&mut link);
    redis::cmd("SET").arg("thalweg:format").arg("2").exec(&mut link).unwrap();
    let before = all_of(&mut link);
    let error = open(&server.settings()).map(drop).unwrap_err();
    assert_eq!(error.code(), "STORE_NEWER");
    let text = error.to_string();
    assert!(text.starts_with("thalweg:format at ") && text.contains("is of format 2, "), "{text}");
    let store = RedisStore::new(&server.settings()).unwrap();
    for refused in [
        store.publish(&table("t", 9, 3)).unwrap_err(),
        store.put_stamped("s", 9, b"x").unwrap_err(),
        store.put_state("k", b"x").unwrap_err(),
        store.begin_term(9).unwrap_err(),
        store.remove("t").unwrap_err(),
    ] {
        assert_eq!(refused.code(), "STORE_NEWER");
    }
    assert_eq!(all_of(&mut link), before);
    // Requests and answers have a version in each.
    let mailbox = Mailbox::new(&server.settings()).unwrap();
    mailbox.post(b"{}").unwrap();
}

#[test]
fn who_runs_while_a_newer_version_takes_the_redis_over_writes_there_no_more() {
    let server = RedisServer::start();
    let mut link = server.connection();
    let pace = Pace { refresh: Duration::from_millis(20), ..Pace::default() };
    let settings = server.settings();
    let journal = EmbeddedStore::open(&settings.dir).unwrap();
    let primary = RedisStore::new(&settings).unwrap();
    let store = BackedStore::new(primary.into(), journal, pace).unwrap();
    store.put_stamped_and_wait("s", 1, b"old", Duration::from_secs(20)).unwrap();
    redis::cmd("SET").arg("thalweg:format").arg("2").exec(&mut link).unwrap();
    let told = |reach: Reach| matches!(reach, Reach::Down(why) if why.contains("format 2"));
    wait_until("it has seen that", || told(store.health().reach));
    // Whoever would take over here does not lead, and reads nothing of it into a file of its own.
    for refused in [
        store.begin_shared_term(0).map(drop).unwrap_err(),
        store.begin_term(0).map(drop).unwrap_err(),
        store.stamped("s").map(drop).unwrap_err(),
    ] {
        assert_eq!(refused.code(), "STORE_NEWER");
    }
    let before = all_of(&mut link);
    store.put_stamped("s", 1, b"later").unwrap();
    store.publish(&table("t", 9, 3)).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(all_of(&mut link), before);
    // It is safe in the journal, and follows if the newer one is taken back.
    redis::cmd("SET").arg("thalweg:format").arg("1").exec(&mut link).unwrap();
    wait_until("all of it is there", || {
        let kept: Vec<u8> =
            redis::cmd("HGET").arg("thalweg:stamped").arg("s").query(&mut link).unwrap();
        kept.ends_with(b"later")
    });
}
