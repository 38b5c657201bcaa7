//! The table of metrics.

use std::time::{SystemTime, UNIX_EPOCH};

use thalweg_core::explain::gauges::{OF_SCHEDULER, OF_TOPOLOGY, Scheduler};
use thalweg_core::explain::{ComponentView, Decision};
use thalweg_core::units::Millis;

use super::seen::Seen;
use crate::names::word;
use crate::view::Summary;

/// What Prometheus calls a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Gauge,
    Counter,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
        }
    }
}

pub type OfComponent = fn(&ComponentView) -> Option<f64>;

/// Of what there is one sample each, and its value.
#[derive(Clone, Copy)]
pub enum Level {
    /// Of an engine, as its own registry shows it.
    Scheduler(fn(&Scheduler) -> Option<f64>),
    /// Of a topology, as the engine's own registry shows it.
    Decision(fn(&Decision) -> Option<f64>),
    /// Of an engine, for how long it has been silent; a shell knows that without its engine.
    Age(fn(&Seen<'_>) -> Option<f64>),
    Engine(fn(&Seen<'_>) -> Option<f64>),
    Topology(fn(&Summary) -> Option<f64>),
    Component(OfComponent),
    /// Of an engine, by one more label.
    Labelled(&'static str, fn(&Seen<'_>) -> Vec<(String, f64)>),
    /// Of this server.
    Server,
}

impl Level {
    /// The labels.
    pub fn labels(self) -> String {
        match self {
            Self::Scheduler(_) | Self::Age(_) | Self::Engine(_) => "engine".to_owned(),
            Self::Decision(_) | Self::Topology(_) => "engine, topology".to_owned(),
            Self::Component(_) => "engine, topology, component".to_owned(),
            Self::Labelled(label, _) => format!("engine, {label}"),
            Self::Server => "status".to_owned(),
        }
    }

    /// Whether engines show it in their own registries too.
    pub fn is_shared(self) -> bool {
        matches!(self, Self::Scheduler(_) | Self::Decision(_) | Self::Age(_))
    }
}

/// A metric.
#[derive(Clone, Copy)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub help: &'static str,
    pub level: Level,
}

impl Metric {
    /// One that engines show in their own registries too.
    fn shared(name: &'static str, help: &'static str, level: Level) -> Self {
        let kind = if name.ends_with("_total") { Kind::Counter } else { Kind::Gauge };
        Self { name, kind, help, level }
    }
}

const fn gauge(name: &'static str, level: Level, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, help, level }
}

const fn counter(name: &'static str, level: Level, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, help, level }
}

/// All metrics.
pub fn metrics() -> impl Iterator<Item = Metric> {
    let scheduler = OF_SCHEDULER
        .iter()
        .map(|gauge| Metric::shared(gauge.name, gauge.help, Level::Scheduler(gauge.of)));
    let topology = OF_TOPOLOGY
        .iter()
        .map(|gauge| Metric::shared(gauge.name, gauge.help, Level::Decision(gauge.of)));
    scheduler.chain(topology).chain(BEYOND.iter().copied())
}

/// The names of all metrics.
pub fn names() -> impl Iterator<Item = &'static str> {
    metrics().map(|metric| metric.name)
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn seconds(millis: Option<Millis>) -> Option<f64> {
    millis.map(|millis| millis.get() / 1000.0)
}

fn age(seen: &Seen<'_>) -> Option<f64> {
    let at = seen.status?.at.millis();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_millis();
    Some((now as f64 - at as f64).max(0.0) / 1000.0)
}

fn counted<'a>(all: impl Iterator<Item = (&'a &'static str, &'a u64)>) -> Vec<(String, f64)> {
    all.map(|(word, count)| ((*word).to_owned(), *count as f64)).collect()
}

/// How many topologies have each of these words.
fn by_word(seen: &Seen<'_>, words: &[&str], of: fn(&Summary) -> String) -> Vec<(String, f64)> {
    let count = |word: &&str| seen.known.summaries.iter().filter(|one| of(one) == **word).count();
    words.iter().map(|word| ((*word).to_owned(), count(word) as f64)).collect()
}

fn reasons(seen: &Seen<'_>) -> Vec<(String, f64)> {
    let mut counts = std::collections::BTreeMap::new();
    for decision in seen.status.iter().flat_map(|status| &status.decisions) {
        for reason in &decision.reasons {
            *counts.entry(word(&reason.code)).or_insert(0.0) += 1.0;
        }
    }
    counts.into_iter().collect()
}

/// Those that engines do not show in their own registries.
const BEYOND: &[Metric] = &[
    gauge(
        "thalweg_engine_up",
        Level::Engine(|seen| Some(flag(seen.known.fault.is_none() && seen.status.is_some()))),
        "Whether the engine answers.",
    ),
    gauge(
        "thalweg_engine_status_age_seconds",
        Level::Age(age),
        "Time since the engine last looked at its cluster.",
    ),
    gauge(
        "thalweg_engine_mode",
        Level::Labelled("mode", |seen| {
            seen.status.map(|status| vec![(word(&status.mode), 1.0)]).unwrap_or_default()
        }),
        "How far the engine may go; 1 for the mode it has.",
    ),
    counter(
        "thalweg_engine_events_total",
        Level::Labelled("event", |seen| {
            let counters = seen.status.map(|status| &status.counters).into_iter().flatten();
            counters.map(|(event, count)| (event.clone(), *count as f64)).collect()
        }),
        "What happened in the engine, by event.",
    ),
    counter(
        "thalweg_ledger_records_total",
        Level::Engine(|seen| Some(seen.status?.ledger.as_ref()?.written as f64)),
        "Records that the engine has written to its ledger.",
    ),
    gauge(
        "thalweg_ledger_newest_number",
        Level::Engine(|seen| Some(seen.status?.ledger.as_ref()?.seq as f64)),
        "The number of the newest record in the engine's ledger, which never falls.",
    ),
    gauge(
        "thalweg_engine_look_seconds",
        Level::Engine(|seen| Some(seen.known.look.as_secs_f64())),
        "Time that the last look at the engine took.",
    ),
    gauge(
        "thalweg_topologies",
        Level::Labelled("verdict", |seen| {
            by_word(seen, &["hold", "advise", "propose", "act"], |one| one.verdict.clone())
        }),
        "Topologies, by the verdict of the last decision.",
    ),
    gauge(
        "thalweg_reasons",
        Level::Labelled("code", reasons),
        "Topologies whose last decision gives this reason.",
    ),
    gauge(
        "thalweg_plan_under_way_seconds",
        Level::Engine(|seen| {
            let status = seen.status?;
            Some(status.at.since(status.plan.as_ref()?.since).get() / 1000.0)
        }),
        "For how long the plan under way has been in its phase.",
    ),
    counter(
        "thalweg_plans_total",
        Level::Labelled("result", |seen| counted(seen.known.ended.iter())),
        "Plans that ended since the server began, by how.",
    ),
    counter(
        "thalweg_outcomes_total",
        Level::Labelled("result", |seen| counted(seen.known.outcomes.iter())),
        "Plans judged since the server began, by whether they helped.",
    ),
    gauge(
        "thalweg_topology_workers",
        Level::Topology(|one| Some(one.workers as f64)),
        "Workers of the topology.",
    ),
    gauge(
        "thalweg_topology_backlog_records",
        Level::Topology(|one| Some(one.backlog? as f64)),
        "Records that wait before its components, where the engine counts them.",
    ),
    gauge(
        "thalweg_component_executors",
        Level::Component(|one| Some(f64::from(one.executors))),
        "Executors of the component.",
    ),
    gauge(
        "thalweg_component_throughput_tuples_per_second",
        Level::Component(|one| Some(one.rate?.get())),
        "Tuples executed per second; of a source, tuples brought in.",
    ),
    gauge(
        "thalweg_component_believed_capacity_tuples_per_second",
        Level::Component(|one| Some(one.believed_capacity?.get())),
        "Tuples that it could execute per second, as far as the policy has a belief about that.",
    ),
    gauge(
        "thalweg_component_busy_ratio",
        Level::Component(|one| Some(one.capacity?.get())),
        "Busy share of its busiest executor.",
    ),
    gauge(
        "thalweg_component_execute_latency_seconds",
        Level::Component(|one| seconds(one.execute_latency)),
        "Mean time spent in executing one tuple.",
    ),
    gauge(
        "thalweg_component_process_latency_seconds",
        Level::Component(|one| seconds(one.process_latency)),
        "Mean time until a received tuple was acknowledged.",
    ),
    gauge(
        "thalweg_component_level",
        Level::Component(|one| Some(f64::from(one.level))),
        "Its bottleneck level within the topology.",
    ),
    counter("thalweg_serve_responses_total", Level::Server, "Answers of this server, by status."),
];
