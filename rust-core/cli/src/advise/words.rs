//! What is called how on each engine.

/// The words of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// The engine.
    pub engine: &'static str,
    /// Whoever answers.
    pub who: &'static str,
    /// One of what it runs.
    pub one: &'static str,
    /// Several of them.
    pub all: &'static str,
    /// What a component runs in, as a column.
    pub executors: &'static str,
    /// Whether the engine leaves to others what runs where.
    pub is_placed: bool,
}

/// Those of Flink.
pub const FLINK: Words = Words {
    engine: "Flink",
    who: "the JobManager",
    one: "job",
    all: "jobs",
    executors: "subtasks",
    is_placed: false,
};

/// Those of Storm.
pub const STORM: Words = Words {
    engine: "Storm",
    who: "Nimbus",
    one: "topology",
    all: "topologies",
    executors: "executors",
    is_placed: true,
};
