//! A cluster as it was seen at one instant, in Flink's words.

use serde::{Deserialize, Serialize};
use thalweg_core::model::{Checkpoint, Obstacle};
use thalweg_core::units::Millis;

/// Whether this is the state of a job that is over.
pub fn is_ended(state: &str) -> bool {
    matches!(state, "FINISHED" | "CANCELED" | "FAILED")
}

/// A TaskManager.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeView {
    /// Flink's own id.
    pub id: String,
    /// The host it runs on.
    pub host: String,
    /// Its slots.
    pub slots: u32,
    /// Those that no job holds, also none of those that are not read here.
    pub free: u32,
    /// Compute in points, 100 being one core.
    pub cpu_points: Option<f64>,
    /// Memory in MiB.
    pub memory_mib: Option<f64>,
    /// For how long its garbage collectors have run, in ms.
    pub gc_ms: Option<f64>,
}

/// A job; its vertices are in the order of their names.
#[derive(Debug, Clone, PartialEq)]
pub struct JobView {
    /// Flink's own id.
    pub id: String,
    /// The name its user gave it.
    pub name: String,
    /// Its state, such as `RUNNING`.
    pub state: String,
    /// Its last completed checkpoint.
    pub checkpoint: Option<Checkpoint>,
    /// The time between two.
    pub checkpoint_interval: Option<Millis>,
    /// What stands against a change of it.
    pub obstacle: Option<Obstacle>,
    /// Its steps.
    pub vertices: Vec<Vertex>,
}

impl JobView {
    /// One of which nothing is known but this.
    pub fn bare(id: &str, name: &str, state: &str, obstacle: Obstacle) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            state: state.to_owned(),
            checkpoint: None,
            checkpoint_interval: None,
            obstacle: Some(obstacle),
            vertices: Vec::new(),
        }
    }
}

/// A step of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Vertex {
    /// Flink's own id, the same for all runs of the job.
    pub id: String,
    /// As users see it, made unique within the job.
    pub name: String,
    /// Its first key group, counted over all steps of the job.
    pub first_task: u32,
    /// How many key groups it has, at least one.
    pub max_parallelism: u32,
    /// Streams from other steps.
    pub inputs: Vec<Input>,
    /// Its subtasks, by their indexes.
    pub tasks: Vec<Task>,
    /// What waits before it, if it is a source.
    pub waiting: Waiting,
    /// Flink's id of the slot sharing group, the same for all that share slots; empty where it tells none.
    pub slot_group: String,
    /// Bounds of parallelism that its user set.
    pub bounds: Option<Range>,
}

impl Vertex {
    /// Whether it brings records in.
    pub fn is_source(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Whether some of its subtasks have done all there was to do: their number has to stay as it is.
    pub fn has_finished(&self) -> bool {
        self.tasks.iter().any(|task| task.finished)
    }

    /// The first key group of a subtask when there are so many, at least one: the larger parts come first.
    pub fn first_of(&self, subtask: u32, parallelism: u32) -> u32 {
        let parallelism = parallelism.max(1);
        let (small, large) =
            (self.max_parallelism / parallelism, self.max_parallelism % parallelism);
        let before = subtask.saturating_mul(small).saturating_add(subtask.min(large));
        self.first_task.saturating_add(before.min(self.max_parallelism))
    }

    /// Its last key group.
    pub fn last_task(&self) -> u32 {
        self.first_task.saturating_add(self.max_parallelism.saturating_sub(1))
    }
}

/// A stream from another step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The other step's index.
    pub from: usize,
    /// How its records choose their receiver, as `HASH`.
    pub ship_strategy: String,
}

/// What is known of what a source brings in, in the unit of its connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// Records that wait.
    pub backlog: Option<u64>,
    /// Partitions that it reads.
    pub partitions: Option<u32>,
}

/// The least and the most subtasks of a vertex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The least.
    #[serde(rename = "lowerBound")]
    pub lower: u32,
    /// The most.
    #[serde(rename = "upperBound")]
    pub upper: u32,
}

impl From<(u32, u32)> for Range {
    fn from((lower, upper): (u32, u32)) -> Self {
        Self { lower, upper }
    }
}

impl From<Range> for (u32, u32) {
    fn from(range: Range) -> Self {
        (range.lower, range.upper)
    }
}

/// A subtask: where it runs, and its cumulative counters.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its index.
    pub index: u32,
    /// How often it was started before.
    pub attempt: u64,
    /// The TaskManager's id; nothing while it has none.
    pub node: Option<String>,
    /// Whether it has begun its work, and all of its counters are there: before, its times mean nothing.
    pub running: bool,
    /// Whether it has done all there was to do.
    pub finished: bool,
    /// What it has done so far, as far as it is told.
    pub totals: Option<Totals>,
    /// The state it keeps.
    pub state: StateOf,
}

/// The state that a subtask keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StateOf {
    /// Its size at the last checkpoint, in bytes.
    pub bytes: Option<u64>,
    /// How often its backend looked for a block of it, since it began to run.
    pub lookups: Option<u64>,
    /// How often it was in the backend's cache.
    pub hits: Option<u64>,
}

/// What a subtask has spent its time with, in ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spent {
    /// With work.
    pub busy: f64,
    /// With waiting for a slower receiver.
    pub backpressured: f64,
    /// With waiting for input.
    pub idle: f64,
}

/// Cumulative since a subtask began to run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Totals {
    /// Records taken in; of a source, those that it brought in.
    pub read: f64,
    /// Records given out.
    pub written: f64,
    /// What the time was spent with; nothing where Flink does not tell it.
    pub spent: Option<Spent>,
    /// All of the subtask's time, in ms.
    pub time: f64,
}

impl Totals {
    /// Where Flink tells what the time is spent with.
    pub fn timed(read: f64, written: f64, spent: Spent) -> Self {
        let time = spent.busy + spent.backpressured + spent.idle;
        Self { read, written, spent: Some(spent), time }
    }

    /// Where Flink tells only how long the subtask has been running.
    pub fn untimed(read: f64, written: f64, time: f64) -> Self {
        Self { read, written, spent: None, time }
    }

    /// The point at this share of the way to later totals.
    pub fn towards(&self, later: &Self, share: f64) -> Self {
        let between = |from: f64, to: f64| from + (to - from) * share;
        let spent = self.spent.zip(later.spent).map(|(from, to)| Spent {
            busy: between(from.busy, to.busy),
            backpressured: between(from.backpressured, to.backpressured),
            idle: between(from.idle, to.idle),
        });
        Self {
            read: between(self.read, later.read),
            written: between(self.written, later.written),
            spent,
            time: between(self.time, later.time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtasks_share_key_groups_as_flink_deals_them_out() {
        let vertex = Vertex {
            id: "v".to_owned(),
            name: "v".to_owned(),
            first_task: 10,
            max_parallelism: 8,
            inputs: Vec::new(),
            tasks: Vec::new(),
            waiting: Waiting::default(),
            slot_group: String::new(),
            bounds: None,
        };
        let firsts: Vec<u32> = (0..=3).map(|subtask| vertex.first_of(subtask, 3)).collect();
        assert_eq!(firsts, [10, 13, 16, 18]);
        assert_eq!(vertex.first_of(0, 0), 10, "none yet");
    }
}
