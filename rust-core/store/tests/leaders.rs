//! Leaders that take over from each other over Redis, and Redis losing what it had.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use support::server::RedisServer;
use support::{table, wait_until};
use thalweg_store::{
    BackedStore, EmbeddedStore, Pace, Published, RedisStore, RoutingTable, Stamped, Store,
    StoreError, StoreSettings, TERM_SHIFT,
};

const LONG: Duration = Duration::from_secs(20);
const HOUR: Duration = Duration::from_secs(3600);

fn pace(refresh: Duration) -> Pace {
    Pace {
        attempts: 3,
        base: Duration::from_millis(5),
        cap: Duration::from_millis(50),
        seed: 1,
        refresh,
        queue_limit: 100,
    }
}

fn open(settings: &StoreSettings, journal: &std::path::Path, refresh: Duration) -> BackedStore {
    let primary = Arc::new(RedisStore::new(settings).unwrap());
    let journal = EmbeddedStore::open(journal).unwrap();
    let store = BackedStore::new(primary, journal, pace(refresh)).unwrap();
    store.wait_until_settled(LONG);
    store
}

/// A store that looks at Redis often.
fn lively(server: &RedisServer, journal: &str) -> BackedStore {
    open(&server.settings(), &server.file(journal), Duration::from_millis(50))
}

/// A store that has looked at Redis once and will not again unless it has to: one that is paused.
fn drowsy(server: &RedisServer, journal: &str) -> BackedStore {
    open(&server.settings(), &server.file(journal), HOUR)
}

fn direct(server: &RedisServer) -> RedisStore {
    RedisStore::open(&server.settings()).unwrap()
}

fn run(server: &RedisServer, command: &[&str]) {
    let mut link = server.connection();
    redis::cmd(command[0]).arg(&command[1..]).query::<redis::Value>(&mut link).unwrap();
}

fn last_term(server: &RedisServer) -> Option<u64> {
    redis::cmd("GET").arg("thalweg:term").query(&mut server.connection()).unwrap()
}

fn kept(term: u64, bytes: &str) -> Option<Stamped> {
    Some(Stamped { term, bytes: bytes.into() })
}

/// What the journal of a closed store has under a key.
fn in_journal(server: &RedisServer, journal: &str, key: &str) -> Option<Stamped> {
    EmbeddedStore::open(&server.file(journal)).unwrap().stamped(key).unwrap()
}

fn table_in(store: &dyn Store, topology: &str) -> Option<RoutingTable> {
    let loaded = store.table(topology).ok()??;
    loaded.dropped.is_empty().then_some(loaded.table)
}

fn until_sent(store: &BackedStore) {
    wait_until("all is in Redis", || store.health().counters.queue_len == 0);
}

#[test]
fn a_term_is_above_all_given_anywhere_through_loss_and_outage() {
    let mut server = RedisServer::start();
    let (first, second) = (lively(&server, "first"), lively(&server, "second"));
    assert_eq!(first.begin_term(0), Ok(1));
    assert_eq!(second.begin_term(0), Ok(2));
    assert_eq!(first.begin_term(2), Ok(3));

    run(&server, &["FLUSHALL"]);
    wait_until("a journal has brought the number back", || last_term(&server) == Some(3));
    assert_eq!(second.begin_term(0), Ok(4));

    server.kill();
    assert_eq!(first.begin_term(14), Ok(14), "the journal gives terms during an outage");
    server.restart();
    wait_until("Redis knows of that term", || last_term(&server) == Some(14));
    assert_eq!(second.begin_term(0), Ok(15));
    drop(first);
    assert_eq!(lively(&server, "first").begin_term(0), Ok(16));
}

#[test]
fn taking_over_waits_for_a_frozen_redis_only_so_long() {
    let server = RedisServer::start();
    let settings = StoreSettings { timeout: Duration::from_millis(200), ..server.settings() };
    let store = open(&settings, &server.file("journal"), Duration::from_millis(50));
    assert_eq!(store.begin_term(0), Ok(1));
    store.put_stamped("action", 1, b"mine").unwrap();
    until_sent(&store);
    server.freeze();
    let begun = Instant::now();
    assert_eq!(store.begin_term(0), Ok(2));
    assert_eq!(store.stamped("action"), Ok(kept(1, "mine")));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn a_successor_sees_what_its_predecessor_stamped_last() {
    let server = RedisServer::start();
    let leader = lively(&server, "leader");
    for bytes in ["first", "second", "third"] {
        let got = leader.put_stamped_and_wait("action", 4, bytes.as_bytes(), LONG);
        assert_eq!(got, Ok(Published::Primary));
        drop(lively(&server, "standby"));
        assert_eq!(in_journal(&server, "standby", "action"), kept(4, bytes));
    }
    drop(leader);
    let successor = drowsy(&server, "elsewhere");
    assert_eq!(successor.stamped("action"), Ok(kept(4, "third")));
    successor.put_stamped_and_wait("action", 5, b"", LONG).unwrap();
    assert_eq!(direct(&server).stamped("action"), Ok(kept(5, "")), "forgotten, the term is not");
}

#[test]
fn what_is_sent_again_does_not_replace_what_was_written_since() {
    let server = RedisServer::start();
    let script = redis::Script::new(include_str!("../src/redis/put_stamped.lua"));
    let mut link = server.connection();
    let mut put = |term: u64, number: u64, how: &str, bytes: &str| -> Option<u64> {
        let mut call = script.key("thalweg:stamped");
        call.arg("k").arg(term).arg(number).arg(how).arg(bytes).arg(100).invoke(&mut link).unwrap()
    };
    let reader = direct(&server);
    assert_eq!(put(4, 7, "anew", "lost"), None);
    run(&server, &["DEL", "thalweg:stamped"]);
    assert_eq!(put(4, 8, "anew", "since"), None);
    assert_eq!(put(4, 7, "again", "lost"), None, "no harm done, nothing to be told");
    assert_eq!(reader.stamped("k"), Ok(kept(4, "since")));
    assert_eq!(put(4, 2, "anew", "by one that lost count"), None);
    assert_eq!(reader.stamped("k"), Ok(kept(4, "by one that lost count")));
    assert_eq!(put(4, 8, "again", "since"), None, "the last write had got the number 9");
    assert_eq!(reader.stamped("k"), Ok(kept(4, "by one that lost count")));
    for how in ["anew", "again"] {
        assert_eq!(put(4, 101, how, "by another of this term"), Some(4));
    }
    assert_eq!(reader.stamped("k"), Ok(kept(4, "by one that lost count")));
    assert_eq!(put(3, 99, "anew", "earlier"), Some(4));
    assert_eq!(put(5, 1, "again", "later"), None);
    assert_eq!(reader.stamped("k"), Ok(kept(5, "later")));
}

#[test]
fn a_successor_asks_redis_and_not_only_its_journal() {
    let server = RedisServer::start();
    let successor = drowsy(&server, "successor");
    let leader = lively(&server, "leader");
    leader.put_stamped_and_wait("action", 4, b"news", LONG).unwrap();
    assert_eq!(successor.stamped("action"), Ok(kept(4, "news")));
    drop(successor);
    assert_eq!(in_journal(&server, "successor", "action"), kept(4, "news"), "and keeps it");
}

#[test]
fn a_leader_that_returns_is_deposed_and_learns() {
    let server = RedisServer::start();
    let old = drowsy(&server, "old");
    assert_eq!(old.put_stamped_and_wait("action", 4, b"old", LONG), Ok(Published::Primary));
    let new = drowsy(&server, "new");
    assert_eq!(new.put_stamped_and_wait("action", 5, b"new", LONG), Ok(Published::Primary));

    let deposed = StoreError::Deposed { key: "action".into(), stored: 5, got: 4 };
    let refused = old.put_stamped_and_wait("action", 4, b"older", LONG);
    assert_eq!(refused, Err(deposed.clone()));
    assert_eq!(old.put_stamped("action", 4, b"oldest"), Err(deposed), "the journal knows now");
    assert_eq!(direct(&server).stamped("action"), Ok(kept(5, "new")));
    assert_eq!(old.health().counters.fenced, 1);
    assert!(old.begin_term(0).unwrap() > 5);
    drop(old);
    assert_eq!(in_journal(&server, "old", "action"), kept(5, "new"));
}

#[test]
fn the_later_of_two_leaders_wins_after_an_outage_that_lost_everything() {
    let mut server = RedisServer::start();
    let (old, new) = (lively(&server, "old"), lively(&server, "new"));
    server.kill();
    new.put_stamped("action", 5, b"new").unwrap();
    old.put_stamped("action", 4, b"old").unwrap();
    for (store, term, rows) in [(&new, 5, 7), (&old, 4, 9)] {
        let epoch = store.next_epoch("t", term).unwrap();
        store.publish(&table("t", epoch, rows)).unwrap();
    }
    server.restart();
    let newest = table("t", 5 << TERM_SHIFT, 7);
    wait_until("Redis and the old leader have the later term's", || {
        let reader = direct(&server);
        reader.stamped("action").unwrap() == kept(5, "new")
            && table_in(&reader, "t").as_ref() == Some(&newest)
            && table_in(&old, "t").as_ref() == Some(&newest)
            && old.stamped("action") == Ok(kept(5, "new"))
    });
    drop((old, new));
    for journal in ["old", "new"] {
        assert_eq!(in_journal(&server, journal, "action"), kept(5, "new"));
    }
}

#[test]
fn whoever_began_a_term_out_of_sight_of_another_that_has_it_begins_a_later_one() {
    // It keeps what it has: of what it lost, whose comes first would decide.
    let keeps = ["--appendonly", "yes", "--appendfsync", "always"];
    let mut server = RedisServer::start_with(&keeps);
    // Out of sight: one that looks often may have seen the term before Redis is gone.
    let (old, new) = (lively(&server, "old"), drowsy(&server, "new"));
    assert_eq!(old.begin_term(4), Ok(4));
    until_sent(&old);
    old.put_stamped_and_wait("action", 4, b"old", LONG).unwrap();
    server.kill();
    assert!(matches!(new.begin_shared_term(0), Err(StoreError::Unreachable { .. })));
    assert!(matches!(new.shared_stamped("action"), Err(StoreError::Unreachable { .. })));
    assert_eq!(new.begin_term(4), Ok(4), "as far as its journal knows");
    new.put_stamped("action", 4, b"new").unwrap();
    server.restart();
    wait_until("it has learned whose term that is", || new.stamped("action") == Ok(kept(4, "old")));
    let deposed = StoreError::Deposed { key: "action".into(), stored: 4, got: 4 };
    assert_eq!(new.put_stamped("action", 4, b"new"), Err(deposed));
    let later = new.begin_shared_term(0).unwrap();
    assert!(later > 4);
    new.put_stamped_and_wait("action", later, b"new", LONG).unwrap();
    wait_until("Redis has it", || direct(&server).stamped("action") == Ok(kept(later, "new")));
}

#[test]
fn epochs_of_a_paused_leader_do_not_pass_those_of_the_next() {
    let server = RedisServer::start();
    let (old, new) = (drowsy(&server, "old"), drowsy(&server, "new"));
    let late = old.next_epoch("t", 4).unwrap();
    let epoch = new.next_epoch("t", 5).unwrap();
    assert_eq!(new.publish_and_wait(&table("t", epoch, 3), LONG), Ok(Published::Primary));
    let refused = old.publish_and_wait(&table("t", late + 1000, 4), LONG);
    let topology = "t".to_owned();
    assert_eq!(refused, Err(StoreError::Fenced { topology, stored: epoch, got: late + 1000 }));
    let deposed = StoreError::Deposed { key: "t".into(), stored: 5, got: 4 };
    assert_eq!(old.next_epoch("t", 4), Err(deposed));
    assert_eq!(table_in(&direct(&server), "t"), Some(table("t", epoch, 3)));
}

#[test]
fn what_redis_lost_is_brought_back_by_whoever_has_it() {
    let mut server = RedisServer::start();
    let leader = lively(&server, "leader");
    let (small, empty) = (table("t", 4 << TERM_SHIFT, 5), table("u", 4 << TERM_SHIFT, 0));
    leader.publish(&small).unwrap();
    leader.publish(&empty).unwrap();
    leader.put_stamped("action", 4, b"running").unwrap();
    until_sent(&leader);
    drop(leader);

    let standby = lively(&server, "standby");
    let reader = direct(&server);
    let whole = || {
        // The journal's tables must not be gone at any time.
        assert_eq!(table_in(&standby, "t").as_ref(), Some(&small));
        assert_eq!(table_in(&standby, "u").as_ref(), Some(&empty));
        reader.tables() == Ok(vec!["t".to_owned(), "u".to_owned()])
            && table_in(&reader, "t").as_ref() == Some(&small)
            && table_in(&reader, "u").as_ref() == Some(&empty)
            && reader.stamped("action") == Ok(kept(4, "running"))
    };
    wait_until("all is there", whole);

    run(&server, &["FLUSHALL"]);
    wait_until("a flushed Redis has all again", whole);
    let keys = ["topologies", "stamped", "{t}:meta", "{t}:C", "{t}:N", "{t}:P", "{u}:meta"];
    for key in keys {
        run(&server, &["DEL", &format!("thalweg:{key}")]);
        wait_until(&format!("{key} is back"), whole);
    }
    // As after a change-over to a replica that lagged behind.
    run(&server, &["FLUSHALL"]);
    reader
        .publish(&table("t", 3, 9))
        .or_else(|error| match error {
            StoreError::Fenced { .. } => Ok(()),
            other => Err(other),
        })
        .unwrap();
    wait_until("the newer table replaces one from before", whole);
    server.kill();
    server.restart();
    wait_until("a Redis that started empty has all again", whole);
    drop(standby);
    let restarted = lively(&server, "standby");
    assert_eq!(table_in(&restarted, "t"), Some(small.clone()));
}

#[test]
fn what_another_removed_is_forgotten_also_by_who_was_away() {
    let server = RedisServer::start();
    let away = lively(&server, "away");
    let epoch = away.next_epoch("t", 4).unwrap();
    away.publish(&table("t", epoch, 5)).unwrap();
    away.publish(&table("stays", 4 << TERM_SHIFT, 5)).unwrap();
    until_sent(&away);
    drop(away);

    let leader = lively(&server, "leader");
    assert_eq!(leader.begin_term(5), Ok(5));
    leader.remove("t").unwrap();
    until_sent(&leader);

    let back = lively(&server, "away");
    assert_eq!(table_in(&back, "t"), None);
    assert_eq!(table_in(&back, "stays"), Some(table("stays", 4 << TERM_SHIFT, 5)));
    assert_eq!(back.health().counters.published, 0);
    assert_eq!(direct(&server).tables(), Ok(vec!["stays".to_owned()]));
    let next = back.next_epoch("t", 5).unwrap();
    assert_eq!(back.publish_and_wait(&table("t", next, 2), LONG), Ok(Published::Primary));
    wait_until("the remover sees it come back", || {
        table_in(&leader, "t") == Some(table("t", next, 2))
    });
}

#[test]
fn a_paused_leader_brings_nothing_back_that_the_next_removed() {
    let server = RedisServer::start();
    let old = drowsy(&server, "old");
    let epoch = old.next_epoch("t", 4).unwrap();
    assert_eq!(old.publish_and_wait(&table("t", epoch, 5), LONG), Ok(Published::Primary));
    let new = lively(&server, "new");
    assert_eq!(new.begin_term(5), Ok(5));
    new.remove("t").unwrap();
    until_sent(&new);

    let epoch = old.next_epoch("t", 4).unwrap();
    let refused = old.publish_and_wait(&table("t", epoch, 6), LONG).unwrap_err();
    assert_eq!(refused.code(), "STORE_FENCED");
    assert_eq!(old.next_epoch("t", 4).unwrap_err().code(), "STORE_DEPOSED");
    assert_eq!(direct(&server).table("t"), Ok(None));
    drop(old);
    let old = lively(&server, "old");
    assert_eq!(table_in(&old, "t"), None, "its journal has forgotten the refused table");
}

#[test]
fn a_removal_by_a_paused_leader_spares_the_next_ones_table() {
    let server = RedisServer::start();
    let (old, new) = (drowsy(&server, "old"), drowsy(&server, "new"));
    let first = old.next_epoch("t", 4).unwrap();
    assert_eq!(old.publish_and_wait(&table("t", first, 5), LONG), Ok(Published::Primary));
    let later = new.next_epoch("t", 5).unwrap();
    assert_eq!(new.publish_and_wait(&table("t", later, 6), LONG), Ok(Published::Primary));

    old.remove("t").unwrap();
    wait_until("the removal was refused", || old.health().counters.fenced == 1);
    assert_eq!(table_in(&direct(&server), "t"), Some(table("t", later, 6)));
    assert_eq!(table_in(&old, "t"), Some(table("t", later, 6)));
}

#[test]
fn spoiled_shared_keys_do_not_stop_tables() {
    let server = RedisServer::start();
    for key in ["stamped", "term", "state"] {
        run(&server, &["RPUSH", &format!("thalweg:{key}"), "nonsense"]);
    }
    let store = lively(&server, "journal");
    store.put_stamped("action", 1, b"kept here").unwrap();
    assert_eq!(store.publish_and_wait(&table("t", 1, 5), LONG), Ok(Published::Primary));
    assert_eq!(store.begin_term(0), Ok(2));
    assert_eq!(store.stamped("action"), Ok(kept(1, "kept here")));
    run(&server, &["DEL", "thalweg:stamped"]);
    run(&server, &["HSET", "thalweg:stamped", "action", "no version"]);
    let reader = direct(&server);
    wait_until("what cannot be understood is replaced", || {
        reader.stamped("action") == Ok(kept(1, "kept here"))
    });
}
