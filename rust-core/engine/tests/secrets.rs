//! What an operator keeps secret is found in nothing that the engine says or writes.
#![allow(clippy::unwrap_used)]

use std::fs;

use serde_json::{Value, json};
use thalweg_core::model::Observation;
use thalweg_core::units::Timestamp;
use thalweg_engine::Engine;

const SECRET: &str = "48151623";

/// All that an engine says and writes that was given these settings.
fn said_and_written(settings: Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("recording.jsonl");
    let mut given = json!({
        "thalweg.store.dir": folder.path(),
        "thalweg.recording.file": recording,
    });
    given.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let engine = Engine::open(&given.to_string()).unwrap();
    let now = Timestamp::from_millis(1_000);
    let mut said = engine.observe(Observation::default(), now).unwrap();
    said += &engine.command(r#"{"op": "status"}"#, now).unwrap();
    drop(engine);
    let ledger = folder.path().join("ledger");
    for file in fs::read_dir(folder.path()).unwrap().chain(fs::read_dir(&ledger).unwrap()) {
        let path = file.unwrap().path();
        if path.is_file() {
            said += &String::from_utf8_lossy(&fs::read(path).unwrap());
        }
    }
    assert!(said.contains("\"begun\""), "nothing was recorded: {said}");
    assert!(said.contains("\"config\""), "the ledger has no settings: {said}");
    said
}

#[test]
fn a_password_of_any_type_is_neither_said_nor_written() {
    let types = [json!(48_151_623), json!(SECRET), json!([SECRET]), json!({ "a": 48_151_623 })];
    for value in types {
        let said = said_and_written(json!({ "thalweg.store.redis.password": value }));
        assert!(!said.contains(SECRET), "{value}: {said}");
    }
}

#[test]
fn a_password_in_the_url_is_neither_said_nor_written() {
    // The last one cannot be used at all, and no message may say why by repeating it.
    for url in [
        json!(format!("redis://ann:{SECRET}@127.0.0.1:1")),
        json!([format!("redis://ann:{SECRET}@127.0.0.1:1")]),
        json!(format!("http://ann:{SECRET}@127.0.0.1:1")),
        json!(format!("redis://ann:{SECRET}@127.0.0.1:many")),
    ] {
        let said = said_and_written(json!({
            "thalweg.store.kind": "redis",
            "thalweg.store.redis.url": url,
            "thalweg.store.timeout.millis": 200,
        }));
        assert!(!said.contains(SECRET), "{url}: {said}");
    }
}
