//! What an adapter saw at one instant, in ordinals: an executor names its component and node by
//! their index in the vectors beside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::units::{Millis, Timestamp};

/// Everything an adapter saw of one cluster at one instant.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Observation {
    /// When it was seen.
    pub at: Timestamp,
    /// Every live node, blacklisted ones included.
    pub nodes: Vec<Node>,
    /// Every running topology.
    pub topologies: Vec<Topology>,
}

/// A machine that offers slots.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Node {
    /// The engine's own id of it.
    pub id: String,
    /// The host it runs on.
    pub host: String,
    /// The rack of that host; empty where unknown.
    pub rack: String,
    /// Whether the engine forbids new work on it.
    pub blacklisted: bool,
    /// Whether an operator is emptying it.
    pub draining: bool,
    /// The ports of its live slots, ascending.
    pub ports: Vec<u32>,
    /// Declared compute capacity in points, 100 being one core.
    pub cpu_points: Option<f64>,
    /// Declared memory in MiB.
    pub memory_mib: Option<f64>,
    /// How long a request to it and the answer took.
    pub round_trip: Option<Millis>,
    /// By how much its clock is ahead of the adapter's in ms, below zero where it is behind; to within its engine's heartbeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead_ms: Option<f64>,
}

/// Whether a topology may be touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopologyStatus {
    /// Running.
    #[default]
    Active,
    /// Its sources are paused.
    Inactive,
    /// Its engine is changing it right now.
    Rebalancing,
    /// It is going away.
    Killed,
}

/// A running dataflow graph.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Topology {
    /// The engine's id of this run of it.
    pub id: String,
    /// The name its user gave it.
    pub name: String,
    /// Whether it may be touched.
    pub status: TopologyStatus,
    /// The number of workers its user asked for.
    #[serde(alias = "wished_workers")]
    pub desired_workers: u32,
    /// How long a tuple may take before it is replayed.
    pub message_timeout: Millis,
    /// The most heap that the executors of one worker may declare together, in MiB.
    pub worker_heap_mib: Option<f64>,
    /// The least compute that a worker counts as, in thousandths of a point; 0 where only its executors
    /// count.
    #[serde(default)]
    pub worker_millipoints: u32,
    /// The last checkpoint of all its state, where the engine takes any.
    #[serde(default)]
    pub checkpoint: Option<Checkpoint>,
    /// The time between two checkpoints, where the engine takes any by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_interval: Option<Millis>,
    /// What stands against a change of it, as far as its engine tells.
    #[serde(default)]
    pub obstacle: Option<Obstacle>,
    /// What its user set about Thalweg in its own configuration: the texts of each key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Vec<String>>,
    /// Its components, in the order of their ids.
    pub components: Vec<Component>,
    /// The streams between them.
    pub edges: Vec<Edge>,
    /// Pairs of components, by index, whose executors its user wants on different nodes.
    #[serde(default)]
    pub apart: Vec<(u32, u32)>,
    /// Its executors, in the order of their first tasks.
    pub executors: Vec<Executor>,
}

impl Topology {
    /// Whether all that a component gets goes to its first task, so that more executors than one have nothing to do.
    pub fn is_single(&self, component: usize) -> bool {
        let mut into = self.edges.iter().filter(|edge| edge.to as usize == component).peekable();
        into.peek().is_some() && into.all(|edge| edge.grouping == Grouping::Global)
    }

    /// The executors that a component has.
    pub fn executors_of(&self, component: u32) -> u32 {
        let of = self.executors.iter().filter(|executor| executor.component == component);
        u32::try_from(of.count()).unwrap_or(u32::MAX)
    }

    /// The most executors that a component may have: by its tasks, its streams and its user.
    pub fn most_executors(&self, component: usize) -> u32 {
        let Some(one) = self.components.get(component) else { return 1 };
        let most = if self.is_single(component) { 1 } else { one.tasks.count() };
        most.min(one.most_executors.unwrap_or(u32::MAX)).max(1)
    }

    /// Which components a component shares slots with, where slots are shared: those of the same number.
    ///
    /// Where the engine does not say it, only who has slots of its own tells how large these are.
    pub fn slot_group(&self, component: usize) -> u32 {
        let Some(one) = self.components.get(component) else { return 0 };
        let alone = one.slot_group == 0 && one.memory_mib.is_some();
        if alone { component as u32 + 1 } else { one.slot_group }
    }

    /// Where slots are shared, the slots of each group when each component has so many executors: as many as the
    /// component with most executors needs.
    pub fn shared_slots(&self, executors: impl Fn(usize) -> u32) -> BTreeMap<u32, u32> {
        let mut groups = BTreeMap::new();
        for component in 0..self.components.len() {
            let slots = groups.entry(self.slot_group(component)).or_insert(0);
            *slots = executors(component).max(*slots);
        }
        groups
    }
}

/// A completed checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// From its trigger until all of it was acknowledged.
    pub duration: Millis,
    /// What was written for it, in bytes: less than the state where checkpoints are incremental.
    pub bytes: Option<u64>,
}

/// What stands against a change of a topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// It takes no checkpoints, so a restart begins from nothing.
    CheckpointsOff,
    /// It has not completed a checkpoint yet.
    NoCheckpointYet,
    /// Its last checkpoints failed.
    CheckpointsFail,
    /// It works off what is there, and ends.
    Batch,
    /// The engine schedules it by other means.
    OtherScheduler,
    /// The engine does not say what it does.
    Unreadable,
    /// Its scheduler keeps machines or pools apart, which another's plan could break.
    KeptApart,
}

impl Obstacle {
    /// Whether the topology is neither judged nor changed, whatever it does.
    pub fn is_left_alone(self) -> bool {
        matches!(self, Self::Batch | Self::OtherScheduler | Self::Unreadable)
    }
}

/// What a component does in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComponentKind {
    /// Brings tuples in.
    Source,
    /// Works on tuples.
    #[default]
    Operator,
    /// Belongs to the engine (Storm: ackers, metrics consumers).
    System,
}

/// A logical step of a topology.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Component {
    /// Its id within the topology.
    pub id: String,
    /// What it does.
    pub kind: ComponentKind,
    /// Its fixed units of keys and state.
    pub tasks: TaskRange,
    /// Compute that its user declared for each executor, in points, 100 being one core.
    pub cpu_points: Option<f64>,
    /// Memory of each executor in MiB, as its user declared it or a plan changed it.
    pub memory_mib: Option<f64>,
    /// What of that memory is heap of its worker, in MiB.
    pub heap_mib: Option<f64>,
    /// Records that wait before it: of a source, its lag.
    pub backlog: Option<u64>,
    /// Partitions that a source reads; more executors than that have nothing to read.
    pub partitions: Option<u32>,
    /// Where a source reads from, as far as its own configuration tells: the text of each key. Nothing is decided by it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub feed: BTreeMap<String, String>,
    /// The most of its executors that its user allows on one node.
    #[serde(default)]
    pub most_per_node: Option<u32>,
    /// The fewest executors that it may have.
    #[serde(default)]
    pub least_executors: Option<u32>,
    /// The most executors that it may have.
    #[serde(default)]
    pub most_executors: Option<u32>,
    /// Where slots are shared: which components it shares them with, those of the same number.
    #[serde(default)]
    pub slot_group: u32,
}

impl Component {
    /// The number of executors nearest to `count` that it may have.
    pub fn allowed(&self, count: u32) -> u32 {
        let most = count.min(self.most_executors.unwrap_or(u32::MAX));
        most.max(self.least_executors.unwrap_or(0))
    }
}

/// How a stream's tuples choose their receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// Any task, evenly.
    #[default]
    Shuffle,
    /// The task of the key.
    Fields,
    /// Every task.
    All,
    /// The first task only.
    Global,
    /// A task in the same worker where there is one, else any.
    LocalOrShuffle,
    /// Anything else the user chose.
    Custom,
    /// Every executor, however many tasks it has.
    Broadcast,
}

/// A stream between two components of one topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Edge {
    /// Index of the sending component.
    pub from: u32,
    /// Index of the receiving component.
    pub to: u32,
    /// How its tuples choose their receiver.
    pub grouping: Grouping,
    /// Tuples sent along it since the sending executors started, each as often as it is received.
    pub sent: Option<u64>,
}

/// Contiguous tasks, both ends included.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct TaskRange {
    /// The first task.
    pub first: u32,
    /// The last task.
    pub last: u32,
}

impl TaskRange {
    /// Makes a range; `last` below `first` would be no range, so it is lifted to `first`.
    pub fn new(first: u32, last: u32) -> Self {
        Self { first, last: last.max(first) }
    }

    /// How many tasks it holds.
    pub fn count(self) -> u32 {
        self.last - self.first + 1
    }

    /// Whether `task` is one of them.
    pub fn contains(self, task: u32) -> bool {
        (self.first..=self.last).contains(&task)
    }
}

impl std::fmt::Display for TaskRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}-{}]", self.first, self.last)
    }
}

/// A place that executors may occupy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SlotRef {
    /// Index of the node.
    pub node: u32,
    /// Its port there.
    pub port: u32,
}

/// A schedulable thread that runs one or more tasks of a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Executor {
    /// Index of its component.
    pub component: u32,
    /// The tasks it runs; also its name.
    pub tasks: TaskRange,
    /// Where it runs; nothing when it is unassigned or its worker is dead.
    pub slot: Option<SlotRef>,
    /// Its statistics; nothing when none were reported.
    pub counters: Option<Counters>,
}

/// Statistics of one executor, cumulative since its worker started.
///
/// What only some engines or components report is optional: nothing is "not measured", never zero.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Seconds since the executor started, as it reported with these counts.
    pub uptime_secs: u32,
    /// Tuples executed; by a source, those that it read, in the unit of its backlog, or 0 where only what it emitted is
    /// counted.
    pub executed: u64,
    /// Sum of the execute latencies of those tuples, in ms.
    pub execute_ms: f64,
    /// Tuples acknowledged by an operator.
    pub acked: u64,
    /// Sum of the process latencies of those, in ms.
    pub process_ms: f64,
    /// Tuples failed.
    pub failed: u64,
    /// Tuples emitted.
    pub emitted: u64,
    /// Tuples sent, counting each receiver.
    pub transferred: u64,
    /// Tuples of a source that were completely processed.
    pub completed: u64,
    /// Sum of the complete latencies of those, in ms.
    pub complete_ms: f64,
    /// Time spent in work, in ms, where the engine tells it apart from `execute_ms`.
    pub busy_ms: Option<f64>,
    /// Time spent waiting for a slower receiver, in ms.
    pub backpressured_ms: Option<f64>,
    /// Time spent waiting for input, in ms.
    pub idle_ms: Option<f64>,
    /// Time in which the garbage collector stopped its process, in ms.
    pub gc_ms: Option<f64>,
    /// Size of its state now, in bytes; not cumulative.
    pub state_bytes: Option<u64>,
    /// Accesses to its state.
    pub state_accesses: Option<u64>,
    /// Those of them that memory answered.
    pub state_hits: Option<u64>,
}
