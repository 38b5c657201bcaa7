//! A scenario's types, as they stand in its file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thalweg_core::model::{ComponentKind, Grouping};

use super::engines::{Flink, Metrics, Storm};
use super::faults::Fault;
use super::load::Load;

/// Which engine runs the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// Apache Storm: workers, acknowledgement, replay.
    Storm,
    /// Apache Flink: checkpoints, full restarts, credit-based back-pressure.
    Flink,
}

/// A job, its cluster and its load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its short name.
    pub name: String,
    /// What it is, for people.
    #[serde(default)]
    pub about: String,
    /// Which engine runs the job.
    pub engine: EngineKind,
    /// How long it runs.
    pub duration_secs: f64,
    /// Length of one step of the simulation.
    #[serde(default = "half_a_second")]
    pub step_millis: f64,
    /// Seconds between two points of a run's course.
    #[serde(default = "a_minute")]
    pub point_secs: f64,
    /// Records per second that the sources bring in at load 1.
    pub rate: f64,
    /// Relative standard deviation of hidden parameters between seeds.
    #[serde(default)]
    pub jitter: f64,
    /// Workers that the user asked for.
    #[serde(default = "two")]
    pub workers: u32,
    /// Groups of equal nodes.
    #[serde(rename = "node")]
    pub nodes: Vec<NodeGroup>,
    /// The steps of the job.
    #[serde(rename = "component")]
    pub components: Vec<ComponentSpec>,
    /// The streams between them.
    #[serde(rename = "edge", default)]
    pub edges: Vec<EdgeSpec>,
    /// The load over time.
    #[serde(default)]
    pub load: Load,
    /// How Storm behaves.
    #[serde(default)]
    pub storm: Storm,
    /// How Flink behaves.
    #[serde(default)]
    pub flink: Flink,
    /// How the engine measures.
    #[serde(default)]
    pub metrics: Metrics,
    /// What goes wrong.
    #[serde(rename = "fault", default)]
    pub faults: Vec<Fault>,
    /// Counts that somebody else sets at given instants, as they were in a recording.
    #[serde(default)]
    pub script: Vec<ScriptStep>,
    /// Settings under the names of the configuration reference.
    #[serde(default)]
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// Executor counts that hold from an instant on, whatever the policy says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptStep {
    /// When.
    pub at_secs: f64,
    /// Executors by component.
    pub counts: BTreeMap<String, u32>,
}

/// Equal nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeGroup {
    /// How many.
    #[serde(default = "one")]
    pub count: u32,
    /// Cores of each.
    #[serde(default = "four_cores")]
    pub cores: f64,
    /// Cores that each declares to the engine; the truth unless set.
    #[serde(default)]
    pub declared_cores: Option<f64>,
    /// Speed of a core relative to the reference.
    #[serde(default = "whole")]
    pub ability: f64,
    /// Slots of each.
    #[serde(default = "four")]
    pub slots: u32,
    /// Time for a request to it and the answer.
    #[serde(default = "half")]
    pub round_trip_millis: f64,
    /// What its link carries, in MiB per second.
    #[serde(default = "gigabit")]
    pub link_mib: f64,
    /// How much longer a record takes for each other busy executor per core.
    #[serde(default)]
    pub interference: f64,
}

/// A step of the job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentSpec {
    /// Its id.
    pub id: String,
    /// What it does.
    #[serde(default)]
    pub kind: ComponentKind,
    /// Executors at the start.
    #[serde(default = "one")]
    pub executors: u32,
    /// Tasks, which bound its executors.
    #[serde(default = "sixteen")]
    pub tasks: u32,
    /// Work of one record on a reference core by a single executor.
    pub work_micros: f64,
    /// Share of the work that needs the processor; the rest waits for something else.
    #[serde(default = "whole")]
    pub cpu_share: f64,
    /// σ of the universal scalability law: waiting for what executors share.
    #[serde(default)]
    pub contention: f64,
    /// κ of the universal scalability law: agreeing with each other.
    #[serde(default)]
    pub coherency: f64,
    /// For how long it holds a record back, as windows do.
    #[serde(default)]
    pub delay_millis: f64,
    /// Part of its work that threads of its own do after it has executed a record: engines do not time it.
    #[serde(default)]
    pub unseen_share: f64,
    /// How long after a record was executed it is acknowledged, as by windows and what waits for answers.
    #[serde(default)]
    pub acknowledged_after_millis: f64,
    /// Seconds between ticks that each of its executors gets from the engine, and counts as executed.
    #[serde(default)]
    pub tick_secs: Option<f64>,
    /// From when on a source brings records in, in seconds.
    #[serde(default)]
    pub from_secs: f64,
    /// Until when a source brings records in, in seconds.
    #[serde(default)]
    pub until_secs: Option<f64>,
    /// Squared coefficient of variation of the work of a record.
    #[serde(default = "whole")]
    pub variability: f64,
    /// Exponent of the popularity of keys (Zipf); 0 makes all keys equal.
    #[serde(default)]
    pub skew: f64,
    /// Share of all records that one hot key draws.
    #[serde(default)]
    pub hot_key: f64,
    /// Records per second that something outside allows in all.
    #[serde(default)]
    pub limit: Option<f64>,
    /// Partitions that a source reads.
    #[serde(default)]
    pub partitions: Option<u32>,
    /// Part of the load that this source brings in, relative to the other sources.
    #[serde(default = "whole")]
    pub share: f64,
    /// State it keeps.
    #[serde(default)]
    pub state: Option<StateSpec>,
    /// Memory of one of its executors, in MiB.
    #[serde(default = "memory")]
    pub memory_mib: f64,
    /// Records that wait before one executor before its senders are held back.
    #[serde(default = "queue")]
    pub queue: f64,
}

/// State of a component and the memory that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateSpec {
    /// All of it, in MiB.
    pub mib: f64,
    /// What a miss adds to the work of a record.
    pub miss_micros: f64,
    /// How fast misses fall as memory grows: misses = cold + (1 - cold) (1 - memory / state)^shape.
    #[serde(default = "whole")]
    pub shape: f64,
    /// Share of accesses that no memory answers: of keys that were not seen for long, or never.
    #[serde(default)]
    pub cold: f64,
}

/// A stream between two components.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeSpec {
    /// Id of the sender.
    pub from: String,
    /// Id of the receiver.
    pub to: String,
    /// How records choose their receiver.
    #[serde(default)]
    pub grouping: Grouping,
    /// Records sent for each one received.
    #[serde(default = "whole")]
    pub selectivity: f64,
    /// Size of a record.
    #[serde(default = "hundred")]
    pub bytes: f64,
    /// Name of the stream of its sender: edges that name the same one carry the same records. Without a name
    /// it is a stream of its own, as a side output is.
    #[serde(default)]
    pub stream: Option<String>,
}

impl Scenario {
    /// Steps in a run.
    pub fn steps(&self) -> u64 {
        (self.duration_secs * 1000.0 / self.step_millis).ceil() as u64
    }

    /// Whether a source brings records in at an instant.
    pub fn brings(&self, component: usize, secs: f64) -> bool {
        let source = &self.components[component];
        secs >= source.from_secs && source.until_secs.is_none_or(|until| secs < until)
    }

    /// Ordinal of a component.
    pub fn component(&self, id: &str) -> Option<usize> {
        self.components.iter().position(|component| component.id == id)
    }

    /// The settings that a shell of its engine gives the core, and its own over them. Nobody has to
    /// be careful with a simulated cluster: unless the scenario says otherwise, it is acted upon.
    pub fn given(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut given = serde_json::Map::new();
        given.insert("thalweg.mode".into(), "act".into());
        given.insert("executor.metrics.frequency.secs".into(), self.metrics.report_secs.into());
        if self.engine == EngineKind::Flink {
            // As on any Flink: what placement would be asked for is not carried out.
            given.insert("thalweg.placement.slots".into(), "engine".into());
        }
        // A scenario's workers are only asked for: how far its job is spread is decided by what that brings.
        given.insert("thalweg.placement.workers".into(), "free".into());
        given.extend(self.settings.clone());
        given
    }

    /// What goes wrong with nodes and between them, whatever runs on them.
    pub fn faults_of_nodes(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().filter(|fault| fault.kind.is_of_nodes())
    }

    /// Nodes in all.
    pub fn node_count(&self) -> u32 {
        self.nodes.iter().map(|group| group.count).sum()
    }
}

fn one() -> u32 {
    1
}
fn two() -> u32 {
    2
}
fn four() -> u32 {
    4
}
fn sixteen() -> u32 {
    16
}
fn whole() -> f64 {
    1.0
}
fn half() -> f64 {
    0.5
}
fn four_cores() -> f64 {
    4.0
}
fn gigabit() -> f64 {
    119.0
}
fn hundred() -> f64 {
    100.0
}
fn memory() -> f64 {
    128.0
}
fn queue() -> f64 {
    32_768.0
}
fn a_minute() -> f64 {
    60.0
}
fn half_a_second() -> f64 {
    500.0
}
