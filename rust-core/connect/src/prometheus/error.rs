//! Why nothing is read.

use thiserror::Error;

use super::exposition::ExpositionError;
use crate::http::HttpError;

/// Why nothing is read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PrometheusError {
    /// Nobody answers as we need it.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server finds something wrong with a question.
    #[error("{place}: the question is refused: {reason}")]
    Question {
        /// Where.
        place: String,
        /// In the server's words.
        reason: String,
    },
    /// What a target exposes is not as its format has it.
    #[error("{place}: {error}")]
    Exposition {
        /// The target.
        place: String,
        /// What, and in which line.
        error: ExpositionError,
    },
}

impl PrometheusError {
    /// A word that stays, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Http(error) => error.code(),
            Self::Question { .. } => "QUESTION",
            Self::Exposition { .. } => "EXPOSITION",
        }
    }
}
