//! How an engine is asked, whatever the way to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use thalweg_control::envelope::Envelope;
use thalweg_control::socket::call_signed;
use thalweg_control::token::TokenFile;
use thalweg_control::{CallError, Command, ErrorCode, Request, call, now_millis, socket};
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
    /// The field of the question that is wrong; empty where it is none.
    pub field: String,
}

impl Fault {
    /// Makes one.
    pub fn of(kind: FaultKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), field: String::new() }
    }
}

/// On whose word something is asked, and why.
#[derive(Debug, Clone, Default)]
pub struct Asker {
    /// The name of the caller's token; empty where the server asks by itself.
    pub name: String,
    /// Why, in the caller's words.
    pub why: String,
}

/// An engine: one scheduler with Thalweg in it. Calls block.
pub trait Engine: Send + Sync {
    /// Asks it something.
    ///
    /// # Errors
    /// [`Fault`].
    fn ask(&self, command: &Value, asker: &Asker) -> Result<Value, Fault>;
}

/// An engine on this machine, by its socket.
#[derive(Debug, Clone)]
pub struct Socket {
    path: PathBuf,
    /// The file with the token with which the server signs that it speaks for its callers.
    tokens: Option<Arc<TokenFile>>,
}

impl Socket {
    /// The engine that listens at a socket, or at the one in a folder.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), tokens: None }
    }

    /// The socket itself. Its folder may be made after this server was started.
    fn path(&self) -> PathBuf {
        if self.path.is_dir() { self.path.join(socket::NAME) } else { self.path.clone() }
    }

    /// From now on what callers order is signed with the first token of a file, which the engine knows as a delegate's, so
    /// that it knows them apart.
    pub fn signing(self, tokens: Arc<TokenFile>) -> Self {
        Self { tokens: Some(tokens), ..self }
    }
}

impl Engine for Socket {
    fn ask(&self, command: &Value, asker: &Asker) -> Result<Value, Fault> {
        let command: Command = serde_json::from_value(command.clone()).map_err(|error| {
            let text = format!("an engine of this version takes no such order: {error}");
            Fault::of(FaultKind::Refused, text)
        })?;
        let Asker { name, why } = asker;
        let request = Request { why: why.clone(), ..Request::of(command) };
        let answer = match &self.tokens {
            Some(tokens) if !name.is_empty() => {
                let (tokens, error) = tokens.tokens();
                let token = tokens.first().ok_or_else(|| {
                    let text = "the file of this server's own token holds none any more";
                    Fault::of(FaultKind::Passing, error.map_or(text.to_owned(), |e| e.to_string()))
                })?;
                let request = Request { on_behalf_of: name.clone(), ..request };
                let life = i64::try_from(PATIENCE.as_millis()).unwrap_or(i64::MAX);
                let envelope = Envelope::seal(&request, token, now_millis(), life)
                    .map_err(|error| Fault::of(FaultKind::Refused, error))?;
                call_signed(&self.path(), &envelope, PATIENCE)
            }
            _ => {
                // Else nobody who reads the order later would know whose it was.
                let why = [name.as_str(), why].into_iter().filter(|said| !said.is_empty());
                let why = why.collect::<Vec<_>>().join(": ");
                call(&self.path(), &Request { why, ..request }, PATIENCE)
            }
        };
        answer.map_err(Fault::from)
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
        let text = error.to_string();
        let field = match error {
            CallError::Refused(refusal) => refusal.field,
            _ => String::new(),
        };
        Self { kind, text, field }
    }
}
