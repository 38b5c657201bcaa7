//! What one component took in, gave out and could have done.

use super::source::Target;

/// Busy for less than this share, how busy an executor is is mostly noise: that it can do as much again as
/// often as this goes into all of its time is sure.
const LEAST_BUSY: f64 = 0.005;

/// One executor that was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExecutorFlow {
    /// Index of the node it runs on.
    pub node: u32,
    /// Speed of that node, the fastest having 1.
    pub ability: f64,
    /// Records taken in per second.
    pub input: f64,
    /// Share of its time in which it worked.
    pub busy: f64,
}

impl ExecutorFlow {
    /// Records it takes in per second of work (DS2's true processing rate); at least, where it hardly works.
    pub fn true_rate(&self) -> Option<f64> {
        let works = self.busy > 0.0 && self.input > 0.0;
        works.then(|| self.input / self.busy.max(LEAST_BUSY))
    }
}

/// One component as measured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ComponentFlow {
    /// Its executors.
    pub executors: u32,
    /// Its tasks, which bound its executors.
    pub tasks: u32,
    /// Partitions it reads, which bound the executors of a source.
    pub partitions: Option<u32>,
    /// The most executors that its user allows.
    pub bound: Option<u32>,
    /// Whether all that it gets goes to its first task.
    pub single: bool,
    /// Whether it brings records in.
    pub source: bool,
    /// Whether it belongs to the engine.
    pub system: bool,
    /// Whether keys decide which executor gets a record.
    pub keyed: bool,
    /// Whether nothing but shuffling decides.
    pub shuffled: bool,
    /// Its executors that were measured.
    pub measured: Vec<ExecutorFlow>,
    /// Whether the engine measures how busy it is.
    pub timed: bool,
    /// Whether it works on records after it has executed them, so that it is busier than measured.
    pub unseen: bool,
    /// Records given out per second, over all executors.
    pub output: f64,
    /// Share of its executors' time spent waiting for receivers; nothing where not measured.
    pub backpressured: Option<f64>,
    /// What waits at it.
    pub target: Target,
    /// Mean share of accesses to its state that memory answered.
    pub hit_rate: Option<f64>,
    /// All of its state, in MiB; nothing where not measured.
    pub state_mib: Option<f64>,
    /// Memory that each of its executors has, in MiB.
    pub memory_mib: Option<f64>,
}

impl ComponentFlow {
    /// How many executors stand for each that was measured.
    pub(super) fn scale(&self) -> f64 {
        f64::from(self.executors) / self.measured.len().max(1) as f64
    }

    /// Records taken in per second over all executors; nothing when none was measured.
    pub fn input(&self) -> Option<f64> {
        let sum: f64 = self.measured.iter().map(|e| e.input).sum();
        (!self.measured.is_empty()).then(|| sum * self.scale())
    }

    /// Mean share of time in which its executors worked.
    pub fn busy(&self) -> Option<f64> {
        let sum: f64 = self.measured.iter().map(|e| e.busy).sum();
        (self.timed && !self.measured.is_empty()).then(|| sum / self.measured.len() as f64)
    }

    /// Work of a record in seconds, on a node of ability 1.
    pub fn work_secs(&self) -> Option<f64> {
        let input: f64 = self.measured.iter().map(|e| e.input).sum();
        let work: f64 = self.measured.iter().map(|e| e.busy * e.ability).sum();
        (self.timed && input > 0.0 && work > 0.0).then(|| work / input)
    }

    /// The busiest executor's share.
    pub fn busiest(&self) -> Option<f64> {
        self.timed.then_some(())?;
        self.measured.iter().map(|e| e.busy).reduce(f64::max)
    }

    /// Mean true processing rate of one executor (DS2, equations 1 and 5).
    pub fn true_rate(&self) -> Option<f64> {
        let rates: Vec<f64> = self.measured.iter().filter_map(ExecutorFlow::true_rate).collect();
        let sum: f64 = rates.iter().sum();
        (self.timed && !rates.is_empty()).then(|| sum / rates.len() as f64)
    }

    /// Share of the records that go to the executor with the most of them.
    pub fn hottest(&self) -> Option<f64> {
        let sum: f64 = self.measured.iter().map(|e| e.input).sum();
        let most = self.measured.iter().map(|e| e.input).reduce(f64::max)?;
        (sum > 0.0).then(|| most / sum)
    }

    /// Executors it may have at most, whatever the cluster offers.
    pub fn most(&self) -> u32 {
        let most = match self.partitions {
            Some(partitions) if self.source => self.tasks.min(partitions.max(1)),
            _ if self.single => 1,
            _ => self.tasks,
        };
        most.min(self.bound.unwrap_or(u32::MAX)).max(1)
    }
}
