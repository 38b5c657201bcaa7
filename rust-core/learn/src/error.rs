//! What can go wrong when models are trained and kept.

use thalweg_core::learning::LearningError;
use thiserror::Error;

/// What can go wrong; each kind has a stable code.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LearnError {
    /// A table cannot be learned from.
    #[error("{place}: {reason}")]
    Table {
        /// The file and line, or the table's name.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A trainer refused.
    #[error("cannot train: {0}")]
    Training(String),
    /// A model is not taken.
    #[error("{place}: {error}")]
    Model {
        /// The file.
        place: String,
        /// What is wrong, with its own code.
        error: LearningError,
    },
    /// A file is not what it should be.
    #[error("{place}: {reason}")]
    Corrupt {
        /// The file.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A newer version wrote it.
    #[error("{place} is of format {format}, and this version reads up to {reads}")]
    Newer {
        /// The file.
        place: String,
        /// Its format.
        format: u64,
        /// The newest that is read.
        reads: u64,
    },
    /// There is no such model.
    #[error("there is no model {name} of version {version}")]
    Unknown {
        /// Its name.
        name: String,
        /// Its version.
        version: u32,
    },
    /// A model may not take the place that it was to get.
    #[error("{name} {version} may not be asked: {reason}")]
    NotEarned {
        /// Its name.
        name: String,
        /// Its version.
        version: u32,
        /// Why.
        reason: String,
    },
    /// There is nothing to go back to.
    #[error("no version of {0} was asked before")]
    NoneBefore(String),
    /// Another process changes the folder.
    #[error("{0} is in use by another process")]
    Locked(String),
    /// A file cannot be used.
    #[error("cannot use {place}: {error}")]
    File {
        /// The file.
        place: String,
        /// What the system says.
        error: std::io::Error,
    },
}

impl LearnError {
    /// The stable code of this kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Table { .. } => "LEARN_TABLE",
            Self::Training(_) => "LEARN_TRAINING",
            Self::Model { error, .. } => error.code(),
            Self::Corrupt { .. } => "LEARN_CORRUPT",
            Self::Newer { .. } => "LEARN_NEWER",
            Self::Unknown { .. } => "LEARN_UNKNOWN",
            Self::NotEarned { .. } => "LEARN_NOT_EARNED",
            Self::NoneBefore(_) => "LEARN_NONE_BEFORE",
            Self::Locked(_) => "LEARN_LOCKED",
            Self::File { .. } => "LEARN_FILE",
        }
    }
}
