//! The Redis store, against a real server.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use support::contract;
use support::server::{RedisServer, write_certificates};
use support::table;
use thalweg_store::{EmbeddedStore, RedisStore, Secret, Store, StoreError, StoreSettings};

fn set(link: &mut redis::Connection, command: &[&str]) {
    redis::cmd(command[0]).arg(&command[1..]).query::<redis::Value>(link).unwrap();
}

#[test]
fn keeps_what_every_store_promises() {
    let server = RedisServer::start();
    contract::holds(&RedisStore::open(&server.settings()).unwrap());
}

#[test]
fn keys_can_be_read_by_people() {
    let server = RedisServer::start();
    let store = RedisStore::open(&server.settings()).unwrap();
    store.publish(&table("wc-1", 5, 3)).unwrap();
    let mut link = server.connection();
    let mut get = |part: &str, field: &str| -> String {
        redis::cmd("HGET")
            .arg(format!("thalweg:{{wc-1}}:{part}"))
            .arg(field)
            .query(&mut link)
            .unwrap()
    };
    assert_eq!(get("N", "[1-2]"), r#"[null,"node-9"]"#);
    assert_eq!(get("N", "[3-4]"), r#"["node-1","node-9"]"#);
    assert_eq!(get("P", "[3-4]"), "[6701,6700]");
    assert_eq!(get("C", "[5-6]"), "bolt-2");
    assert_eq!(get("meta", "epoch"), "5");
    assert_eq!(get("meta", "plan"), "plan-5");
}

#[test]
fn two_writers_are_fenced() {
    let server = RedisServer::start();
    let old = RedisStore::open(&server.settings()).unwrap();
    let new = RedisStore::open(&server.settings()).unwrap();
    let (first, second) = (old.next_epoch("t", 0).unwrap(), new.next_epoch("t", 0).unwrap());
    assert!(second > first);
    new.publish(&table("t", second, 5)).unwrap();
    let refused = old.publish(&table("t", first, 6)).unwrap_err();
    let topology = "t".to_owned();
    assert_eq!(refused, StoreError::Fenced { topology, stored: second, got: first });
    assert_eq!(old.table("t").unwrap().unwrap().table, table("t", second, 5));
}

#[test]
fn readers_see_the_old_or_the_new_table() {
    let server = RedisServer::start();
    let writer = RedisStore::open(&server.settings()).unwrap();
    let reader = RedisStore::open(&server.settings()).unwrap();
    writer.publish(&table("t", 1, 2_500)).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for epoch in 2..30 {
                writer.publish(&table("t", epoch, 2_400 + epoch as u32)).unwrap();
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            let seen = reader.table("t").unwrap().unwrap();
            assert!(seen.dropped.is_empty());
            assert_eq!(seen.table.verify(), Ok(()));
        }
    });
    assert_eq!(reader.head("t").unwrap().unwrap().epoch, 29);
}

#[test]
fn bad_rows_are_dropped_and_bad_tables_are_errors() {
    let server = RedisServer::start();
    let store = RedisStore::open(&server.settings()).unwrap();
    let good = table("t", 1, 10);
    store.publish(&good).unwrap();
    let mut link = server.connection();
    set(&mut link, &["HSET", "thalweg:{t}:N", "[1-2]", "{not json"]);
    set(&mut link, &["HSET", "thalweg:{t}:P", "nonsense", "[null,1]"]);
    redis::cmd("HSET")
        .arg("thalweg:{t}:C")
        .arg("[5-6]")
        .arg(b"\xff\xfe")
        .query::<u64>(&mut link)
        .unwrap();
    set(&mut link, &["HDEL", "thalweg:{t}:P", "[3-4]"]);
    let loaded = store.table("t").unwrap().unwrap();
    let keys: Vec<&str> = loaded.dropped.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, ["[1-2]", "[3-4]", "nonsense"]);
    assert_eq!(loaded.table.rows.len(), 8);

    store.publish(&good).expect("publishing it again repairs it");
    assert_eq!(store.table("t").unwrap().unwrap().table, good);

    // A row changed into another valid one, a layout of tomorrow, a key of another type.
    let spoil: [&[&str]; 3] = [
        &["HSET", "thalweg:{t}:N", "[1-2]", r#"[null,"elsewhere"]"#],
        &["HSET", "thalweg:{t}:meta", "layout", "2"],
        &["SET", "thalweg:{t}:N", "text"],
    ];
    for command in spoil {
        store.publish(&good).unwrap();
        set(&mut link, command);
        let error = store.table("t").unwrap_err();
        assert_eq!(error.code(), "STORE_CORRUPT", "{command:?}: {error}");
        assert!(error.to_string().contains("thalweg:{t}"), "{error}");
    }
    set(&mut link, &["SET", "thalweg:{u}:meta", "text"]);
    assert_eq!(store.publish(&table("u", 1, 1)).unwrap_err().code(), "STORE_CORRUPT");
    assert_eq!(store.head("u").unwrap_err().code(), "STORE_CORRUPT");
}

#[test]
fn users_of_an_access_list_need_their_password() {
    let server = RedisServer::start_with(&[
        "--user",
        "ann",
        "on",
        ">s3cret",
        "~thalweg:*",
        "+@all",
        "--user",
        "default",
        "off",
    ]);
    let settings = |password: &str| StoreSettings {
        user: Some("ann".into()),
        password: Some(Secret::new(password)),
        ..server.settings()
    };
    contract::holds(&RedisStore::open(&settings("s3cret")).unwrap());

    for wrong in [settings("gue55"), server.settings()] {
        let refused = RedisStore::open(&wrong).err().unwrap();
        assert_eq!(refused.code(), "STORE_UNREACHABLE", "{refused}");
        assert!(!format!("{refused} {refused:?} {wrong:?}").contains("gue55"));
    }
    let elsewhere = StoreSettings { prefix: "other".into(), ..settings("s3cret") };
    let refused = RedisStore::open(&elsewhere).err().unwrap();
    assert_eq!(refused.code(), "STORE_REFUSED", "{refused}");
}

#[test]
fn tls_trusts_only_the_given_authority() {
    let server = RedisServer::start_tls();
    contract::holds(&RedisStore::open(&server.settings()).unwrap());

    let strangers = tempfile::tempdir().unwrap();
    write_certificates(&strangers);
    let stranger = strangers.path().join("ca.pem");
    let wrong = StoreSettings { ca_file: Some(stranger), ..server.settings() };
    let refused = RedisStore::open(&wrong).err().unwrap();
    assert_eq!(refused.code(), "STORE_UNREACHABLE");
    assert!(refused.to_string().contains("certificate"), "{refused}");

    let nameless = server.settings().url.replace("localhost", "127.0.0.1");
    let wrong = StoreSettings { url: nameless, ..server.settings() };
    assert_eq!(RedisStore::open(&wrong).err().unwrap().code(), "STORE_UNREACHABLE");
}

#[test]
fn bad_settings_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let no_pem = dir.path().join("ca.pem");
    fs::write(&no_pem, "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n").unwrap();
    let base = StoreSettings { url: "rediss://localhost:1".into(), ..StoreSettings::default() };
    let cases = [
        ("url", StoreSettings { url: "http://ann:s3cret@x".into(), ..base.clone() }),
        ("url", StoreSettings { url: "redis://ann:s3cret@:x".into(), ..base.clone() }),
        ("prefix", StoreSettings { prefix: "a{b".into(), ..base.clone() }),
        ("ca_file", StoreSettings { ca_file: Some(dir.path().join("none")), ..base.clone() }),
        ("ca_file", StoreSettings { ca_file: Some(no_pem), ..base.clone() }),
    ];
    for (expected, settings) in cases {
        let refused = RedisStore::new(&settings).err().unwrap();
        assert!(
            matches!(&refused, StoreError::Setting { setting, .. } if *setting == expected),
            "{expected}: {refused}"
        );
        assert!(!refused.to_string().contains("s3cret"), "{refused}");
    }
}

#[test]
fn a_silent_server_does_not_hold_a_call() {
    let server = RedisServer::start();
    let settings = StoreSettings { timeout: Duration::from_millis(200), ..server.settings() };
    let store = RedisStore::open(&settings).unwrap();
    server.freeze();
    let begun = Instant::now();
    assert_eq!(store.tables().unwrap_err().code(), "STORE_UNREACHABLE");
    assert_eq!(store.publish(&table("t", 1, 10)).unwrap_err().code(), "STORE_UNREACHABLE");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn a_restarted_server_is_found_again() {
    let mut server = RedisServer::start();
    let store = RedisStore::open(&server.settings()).unwrap();
    server.kill();
    assert_eq!(store.tables().unwrap_err().code(), "STORE_UNREACHABLE");
    server.restart();
    assert_eq!(store.tables(), Ok(vec![]));
}

#[test]
fn a_very_large_table_is_published_in_one_piece() {
    let dir = tempfile::tempdir().unwrap();
    let embedded = EmbeddedStore::open(dir.path()).unwrap();
    let server = RedisServer::start();
    let patient = StoreSettings { timeout: Duration::from_secs(30), ..server.settings() };
    let redis = RedisStore::open(&patient).unwrap();
    let stores: [(&str, &dyn Store); 2] = [("embedded", &embedded), ("redis", &redis)];
    for (name, store) in stores {
        let mut best = Duration::MAX;
        for epoch in 1..=3 {
            let large = table("t", epoch, 36_000);
            let begun = Instant::now();
            store.publish(&large).unwrap();
            let published = begun.elapsed();
            assert_eq!(store.table("t").unwrap().unwrap().table, large);
            let read = begun.elapsed() - published;
            println!("{name}: 36000 rows published in {published:?}, read in {read:?}");
            best = best.min(published);
        }
        assert!(best < Duration::from_secs(5), "{name} took {best:?} at best");
    }
}
