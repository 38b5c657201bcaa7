//! What was decided about one topology at one instant, and what came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Reason;
use crate::capacity::bottleneck::BottleneckTime;
use crate::model::{Checkpoint, ComponentKind, Topology};
use crate::place::MigrationRow;
use crate::settings::Mode;
use crate::units::{Millis, RatePerSec, Share, Timestamp};

/// Whether to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Do nothing.
    Hold,
    /// Show the plan, but do nothing: the mode allows no more.
    Advise,
    /// Carry out the plan.
    Act,
}

/// What a plan changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanKind {
    /// Executor counts, and so their task ranges, or executors' memory.
    Counts,
    /// Only where executors run.
    Move,
    /// Also the workers of sources or acknowledging executors, which cannot be replaced beside
    /// themselves.
    Layout,
}

impl Plan {
    /// Whether executors stay what they are, and only move. How that has to be carried out does not matter.
    pub fn only_moves(&self) -> bool {
        self.counts.is_empty() && self.memory_mib.is_empty()
    }

    /// Whether it gives a component of the topology more memory.
    pub fn raises_memory(&self, topology: &Topology) -> bool {
        topology.components.iter().any(|component| {
            let wished = self.memory_mib.get(&component.id).map(|mib| f64::from(*mib));
            wished.zip(component.memory_mib).is_some_and(|(wished, now)| wished > now)
        })
    }
}

/// What is to be done to one topology.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Its unique name.
    pub id: String,
    /// Grows with every plan of the topology; fences older writers.
    pub epoch: u64,
    /// The topology's id.
    pub topology: String,
    /// The topology's name.
    pub name: String,
    /// What it changes.
    pub kind: PlanKind,
    /// New executor counts, of the components whose count changes.
    pub counts: BTreeMap<String, u32>,
    /// New memory of each executor in MiB, of the components whose memory changes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub memory_mib: BTreeMap<String, u32>,
    /// Tasks that equation 7 wishes for at the next submission.
    pub wished_tasks: BTreeMap<String, u32>,
    /// Workers that the placement uses.
    pub workers: u32,
    /// Stages of the way that are left after this plan; none if it goes all the way.
    #[serde(default, skip_serializing_if = "is_none_left")]
    pub stages_left: u32,
    /// Whether nodes lack slots or memory for the new workers beside the old ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_room_beside: bool,
    /// The whole placement; rows of executors that stay have the same slot on both sides.
    pub rows: Vec<MigrationRow>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "what serde calls it with")]
fn is_none_left(stages: &u32) -> bool {
    *stages == 0
}

/// What is known about a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComponentView {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: ComponentKind,
    /// Its executors.
    pub executors: u32,
    /// Its tasks.
    pub tasks: u32,
    /// Executors with fresh statistics.
    pub measured: u32,
    /// Tuples executed per second; of a source, tuples emitted.
    pub rate: RatePerSec,
    /// Mean time spent in executing one tuple.
    pub execute_latency: Option<Millis>,
    /// Mean time until a received tuple was acknowledged.
    pub process_latency: Option<Millis>,
    /// Mean time until a source's tuple was completely processed.
    pub complete_latency: Option<Millis>,
    /// Busy share of its busiest executor.
    pub capacity: Share,
    /// Mean busy share of its executors.
    pub mean_capacity: Share,
    /// Tuples it could execute per second, as far as the policy has a belief about that.
    #[serde(default)]
    pub believed_capacity: Option<RatePerSec>,
    /// Tuples failed within the window.
    pub failed: u64,
    /// Its bottleneck level within the topology; 0 for components that do no work on tuples.
    pub level: u32,
}

/// What is known about a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeView {
    /// Its id.
    pub id: String,
    /// Its host.
    pub host: String,
    /// How much work it can do, relative to the node that can do most.
    pub power: Share,
    /// Work of this topology on it: executors' busy time on the fastest node over its power.
    pub load: Share,
    /// How long a request to it and the answer took.
    pub round_trip: Option<Millis>,
}

/// A topology as it was measured when a decision was made.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TopologyView {
    /// Share of its executors that have fresh statistics.
    pub coverage: Share,
    /// Bottleneck level among the cluster's topologies.
    pub level: u32,
    /// Mean process latency of its operators, weighted by tuples: γ.
    pub latency: Option<Millis>,
    /// What the threshold function expected instead.
    pub expected_latency: Option<f64>,
    /// Its bottleneck time and side.
    pub bottleneck: Option<BottleneckTime>,
    /// Its last checkpoint, where the engine takes any.
    #[serde(default)]
    pub checkpoint: Option<Checkpoint>,
    /// Its components.
    pub components: Vec<ComponentView>,
    /// The nodes of the cluster.
    pub nodes: Vec<NodeView>,
}

/// One decision about one topology.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Its number; unique within a run of the loop.
    pub id: u64,
    /// When it was made.
    pub at: Timestamp,
    /// The topology's id.
    pub topology: String,
    /// The topology's name.
    pub name: String,
    /// The policy that made it.
    pub policy: String,
    /// How far it may go.
    pub mode: Mode,
    /// What it says.
    pub verdict: Verdict,
    /// Why; never empty.
    pub reasons: Vec<Reason>,
    /// What was measured.
    pub view: TopologyView,
    /// What is to be done, unless it holds without a plan.
    pub plan: Option<Plan>,
}

/// The measures by which an action is judged.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean complete latency of the sources' tuples.
    pub complete_latency: Option<Millis>,
    /// Mean process latency of the operators.
    pub process_latency: Option<Millis>,
    /// Mean execute latency of the operators.
    pub execute_latency: Option<Millis>,
    /// Tuples the sources brought in per second.
    pub throughput: RatePerSec,
    /// Busy share of the busiest executor.
    pub capacity: Share,
}

/// An executor that is busy for this share of the time has no time left.
const FULL: f64 = 0.95;

impl Metrics {
    /// Whether the busiest executor has no time left.
    pub fn is_full(&self) -> bool {
        self.capacity.get() >= FULL
    }
}

/// What came of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The plan.
    pub plan: String,
    /// The topology's id.
    pub topology: String,
    /// When it was judged.
    pub at: Timestamp,
    /// How things stood when it was decided.
    pub before: Metrics,
    /// How they stand now.
    pub after: Metrics,
    /// Whether it helped.
    pub helped: bool,
    /// Why so.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Component;

    #[test]
    fn a_plan_from_before_there_was_memory_in_plans_is_read_and_changes_none() {
        let old = r#"{"id": "a-p1", "epoch": 1, "topology": "a-1", "name": "a", "kind": "counts",
            "counts": {"join": 4}, "wished_tasks": {}, "workers": 2, "rows": []}"#;
        let plan: Plan = serde_json::from_str(old).expect("it is a plan");
        assert_eq!(plan.memory_mib, BTreeMap::new());
        let again = serde_json::to_string(&plan).expect("it can be written");
        assert!(!again.contains("memory"), "who knows nothing of memory is told nothing: {again}");
    }

    #[test]
    fn memory_alone_is_no_move_and_grows_only_upwards() {
        let old = r#"{"id": "a-p1", "epoch": 1, "topology": "a-1", "name": "a", "kind": "counts",
            "counts": {}, "memory_mib": {"join": 256}, "wished_tasks": {}, "workers": 2, "rows": []}"#;
        let plan: Plan = serde_json::from_str(old).expect("it is a plan");
        assert!(!plan.only_moves());
        let with = |mib| {
            let join = Component { id: "join".to_owned(), memory_mib: mib, ..Component::default() };
            plan.raises_memory(&Topology { components: vec![join], ..Topology::default() })
        };
        assert_eq!([with(Some(128.0)), with(Some(512.0)), with(None)], [true, false, false]);
    }
}
