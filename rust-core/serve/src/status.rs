//! The status of an engine, as it is read here. What an older engine does not say is missing, never zero.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use thalweg_core::explain::{Decision, Outcome};
use thalweg_core::model::{Grouping, TopologyStatus};
use thalweg_core::operator::Operator;
use thalweg_core::plan::Plan;
use thalweg_core::settings::Mode;
use thalweg_core::units::{RatePerSec, Share, Timestamp};

#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    pub version: String,
    pub at: Timestamp,
    pub mode: Mode,
    #[serde(default)]
    pub problems: Vec<String>,
    pub store: Store,
    #[serde(default)]
    pub decisions: Vec<Decision>,
    #[serde(default)]
    pub nodes: Vec<Node>,
    #[serde(default)]
    pub arrangements: Vec<Arrangement>,
    #[serde(default)]
    pub plan: Option<ActivePlan>,
    #[serde(default)]
    pub leads: bool,
    #[serde(default)]
    pub ended: Vec<EndedPlan>,
    #[serde(default)]
    pub outcomes: Vec<Outcome>,
    #[serde(default)]
    pub counters: BTreeMap<String, u64>,
    #[serde(default)]
    pub operator: Operator,
    #[serde(default)]
    pub ledger: Option<Ledger>,
}

impl Status {
    /// What people call a node, where it is known.
    pub fn host(&self, node: &str) -> Option<&str> {
        self.nodes.iter().find(|one| one.id == node).map(|one| one.host.as_str())
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct Ledger {
    pub seq: u64,
    pub written: u64,
    pub lost: u64,
    pub failures: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Store {
    pub kind: String,
    pub up: bool,
    #[serde(default)]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Node {
    pub id: String,
    pub host: String,
    #[serde(default)]
    pub rack: String,
    #[serde(default)]
    pub ports: Vec<u32>,
    #[serde(default)]
    pub draining: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Stream {
    pub from: String,
    pub to: String,
    pub grouping: Grouping,
    pub rate: Option<RatePerSec>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Worker {
    pub node: String,
    pub port: u32,
    pub executors: BTreeMap<String, u32>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Arrangement {
    pub topology: String,
    pub status: TopologyStatus,
    #[serde(default)]
    pub streams: Vec<Stream>,
    #[serde(default)]
    pub workers: Vec<Worker>,
    #[serde(default)]
    pub unassigned: u32,
    #[serde(default)]
    pub backlog: BTreeMap<String, u64>,
    #[serde(default)]
    pub memory_mib: BTreeMap<String, f64>,
}

/// The plan under way.
#[derive(Debug, Clone, Deserialize)]
pub struct ActivePlan {
    pub plan: Plan,
    pub state: Value,
    pub since: Timestamp,
    #[serde(default)]
    pub strategy: Option<String>,
    #[serde(default)]
    pub expected_busy: Option<Share>,
    #[serde(default)]
    pub steps: Vec<Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct EndedPlan {
    pub plan: Plan,
    pub at: Timestamp,
    #[serde(default)]
    pub how: String,
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub steps: Vec<Value>,
}
