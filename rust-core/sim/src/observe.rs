//! What the engine's shell would see of the simulated cluster: metrics as the engine samples them.
//!
//! Storm counts one tuple in `1 / sample rate`, times it in whole milliseconds, and reports every few
//! seconds with a heartbeat, each executor at its own time. Flink counts exactly. Faults make reports
//! go missing, repeat themselves, or say nothing but zero.

use thalweg_core::model::{
    Component, ComponentKind, Counters, Edge, Executor as Seen, Grouping, Node, TaskRange,
    Topology, TopologyStatus,
};
use thalweg_core::units::{Millis, Timestamp};

use crate::job::{Environment, Job, Totals};
use crate::random::Random;
use crate::scenario::{Copies, EdgeSpec, EngineKind, FaultKind, MetricLoss, Scenario, copies};
use counters::{Span, exact, sampled};

mod counters;

/// The instant at which a run begins, for the engine: a round number long ago.
const EPOCH_MILLIS: i64 = 1_600_000_000_000;
/// The port of a node's first slot.
pub const FIRST_PORT: u32 = 6700;

/// The engine's time at a number of seconds into the run.
pub fn timestamp(secs: f64) -> Timestamp {
    Timestamp::from_millis(EPOCH_MILLIS + (secs * 1000.0).round() as i64)
}

/// The reports of executors.
#[derive(Debug, Clone)]
pub struct Reports {
    by_executor: Vec<Report>,
    /// Per component: what waits before it, as far as that is known.
    backlog: Vec<Option<u64>>,
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
        Self { by_executor: Vec::new(), backlog: Vec::new(), random: Random::of(seed, "metrics") }
    }

    /// Executors whose turn it is report.
    pub fn collect(&mut self, scenario: &Scenario, job: &Job, environment: &Environment, now: f64) {
        self.follow(scenario, job, now);
        self.note_backlog(scenario, job, now);
        let stale = FaultKind::Metrics { loss: MetricLoss::Stale };
        if scenario.faults.iter().any(|fault| fault.kind == stale && fault.holds(now)) {
            return;
        }
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
            if job.is_up(index, environment, now) {
                self.report(scenario, job, index, now);
            }
        }
    }

    /// Lag is read off the source's partitions, at once and exactly, unless measurements fail.
    fn note_backlog(&mut self, scenario: &Scenario, job: &Job, now: f64) {
        let mut lost = false;
        let mut zero = false;
        for fault in scenario.faults.iter().filter(|fault| fault.holds(now)) {
            match fault.kind {
                FaultKind::Metrics { loss: MetricLoss::Stale } => return,
                FaultKind::Metrics { loss: MetricLoss::Lost | MetricLoss::Partial } => lost = true,
                FaultKind::Metrics { loss: MetricLoss::Zero } => zero = true,
                _ => {}
            }
        }
        let known = |component: usize| {
            let source = scenario.components[component].kind == ComponentKind::Source;
            (source && scenario.metrics.lag && !lost).then(|| match zero {
                true => 0,
                false => job.lag[component].records().max(0.0) as u64,
            })
        };
        self.backlog = (0..scenario.components.len()).map(known).collect();
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
            EngineKind::Storm => {
                let span = Span {
                    before: &before.unwrap_or_default(),
                    was: &report.truth,
                    is: &executor.totals,
                    uptime: now - executor.started,
                };
                let component = &scenario.components[executor.component];
                sampled(&scenario.metrics, component, &span, &mut self.random)
            }
            EngineKind::Flink => {
                exact(&executor.totals, now - executor.started, job.state_bytes(executor.component))
            }
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

    fn components(&self, scenario: &Scenario, job: &Job) -> Vec<Component> {
        scenario
            .components
            .iter()
            .zip(task_ranges(scenario))
            .enumerate()
            .map(|(index, (spec, tasks))| Component {
                id: spec.id.clone(),
                kind: spec.kind,
                tasks,
                memory_mib: Some(job.memory_mib(index)),
                backlog: self.backlog.get(index).copied().flatten(),
                partitions: spec.partitions,
                // Whatever memory they have, all share slots.
                slot_group: 1,
                ..Component::default()
            })
            .collect()
    }

    /// What the shell sees of the topology.
    pub fn topology(
        &self,
        scenario: &Scenario,
        job: &Job,
        environment: &Environment,
        status: TopologyStatus,
        now: f64,
    ) -> Topology {
        let alive = |node: usize| environment.speed.get(node).is_some_and(|speed| *speed > 0.0);
        let executors = job.executors.iter().enumerate().map(|(index, executor)| Seen {
            component: executor.component as u32,
            tasks: executor.tasks,
            slot: executor.slot.filter(|slot| alive(slot.node as usize)),
            counters: executor.slot.and(self.said(scenario, index, now)),
        });
        let executors: Vec<Seen> = executors.collect();
        let mut seen = vec![0; scenario.components.len()];
        let edges = scenario.edges.iter().filter_map(|edge| {
            let from = scenario.component(&edge.from)?;
            seen[from] += 1;
            Some(Edge {
                from: from as u32,
                to: scenario.component(&edge.to)? as u32,
                grouping: grouping(scenario, edge),
                sent: sent(job, &executors, (from, seen[from] - 1), scenario),
            })
        });
        let edges = edges.collect();
        Topology {
            settings: std::collections::BTreeMap::new(),
            id: format!("{}-1", scenario.name),
            name: scenario.name.clone(),
            status,
            desired_workers: scenario.workers,
            message_timeout: Millis::saturating(scenario.storm.message_timeout_secs * 1000.0),
            worker_heap_mib: None,
            checkpoint: None,
            checkpoint_interval: None,
            obstacle: None,
            worker_millipoints: 0,
            components: self.components(scenario, job),
            edges,
            apart: Vec::new(),
            executors,
        }
    }
}

/// What the shell sees of the nodes.
pub fn nodes(scenario: &Scenario, environment: &Environment) -> Vec<Node> {
    let groups = scenario.nodes.iter().flat_map(|g| std::iter::repeat_n(g, g.count as usize));
    groups
        .enumerate()
        .map(|(index, group)| Node {
            id: node_id(index),
            host: format!("host-{index:02}"),
            ports: if environment.speed[index] > 0.0 {
                (0..group.slots).map(|slot| FIRST_PORT + slot).collect()
            } else {
                Vec::new()
            },
            blacklisted: environment.speed[index] <= 0.0,
            cpu_points: Some(group.declared_cores.unwrap_or(group.cores) * 100.0),
            round_trip: Millis::new(environment.round_trip[index] * 1000.0).ok(),
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

/// How an edge's records choose their receiver, in the core's words.
fn grouping(scenario: &Scenario, edge: &EdgeSpec) -> Grouping {
    match copies(scenario, edge) {
        Copies::PerExecutor => Grouping::Broadcast,
        _ => edge.grouping,
    }
}

/// Records sent along an edge, by its sender and its place among the sender's, as far as the sender's counters tell:
/// their part of all that was sent. Flink counts all that a subtask writes as one number.
fn sent(
    job: &Job,
    executors: &[Seen],
    (from, edge): (usize, usize),
    scenario: &Scenario,
) -> Option<u64> {
    if scenario.engine == EngineKind::Flink {
        return None;
    }
    let edges = &job.wiring.out[from];
    let weight = |edge: &crate::job::OutEdge| {
        let received: f64 = edge.shares.iter().map(|shares| shares.iter().sum::<f64>()).sum();
        edge.selectivity * received / edge.shares.len().max(1) as f64
    };
    let all: f64 = edges.iter().map(weight).sum();
    let own = edges.get(edge)?;
    let counts = executors.iter().filter(|e| e.component as usize == from);
    let transferred: Vec<u64> = counts.filter_map(|e| Some(e.counters?.transferred)).collect();
    let share = weight(own) / all.max(1e-12);
    (!transferred.is_empty()).then(|| (transferred.iter().sum::<u64>() as f64 * share) as u64)
}
