//! What the engine's shell would see of the simulated cluster: metrics as the engine samples them.
//!
//! Storm counts one tuple in `1 / sample rate`, times it in whole milliseconds, and reports every few
//! seconds with a heartbeat, each executor at its own time. Flink counts exactly. Faults make reports
//! go missing, repeat themselves, or say nothing but zero.

use thalweg_core::model::{
    Component, ComponentKind, Counters, Edge, Executor as Seen, Node, Observation, TaskRange,
    Topology, TopologyStatus,
};
use thalweg_core::units::{Millis, Timestamp};

use crate::job::{Job, Totals, Weather};
use crate::random::Random;
use crate::scenario::{EngineKind, FaultKind, MetricLoss, Scenario};

/// The instant at which a run begins, for the engine: a round number long ago.
const EPOCH_MILLIS: i64 = 1_600_000_000_000;
/// The port of a node's first slot.
pub const FIRST_PORT: u32 = 6700;
/// Standard deviation of a time that is read in whole milliseconds.
const ROUNDING_SECS: f64 = 0.000_408;

/// The engine's time at a number of seconds into the run.
pub fn timestamp(secs: f64) -> Timestamp {
    Timestamp::from_millis(EPOCH_MILLIS + (secs * 1000.0).round() as i64)
}

/// Seconds into the run at an instant.
pub fn seconds(at: Timestamp) -> f64 {
    (at.millis() - EPOCH_MILLIS) as f64 / 1000.0
}

/// The reports of executors.
#[derive(Debug, Clone)]
pub struct Reports {
    by_executor: Vec<Report>,
    random: Random,
}

/// What one executor reported.
#[derive(Debug, Clone, PartialEq)]
struct Report {
    tasks: TaskRange,
    started: f64,
    next: f64,
    /// What was true when it last reported.
    truth: Totals,
    /// What it says now.
    said: Option<Counters>,
    /// What it will say once the delay is over, and when that is.
    coming: Option<(f64, Counters)>,
}

impl Reports {
    /// Nobody has reported anything.
    pub fn new(seed: u64) -> Self {
        Self { by_executor: Vec::new(), random: Random::of(seed, "metrics") }
    }

    /// Executors whose turn it is report.
    pub fn collect(&mut self, scenario: &Scenario, job: &Job, weather: &Weather, now: f64) {
        self.follow(scenario, job, now);
        for index in 0..job.executors.len() {
            if let Some((at, counters)) = self.by_executor[index].coming
                && at <= now
            {
                self.by_executor[index].said = Some(counters);
                self.by_executor[index].coming = None;
            }
            if self.by_executor[index].next > now {
                continue;
            }
            self.by_executor[index].next += scenario.metrics.report_secs;
            if job.is_up(index, weather, now) {
                self.report(scenario, job, index, now);
            }
        }
    }

    /// Keeps the reports of executors that are still there; others begin anew.
    fn follow(&mut self, scenario: &Scenario, job: &Job, now: f64) {
        let same = |report: &Report, index: usize| {
            let executor = &job.executors[index];
            report.tasks == executor.tasks && report.started == executor.started
        };
        let unchanged = self.by_executor.len() == job.executors.len()
            && (0..job.executors.len()).all(|index| same(&self.by_executor[index], index));
        if unchanged {
            return;
        }
        let old = std::mem::take(&mut self.by_executor);
        self.by_executor = (0..job.executors.len())
            .map(|index| {
                let kept = old.iter().find(|report| same(report, index));
                kept.cloned().unwrap_or_else(|| Report {
                    tasks: job.executors[index].tasks,
                    started: job.executors[index].started,
                    next: now + scenario.metrics.report_secs * self.random.unit(),
                    truth: Totals::default(),
                    said: None,
                    coming: None,
                })
            })
            .collect();
    }

    fn report(&mut self, scenario: &Scenario, job: &Job, index: usize, now: f64) {
        let executor = &job.executors[index];
        let report = &self.by_executor[index];
        let before = report.coming.map(|(_, counters)| counters).or(report.said);
        let counters = match scenario.engine {
            EngineKind::Storm => sampled(
                scenario,
                &before.unwrap_or_default(),
                &report.truth,
                &executor.totals,
                now - executor.started,
                &mut self.random,
            ),
            EngineKind::Flink => exact(&executor.totals, now - executor.started),
        };
        let report = &mut self.by_executor[index];
        report.truth = executor.totals;
        report.coming = Some((now + scenario.metrics.delay_secs, counters));
    }

    /// What an executor says at an instant.
    fn said(&self, scenario: &Scenario, index: usize, now: f64) -> Option<Counters> {
        let report = &self.by_executor[index];
        let losses = scenario.faults.iter().filter(|fault| fault.holds(now));
        for fault in losses {
            let FaultKind::Metrics { loss } = fault.kind else { continue };
            match loss {
                MetricLoss::Lost => return None,
                MetricLoss::Partial if index % 2 == 1 => return None,
                MetricLoss::Zero => {
                    let uptime_secs = (now - report.started).max(0.0) as u32;
                    return Some(Counters { uptime_secs, ..Counters::default() });
                }
                MetricLoss::Partial | MetricLoss::Stale => {}
            }
        }
        report.said
    }

    /// Whether reports only repeat themselves.
    pub fn are_stale(scenario: &Scenario, now: f64) -> bool {
        let stale = FaultKind::Metrics { loss: MetricLoss::Stale };
        scenario.faults.iter().any(|fault| fault.kind == stale && fault.holds(now))
    }

    /// Everything that the shell sees.
    pub fn observe(
        &self,
        scenario: &Scenario,
        job: &Job,
        weather: &Weather,
        status: TopologyStatus,
        now: f64,
    ) -> Observation {
        Observation {
            at: timestamp(now),
            nodes: nodes(scenario, weather),
            topologies: vec![self.topology(scenario, job, weather, status, now)],
        }
    }

    fn topology(
        &self,
        scenario: &Scenario,
        job: &Job,
        weather: &Weather,
        status: TopologyStatus,
        now: f64,
    ) -> Topology {
        let alive = |node: usize| weather.speed.get(node).is_some_and(|speed| *speed > 0.0);
        let executors = job.executors.iter().enumerate().map(|(index, executor)| Seen {
            component: executor.component as u32,
            tasks: executor.tasks,
            slot: executor.slot.filter(|slot| alive(slot.node as usize)),
            counters: executor.slot.and(self.said(scenario, index, now)),
        });
        let edges = scenario.edges.iter().filter_map(|edge| {
            Some(Edge {
                from: scenario.component(&edge.from)? as u32,
                to: scenario.component(&edge.to)? as u32,
                grouping: edge.grouping,
            })
        });
        Topology {
            id: format!("{}-1", scenario.name),
            name: scenario.name.clone(),
            status,
            wished_workers: scenario.workers,
            message_timeout: Millis::saturating(scenario.storm.message_timeout_secs * 1000.0),
            components: components(scenario),
            edges: edges.collect(),
            executors: executors.collect(),
        }
    }
}

/// Cumulative counters as a sampling executor keeps them.
fn sampled(
    scenario: &Scenario,
    before: &Counters,
    was: &Totals,
    is: &Totals,
    uptime: f64,
    random: &mut Random,
) -> Counters {
    let metrics = &scenario.metrics;
    let block = (1.0 / metrics.sample_rate.clamp(1e-3, 1.0)).round();
    // One tuple of each block is counted, as a whole block, when its turn comes.
    let mut count = |before: u64, was: f64, is: f64| {
        let turn = random.unit();
        let counted = ((is / block + turn).floor() * block).max(0.0) as u64;
        if is > was { before.max(counted) } else { before }
    };
    let executed = count(before.executed, was.executed, is.executed);
    let emitted = count(before.emitted, was.emitted, is.emitted);
    let completed = count(before.completed, was.completed, is.completed);
    let failed = count(before.failed, was.failed, is.failed);
    let transferred = count(before.transferred, was.transferred, is.transferred);
    // Times are means over the tuples sampled since the last report, each off by its rounding.
    let mut time = |counted: u64, before: u64, before_ms: f64, was: (f64, f64), is: (f64, f64)| {
        let (tuples, secs) = (is.0 - was.0, is.1 - was.1);
        let fresh = counted.saturating_sub(before) as f64;
        if tuples <= 0.0 || fresh <= 0.0 {
            return before_ms;
        }
        let mean = secs / tuples;
        let sampled = (fresh / block).max(1.0);
        let spread = (ROUNDING_SECS.powi(2) + (metrics.noise * mean).powi(2) * sampled).sqrt();
        let noisy = (mean + random.normal() * spread / sampled.sqrt()).max(0.0);
        before_ms + fresh * noisy * 1000.0
    };
    let execute_ms = time(
        executed,
        before.executed,
        before.execute_ms,
        (was.executed, was.busy),
        (is.executed, is.busy),
    );
    let complete_ms = time(
        completed,
        before.completed,
        before.complete_ms,
        (was.completed, was.complete_secs),
        (is.completed, is.complete_secs),
    );
    Counters {
        uptime_secs: uptime.max(0.0) as u32,
        executed,
        execute_ms,
        acked: executed,
        process_ms: execute_ms,
        failed,
        emitted,
        transferred,
        completed,
        complete_ms,
    }
}

/// Cumulative counters as an executor keeps them that counts everything.
fn exact(totals: &Totals, uptime: f64) -> Counters {
    Counters {
        uptime_secs: uptime.max(0.0) as u32,
        executed: totals.executed as u64,
        execute_ms: totals.busy * 1000.0,
        acked: totals.executed as u64,
        process_ms: totals.busy * 1000.0,
        failed: totals.failed as u64,
        emitted: totals.emitted as u64,
        transferred: totals.transferred as u64,
        completed: totals.completed as u64,
        complete_ms: totals.complete_secs * 1000.0,
    }
}

fn nodes(scenario: &Scenario, weather: &Weather) -> Vec<Node> {
    let groups = scenario.nodes.iter().flat_map(|g| std::iter::repeat_n(g, g.count as usize));
    groups
        .enumerate()
        .map(|(index, group)| Node {
            id: node_id(index),
            host: format!("host-{index:02}"),
            ports: if weather.speed[index] > 0.0 {
                (0..group.slots).map(|slot| FIRST_PORT + slot).collect()
            } else {
                Vec::new()
            },
            blacklisted: weather.speed[index] <= 0.0,
            cpu_points: Some(group.cores * 100.0),
            round_trip: Millis::new(weather.round_trip[index] * 1000.0).ok(),
            ..Node::default()
        })
        .collect()
}

/// The id of a node by its ordinal.
pub fn node_id(index: usize) -> String {
    format!("node-{index:02}")
}

/// Tasks of each component, in their order, the first task being 1.
pub fn task_ranges(scenario: &Scenario) -> Vec<TaskRange> {
    let mut first = 1;
    scenario
        .components
        .iter()
        .map(|component| {
            let range = TaskRange::new(first, first + component.tasks - 1);
            first += component.tasks;
            range
        })
        .collect()
}

fn components(scenario: &Scenario) -> Vec<Component> {
    scenario
        .components
        .iter()
        .zip(task_ranges(scenario))
        .map(|(spec, tasks)| Component { id: spec.id.clone(), kind: spec.kind, tasks })
        .collect()
}

/// Whether a component works on records.
pub fn works(kind: ComponentKind) -> bool {
    kind == ComponentKind::Operator
}
