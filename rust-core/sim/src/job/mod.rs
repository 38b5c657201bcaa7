//! A running job as queues: its executors, what waits before each, and where every root is.

pub mod cohort;
mod executor;
mod flow;
mod share;
mod wiring;

use thalweg_core::model::ComponentKind;

use crate::hidden::Hidden;
use crate::histogram::Histogram;
use crate::scenario::{EngineKind, Scenario};
use cohort::{Bundle, Cohort, Fifo};
pub use executor::{Executor, Totals};
pub use wiring::{OutEdge, Wiring};

/// Where roots are. All that ever arrived are in one of these.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Roots {
    /// Arrived before the sources.
    pub arrived: f64,
    /// Complete.
    pub completed: f64,
}

/// What the environment allows in one step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Environment {
    /// Per node: speed of a core now; 0 where the node is dead.
    pub speed: Vec<f64>,
    /// Per node: cores taken by others.
    pub taken: Vec<f64>,
    /// Per node: those of them that other topologies keep busy.
    pub others: Vec<f64>,
    /// Per node: time for a request to it and the answer, in seconds.
    pub round_trip: Vec<f64>,
    /// Seconds added to each hop between nodes.
    pub hop: f64,
    /// Whether sources bring in nothing.
    pub paused: bool,
}

/// A running job.
#[derive(Debug, Clone)]
pub struct Job {
    engine: EngineKind,
    kinds: Vec<ComponentKind>,
    bounds: Vec<f64>,
    /// Per component: seconds for which it holds records back.
    delays: Vec<f64>,
    partitions: Vec<usize>,
    max_pending: f64,
    timeout: f64,
    /// For how long sources that wait for records see no acknowledgement.
    poll: f64,
    hidden: Hidden,
    /// Its executors, in the order of their tasks.
    pub executors: Vec<Executor>,
    /// Its streams.
    pub wiring: Wiring,
    /// Per component: what arrived before a source and was not taken yet.
    pub lag: Vec<Fifo>,
    /// Roots on their way that no executor holds any more.
    pub lost: Vec<Cohort>,
    /// Where roots are.
    pub roots: Roots,
    /// Roots complete since the last checkpoint.
    pub since_checkpoint: f64,
    /// Latencies from arrival, over the whole run.
    pub latency: Histogram,
    /// Latencies from arrival, since they were last looked at.
    pub recent: Histogram,
    /// Records that were lost on the way.
    pub lost_records: f64,
    /// Roots that timed out.
    pub failed: f64,
    /// Roots taken by sources in the last step.
    pub taken: f64,
    /// Roots that got complete in the last step.
    pub done: f64,
    /// How long acknowledgements of the last step waited until a source saw them.
    unseen: f64,
    /// Mean latency, without long queues, of what got complete last.
    turnaround: f64,
    /// Per node: cores at work in the last step.
    pub busy_cores: Vec<f64>,
    /// Per node: cores that would have been at work if it had as many as were wanted.
    pub wanted_cores: Vec<f64>,
    /// Per executor: how much longer its work took in the last step for want of processor time.
    pub stretch: Vec<f64>,
    /// Per executor that was held back in the last step: the records that it could pass on.
    passed: Vec<Option<f64>>,
    scratch: Scratch,
}

/// Working space of a step, kept to be used again.
#[derive(Debug, Clone, Default)]
struct Scratch {
    up: Vec<bool>,
    cost: Vec<f64>,
    /// Per component: records that something outside allows.
    limit: Vec<Option<f64>>,
    offer: Vec<f64>,
    inflow: Vec<f64>,
    can: Vec<f64>,
    cap: Vec<f64>,
    room: Vec<f64>,
    held: Vec<f64>,
    extra: Vec<f64>,
    bundles: Vec<Vec<Bundle>>,
}

impl Job {
    /// A job whose executors run nowhere yet.
    pub fn new(scenario: &Scenario, hidden: &Hidden, executors: Vec<Executor>) -> Self {
        let components = scenario.components.len();
        let sources = scenario.components.iter().filter(|c| c.kind == ComponentKind::Source);
        let spout_tasks: u32 = sources.map(|c| c.tasks).sum();
        let storm = scenario.engine == EngineKind::Storm;
        let pending = scenario.storm.max_spout_pending;
        let limited = storm && pending > 0.0;
        let mut job = Self {
            engine: scenario.engine,
            kinds: scenario.components.iter().map(|c| c.kind).collect(),
            bounds: scenario.components.iter().map(|c| c.queue).collect(),
            delays: scenario.components.iter().map(|c| c.delay_millis / 1000.0).collect(),
            partitions: scenario
                .components
                .iter()
                .map(|c| c.partitions.map_or(usize::MAX, |partitions| partitions as usize))
                .collect(),
            max_pending: if limited { pending * f64::from(spout_tasks) } else { f64::INFINITY },
            timeout: if storm { scenario.storm.message_timeout_secs } else { f64::INFINITY },
            poll: if storm { scenario.storm.poll_millis / 1000.0 } else { 0.0 },
            hidden: hidden.clone(),
            executors,
            wiring: Wiring::default(),
            lag: vec![Fifo::default(); components],
            lost: Vec::new(),
            roots: Roots::default(),
            since_checkpoint: 0.0,
            latency: Histogram::default(),
            recent: Histogram::default(),
            lost_records: 0.0,
            failed: 0.0,
            taken: 0.0,
            done: 0.0,
            unseen: 0.0,
            turnaround: 1e-3,
            busy_cores: vec![0.0; hidden.nodes.len()],
            wanted_cores: vec![0.0; hidden.nodes.len()],
            stretch: Vec::new(),
            passed: Vec::new(),
            scratch: Scratch::default(),
        };
        job.rewire(scenario);
        job
    }

    /// Finds the streams anew after executors have changed.
    pub fn rewire(&mut self, scenario: &Scenario) {
        self.wiring = Wiring::of(scenario, &self.hidden, &self.executors);
        self.stretch = vec![1.0; self.executors.len()];
        self.passed = vec![None; self.executors.len()];
    }

    /// Memory of one executor of a component, in MiB.
    pub fn memory_mib(&self, component: usize) -> f64 {
        self.hidden.components[component].memory_mib
    }

    /// Gives every executor of a component so much memory, in MiB; it works with it once executors change.
    pub fn set_memory(&mut self, component: usize, mib: f64) {
        self.hidden.components[component].memory_mib = mib;
    }

    /// The truth about it as it is now.
    pub fn hidden(&self) -> &Hidden {
        &self.hidden
    }

    /// Records arrive before a source.
    pub fn arrive(&mut self, component: usize, records: f64, at: f64, grain: f64) {
        let cohort =
            Cohort { records, roots: records, birth: at, emitted: at, ..Cohort::default() };
        self.roots.arrived += records;
        self.lag[component].push(cohort, at, grain);
    }

    /// Roots that wait before sources.
    pub fn waiting(&self) -> f64 {
        self.lag.iter().map(Fifo::roots).sum()
    }

    /// Roots on their way, those that are lost for now included: what Storm counts as pending.
    pub fn pending(&self) -> f64 {
        let held: f64 = self.executors.iter().map(|e| e.queue.roots()).sum();
        held + self.lost.iter().map(|cohort| cohort.roots).sum::<f64>()
    }

    /// Whether an executor works at an instant.
    pub fn is_up(&self, index: usize, environment: &Environment, now: f64) -> bool {
        let executor = &self.executors[index];
        let node = self.wiring.node[index];
        executor.works_from <= now && environment.speed.get(node).is_some_and(|speed| *speed > 0.0)
    }

    /// Records per second that a component could do as it is now, if its records came evenly over time.
    ///
    /// The busiest executor for its part decides: what it cannot do is not done by the others.
    pub fn capacity(&self, component: usize, environment: &Environment, now: f64) -> f64 {
        let range = self.wiring.ranges[component].clone();
        let shares = self.input_shares(component);
        let each = range.zip(shares).filter(|(_, share)| *share > 0.0).map(|(e, share)| {
            if !self.is_up(e, environment, now) {
                return 0.0;
            }
            let cpu = self.wiring.cpu_secs[e] / environment.speed[self.wiring.node[e]];
            let cost = (cpu + self.wiring.other_secs[e]) * self.stretch[e];
            1.0 / (cost * share).max(1e-12)
        });
        let possible = each.fold(f64::INFINITY, f64::min);
        possible.min(self.hidden.components[component].limit.unwrap_or(f64::INFINITY))
    }

    /// Part of a component's records that each of its executors gets.
    fn input_shares(&self, component: usize) -> Vec<f64> {
        let count = self.wiring.ranges[component].len();
        let mut sums = vec![0.0; count];
        for (from, edge) in self.wiring.out.iter().enumerate().flat_map(|(from, edges)| {
            edges.iter().filter(|edge| edge.to == component).map(move |edge| (from, edge))
        }) {
            let executors = self.wiring.ranges[from].len() as u32;
            let sent = self.hidden.gains[from].of(executors) * edge.selectivity;
            let weight = sent / edge.shares.len() as f64;
            for shares in &edge.shares {
                sums.iter_mut().zip(shares).for_each(|(sum, share)| *sum += weight * share);
            }
        }
        let all: f64 = sums.iter().sum();
        sums.iter().map(|sum| if all > 0.0 { sum / all } else { 1.0 / count as f64 }).collect()
    }

    /// Finds sums anew that were added to and taken from many times, before rounding shows in them.
    pub fn recount(&mut self) {
        self.lag.iter_mut().for_each(Fifo::recount);
        self.executors.iter_mut().for_each(|executor| executor.queue.recount());
    }

    /// Executors whose tasks are worked on by one component.
    pub fn count_of(&self, component: usize) -> usize {
        self.wiring.ranges[component].len()
    }

    /// State of one executor of a component, if it has any.
    pub fn state_bytes(&self, component: usize) -> Option<u64> {
        let state = self.hidden.components[component].state?;
        let each = state.mib * 1024.0 * 1024.0 / self.count_of(component).max(1) as f64;
        Some(each as u64)
    }

    /// Loses what an executor holds; its roots are replayed once they time out.
    pub fn lose(&mut self, index: usize, share: f64) {
        let held = self.executors[index].queue.drain();
        for cohort in held {
            let gone = cohort.part(share);
            self.lost_records += gone.records;
            if gone.roots > 0.0 {
                self.lost.push(gone);
            }
            let kept = cohort.part(1.0 - share);
            self.executors[index].queue.push(kept, kept.birth, 0.0);
        }
    }

    /// Storm: roots that are on their way for too long are failed, and their sources take them again.
    ///
    /// Pending tuples are kept in two buckets that are rotated once in a timeout, so one is failed
    /// when the second rotation after its emission comes, between one and two timeouts later.
    pub fn expire(&mut self, now: f64) {
        if !self.timeout.is_finite() {
            return;
        }
        let timeout = self.timeout;
        let expired = |cohort: &Cohort| ((cohort.emitted / timeout).floor() + 2.0) * timeout <= now;
        let mut failed = Vec::new();
        for executor in &mut self.executors {
            executor.queue.expire(expired, |cohort| failed.push(cohort));
        }
        self.lost.retain(|cohort| {
            let over = expired(cohort);
            if over {
                failed.push(*cohort);
            }
            !over
        });
        self.replay(failed, true);
    }

    /// Sources take roots again, those that arrived first at the front.
    pub fn replay(&mut self, mut cohorts: Vec<Cohort>, failed: bool) {
        cohorts.sort_by(|a, b| b.birth.total_cmp(&a.birth));
        let sources: Vec<(usize, f64)> = self
            .kinds
            .iter()
            .enumerate()
            .filter(|(_, kind)| **kind == ComponentKind::Source)
            .map(|(component, _)| (component, self.hidden.gains[component].shared))
            .collect();
        for cohort in cohorts {
            for &(component, share) in &sources {
                let roots = cohort.roots * share;
                let again = Cohort { records: roots, roots, wait: 0.0, ..cohort };
                self.lag[component].push_front(again);
                let range = self.wiring.ranges[component].clone();
                let count = range.len().max(1) as f64;
                if failed {
                    self.failed += roots;
                    for executor in &mut self.executors[range] {
                        executor.totals.failed += roots / count;
                    }
                }
            }
        }
    }

    /// Storm: sources that restarted have forgotten what is on its way, and take all of it again.
    pub fn take_again(&mut self) {
        let mut held = std::mem::take(&mut self.lost);
        for executor in &mut self.executors {
            executor.queue.expire(|_| true, |cohort| held.push(cohort));
        }
        self.replay(held, false);
    }

    /// Flink: everything on its way is taken again from the sources, and so is the work that was
    /// done since the last checkpoint.
    pub fn roll_back(&mut self, replay_done: bool) {
        let mut held: Vec<Cohort> =
            self.executors.iter_mut().flat_map(|executor| executor.queue.drain()).collect();
        held.append(&mut self.lost);
        let mut merged = Bundle::default();
        for cohort in held.into_iter().filter(|cohort| cohort.roots > 0.0) {
            merged.add(cohort, cohort.birth, 1.0);
        }
        self.replay(merged.cohorts().to_vec(), false);
        if replay_done && self.since_checkpoint > 0.0 {
            for component in 0..self.kinds.len() {
                if self.kinds[component] == ComponentKind::Source {
                    let records = self.since_checkpoint * self.hidden.gains[component].shared;
                    self.lag[component].push_front(Cohort { records, ..Cohort::default() });
                }
            }
        }
        self.since_checkpoint = 0.0;
    }
}
