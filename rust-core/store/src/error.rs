//! What can go wrong in a store.

use thiserror::Error;

use crate::table::TableError;

/// What can go wrong in a store; each kind has a stable code.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another writer has stored a table of this epoch or a later one.
    #[error("epoch {got} of {topology} is fenced by epoch {stored}")]
    Fenced {
        /// The topology.
        topology: String,
        /// The epoch that is stored.
        stored: u64,
        /// The epoch that was offered.
        got: u64,
    },
    /// A later leader has written here, or another that began the same term out of sight.
    #[error("term {got} may not write {key}: another leader has, in term {stored}")]
    Deposed {
        /// The key of the state, or the topology.
        key: String,
        /// The other's term.
        stored: u64,
        /// The term that wanted to write.
        got: u64,
    },
    /// A term beyond those whose epochs can be compared exactly everywhere.
    #[error("term {0} is above {max}", max = crate::limits::MAX_TERM)]
    TermTooLarge(u64),
    /// A table that must not be stored.
    #[error("invalid table: {0}")]
    Invalid(#[from] TableError),
    /// What is stored cannot be understood.
    #[error("corrupt content in {place}: {reason}")]
    Corrupt {
        /// The key or file.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer version wrote it, in a format that this one does not know. Nothing of it is changed.
    #[error(
        "{place} is of format {format}, and this version reads up to {reads}: run the version that wrote it, or a newer one",
        reads = crate::limits::FORMAT
    )]
    Newer {
        /// The key or file.
        place: String,
        /// Its format.
        format: u64,
    },
    /// Another process has the embedded store open.
    #[error("{0} is in use by another process")]
    Locked(String),
    /// The embedded store's file cannot be used.
    #[error("cannot use {path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// Settings that waiting will not heal.
    #[error("setting {setting}: {reason}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The server cannot be reached, or does not let us in; another try may succeed.
    #[error("{server} is out of reach: {reason}")]
    Unreachable {
        /// The server, without credentials.
        server: String,
        /// What failed.
        reason: String,
    },
    /// The server answered that it will not do this.
    #[error("{server} refused: {reason}")]
    Refused {
        /// The server, without credentials.
        server: String,
        /// Its answer.
        reason: String,
    },
}

impl StoreError {
    /// The stable code of this kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Fenced { .. } => "STORE_FENCED",
            Self::Deposed { .. } => "STORE_DEPOSED",
            Self::TermTooLarge(_) => "STORE_TERM_TOO_LARGE",
            Self::Invalid(_) => "STORE_INVALID_TABLE",
            Self::Corrupt { .. } => "STORE_CORRUPT",
            Self::Newer { .. } => "STORE_NEWER",
            Self::Locked(_) => "STORE_LOCKED",
            Self::File { .. } => "STORE_FILE",
            Self::Setting { .. } => "STORE_SETTING",
            Self::Unreachable { .. } => "STORE_UNREACHABLE",
            Self::Refused { .. } => "STORE_REFUSED",
        }
    }
}
