//! How an engine is asked, whatever the way to it.

use std::path::PathBuf;

use serde_json::Value;
use thiserror::Error;

/// What went wrong with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The engine does not answer.
    Unreachable,
    /// What it is asked for is not there.
    NotFound,
    /// It refuses; the same question gets the same answer.
    Refused,
    /// It refuses for now.
    Passing,
}

/// Why an engine gave no answer.
#[derive(Debug, Clone, Error)]
#[error("{text}")]
pub struct Fault {
    /// The kind.
    pub kind: FaultKind,
    /// The same for people.
    pub text: String,
}

impl Fault {
    /// Makes one.
    pub fn of(kind: FaultKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

/// An engine: one scheduler with Thalweg in it. Calls block.
pub trait Engine: Send + Sync {
    /// Asks it something; `why` says who wants it and for what reason.
    ///
    /// # Errors
    /// [`Fault`].
    fn ask(&self, command: &Value, why: &str) -> Result<Value, Fault>;
}

/// An engine on this machine, by its folder.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The engine that shows its status in this folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Engine for Folder {
    fn ask(&self, command: &Value, _why: &str) -> Result<Value, Fault> {
        if command.get("status").is_none() {
            return Err(Fault::of(FaultKind::Refused, "this engine only shows its status"));
        }
        let file = self.path.join("status.json");
        let unreachable =
            |text: String| Fault::of(FaultKind::Unreachable, format!("{}: {text}", file.display()));
        let text = std::fs::read(&file).map_err(|error| unreachable(error.to_string()))?;
        serde_json::from_slice(&text).map_err(|error| unreachable(error.to_string()))
    }
}
