//! What can go wrong on the way to a server and back.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// Why something is no address. What was given is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is no URL with a host.
    #[error("expected a URL such as http://host:8081 or https://proxy.example/path")]
    NoUrl,
    /// It is neither HTTP nor HTTPS.
    #[error("expected http:// or https://")]
    Scheme,
    /// It has a name or a password in it, which others on this machine could read.
    #[error("a name and a password have no place in a URL: others on this machine could read them")]
    Secret,
    /// It has a query or a fragment.
    #[error("expected no ? and no # in the URL")]
    Query,
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// A JobManager of Flink.
    Flink,
    /// The agent in a driver of Spark.
    Spark,
    /// A Prometheus.
    Prometheus,
    /// What a Prometheus scrapes.
    Target,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flink => "Flink",
            Self::Spark => "agent of Thalweg in a driver of Spark",
            Self::Prometheus => "Prometheus",
            Self::Target => "target of a Prometheus",
        })
    }
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HttpError {
    /// Nobody answers there.
    #[error("{place}: nobody answers: {reason}")]
    Unreachable {
        /// Where.
        place: String,
        /// Why.
        reason: String,
    },
    /// Whoever answers does not let us ask.
    #[error("{path}: {status}, so we may not ask")]
    NotAllowed {
        /// What was asked for.
        path: String,
        /// The status: 401, 403 or 407.
        status: u16,
    },
    /// Whoever answers is somebody else.
    #[error("{place}: no {expected} answers there: {reason}")]
    Stranger {
        /// Where.
        place: String,
        /// Who was expected.
        expected: Server,
        /// What it says instead.
        reason: String,
    },
    /// The answer did not come in time.
    #[error("{path}: no whole answer within {secs} s")]
    Late {
        /// What was asked for.
        path: String,
        /// How long was waited.
        secs: u64,
    },
    /// The answer is that there is none.
    #[error("{path}: {status} {text}")]
    Refused {
        /// What was asked for.
        path: String,
        /// The status.
        status: u16,
        /// The beginning of what was said.
        text: String,
    },
    /// The answer ends before it is whole.
    #[error("{path}: the answer breaks off: {reason}")]
    BreaksOff {
        /// What was asked for.
        path: String,
        /// Why.
        reason: String,
    },
    /// The answer is not in JSON.
    #[error("{path}: no JSON: {reason}")]
    NoJson {
        /// What was asked for.
        path: String,
        /// Why it is none.
        reason: String,
    },
    /// The answer is too large to be one.
    #[error("{path}: more than {limit} bytes")]
    TooLarge {
        /// What was asked for.
        path: String,
        /// The most that is read.
        limit: usize,
    },
    /// What it takes to be answered cannot be read.
    #[error("{}: {reason}", file.display())]
    Credentials {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection can be set up at all.
    #[error("no connection can be set up: {0}")]
    Setup(String),
}

impl HttpError {
    /// A word that stays, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "UNREACHABLE",
            Self::NotAllowed { .. } => "NOT_ALLOWED",
            Self::Stranger { expected: Server::Flink, .. } => "NOT_FLINK",
            Self::Stranger { expected: Server::Spark, .. } => "NOT_SPARK",
            Self::Stranger { expected: Server::Prometheus, .. } => "NOT_PROMETHEUS",
            Self::Stranger { expected: Server::Target, .. } => "NOT_A_TARGET",
            Self::Late { .. } => "LATE",
            Self::Refused { .. } => "REFUSED",
            Self::BreaksOff { .. } => "BREAKS_OFF",
            Self::NoJson { .. } => "NO_JSON",
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::Credentials { .. } => "CREDENTIALS",
            Self::Setup(_) => "SETUP",
        }
    }

    /// Whether what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// Whether it says something of what was asked for, and not of whoever is asked: then the next question may be answered.
    pub fn is_of_one_answer(&self) -> bool {
        matches!(
            self,
            Self::Late { .. }
                | Self::Refused { .. }
                | Self::BreaksOff { .. }
                | Self::NoJson { .. }
                | Self::TooLarge { .. }
        )
    }
}
