//! How an engine is asked, whatever the way to it.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use thalweg_control::{CallError, Command, ErrorCode, Request, call, socket};
use thiserror::Error;

/// How long an engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

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

/// An engine on this machine, by its socket.
#[derive(Debug, Clone)]
pub struct Socket {
    path: PathBuf,
}

impl Socket {
    /// The engine that listens at a socket, or at the one in a folder.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let is_folder = path.is_dir();
        Self { path: if is_folder { path.join(socket::NAME) } else { path } }
    }
}

impl Engine for Socket {
    fn ask(&self, command: &Value, why: &str) -> Result<Value, Fault> {
        let command: Command = serde_json::from_value(command.clone()).map_err(|error| {
            let text = format!("an engine of this version takes no such order: {error}");
            Fault::of(FaultKind::Refused, text)
        })?;
        let request = Request { why: why.to_owned(), ..Request::of(command) };
        call(&self.path, &request, PATIENCE).map_err(Fault::from)
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        let kind = match &error {
            CallError::Refused(refusal) => match refusal.code {
                ErrorCode::NotFound => FaultKind::NotFound,
                code if code.is_passing() => FaultKind::Passing,
                _ => FaultKind::Refused,
            },
            _ => FaultKind::Unreachable,
        };
        Self::of(kind, error.to_string())
    }
}
