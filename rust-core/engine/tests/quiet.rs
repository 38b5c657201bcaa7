//! The log is quiet while nothing changes.
#![allow(clippy::unwrap_used)]

#[path = "../../core/tests/support/mod.rs"]
mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::json;
use support::Model;
use thalweg_engine::Engine;
use tracing::subscriber::with_default;

/// What was logged.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

#[test]
fn looks_that_change_nothing_log_nothing() {
    let lines = Lines::default();
    let written = lines.clone();
    let log = tracing_subscriber::fmt().with_writer(move || written.clone()).finish();
    with_default(log, || {
        let folder = tempfile::tempdir().unwrap();
        let settings = json!({ "thalweg.mode": "act", "thalweg.store.dir": folder.path(),
            "thalweg.monitor.interval.secs": 2, "thalweg.metrics.settle.secs": 6,
            "thalweg.metrics.window.secs": 10, "thalweg.metrics.max.age.secs": 10 });
        let engine = Engine::open(&settings.to_string()).unwrap();
        let mut cluster = Model::new(3, 2, 2);
        cluster.rate = 50.0;
        engine.command(r#"{"op": "lead"}"#, cluster.now()).unwrap();
        let mut look = |looks: u32| {
            for _ in 0..looks {
                cluster.step();
                let now = cluster.now();
                engine.assign(&cluster.observation, now).unwrap();
                engine.observe(cluster.observation.clone(), now).unwrap();
            }
        };
        look(60);
        assert!(lines.take().contains("engine is open"), "what happens is logged");
        look(300);
        assert_eq!(lines.take(), "");
    });
}
