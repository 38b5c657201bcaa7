//! What can be wrong with a workflow file.

use thiserror::Error;

/// What is wrong with a workflow file, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}: {fault}")]
pub struct WorkflowError {
    /// The file.
    pub file: String,
    /// The line, the first being 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: Fault,
}

impl WorkflowError {
    /// The stable code of this kind of error.
    pub fn code(&self) -> &'static str {
        self.fault.code()
    }
}

/// What is wrong, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// It is no YAML, or uses what is not taken.
    #[error("{0}")]
    Yaml(String),
    /// It is larger than what is read.
    #[error("{0}")]
    Limit(String),
    /// A key that there is not.
    #[error("{place} has no key {key}; expected {expected}")]
    Key {
        /// The map that it stands in.
        place: String,
        /// The key.
        key: String,
        /// The keys that there are.
        expected: String,
    },
    /// A key that has to be there is not.
    #[error("{place}: {key} is missing")]
    Missing {
        /// The map in which it is missing.
        place: String,
        /// The key.
        key: String,
    },
    /// A value is not what it has to be.
    #[error("{place}: expected {expected}")]
    Value {
        /// The key, from the beginning of the file.
        place: String,
        /// What was expected.
        expected: String,
    },
    /// A task waits for one that there is not.
    #[error("{task} is after {after}, and {dag} has no such task")]
    Dependency {
        /// The task.
        task: String,
        /// What it waits for.
        after: String,
        /// The DAG.
        dag: String,
    },
    /// Tasks wait for each other.
    #[error("tasks wait for each other: {0}")]
    Circle(String),
    /// The default of a task needs more than there is.
    #[error("{task} fits nowhere: {configuration}, its default, needs {lacks}")]
    FitsNowhere {
        /// The task.
        task: String,
        /// Its default.
        configuration: String,
        /// How much of which resource it needs, and what there is.
        lacks: String,
    },
    /// Nothing is known of a task, or of its default.
    #[error(
        "{task}: {configuration} has no past runs, and what takes how long is told from nothing else"
    )]
    NoRuns {
        /// The task.
        task: String,
        /// Its default, or all of its configurations.
        configuration: String,
    },
    /// What something costs is not known, or nothing costs anything.
    #[error("{0}")]
    Cost(String),
}

impl Fault {
    fn code(&self) -> &'static str {
        match self {
            Self::Yaml(_) => "WORKFLOW_YAML",
            Self::Limit(_) => "WORKFLOW_LIMIT",
            Self::Key { .. } => "WORKFLOW_KEY",
            Self::Missing { .. } => "WORKFLOW_MISSING",
            Self::Value { .. } => "WORKFLOW_VALUE",
            Self::Dependency { .. } => "WORKFLOW_DEPENDENCY",
            Self::Circle(_) => "WORKFLOW_CIRCLE",
            Self::FitsNowhere { .. } => "WORKFLOW_FITS_NOWHERE",
            Self::NoRuns { .. } => "WORKFLOW_NO_RUNS",
            Self::Cost(_) => "WORKFLOW_COST",
        }
    }
}

/// A fault and its line, before anybody knows the file.
#[derive(Debug)]
pub(super) struct At {
    pub line: usize,
    pub fault: Fault,
}
