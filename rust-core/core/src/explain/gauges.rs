//! Figures for metrics systems: the same names and meanings in the engine's own registry and in Prometheus' format.

use super::decision::{Decision, Verdict};
use crate::model::ComponentKind;
use crate::units::{Millis, RatePerSec, Share};

/// One figure of something, in base units; absent where it was not measured.
pub struct Gauge<T> {
    /// Its name in Prometheus; one that only grows ends in `_total`.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// Its value.
    pub of: fn(&T) -> Option<f64>,
}

/// What is shown of the scheduler itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheduler {
    /// Whether it leads.
    pub leads: bool,
    /// Settings that are wrong.
    pub problems: usize,
    /// Whether its store is in reach.
    pub store_up: bool,
    /// Live nodes.
    pub nodes: usize,
    /// Whether a plan is being carried out.
    pub acts: bool,
    /// Its ledger, where it keeps one.
    pub ledger: Option<LedgerHealth>,
}

/// How a ledger does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerHealth {
    /// Attempts to write it that failed.
    pub failures: u64,
    /// Records that it lacks for that.
    pub lost: u64,
}

/// Of the scheduler.
pub const OF_SCHEDULER: &[Gauge<Scheduler>] = &[
    Gauge {
        name: "thalweg_engine_leads",
        help: "Whether the engine leads.",
        of: |scheduler| Some(flag(scheduler.leads)),
    },
    Gauge {
        name: "thalweg_engine_problems",
        help: "Settings of the engine that are wrong; with any it only observes.",
        of: |scheduler| Some(scheduler.problems as f64),
    },
    Gauge {
        name: "thalweg_engine_store_up",
        help: "Whether the engine's store is in reach.",
        of: |scheduler| Some(flag(scheduler.store_up)),
    },
    Gauge {
        name: "thalweg_ledger_failures_total",
        help: "Attempts of the engine to write its ledger that failed.",
        of: |scheduler| Some(scheduler.ledger?.failures as f64),
    },
    Gauge {
        name: "thalweg_ledger_lost_total",
        help: "Records that are missing from the engine's ledger, as it could not be written for too long.",
        of: |scheduler| Some(scheduler.ledger?.lost as f64),
    },
    Gauge {
        name: "thalweg_nodes",
        help: "Live nodes.",
        of: |scheduler| Some(scheduler.nodes as f64),
    },
    Gauge {
        name: "thalweg_plan_under_way",
        help: "Whether a plan is being carried out.",
        of: |scheduler| Some(flag(scheduler.acts)),
    },
];

/// Of a topology, by the last decision about it.
pub const OF_TOPOLOGY: &[Gauge<Decision>] = &[
    Gauge {
        name: "thalweg_topology_executors",
        help: "Executors of the topology.",
        of: |decision| Some(f64::from(executors(decision))),
    },
    Gauge {
        name: "thalweg_topology_throughput_tuples_per_second",
        help: "Tuples that its sources bring in per second.",
        of: |decision| throughput(decision).map(RatePerSec::get),
    },
    Gauge {
        name: "thalweg_topology_process_latency_seconds",
        help: "Mean process latency of its operators, weighted by tuples.",
        of: |decision| seconds(decision.view.latency),
    },
    Gauge {
        name: "thalweg_topology_expected_latency_seconds",
        help: "What its threshold function expects of that latency.",
        of: |decision| Some(decision.view.expected_latency? / 1000.0),
    },
    Gauge {
        name: "thalweg_topology_complete_latency_seconds",
        help: "Mean time until a tuple of its slowest source was completely processed.",
        of: |decision| seconds(complete_latency(decision)),
    },
    Gauge {
        name: "thalweg_topology_busy_ratio",
        help: "Busy share of its busiest executor.",
        of: |decision| busy(decision).map(Share::get),
    },
    Gauge {
        name: "thalweg_topology_coverage_ratio",
        help: "Share of its executors that have fresh statistics.",
        of: |decision| Some(decision.view.coverage.get()),
    },
    Gauge {
        name: "thalweg_topology_failed_tuples",
        help: "Tuples failed within the window of measurement.",
        of: |decision| Some(failed(decision) as f64),
    },
    Gauge {
        name: "thalweg_topology_level",
        help: "Its bottleneck level among the topologies of the cluster.",
        of: |decision| Some(f64::from(decision.view.level)),
    },
    Gauge {
        name: "thalweg_topology_plan_proposed",
        help: "Whether a plan is shown and not carried out.",
        of: |decision| {
            let shown = decision.plan.is_some() && decision.offer.is_none();
            Some(flag(shown && decision.verdict != Verdict::Act))
        },
    },
    Gauge {
        name: "thalweg_topology_plan_waiting",
        help: "Whether a plan waits for somebody's word.",
        of: |decision| Some(flag(decision.plan.is_some() && decision.offer.is_some())),
    },
];

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn seconds(millis: Option<Millis>) -> Option<f64> {
    millis.map(|millis| millis.get() / 1000.0)
}

/// Executors of all components.
pub fn executors(decision: &Decision) -> u32 {
    decision.view.components.iter().map(|component| component.executors).sum()
}

/// Tuples that the sources bring in, where there are sources and each of them is measured.
pub fn throughput(decision: &Decision) -> Option<RatePerSec> {
    let sources = decision.view.components.iter().filter(|c| c.kind == ComponentKind::Source);
    let mut rates = sources.map(|source| source.rate.map(RatePerSec::get)).peekable();
    rates.peek()?;
    rates.sum::<Option<f64>>().map(RatePerSec::saturating)
}

/// The complete latency of the slowest source.
pub fn complete_latency(decision: &Decision) -> Option<Millis> {
    let sources = decision.view.components.iter().filter(|c| c.kind == ComponentKind::Source);
    sources.filter_map(|c| c.complete_latency).max_by(|a, b| a.get().total_cmp(&b.get()))
}

/// Busy share of the busiest measured executor that does the user's work.
pub fn busy(decision: &Decision) -> Option<Share> {
    let working = decision.view.components.iter().filter(|c| c.kind != ComponentKind::System);
    working.filter_map(|component| component.capacity).max()
}

/// Tuples failed within the window.
pub fn failed(decision: &Decision) -> u64 {
    decision.view.components.iter().map(|component| component.failed).sum()
}
