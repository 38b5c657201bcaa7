//! A value of a node, or the reason why there is none.

use thalweg_core::units::Timestamp;
use thiserror::Error;

/// A value of a node, or the reason why there is none: which is never zero.
pub type Reading = Result<Value, Missing>;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// The value.
    pub value: f64,
    /// When the oldest of what it was made of was scraped.
    pub at: Timestamp,
    /// Of what of several it is: a file system, a disk; empty where it is of the whole node.
    pub of: String,
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Missing {
    /// Nobody told it within the window.
    #[error("nobody told it within the window")]
    NotTold,
    /// What was told last is too old.
    #[error("what was told last is {secs} s old")]
    Stale {
        /// How old.
        secs: u64,
    },
    /// A rate takes two values.
    #[error("there is one value yet, and a rate takes two")]
    OneValue,
    /// What is told is infinite, or not a number.
    #[error("what is told is no finite number")]
    NoNumber,
    /// It is told of a machine that several nodes share, and no label says whose it is.
    #[error("several nodes share the machine, and no label says whose it is")]
    Shared,
}

impl Missing {
    /// A word that stays, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotTold => "NOT_TOLD",
            Self::Stale { .. } => "STALE",
            Self::OneValue => "ONE_VALUE",
            Self::NoNumber => "NO_NUMBER",
            Self::Shared => "SHARED",
        }
    }
}
