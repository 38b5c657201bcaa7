//! What a ledger cannot tell of itself, a shared Redis tells: that its end was cut off, or that it is another one.
#![allow(clippy::unwrap_used)]

#[path = "../../engine/tests/support/redis.rs"]
mod redis;
#[path = "../../core/tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use redis::Redis;
use serde_json::{Value, json};
use support::Model;
use thalweg_engine::Engine;
use thalweg_ledger::{Anchor, HEADS};
use thalweg_store::{RedisStore, Secret, Store, StoreKind, StoreSettings};

/// A machine whose scheduler begins again and again, with a Redis elsewhere.
struct Machine {
    redis: Redis,
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        Self { redis: Redis::start(), folder: tempfile::tempdir().unwrap() }
    }

    fn store(&self) -> RedisStore {
        let settings = StoreSettings {
            kind: StoreKind::Redis,
            url: self.redis.url.clone(),
            password: None::<Secret>,
            ..StoreSettings::default()
        };
        RedisStore::new(&settings).unwrap()
    }

    /// All that is noted.
    fn noted(&self) -> Vec<Anchor> {
        let store = self.store();
        let keys = store.state_keys().unwrap_or_default();
        let keys = keys.iter().filter(|key| key.starts_with(HEADS));
        keys.map(|key| serde_json::from_slice(&store.state(key).unwrap().unwrap()).unwrap())
            .collect()
    }

    /// A scheduler begins, looks until Redis has noted something new, and ends; its status.
    fn run(&self) -> Value {
        let before = self.noted();
        let settings = json!({ "thalweg.store.dir": self.folder.path(), "thalweg.store.kind": "redis",
            "thalweg.store.redis.url": self.redis.url, "thalweg.control.socket": "off" });
        let engine = Engine::open(&settings.to_string()).unwrap();
        let mut cluster = Model::new(3, 2, 2);
        engine.command(r#"{"op": "lead"}"#, cluster.now()).unwrap();
        let end = Instant::now() + Duration::from_secs(30);
        while self.noted() == before {
            assert!(Instant::now() < end, "nothing is noted: {before:?}");
            cluster.step();
            engine.observe(cluster.observation.clone(), cluster.now()).unwrap();
        }
        let status = engine.command(r#"{"op": "status"}"#, cluster.now()).unwrap();
        serde_json::from_str(&status).unwrap()
    }

    /// The exit code of `thalweg ledger verify`, and what it says.
    fn verify(&self, more: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
        command.args(["ledger", "verify"]).arg(self.folder.path()).args(more);
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    }

    fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[test]
fn an_older_state_that_was_put_back_is_found_also_when_the_scheduler_goes_on() {
    let machine = Machine::new();
    assert_eq!(machine.run()["ledger"]["missing"], Value::Null);
    let old = machine.folder.path().join("old");
    copy(&machine.ledger(), &old);
    assert_eq!(machine.run()["ledger"]["missing"], Value::Null);
    let redis = ["--redis", machine.redis.url.as_str()];
    let (code, said) = machine.verify(&redis);
    assert!(code == 0 && said.contains("1 of its records are noted in Redis"), "{said}");

    fs::remove_dir_all(machine.ledger()).unwrap();
    fs::rename(&old, machine.ledger()).unwrap();
    assert_eq!(machine.verify(&[]).0, 0, "the ledger itself cannot tell");
    let (code, said) = machine.verify(&redis);
    assert!(code == 7 && said.contains("cut off"), "{said}");

    let status = machine.run();
    let missing = status["ledger"]["missing"].as_str().unwrap_or_default().to_owned();
    assert!(missing.contains("is not in the ledger any more"), "{status}");
    let (code, said) = machine.verify(&redis);
    assert!(code == 7 && said.contains("2 of its records are noted"), "{said}");
}

#[test]
fn another_ledger_in_its_place_is_found() {
    let machine = Machine::new();
    machine.run();
    fs::remove_dir_all(machine.ledger()).unwrap();
    machine.run();
    assert_eq!(machine.verify(&[]).0, 0, "the ledger itself cannot tell");
    let (code, said) = machine.verify(&["--redis", &machine.redis.url]);
    assert!(code == 7 && said.contains("removed or replaced"), "{said}");
    let (code, said) = machine.verify(&["--redis", "redis://127.0.0.1:1"]);
    assert!(code == 4, "{said}");
}
