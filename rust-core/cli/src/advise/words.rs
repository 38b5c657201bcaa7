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
    /// What a change of counts costs, where that is the same for all.
    pub cost: Option<&'static str>,
}

/// Those of Flink.
pub const FLINK: Words = Words {
    engine: "Flink",
    who: "the JobManager",
    one: "job",
    all: "jobs",
    executors: "subtasks",
    is_placed: false,
    cost: None,
};

/// Those of Spark.
pub const SPARK: Words = Words {
    engine: "Spark",
    who: "the agent in the driver",
    one: "query",
    all: "queries",
    executors: "executors",
    is_placed: false,
    cost: Some("cost: batches run on; what an executor that is given back was at is done again"),
};

/// Those of Storm.
pub const STORM: Words = Words {
    engine: "Storm",
    who: "Nimbus",
    one: "topology",
    all: "topologies",
    executors: "executors",
    is_placed: true,
    cost: None,
};
