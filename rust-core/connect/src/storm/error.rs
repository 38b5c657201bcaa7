//! What can go wrong between the command, the Java program that speaks to Nimbus, and Nimbus.

use std::path::PathBuf;

use thiserror::Error;

/// Why there is no observation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StormError {
    /// A file or folder that was given cannot be used.
    #[error("{}: {reason}", path.display())]
    Setup {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The Java program cannot be started.
    #[error("{program} cannot be started: {reason}")]
    Launch {
        /// The program.
        program: String,
        /// Why.
        reason: String,
    },
    /// It ended by itself.
    #[error("the Java program that asks Nimbus has ended ({status}){}", last(said))]
    Ended {
        /// How.
        status: String,
        /// What it said last, a line each.
        said: Vec<String>,
    },
    /// It did not answer in time, and was ended.
    #[error("the Java program that asks Nimbus did not answer within {secs} s{}", last(said))]
    Silent {
        /// How long was waited.
        secs: u64,
        /// What it said last, a line each.
        said: Vec<String>,
    },
    /// It answered more than any observation has, and was ended.
    #[error("the Java program that asks Nimbus answered with more than {limit} bytes")]
    TooLong {
        /// The most that is read.
        limit: usize,
    },
    /// It answered something else than was asked, and was ended.
    #[error("the Java program that asks Nimbus answered {line:?}: {reason}")]
    Garbled {
        /// The beginning of the answer.
        line: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It is of another version than this command.
    #[error(
        "the jar speaks version {got}, expected {expected}: it is of another release than this command"
    )]
    OtherVersion {
        /// What it speaks.
        got: u64,
        /// What is spoken here.
        expected: u64,
    },
    /// No Nimbus answers it.
    #[error("no Nimbus answers: {0}")]
    Unreachable(String),
    /// Nimbus does not let us ask.
    #[error("{0}")]
    Refused(String),
    /// Nimbus's answer could not be made an observation of.
    #[error("the cluster cannot be read: {0}")]
    Unreadable(String),
    /// Nimbus does not do what it was asked for.
    #[error("Nimbus does not take it up: {0}")]
    Declined(String),
}

impl StormError {
    /// A word that stays, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Setup { .. } => "SETUP",
            Self::Launch { .. } => "LAUNCH",
            Self::Ended { .. } => "ENDED",
            Self::Silent { .. } => "SILENT",
            Self::TooLong { .. } => "TOO_LONG",
            Self::Garbled { .. } => "GARBLED",
            Self::OtherVersion { .. } => "OTHER_VERSION",
            Self::Unreachable(_) => "UNREACHABLE",
            Self::Refused(_) => "REFUSED",
            Self::Unreadable(_) => "UNREADABLE",
            Self::Declined(_) => "DECLINED",
        }
    }

    /// Whether Nimbus has answered: then it does not do what it was asked for.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unreadable(_) | Self::Declined(_))
    }

    /// Whether Nimbus is what it is about, so that the Java program may go on.
    pub fn is_of_nimbus(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Refused(_) | Self::Unreadable(_))
    }
}

fn last(said: &[String]) -> String {
    if said.is_empty() { String::new() } else { format!("; it said last: {}", said.join(" | ")) }
}
