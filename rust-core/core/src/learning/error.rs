//! Why a model is not taken.

use std::fmt;

use thiserror::Error;

/// Where in a model something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In what holds for all trees.
    Whole,
    /// In a tree, by its number from 0.
    Tree(usize),
    /// At a node of a tree, both by their numbers from 0.
    Node(usize, usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("model"),
            Self::Tree(tree) => write!(f, "tree {tree}"),
            Self::Node(tree, node) => write!(f, "tree {tree}, node {node}"),
        }
    }
}

/// What is wrong with a model or with what it was asked; each kind has a stable code.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum LearningError {
    /// A version of the format that nothing is known of.
    #[error("model: version {0} of its format is not known")]
    Version(u64),
    /// It predicts what nothing here turns into a number of the right kind.
    #[error("model: objective {0} is not known")]
    Objective(String),
    /// It is made of something other than boosted trees.
    #[error("model: booster {0} is not known")]
    Booster(String),
    /// It asks for categories instead of numbers.
    #[error("{0}: categories are not known")]
    Categories(Place),
    /// It predicts several numbers at once.
    #[error("{place}: {found} outputs, and one is known")]
    Outputs {
        /// Where.
        place: Place,
        /// How many there are.
        found: String,
    },
    /// Its parts do not fit each other.
    #[error("{place}: {reason}")]
    Malformed {
        /// Where.
        place: Place,
        /// What does not fit.
        reason: String,
    },
    /// A node is reached twice, so that a way might never end.
    #[error("{0}: it is reached by more than one way")]
    Circle(Place),
    /// There is more of it than is walked.
    #[error("{place}: {found} {what}, and at most {most} are taken")]
    TooLarge {
        /// Where.
        place: Place,
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// A number that none can be.
    #[error("{place}: {what} is {found}")]
    Number {
        /// Where.
        place: Place,
        /// Which.
        what: &'static str,
        /// What it is.
        found: String,
    },
    /// What it says of itself and what it is are not the same.
    #[error("card: {0}")]
    Card(String),
    /// It was asked with another number of features.
    #[error("{found} features were given, and it knows {wanted}")]
    Row {
        /// How many were given.
        found: usize,
        /// How many it knows.
        wanted: usize,
    },
}

impl LearningError {
    /// The stable code of this kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Version(_) => "MODEL_VERSION",
            Self::Objective(_) => "MODEL_OBJECTIVE",
            Self::Booster(_) => "MODEL_BOOSTER",
            Self::Categories(_) => "MODEL_CATEGORIES",
            Self::Outputs { .. } => "MODEL_OUTPUTS",
            Self::Malformed { .. } => "MODEL_MALFORMED",
            Self::Circle(_) => "MODEL_CIRCLE",
            Self::TooLarge { .. } => "MODEL_TOO_LARGE",
            Self::Number { .. } => "MODEL_NUMBER",
            Self::Card(_) => "MODEL_CARD",
            Self::Row { .. } => "MODEL_ROW",
        }
    }
}
