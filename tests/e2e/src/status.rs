//! The status file, as tools on the machine read it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// What Thalweg says of itself.
#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    /// When it was written.
    pub at: u64,
    /// How far Thalweg may go.
    pub mode: String,
    /// What is wrong with the configuration.
    pub problems: Vec<String>,
    /// The store's health.
    pub store: Store,
    /// The last decision about each topology.
    pub decisions: Vec<Decision>,
    /// Whether the process that wrote it leads.
    pub leads: bool,
    /// The newest term of leadership that it has had.
    pub term: u64,
    /// The plan under way.
    pub plan: Option<ActivePlan>,
    /// Plans that ended, the last one first.
    pub ended: Vec<EndedPlan>,
    /// What came of plans, the last one first.
    pub outcomes: Vec<Outcome>,
    /// What operators have ordered: what waits, then what is over, the last one first.
    pub orders: Vec<Order>,
    /// Events counted.
    pub counters: BTreeMap<String, u64>,
}

/// The store's health.
#[derive(Debug, Clone, Deserialize)]
pub struct Store {
    /// `embedded` or `redis`.
    pub kind: String,
    /// Whether it answers.
    pub up: bool,
}

/// What may be said of a topology while nothing is to be done. A busy machine makes latency rise.
pub const CALM: &[&str] = &[
    "NO_BOTTLENECK",
    "LATENCY_STABLE",
    "NOT_YET_PERSISTENT",
    "BOTTLENECK_RISING",
    "NO_GAIN",
    "HIGHER_LEVEL_FIRST",
];
/// What is said before it can be judged.
const EARLY: &[&str] = &["SETTLING", "METRICS_MISSING", "EXECUTORS_UNASSIGNED"];

/// A decision in brief.
#[derive(Debug, Clone, Deserialize)]
pub struct Decision {
    /// The topology's name.
    pub name: String,
    /// `hold`, `advise` or `act`.
    pub verdict: String,
    /// Why.
    pub reasons: Vec<Reason>,
}

impl Decision {
    /// The first reason, if any, by which the topology cannot be judged yet.
    pub fn early(&self) -> Option<&Reason> {
        self.reasons.iter().find(|reason| EARLY.contains(&reason.code.as_str()))
    }
}

/// A reason of a decision.
#[derive(Debug, Clone, Deserialize)]
pub struct Reason {
    /// Its stable name.
    pub code: String,
    /// The same for people.
    pub text: String,
    /// What was measured, where it is a number.
    pub measured: Option<f64>,
    /// The limit that it was held against.
    pub limit: Option<f64>,
}

/// An operator's order in brief.
#[derive(Debug, Clone, Deserialize)]
pub struct Order {
    /// Its name.
    pub id: String,
    /// `waiting`, `acting`, `done`, `failed`, `refused` and others.
    pub state: String,
    /// Why so, where there is something to be said.
    #[serde(default)]
    pub text: String,
}

/// A plan in brief.
#[derive(Debug, Clone, Deserialize)]
pub struct Plan {
    /// Its name.
    pub id: String,
    /// The topology's name.
    pub name: String,
    /// New executor counts.
    pub counts: BTreeMap<String, usize>,
    /// Where executors are to run.
    pub rows: Vec<PlanRow>,
}

impl Plan {
    /// Whether it places anything on a node.
    pub fn places_on(&self, node: &str) -> bool {
        self.rows.iter().any(|row| row.after.node == node)
    }
}

/// An executor's row of a plan.
#[derive(Debug, Clone, Deserialize)]
pub struct PlanRow {
    /// Its place after the plan.
    pub after: PlanPlace,
}

/// A slot of a node.
#[derive(Debug, Clone, Deserialize)]
pub struct PlanPlace {
    /// The node.
    pub node: String,
}

/// The plan under way.
#[derive(Debug, Clone, Deserialize)]
pub struct ActivePlan {
    /// The plan.
    pub plan: Plan,
    /// How far it is: `decided`, `published`, `preparing` and so on.
    pub state: String,
    /// What was done to the cluster for it and is not taken back yet.
    pub done: Vec<Value>,
}

/// A plan that ended.
#[derive(Debug, Clone, Deserialize)]
pub struct EndedPlan {
    /// The plan.
    pub plan: Plan,
    /// By which way, or why not.
    pub how: String,
    /// Why it was given up, if it was.
    pub code: Option<String>,
    /// What was done.
    pub steps: Vec<Step>,
}

/// A step of a plan.
#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    /// Its way of acting and phase.
    pub step: String,
    /// What there is to say of it; empty if nothing.
    pub text: String,
}

/// What came of a plan.
#[derive(Debug, Clone, Deserialize)]
pub struct Outcome {
    /// The plan.
    pub plan: String,
    /// Whether it helped.
    pub helped: bool,
    /// Why so.
    pub text: String,
}

impl Status {
    /// An order.
    pub fn order(&self, id: &str) -> Option<&Order> {
        self.orders.iter().find(|order| order.id == id)
    }

    /// The last decision about a topology.
    pub fn decision(&self, topology: &str) -> Option<&Decision> {
        self.decisions.iter().find(|decision| decision.name == topology)
    }
}
