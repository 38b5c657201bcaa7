//! The box of requests, against a real server.
#![allow(clippy::unwrap_used)]

mod support;

use support::server::RedisServer;
use thalweg_store::{Mailbox, RedisStore, Store, StoreError};

#[test]
fn each_request_is_taken_once_and_by_who_leads() {
    let server = RedisServer::start();
    let (asker, one, other) = (
        Mailbox::new(&server.settings()).unwrap(),
        Mailbox::new(&server.settings()).unwrap(),
        Mailbox::new(&server.settings()).unwrap(),
    );
    let store = RedisStore::open(&server.settings()).unwrap();
    let (old, new) = (store.begin_term(1).unwrap(), store.begin_term(1).unwrap());
    asker.post(b"first").unwrap();
    asker.post(b"second").unwrap();
    assert!(one.take(old, 8).unwrap().is_empty(), "who does not lead any more takes nothing");
    assert_eq!(other.take(new, 1).unwrap(), [b"first".to_vec()]);
    assert_eq!(other.take(new, 8).unwrap(), [b"second".to_vec()]);
    assert!(other.take(new, 8).unwrap().is_empty());
    assert!(one.is_first("a").unwrap());
    assert!(!other.is_first("a").unwrap());
    assert_eq!(asker.answered("a").unwrap(), None);
    other.answer("a", b"done").unwrap();
    assert_eq!(asker.answered("a").unwrap().as_deref(), Some(&b"done"[..]));
}

#[test]
fn requests_that_nobody_takes_are_bounded_and_precautions_are_told() {
    let server = RedisServer::start_with(&["--appendonly", "yes"]);
    let mailbox = Mailbox::new(&server.settings()).unwrap();
    for _ in 0..256 {
        mailbox.post(b"x").unwrap();
    }
    assert!(matches!(mailbox.post(b"x"), Err(StoreError::Refused { .. })));
    let told = mailbox.precautions().unwrap();
    assert!(told.appends && told.time.is_some_and(|time| time > 1_700_000_000_000), "{told:?}");
}
