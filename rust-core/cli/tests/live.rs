//! The command against a running engine, as an operator meets it at night.
#![allow(clippy::unwrap_used)]

#[path = "../../core/tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use serde_json::{Value, json};
use support::Model;
use thalweg_engine::Engine;

struct Night {
    engine: Arc<Engine>,
    cluster: Model,
    folder: tempfile::TempDir,
}

impl Night {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = json!({ "thalweg.mode": "act", "thalweg.store.dir": folder.path(),
            "thalweg.monitor.interval.secs": 2, "thalweg.metrics.settle.secs": 6,
            "thalweg.metrics.window.secs": 10, "thalweg.metrics.max.age.secs": 10,
            "executor.metrics.frequency.secs": 2 });
        let engine = Engine::open(&settings.to_string()).unwrap().serve();
        let mut cluster = Model::new(3, 2, 2);
        cluster.rate = 50.0;
        let night = Self { engine, cluster, folder };
        night.tell(&json!({ "op": "lead" }));
        night
    }

    fn tell(&self, request: &Value) {
        self.engine.command(&request.to_string(), self.cluster.now()).unwrap();
    }

    fn look(&mut self) {
        self.cluster.step();
        self.engine.observe(self.cluster.observation.clone(), self.cluster.now()).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        thalweg(self.folder.path(), arguments)
    }

    /// What is printed where the command ends well.
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {text}{error}");
        assert!(!text.contains('\x1b'), "no colours where nobody sees them: {text}");
        text
    }
}

fn thalweg(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thalweg"))
        .args(arguments)
        .env("THALWEG_DIR", folder)
        .output()
        .unwrap()
}

fn code(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_operator_looks_orders_and_reads_what_came_of_it() {
    let mut night = Night::new();
    night.look();
    let status = night.says(&["status"]);
    assert!(status.contains("mode act, leads") && status.contains("wc-1"), "{status}");
    let said = night.says(&["scale", "wc-1", "split=4", "--why", "sale at eight"]);
    assert!(said.contains("accepted as o"), "{said}");
    for _ in 0..40 {
        night.look();
    }
    let explained = night.says(&["explain", "wc-1", "--executor", "1"]);
    assert!(explained.contains("sale at eight") && explained.contains("measured"), "{explained}");
    assert!(explained.contains("runs on"), "{explained}");
    assert!(night.says(&["explain", "wc-1", "--why-not"]).contains("ACTION_RUNNING"));
    assert!(night.says(&["status"]).contains("under way:"));
    assert!(night.says(&["history"]).contains("sale at eight"));
    let status: Value = serde_json::from_str(&night.says(&["status", "--json"])).unwrap();
    assert_eq!(status["orders"][0]["state"], "acting");
    let plan: Value = serde_json::from_str(&night.says(&["plan", "--json"])).unwrap();
    assert_eq!(plan[0]["name"], "wc-1");
    let host = night.cluster.observation.nodes[0].host.clone();
    assert_eq!(night.says(&["drain", &host]).trim(), host);
    assert_eq!(night.says(&["drain"]).trim(), host);
    assert_eq!(night.says(&["undrain", &host]).trim(), "no host is drained");
    assert!(night.says(&["pause", "--for", "8h", "--only", "in"]).contains("wc-1"));
    assert!(night.says(&["resume"]).contains("resumed"));
}

#[test]
fn exit_codes_tell_what_went_wrong() {
    let mut night = Night::new();
    assert_eq!(code(&night.run(&["scale", "wc-1", "split=4"])).0, Some(5), "nothing was seen yet");
    night.look();
    let (exit, said) = code(&night.run(&["scale", "wc-1", "spilt=4"]));
    assert_eq!(exit, Some(3));
    assert!(said.contains("counts.spilt: wc-1 has no component spilt; it has"), "{said}");
    assert_eq!(code(&night.run(&["scale", "wc-1", "split"])).0, Some(2));
    assert_eq!(code(&night.run(&["explain", "nobody"])).0, Some(3));
    let elsewhere = tempfile::tempdir().unwrap();
    let (exit, said) = code(&thalweg(elsewhere.path(), &["status"]));
    assert_eq!(exit, Some(4));
    assert!(said.contains("there is no socket"), "{said}");
    for node in &mut night.cluster.observation.nodes {
        node.ports.clear();
    }
    night.look();
    let sick = night.run(&["doctor"]);
    assert_eq!(sick.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&sick.stdout).contains("supervisor.slots.ports"));
}
