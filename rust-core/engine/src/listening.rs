//! An engine that people and tools can reach: at its socket, and in the shared store where there is one.

use std::sync::{Arc, Weak};

use serde_json::Value;
use thalweg_control::token::TokenFile;
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
    fn say(&self, said: Value, why: &str, now: Timestamp) -> Result<Value, Refusal> {
        let gone = || Refusal::of(ErrorCode::NotReady, "", "the engine ends");
        let engine = self.0.upgrade().ok_or_else(gone)?;
        let said = serde_json::from_value(said)
            .map_err(|error| Refusal::of(ErrorCode::Invalid, "command", error.to_string()))?;
        let answer = engine.say(said, why, now).map_err(|error| refusal(&error));
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
        engine.handler.hear(Box::new(There(Arc::downgrade(&engine))));
        let settings = &engine.settings;
        let mut answering = lock(&engine.answering);
        let read = settings.control_tokens.as_deref().map(TokenFile::open).transpose();
        let tokens = read.map_err(|why| answering.problems.push(why.to_string())).ok().flatten();
        let tokens = tokens.map(Arc::new);
        if let Some(path) = &settings.control_socket {
            let started = Server::start(path, tokens.clone(), Arc::clone(&engine.handler));
            answering.server = started.map_err(|why| answering.problems.push(why)).ok();
        }
        if let (StoreKind::Redis, Some(tokens)) = (settings.store.kind, tokens) {
            let started = Remote::start(&settings.store, tokens, Arc::clone(&engine.handler));
            answering.remote = started.map_err(|why| answering.problems.push(why)).ok();
        }
        for problem in &answering.problems {
            tracing::warn!(problem, "people and tools are not answered everywhere");
        }
        drop(answering);
        engine
    }
}
