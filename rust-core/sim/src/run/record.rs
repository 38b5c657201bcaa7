//! Writes down what happens in a run.

use std::collections::BTreeMap;

use thalweg_core::explain::{Decision, Outcome};
use thalweg_core::model::ComponentKind;

use crate::action::used_nodes;
use crate::job::{Environment, Job};
use crate::report::{ActionRecord, Measures, Point, RunResult};
use crate::scenario::Scenario;
use crate::truth::Capacities;

/// Executors beyond what this utilisation needs are too many.
const LEAST_UTILIZATION: f64 = 0.5;

/// Sums of a run so far.
pub(super) struct Recorder {
    scenario: String,
    policy: String,
    seed: u64,
    changes: Option<usize>,
    point_secs: f64,
    /// Components whose memory is counted.
    operators: Vec<usize>,
    measures: Measures,
    points: Vec<Point>,
    interval: Interval,
    actions: Vec<(String, ActionRecord)>,
    reasons: BTreeMap<String, u64>,
    backlog: f64,
    worst_backlog: f64,
    /// Sum and number of the relative errors of believed capacities.
    errors: (f64, u64),
    /// The last second that was judged, and what was found.
    judged: Option<(f64, u32, bool, bool)>,
}

/// Sums of the present interval.
#[derive(Default)]
struct Interval {
    secs: f64,
    offered: f64,
    taken: f64,
    completed: f64,
    under: f64,
}

impl Recorder {
    pub(super) fn new(scenario: &Scenario, seed: u64) -> Self {
        Self {
            scenario: scenario.name.clone(),
            policy: String::new(),
            seed,
            changes: scenario.load.changes(),
            point_secs: scenario.point_secs,
            operators: (0..scenario.components.len())
                .filter(|&c| scenario.components[c].kind == ComponentKind::Operator)
                .collect(),
            measures: Measures::default(),
            points: Vec::new(),
            interval: Interval::default(),
            actions: Vec::new(),
            reasons: BTreeMap::new(),
            backlog: 0.0,
            worst_backlog: 0.0,
            errors: (0.0, 0),
            judged: None,
        }
    }

    /// Tells the seed of the whole run, not that of a topology of several.
    pub(super) fn is_of_run(&mut self, seed: u64) {
        self.seed = seed;
    }

    pub(super) fn decided(&mut self, decision: &Decision) {
        self.measures.decisions += 1;
        if self.policy != decision.policy {
            self.policy.clone_from(&decision.policy);
        }
        if let Some(reason) = decision.reasons.first() {
            let code = serde_json::to_value(reason.code).ok();
            let code = code.as_ref().and_then(|code| code.as_str()).unwrap_or("UNKNOWN").to_owned();
            *self.reasons.entry(code).or_default() += 1;
        }
    }

    /// A capacity that a policy believes in; while a component is down, there is none to compare it with.
    pub(super) fn believed(&mut self, believed: f64, truth: f64) {
        if truth > 0.0 {
            self.errors.0 += (believed / truth - 1.0).abs();
            self.errors.1 += 1;
        }
    }

    pub(super) fn began(&mut self, plan: &str, record: ActionRecord) {
        self.actions.push((plan.to_owned(), record));
    }

    pub(super) fn ended(&mut self, plan: &str, done: bool, now: f64) {
        if done {
            self.measures.reconfigurations += 1;
        } else {
            self.measures.given_up += 1;
        }
        if let Some((_, record)) = self.actions.iter_mut().rev().find(|(id, _)| id == plan) {
            (record.done, record.ended_secs) = (done, now);
        }
    }

    /// Counts were set by the scenario's script.
    pub(super) fn scripted(&mut self) {
        self.measures.reconfigurations += 1;
    }

    pub(super) fn judged(&mut self, outcome: &Outcome) {
        let found = self.actions.iter_mut().rev().find(|(id, _)| *id == outcome.plan);
        if let Some((_, record)) = found {
            let verdict = if outcome.helped { "helped" } else { "did not help" };
            record.outcome = Some(format!("{verdict}: {}", outcome.text));
        }
    }

    pub(super) fn step(
        &mut self,
        job: &Job,
        capacities: &Capacities,
        environment: &Environment,
        rate: f64,
        now: f64,
        dt: f64,
    ) {
        let lag = job.waiting();
        let (needed, under, over) = self.judge(job, capacities, environment, rate, now);
        let executors: usize = capacities.counted().map(|c| job.count_of(c)).sum();
        let nodes = used_nodes(job);
        let hours = dt / 3600.0;
        let measures = &mut self.measures;
        measures.hours += hours;
        measures.under_time += if under { dt } else { 0.0 };
        measures.over_time += if over { dt } else { 0.0 };
        measures.executor_hours += executors as f64 * hours;
        measures.needed_executor_hours += f64::from(needed) * hours;
        measures.node_hours += nodes as f64 * hours;
        let memory = self.operators.iter().map(|&c| job.memory_mib(c) * job.count_of(c) as f64);
        let memory: f64 = memory.sum();
        measures.memory_hours += memory / 1024.0 * hours;
        if job.done <= 0.0 && (lag > 0.0 || job.pending() > 0.0) {
            measures.outage_secs += dt;
        }
        self.backlog += lag * dt;
        self.worst_backlog = self.worst_backlog.max(lag);
        self.interval.secs += dt;
        self.interval.offered += rate * dt;
        self.interval.taken += job.taken;
        self.interval.completed += job.done;
        self.interval.under += if under { dt } else { 0.0 };
        // Half a step of tolerance, as sums of steps are not exact.
        if self.interval.secs + dt / 2.0 >= self.point_secs {
            let secs = self.interval.secs;
            let millis = |share| job.recent.quantile(share).map(|secs| secs * 1000.0);
            self.points.push(Point {
                secs: now,
                offered: self.interval.offered / secs,
                taken: self.interval.taken / secs,
                completed: self.interval.completed / secs,
                lag,
                executors: executors as u32,
                needed,
                under_secs: self.interval.under,
                nodes: nodes as u32,
                p50_ms: millis(0.5),
                p95_ms: millis(0.95),
            });
            self.interval = Interval::default();
        }
    }

    /// Whether the point of an interval was just written.
    pub(super) fn is_fresh(&self) -> bool {
        self.interval.secs == 0.0
    }

    /// Executors needed, and whether there are too few or too many; looked at once a second.
    fn judge(
        &mut self,
        job: &Job,
        capacities: &Capacities,
        environment: &Environment,
        rate: f64,
        now: f64,
    ) -> (u32, bool, bool) {
        if let Some((second, needed, under, over)) = self.judged
            && second == now.floor()
        {
            return (needed, under, over);
        }
        let needed = capacities.needed_in_all(rate);
        let generous = capacities.needed_in_all(rate / LEAST_UTILIZATION);
        let executors: usize = capacities.counted().map(|c| job.count_of(c)).sum();
        let asked = |c| rate * capacities.gain(c, job.count_of(c));
        let under = capacities.counted().any(|c| job.capacity(c, environment, now) < asked(c));
        let over = executors as u32 > generous;
        self.judged = Some((now.floor(), needed, under, over));
        (needed, under, over)
    }

    pub(super) fn finish(mut self, job: &Job) -> RunResult {
        let secs = (self.measures.hours * 3600.0).max(1e-9);
        let millis = |share| job.latency.quantile(share).unwrap_or(0.0) * 1000.0;
        let arrived = job.roots.arrived.max(1e-9);
        let measures = &mut self.measures;
        measures.arrived = job.roots.arrived;
        measures.completed = job.roots.completed;
        measures.under_time /= secs;
        measures.over_time /= secs;
        measures.backlog_area = self.backlog / arrived;
        measures.worst_backlog_secs = self.worst_backlog / (arrived / secs);
        measures.mean_ms = job.latency.mean().unwrap_or(0.0) * 1000.0;
        measures.p50_ms = millis(0.5);
        measures.p95_ms = millis(0.95);
        measures.p99_ms = millis(0.99);
        measures.replayed = job.failed;
        let (sum, count) = self.errors;
        measures.capacity_mape = (count > 0).then(|| sum / count as f64);
        measures.reconfigurations_per_change =
            self.changes.map(|changes| measures.reconfigurations as f64 / (changes + 1) as f64);
        RunResult {
            scenario: self.scenario,
            policy: self.policy,
            seed: self.seed,
            measures: self.measures,
            points: self.points,
            actions: self.actions.into_iter().map(|(_, record)| record).collect(),
            reasons: self.reasons,
        }
    }
}
