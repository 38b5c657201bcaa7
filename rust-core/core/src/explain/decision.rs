//! What was decided about one topology at one instant, and what came of it.

use serde::{Deserialize, Serialize};

use super::chain::{Chain, Offer};
use crate::capacity::bottleneck::BottleneckTime;
use crate::demand::LoadForecast;
use crate::model::{Checkpoint, ComponentKind};
use crate::plan::{Metrics, Plan};
use crate::reason::Reason;
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
    /// Carry out the plan once somebody approves of it.
    Propose,
    /// Carry out the plan.
    Act,
}

/// What is known about a component. Where none of its executors is measured, neither rate nor busy share is known.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
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
    #[serde(default)]
    pub rate: Option<RatePerSec>,
    /// Mean time spent in executing one tuple.
    pub execute_latency: Option<Millis>,
    /// Mean time until a received tuple was acknowledged.
    pub process_latency: Option<Millis>,
    /// Mean time until a source's tuple was completely processed.
    pub complete_latency: Option<Millis>,
    /// Busy share of its busiest executor.
    #[serde(default)]
    pub capacity: Option<Share>,
    /// Mean busy share of its executors.
    #[serde(default)]
    pub mean_capacity: Option<Share>,
    /// Tuples it could execute per second, as far as the policy has a belief about that.
    #[serde(default)]
    pub believed_capacity: Option<RatePerSec>,
    /// The time it needs for a tuple, in computing or in communicating, whichever is longer: its level is told by that.
    #[serde(default)]
    pub bottleneck_time: Option<Millis>,
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

/// How long a topology that failed now would need until it is where it would have been.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// Until it works again.
    pub away: Millis,
    /// Whether that is how long its last actions took, which is at least as long, not an assumption.
    pub away_is_measured: bool,
    /// The time between two checkpoints, of which half is repeated.
    pub interval: Millis,
    /// The busy share of its busiest component.
    pub busy: Share,
    /// All in all; nothing where it is too busy to catch up.
    pub takes: Option<Millis>,
    /// The longest time between two checkpoints with which it takes no longer than `thalweg.scaling.catch.up.secs`; nothing
    /// where none is short enough.
    pub longest_interval: Option<Millis>,
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
    /// What its sources are expected to bring by the time at which an action would take effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_forecast: Option<LoadForecast>,
    /// Its bottleneck time and side.
    pub bottleneck: Option<BottleneckTime>,
    /// Its last checkpoint, where the engine takes any.
    #[serde(default)]
    pub checkpoint: Option<Checkpoint>,
    /// What a failure would cost, where its engine takes checkpoints by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
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
    /// What is to be done; where it holds, the plan that waits for somebody's word, or the one that was held back, if any.
    pub plan: Option<Plan>,
    /// How busy the busiest executor is expected to be once the plan is carried out, at the same load; unknown where
    /// executors only move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_busy: Option<Share>,
    /// The plan that waits for somebody's word, with what it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
    /// How it was come to.
    #[serde(default)]
    pub chain: Chain,
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
    /// How busy the busiest executor was expected to be, as far as that could be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_busy: Option<Share>,
    /// Whether it helped.
    pub helped: bool,
    /// Why so.
    pub text: String,
}
