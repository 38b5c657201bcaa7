//! The store with a journal in front of Redis, through outages and competing writers.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use support::server::RedisServer;
use support::{contract, table, wait_until};
use thalweg_store::{
    BackedStore, EmbeddedStore, Pace, Published, Reach, RedisStore, Store, StoreError,
    StoreSettings,
};

const LONG: Duration = Duration::from_secs(20);

fn pace() -> Pace {
    Pace {
        attempts: 3,
        base: Duration::from_millis(10),
        cap: Duration::from_millis(100),
        seed: 1,
        refresh: Duration::from_millis(200),
        queue_limit: 100,
    }
}

fn backed_with(settings: &StoreSettings, dir: &Path, pace: Pace) -> BackedStore {
    let primary = Arc::new(RedisStore::new(settings).unwrap());
    let journal = EmbeddedStore::open(dir).unwrap();
    let store = BackedStore::new(primary, journal, pace).unwrap();
    store.wait_until_settled(LONG);
    store
}

fn backed(server: &RedisServer, journal: &str) -> BackedStore {
    backed_with(&server.settings(), &server.file(journal), pace())
}

fn epoch_there(direct: &RedisStore, topology: &str) -> Option<u64> {
    direct.head(topology).unwrap().map(|head| head.epoch)
}

#[test]
fn keeps_what_every_store_promises() {
    let server = RedisServer::start();
    let store = backed(&server, "journal");
    contract::holds(&store);
    wait_until("everything is in Redis", || store.health().counters.queue_len == 0);
    let direct = RedisStore::open(&server.settings()).unwrap();
    assert_eq!(direct.tables(), Ok(vec!["fenced".to_owned()]));
    assert_eq!(direct.state("model/b"), Ok(Some(vec![])));
}

#[test]
fn a_published_table_reaches_redis() {
    let server = RedisServer::start();
    let store = thalweg_store::open(&server.settings()).unwrap();
    assert_eq!(store.publish_and_wait(&table("t", 1, 50), LONG), Ok(Published::Primary));
    assert_eq!(store.health().reach, Reach::Up);
    let direct = RedisStore::open(&server.settings()).unwrap();
    assert_eq!(direct.table("t").unwrap().unwrap().table, table("t", 1, 50));
}

#[test]
fn nothing_is_lost_when_redis_is_killed_and_comes_back_empty() {
    let mut server = RedisServer::start();
    let store = backed(&server, "journal");
    assert_eq!(store.publish_and_wait(&table("calm", 1, 50), LONG), Ok(Published::Primary));
    server.kill();

    let deadline = Duration::from_secs(5);
    for epoch in 1..=20 {
        let begun = Instant::now();
        let got = store.publish_and_wait(&table("busy", epoch, 50), deadline);
        assert!(matches!(got, Ok(Published::Journal(_))), "{got:?}");
        assert!(begun.elapsed() < deadline, "down must be noticed before the deadline");
        assert_eq!(store.table("busy").unwrap().unwrap().table.epoch, epoch);
    }
    store.put_state("model", b"learned").unwrap();
    let health = store.health();
    assert!(matches!(&health.reach, Reach::Down(reason) if reason.contains("out of reach")));
    assert_eq!((health.counters.failures, health.counters.queue_len), (1, 2), "newest wins");

    server.restart();
    wait_until("the journal is replayed", || {
        store.health().reach == Reach::Up && store.health().counters.queue_len == 0
    });
    let direct = RedisStore::open(&server.settings()).unwrap();
    assert_eq!(direct.table("calm").unwrap().unwrap().table, table("calm", 1, 50));
    assert_eq!(direct.table("busy").unwrap().unwrap().table, table("busy", 20, 50));
    assert_eq!(direct.state("model"), Ok(Some(b"learned".to_vec())));
    let counters = store.health().counters;
    assert_eq!((counters.published, counters.replayed), (3, 1));
    assert!(counters.retries >= 2);
}

#[test]
fn a_process_that_starts_during_an_outage_replays_its_journal_later() {
    let mut server = RedisServer::start();
    server.kill();
    let settings = server.settings();
    let first = backed(&server, "journal");
    assert!(matches!(first.health().reach, Reach::Down(_)));
    first.publish(&table("t", 4, 10)).unwrap();
    drop(first);

    let second = backed_with(&settings, &server.file("journal"), pace());
    assert_eq!(second.table("t").unwrap().unwrap().table, table("t", 4, 10));
    assert_eq!(second.next_epoch("t", 0), Ok(5));
    server.restart();
    let direct = RedisStore::open(&settings).unwrap();
    wait_until("the table is in Redis", || epoch_there(&direct, "t") == Some(4));
}

#[test]
fn a_frozen_redis_holds_no_call_beyond_its_deadline() {
    let server = RedisServer::start();
    let settings = StoreSettings { timeout: Duration::from_millis(500), ..server.settings() };
    let store = backed_with(&settings, &server.file("journal"), pace());
    server.freeze();
    let begun = Instant::now();
    let got = store.publish_and_wait(&table("t", 1, 50), Duration::from_millis(100));
    assert_eq!(got, Ok(Published::Journal("no answer within 100 ms".into())));
    assert_eq!(store.table("t").unwrap().unwrap().table.epoch, 1);
    assert!(begun.elapsed() < Duration::from_millis(400), "{:?}", begun.elapsed());
    drop(store);
    assert!(begun.elapsed() < Duration::from_secs(5), "stopping took {:?}", begun.elapsed());
}

#[test]
fn the_older_of_two_writers_is_fenced_and_learns() {
    let server = RedisServer::start();
    let old = backed_with(
        &server.settings(),
        &server.file("old"),
        Pace { refresh: Duration::from_secs(3600), ..pace() },
    );
    let new = backed(&server, "new");
    assert_eq!(new.publish_and_wait(&table("t", 9, 5), LONG), Ok(Published::Primary));

    let refused = old.publish_and_wait(&table("t", 3, 6), LONG).unwrap_err();
    let topology = "t".to_owned();
    assert_eq!(refused, StoreError::Fenced { topology, stored: 9, got: 3 });
    assert_eq!(old.health().counters.fenced, 1);
    assert_eq!(old.table("t").unwrap().unwrap().table, table("t", 9, 5));
    let next = old.next_epoch("t", 0).unwrap();
    assert!(next > 9, "{next}");
    assert_eq!(old.publish_and_wait(&table("t", next, 6), LONG), Ok(Published::Primary));
}

#[test]
fn a_standby_follows_and_does_not_bring_back_what_was_removed() {
    let server = RedisServer::start();
    let (leader, standby) = (backed(&server, "leader"), backed(&server, "standby"));
    for epoch in [1, 2] {
        let newest = table("t", epoch, 3 + epoch as u32);
        leader.publish(&newest).unwrap();
        wait_until("the standby has it, whole", || {
            standby.table("t").unwrap().is_some_and(|loaded| loaded.table == newest)
        });
    }
    assert_eq!(standby.state("model"), Ok(None));
    leader.put_state("model", b"learned").unwrap();
    wait_until("the standby has learned", || {
        standby.state("model") == Ok(Some(b"learned".to_vec()))
    });
    leader.remove("t").unwrap();
    wait_until("the standby has forgotten", || standby.table("t").unwrap().is_none());
    assert_eq!(leader.health().counters.replayed, 0);
    assert_eq!(standby.health().counters.published, 0);
}

#[test]
fn one_spoiled_table_does_not_stop_the_others() {
    let server = RedisServer::start();
    let mut link = server.connection();
    redis::cmd("SET").arg("thalweg:{bad}:meta").arg("text").query::<String>(&mut link).unwrap();
    let store = backed(&server, "journal");
    let got = store.publish_and_wait(&table("bad", 1, 5), LONG);
    assert!(matches!(&got, Ok(Published::Journal(why)) if why.contains("WRONGTYPE")), "{got:?}");
    assert_eq!(store.publish_and_wait(&table("good", 1, 5), LONG), Ok(Published::Primary));
}

#[test]
fn a_full_queue_leaves_writes_in_the_journal_and_catches_up() {
    let mut server = RedisServer::start();
    server.kill();
    let narrow = Pace { queue_limit: 2, ..pace() };
    let store = backed_with(&server.settings(), &server.file("journal"), narrow);
    for name in ["a", "b", "c", "d"] {
        store.publish(&table(name, 1, 3)).unwrap();
    }
    let counters = store.health().counters;
    assert_eq!((counters.queue_len, counters.overflowed), (2, 2));
    server.restart();
    let direct = RedisStore::open(&server.settings()).unwrap();
    wait_until("all tables are in Redis", || direct.tables().unwrap().len() == 4);
    wait_until("the last is whole", || epoch_there(&direct, "d") == Some(1));
}

#[test]
fn stopping_hands_over_what_waits() {
    let server = RedisServer::start();
    let store = backed(&server, "journal");
    for n in 0..20 {
        store.publish(&table(&format!("t{n}"), 1, 20)).unwrap();
    }
    drop(store);
    let direct = RedisStore::open(&server.settings()).unwrap();
    assert_eq!(direct.tables().unwrap().len(), 20);
}
