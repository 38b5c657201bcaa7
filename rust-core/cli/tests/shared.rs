//! The command's way to a scheduler through a real Redis, as from another machine.
#![allow(clippy::unwrap_used)]

#[path = "../../engine/tests/support/redis.rs"]
mod redis;
#[path = "../../core/tests/support/mod.rs"]
mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use redis::Redis;
use serde_json::{Value, json};
use support::Model;
use thalweg_engine::Engine;

/// A scheduler with its Redis, and the tokens of those who ask from elsewhere.
struct Elsewhere {
    redis: Redis,
    engine: Arc<Engine>,
    cluster: Model,
    folder: tempfile::TempDir,
}

impl Elsewhere {
    fn new() -> Self {
        let redis = Redis::start();
        let folder = tempfile::tempdir().unwrap();
        let mut tokens = String::new();
        for (name, role) in [("night", ""), ("screen", "--viewer"), ("stranger", "")] {
            let role = Some(role).filter(|role| !role.is_empty());
            let line = says(Command::new(bin()).args(["token", name]).args(role), 0);
            private(&folder.path().join(name), &line);
            if name != "stranger" {
                tokens += &line;
            }
        }
        let file = folder.path().join("tokens");
        private(&file, &tokens);
        let settings = json!({ "thalweg.mode": "act", "thalweg.store.dir": folder.path().join("thalweg"),
            "thalweg.store.kind": "redis", "thalweg.store.redis.url": redis.url,
            "thalweg.control.tokens.file": file, "thalweg.control.socket": "off",
            "thalweg.monitor.interval.secs": 2, "thalweg.metrics.settle.secs": 6,
            "thalweg.metrics.window.secs": 10, "thalweg.metrics.max.age.secs": 10 });
        let engine = Engine::open(&settings.to_string()).unwrap().serve();
        let mut cluster = Model::new(3, 2, 2);
        cluster.rate = 50.0;
        let mut elsewhere = Self { redis, engine, cluster, folder };
        elsewhere.engine.command(r#"{"op": "lead"}"#, elsewhere.cluster.now()).unwrap();
        elsewhere.look();
        elsewhere
    }

    fn look(&mut self) {
        self.cluster.step();
        self.engine.observe(self.cluster.observation.clone(), self.cluster.now()).unwrap();
    }

    fn command(&self, token: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(bin());
        command.args(arguments).env("THALWEG_REDIS", &self.redis.url);
        command.env("THALWEG_TOKEN_FILE", self.folder.path().join(token));
        command
    }

    /// What is said where the command ends with this code.
    fn says(&self, token: &str, code: i32, arguments: &[&str]) -> String {
        says(&mut self.command(token, arguments), code)
    }
}

fn bin() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_thalweg"))
}

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

fn says(command: &mut Command, code: i32) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{command:?}: {said}");
    said
}

#[test]
fn an_operator_elsewhere_looks_orders_and_reads_what_came_of_it() {
    let mut elsewhere = Elsewhere::new();
    let status = elsewhere.says("screen", 0, &["status"]);
    assert!(status.contains("mode act, leads") && status.contains("wc-1"), "{status}");
    let said = elsewhere.says("night", 0, &["scale", "wc-1", "split=4", "--why", "sale at eight"]);
    assert!(said.contains("accepted as o"), "{said}");
    elsewhere.look();
    let history = elsewhere.says("screen", 0, &["history"]);
    assert!(history.contains("sale at eight") && history.contains("by token night"), "{history}");
    let told = elsewhere.says("screen", 0, &["history", "wc-1", "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let records = told["records"].as_array().unwrap();
    let order = records.iter().rfind(|record| record["kind"] == "order").unwrap();
    assert_eq!((&order["who"], &order["why"]), (&json!("night"), &json!("sale at eight")));
}

#[test]
fn who_may_not_order_and_who_is_not_known_are_told_apart() {
    let elsewhere = Elsewhere::new();
    let said = elsewhere.says("screen", 3, &["scale", "wc-1", "split=4"]);
    assert!(said.contains("refused"), "{said}");
    // Whom nobody knows is not answered at all.
    let said = elsewhere.says("stranger", 4, &["status", "--timeout", "2"]);
    assert!(said.contains("nobody who leads has answered"), "{said}");
    let said = elsewhere.says("night", 3, &["scale", "wc-1", "spilt=4"]);
    assert!(said.contains("spilt"), "{said}");
}

#[test]
fn a_redis_that_is_away_is_told() {
    let mut elsewhere = Elsewhere::new();
    elsewhere.redis.kill();
    let said = elsewhere.says("night", 4, &["status", "--timeout", "2"]);
    assert!(said.contains("127.0.0.1"), "{said}");
}
