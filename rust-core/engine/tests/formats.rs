//! What a scheduler stored in today's format is read by whoever comes later, and what a newer version stored is left alone.
//!
//! The fixtures are what the store had of one scheduler in the midst of an action. They are never written anew for a change
//! of the code: what has been stored once has to be read, or the store's format is another one.
#![allow(clippy::unwrap_used)]

#[path = "support/redis.rs"]
mod redis;
#[path = "../../core/tests/support/mod.rs"]
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use support::Model;
use thalweg_control::{Command, Request, Scale, call};
use thalweg_engine::Engine;
use thalweg_store::{EmbeddedStore, Store};

/// All that a leader hands on.
const KEYS: [&str; 4] = ["actions", "learned", "operator", "orders"];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1")
}

fn fixture(key: &str) -> Value {
    let path = fixtures().join(format!("{key}.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn open(folder: &Path) -> Arc<Engine> {
    let settings = json!({ "thalweg.mode": "act", "thalweg.store.dir": folder, "thalweg.policy": "thalweg",
        "thalweg.monitor.interval.secs": 2, "thalweg.metrics.settle.secs": 6, "thalweg.metrics.window.secs": 10,
        "thalweg.metrics.max.age.secs": 10 });
    Engine::open(&settings.to_string()).unwrap().serve()
}

fn cluster() -> Model {
    let mut cluster = Model::new(3, 2, 2);
    cluster.rate = 50.0;
    cluster
}

fn send(engine: &Engine, cluster: &Model, request: &Value) -> Value {
    let answer = engine.command(&request.to_string(), cluster.now());
    serde_json::from_str(&answer.unwrap_or_else(|error| panic!("{request}: {error}"))).unwrap()
}

fn order(folder: &Path, command: Value) -> Value {
    let command: Command = serde_json::from_value(command).unwrap();
    call(&folder.join("control.sock"), &Request::of(command), Duration::from_secs(20)).unwrap()
}

/// A scheduler's store with the fixtures in it, as a predecessor of term 1 left them.
fn left_behind(with: impl Fn(&mut Value)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    for key in KEYS {
        let mut value = fixture(key);
        with(&mut value);
        store.put_stamped(key, 1, value.to_string().as_bytes()).unwrap();
    }
    folder
}

/// Puts a field that nobody knows beside those of each object that is there, but for those whose fields are names.
fn add_fields(value: &mut Value, within: &str) {
    const NAMES: [&str; 15] = [
        "nodes",
        "topologies",
        "drained",
        "former",
        "proposals",
        "counts",
        "components",
        "days",
        "forecasters",
        "outlooks",
        "seen",
        "wished_tasks",
        "order",
        "least_ms",
        "states",
    ];
    match value {
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(name, field)| add_fields(field, name));
            // Whose variant is told by its only field has no room for another.
            let variant = ["user", "by", "memory_mib"].contains(&within);
            if !NAMES.contains(&within) && !variant {
                fields.insert("of_a_newer_version".to_owned(), json!({ "n": 1 }));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| add_fields(item, within)),
        _ => {}
    }
}

fn kept(folder: &Path, key: &str) -> Value {
    let kept = EmbeddedStore::open(folder).unwrap().stamped(key).unwrap().unwrap();
    serde_json::from_slice(&kept.bytes).unwrap()
}

#[test]
fn whoever_leads_next_knows_all_that_was_stored_in_the_first_format() {
    assert_all_is_known(&left_behind(|_| {}));
}

#[test]
fn a_further_field_of_a_newer_version_is_passed_over() {
    assert_all_is_known(&left_behind(|value| add_fields(value, "")));
}

fn assert_all_is_known(folder: &tempfile::TempDir) {
    let mut cluster = cluster();
    cluster.step();
    let engine = open(folder.path());
    let left = send(&engine, &cluster, &json!({ "op": "lead", "term": 2 }));
    let was = fixture("actions");
    assert_eq!(left["due"]["what"], "reverse", "{left}");
    assert_eq!(left["due"]["plan"]["id"], was["under_way"]["plan"]["id"]);
    assert_eq!(left["due"]["done"], was["under_way"]["done"]);

    engine.observe(cluster.observation.clone(), cluster.now()).unwrap();
    let status = send(&engine, &cluster, &json!({ "op": "status" }));
    assert_eq!(status["operator"], fixture("operator")["operator"]);
    let (orders, drained) = (fixture("orders"), &status["drained"]);
    let id = orders["open"][0]["id"].as_str().unwrap();
    assert!(status["orders"].to_string().contains(id), "{}", status["orders"]);
    assert!(drained.to_string().contains("host2"), "{drained}");
    drop(engine);
    // It may have learned more since, and has lost nothing.
    let learned = kept(folder.path(), "learned");
    let known = |value: &Value, part: &str| -> Vec<String> {
        value[part].as_object().unwrap().keys().cloned().collect()
    };
    for part in ["nodes", "topologies"] {
        assert_eq!(known(&learned, part), known(&fixture("learned"), part));
    }
}

#[test]
fn a_store_of_a_newer_format_is_not_opened_and_the_error_names_the_file() {
    let folder = left_behind(|_| {});
    let file = folder.path().join("thalweg.redb");
    {
        let database = redb::Database::create(&file).unwrap();
        let write = database.begin_write().unwrap();
        let numbers = redb::TableDefinition::<&str, u64>::new("numbers");
        write.open_table(numbers).unwrap().insert("format", 2).unwrap();
        write.commit().unwrap();
    }
    let settings = json!({ "thalweg.store.dir": folder.path() });
    let error = Engine::open(&settings.to_string()).map(drop).unwrap_err();
    assert_eq!(error.code(), "STORE");
    let text = error.to_string();
    assert!(text.contains(&*file.to_string_lossy()) && text.contains("format 2"), "{text}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was begun beside it");
}

/// Sends a command that is answered in one line.
fn ask_redis(server: &redis::Redis, command: &str) -> String {
    let mut link = TcpStream::connect(server.url.trim_start_matches("redis://")).unwrap();
    link.write_all(format!("{command}\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(link).read_line(&mut answer).unwrap();
    answer.trim().to_owned()
}

#[test]
fn with_a_redis_of_a_newer_format_it_only_observes_and_says_why_and_the_doctor_does_too() {
    let server = redis::Redis::start();
    assert_eq!(ask_redis(&server, "SET thalweg:format 2"), "+OK");
    let folder = tempfile::tempdir().unwrap();
    let settings = json!({ "thalweg.mode": "act", "thalweg.store.dir": folder.path(),
        "thalweg.store.kind": "redis", "thalweg.store.redis.url": server.url });
    let engine = Engine::open(&settings.to_string()).unwrap().serve();
    let mut cluster = cluster();
    cluster.step();
    send(&engine, &cluster, &json!({ "op": "lead", "term": 1 }));
    engine.observe(cluster.observation.clone(), cluster.now()).unwrap();
    let status = send(&engine, &cluster, &json!({ "op": "status" }));
    assert_eq!(status["mode"], "observe");
    let found = order(folder.path(), json!({ "doctor": {} }))["findings"].clone();
    for told in [status["problems"].to_string(), found.to_string()] {
        assert!(told.contains("thalweg:format at ") && told.contains("is of format 2"), "{told}");
    }
    assert_eq!(ask_redis(&server, "DBSIZE"), ":1", "nothing was written there");
}

/// The fields that something has and something newer lacks, by their places.
fn lacking(before: &Value, now: &Value, place: &str) -> Vec<String> {
    match (before, now) {
        (Value::Object(before), now) => before
            .iter()
            .flat_map(|(name, field)| {
                let place = format!("{place}/{name}");
                match now.get(name) {
                    Some(now) => lacking(field, now, &place),
                    None => vec![place],
                }
            })
            .collect(),
        (Value::Array(before), Value::Array(now)) => {
            let firsts = before.first().zip(now.first());
            firsts.map_or_else(Vec::new, |(before, now)| lacking(before, now, place))
        }
        _ => Vec::new(),
    }
}

/// Or an older version could not read it: then it is of another format.
#[test]
fn what_is_stored_today_has_every_field_of_the_first_format() {
    let folder = tempfile::tempdir().unwrap();
    store_in_the_midst_of_an_action(folder.path());
    for key in KEYS {
        assert_eq!(lacking(&fixture(key), &kept(folder.path(), key), key), Vec::<String>::new());
    }
}

/// Has a scheduler store all that its successor needs; the fixtures were stored by the same history.
fn store_in_the_midst_of_an_action(folder: &Path) {
    let mut cluster = cluster();
    let engine = open(folder);
    let look = |cluster: &mut Model| -> Value {
        cluster.step();
        let answer = engine.observe(cluster.observation.clone(), cluster.now()).unwrap();
        serde_json::from_str(&answer).unwrap()
    };
    send(&engine, &cluster, &json!({ "op": "lead", "term": 1 }));
    // Until something was learned of the topology, and stored.
    for _ in 0..120 {
        look(&mut cluster);
    }
    order(folder, json!({ "pause": { "scope": "night-*", "for_secs": null } }));
    let scale = Scale {
        topology: "wc-1".to_owned(),
        counts: [("split".to_owned(), 4)].into(),
        ..Scale::default()
    };
    let request = Request::of(Command::Scale(scale));
    call(&folder.join("control.sock"), &request, Duration::from_secs(20)).unwrap();
    let decided = |answer: &Value| {
        let acts = answer["decisions"][0]["verdict"] == "act";
        acts.then(|| answer["decisions"][0]["plan"]["id"].as_str().unwrap().to_owned())
    };
    let plan = (0..40).find_map(|_| decided(&look(&mut cluster))).unwrap();
    for mut request in [
        json!({ "op": "publish" }),
        json!({ "op": "begin", "strategy": "drain_and_restart" }),
        json!({ "op": "intend", "done": { "what": "deactivated" } }),
    ] {
        request["plan"] = json!(plan);
        send(&engine, &cluster, &request);
    }
    order(folder, json!({ "drain": { "host": "host2" } }));
}
