//! What a plan says, for people and programs.

use serde::Serialize;

use crate::units::{Alpha, Amount, Money, Time};

/// A value of a plan beside that of the defaults.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Beside<T> {
    /// The plan's.
    pub planned: T,
    /// The defaults'.
    pub default: T,
}

/// What was planned for a workflow.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// How much of the objective is time.
    pub alpha: Alpha,
    /// What costs are counted in.
    pub currency: String,
    /// The objective; the defaults' is 1.
    pub objective: f64,
    /// When the last task ends, in seconds.
    pub makespan_secs: Beside<Time>,
    /// What all tasks cost.
    pub cost: Beside<Money>,
    /// Whether there is no better plan, by the same figures.
    pub proved_best: bool,
    /// What no plan can be below, where that is not proved.
    pub lower_bound: f64,
    /// By how many per cent a better plan may at most be below this one.
    pub within_percent: f64,
    /// Placements of a task that were tried.
    pub steps: u64,
    /// Whether it was told to stop before all steps were used.
    pub stopped: bool,
    /// The tasks by their start.
    pub tasks: Vec<PlannedTask>,
    /// The ordinals of the workflow's tasks, in the order of `tasks`.
    #[serde(skip)]
    pub order: Vec<usize>,
    /// The ordinals of the chosen configurations, by the workflow's tasks.
    #[serde(skip)]
    pub chosen: Vec<usize>,
    /// When each of the workflow's tasks starts.
    #[serde(skip)]
    pub starts: Vec<Time>,
}

/// A task in a plan.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedTask {
    /// Its DAG.
    pub dag: String,
    /// Its name there.
    pub task: String,
    /// The configuration that it is to run in.
    pub configuration: String,
    /// Its default.
    pub default: String,
    /// What the past runs of both say.
    pub measured: Beside<Told>,
    /// When it is to start, since the beginning of the first.
    pub start_secs: Time,
    /// When it then ends.
    pub end_secs: Time,
    /// Why it starts then.
    pub starts_because: Then,
    /// Why each other configuration was not chosen.
    pub others: Vec<Other>,
}

/// What the past runs of a configuration say.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Told {
    /// The median of their lengths.
    pub secs: Time,
    /// The median of their costs.
    pub cost: Money,
    /// How many there were.
    pub runs: usize,
    /// Whether the runs do not say their cost, so that it is reckoned from prices.
    pub cost_from_prices: bool,
}

/// Why a task starts when it does.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "code", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Then {
    /// It waits for nothing.
    AtOnce,
    /// A task that it waits for ends then.
    After {
        /// That task.
        task: String,
    },
    /// There is no room for it before.
    Room {
        /// Of which resource.
        resource: String,
        /// What it needs.
        needs: Amount,
        /// What there is in the cluster.
        there: Amount,
        /// The task whose end makes room.
        task: String,
    },
}

/// A configuration that was not chosen.
#[derive(Debug, Clone, Serialize)]
pub struct Other {
    /// Its name.
    pub configuration: String,
    /// Why not.
    #[serde(flatten)]
    pub because: WhyNot,
}

/// Why a configuration was not chosen.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "code", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WhyNot {
    /// It has no past runs, and nothing else says how long it takes.
    NeverRan,
    /// It needs more of a resource than there is.
    TooLarge {
        /// The resource.
        resource: String,
        /// What it needs.
        needs: Amount,
        /// What there is.
        there: Amount,
    },
    /// With it instead, and all else in the same order, the objective would be this.
    WouldBe {
        /// The objective.
        objective: f64,
        /// When all would end.
        makespan_secs: Time,
        /// What all would cost.
        cost: Money,
    },
}
