//! A running engine over a simulated cluster, asked by the command as a process of its own.
// Each test file uses of it what it needs.
#![allow(dead_code)]

#[path = "../../../core/tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use serde_json::{Value, json};
use support::Model;
use thalweg_engine::Engine;

/// An engine that watches a cluster.
pub struct Night {
    engine: Arc<Engine>,
    pub cluster: Model,
    pub folder: tempfile::TempDir,
}

impl Night {
    /// An engine that acts.
    pub fn new() -> Self {
        Self::with(&json!({}))
    }

    /// One with more settings.
    pub fn with(more: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = json!({ "thalweg.mode": "act", "thalweg.store.dir": folder.path(),
            "thalweg.monitor.interval.secs": 2, "thalweg.metrics.settle.secs": 6,
            "thalweg.metrics.window.secs": 10, "thalweg.metrics.max.age.secs": 10,
            "executor.metrics.frequency.secs": 2 });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
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

    /// The engine looks at the cluster once more.
    pub fn look(&mut self) {
        self.cluster.step();
        self.engine.observe(self.cluster.observation.clone(), self.cluster.now()).unwrap();
    }

    /// Runs the command on it.
    pub fn run(&self, arguments: &[&str]) -> Output {
        thalweg(self.folder.path(), arguments)
    }

    /// What is printed where the command ends well.
    pub fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {text}{error}");
        assert!(!text.contains('\x1b'), "no colours where nobody sees them: {text}");
        text
    }
}

/// The command as a process.
pub fn thalweg(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thalweg"))
        .args(arguments)
        .env("THALWEG_DIR", folder)
        .output()
        .unwrap()
}

/// The exit code, and what was said on the error channel.
pub fn code(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
