//! What is true in a run and hidden from policies: work, scaling, skew and speed, drawn from the seed.

use thalweg_core::demand::Demand;

use crate::random::Random;
use crate::scenario::{ComponentSpec, NodeGroup, Scenario, StateSpec, gains};

/// Keys among which popularity is dealt out.
const KEYS: u32 = 1000;

/// The truth about a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Hidden {
    /// Per component.
    pub components: Vec<HiddenComponent>,
    /// Per node.
    pub nodes: Vec<HiddenNode>,
    /// Per component: records for each source record of the job.
    pub gains: Vec<Demand>,
}

/// The truth about a component.
#[derive(Debug, Clone, PartialEq)]
pub struct HiddenComponent {
    /// Work of a record on a reference core, in seconds.
    pub work_secs: f64,
    /// Share of it that needs the processor.
    pub cpu_share: f64,
    /// σ.
    pub contention: f64,
    /// κ.
    pub coherency: f64,
    /// Squared coefficient of variation of the work.
    pub variability: f64,
    /// Records per second that something outside allows.
    pub limit: Option<f64>,
    /// State it keeps.
    pub state: Option<StateSpec>,
    /// Memory of an executor, in MiB.
    pub memory_mib: f64,
    /// Share of records that each task's keys draw.
    pub key_weights: Vec<f64>,
}

/// The truth about a node.
#[derive(Debug, Clone, PartialEq)]
pub struct HiddenNode {
    /// Cores.
    pub cores: f64,
    /// Speed of a core.
    pub ability: f64,
    /// Slots.
    pub slots: u32,
    /// Time for a request to it and the answer, in seconds.
    pub round_trip_secs: f64,
    /// Bytes per second that its link carries.
    pub link_bytes: f64,
    /// How much longer a record takes for each other busy executor per core.
    pub interference: f64,
}

impl Hidden {
    /// Draws the truth of a run.
    pub fn draw(scenario: &Scenario, seed: u64) -> Self {
        let mut random = Random::of(seed, "hidden");
        let jitter = scenario.jitter;
        let components =
            scenario.components.iter().map(|spec| component(spec, jitter, &mut random)).collect();
        let nodes = scenario
            .nodes
            .iter()
            .flat_map(|group| std::iter::repeat_n(group, group.count as usize))
            .map(|group| node(group, jitter, &mut random))
            .collect();
        Self { components, nodes, gains: gains(scenario) }
    }
}

impl HiddenComponent {
    /// Seconds of work for a record with `executors` of them running: the universal scalability law,
    /// and what misses of its state add.
    pub fn work(&self, executors: u32) -> f64 {
        let p = f64::from(executors.max(1));
        let scaling = 1.0 + self.contention * (p - 1.0) + self.coherency * p * (p - 1.0);
        (self.work_secs + self.misses(p) * self.miss_secs()) * scaling
    }

    fn miss_secs(&self) -> f64 {
        self.state.map_or(0.0, |state| state.miss_micros * 1e-6)
    }

    /// Share of accesses to state that memory does not answer.
    pub fn misses(&self, executors: f64) -> f64 {
        self.state.map_or(0.0, |state| {
            let held = (self.memory_mib * executors / state.mib.max(1e-9)).min(1.0);
            state.cold + (1.0 - state.cold) * (1.0 - held).powf(state.shape)
        })
    }
}

fn component(spec: &ComponentSpec, jitter: f64, random: &mut Random) -> HiddenComponent {
    HiddenComponent {
        work_secs: spec.work_micros * 1e-6 * random.factor(jitter),
        cpu_share: spec.cpu_share,
        contention: spec.contention * random.factor(jitter),
        coherency: spec.coherency * random.factor(jitter),
        variability: spec.variability,
        limit: spec.limit,
        state: spec.state,
        memory_mib: spec.memory_mib,
        key_weights: key_weights(spec, random),
    }
}

fn node(group: &NodeGroup, jitter: f64, random: &mut Random) -> HiddenNode {
    HiddenNode {
        cores: group.cores,
        ability: group.ability * random.factor(jitter / 2.0),
        slots: group.slots,
        round_trip_secs: group.round_trip_millis / 1000.0,
        link_bytes: group.link_mib * 1024.0 * 1024.0,
        interference: group.interference,
    }
}

/// Deals keys out to tasks at random; the n-th most popular key has weight 1/n^skew.
fn key_weights(spec: &ComponentSpec, random: &mut Random) -> Vec<f64> {
    let mut weights = vec![0.0; spec.tasks as usize];
    let last = spec.tasks - 1;
    if spec.skew > 0.0 {
        for key in 1..=KEYS {
            weights[random.whole(0, last) as usize] += f64::from(key).powf(-spec.skew);
        }
    } else {
        weights.fill(1.0);
    }
    let sum: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight *= (1.0 - spec.hot_key) / sum;
    }
    weights[random.whole(0, last) as usize] += spec.hot_key;
    weights
}
