//! How the command ends: exit codes with meaning, and what is said on the error channel.

use std::process::ExitCode;

use thalweg_connect::http::HttpError;
use thalweg_connect::prometheus::PrometheusError;
use thalweg_control::{CallError, Refusal};
use thiserror::Error;

/// Exit codes, with what each means; the reference and the manual page are made from it.
pub const CODES: [(u8, &str); 8] = [
    (0, "it was done"),
    (1, "it could not be done"),
    (2, "the command line is wrong"),
    (3, "the engine refused it, or gave the order up; nothing was partly applied"),
    (4, "nobody answers: no scheduler runs there, or it may not be asked"),
    (
        5,
        "not now: another process leads, nothing was observed yet, or the store is away; try again",
    ),
    (6, "something was found that keeps elasticity from working"),
    (7, "a ledger is not as it was written"),
];

/// The exit codes, as the help shows them.
pub fn help() -> String {
    let lines = CODES.iter().map(|(code, meaning)| format!("  {code}  {meaning}"));
    format!("Exit codes:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// Why a command does not end well.
#[derive(Debug, Error)]
pub enum Failure {
    /// Something of its own went wrong.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
    /// The engine refused it.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// An order was given up, or came to nothing.
    #[error("{0}")]
    GivenUp(String),
    /// Nobody answers.
    #[error("{0}")]
    Unreachable(String),
    /// It may be otherwise in a while.
    #[error("not now: {0}")]
    NotYet(String),
    /// A ledger is not as it was written.
    #[error("{0}")]
    Tampered(String),
    /// Something was found; it has been said already.
    #[error("")]
    Found,
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => Self::Refused(refusal),
            CallError::Unreachable { .. } => Self::Unreachable(error.to_string()),
            other => Self::Failed(anyhow::anyhow!(other.to_string())),
        }
    }
}

impl From<HttpError> for Failure {
    /// Without an answer nobody is there, or nobody may ask; what is wrong here is ours.
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Credentials { .. } | HttpError::Setup(_) => Self::Failed(error.into()),
            other => Self::Unreachable(other.to_string()),
        }
    }
}

impl From<PrometheusError> for Failure {
    fn from(error: PrometheusError) -> Self {
        match error {
            PrometheusError::Http(error) => error.into(),
            other => Self::Failed(other.into()),
        }
    }
}

impl Failure {
    /// The exit code.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed(_) => 1,
            Self::Refused(refusal) if refusal.code.is_passing() => 5,
            Self::Refused(_) | Self::GivenUp(_) => 3,
            Self::Unreachable(_) => 4,
            Self::NotYet(_) => 5,
            Self::Found => 6,
            Self::Tampered(_) => 7,
        })
    }
}
