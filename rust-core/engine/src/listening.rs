//! An engine that people and tools can reach: at its socket, and in the shared store where there is one.

use std::path::Path;
use std::sync::{Arc, Weak};

use serde_json::Value;
use thalweg_control::{ErrorCode, Refusal};
use thalweg_core::units::Timestamp;
use thalweg_store::StoreKind;

use crate::control::{Listens, Remote, Server};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::locked::lock;

/// An engine, as long as it is there.
struct There(Weak<Engine>);

impl Listens for There {
    fn say(&self, said: Value, now: Timestamp) -> Result<Value, Refusal> {
        let gone = || Refusal::of(ErrorCode::NotReady, "", "the engine ends");
        let engine = self.0.upgrade().ok_or_else(gone)?;
        let said = serde_json::from_value(said)
            .map_err(|error| Refusal::of(ErrorCode::Invalid, "command", error.to_string()))?;
        let answer = engine.say(said, now).map_err(|error| refusal(&error));
        engine.show(now);
        answer
    }
}

fn refusal(error: &EngineError) -> Refusal {
    let (code, field) = match error {
        EngineError::NotProposed(_) => (ErrorCode::NotFound, "plan"),
        EngineError::Follows => (ErrorCode::NotLeading, ""),
        EngineError::Request(_) => (ErrorCode::Invalid, "command"),
        EngineError::Store(_) => (ErrorCode::NotStored, ""),
        _ => (ErrorCode::Internal, ""),
    };
    Refusal::of(code, field, error.to_string())
}

impl Engine {
    /// Begins to answer people and tools. Where that cannot be, everything else works, and log and status say why.
    pub fn serve(self) -> Arc<Self> {
        let engine = Arc::new(self);
        engine.desk.hear(Box::new(There(Arc::downgrade(&engine))));
        let settings = &engine.settings;
        let mut answering = lock(&engine.answering);
        if let Some(path) = &settings.control_socket {
            let started = Server::start(path, Arc::clone(&engine.desk));
            answering.server = started.map_err(|why| answering.problems.push(why)).ok();
        }
        if let (StoreKind::Redis, Some(file)) = (settings.store.kind, &settings.control_tokens) {
            let started = Remote::start(&settings.store, Path::new(file), Arc::clone(&engine.desk));
            answering.remote = started.map_err(|why| answering.problems.push(why)).ok();
        }
        for problem in &answering.problems {
            tracing::warn!(problem, "people and tools are not answered everywhere");
        }
        drop(answering);
        engine
    }
}
