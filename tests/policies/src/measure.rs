//! The measures of a comparison: one table, from which tables, plots and files are made.

use thalweg_sim::Measures;

/// One measure.
#[derive(Clone, Copy)]
pub struct Measure {
    /// Its name in files.
    pub key: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// How it is read off a run.
    pub of: fn(&Measures) -> Option<f64>,
}

/// Every measure; of each, less is better.
pub const MEASURES: &[Measure] = &[
    Measure {
        key: "reconfigurations",
        title: "reconfigurations in a run",
        unit: "plans",
        of: |m| Some(m.reconfigurations as f64),
    },
    Measure {
        key: "reconfigurations_per_change",
        title: "reconfigurations per rate change",
        unit: "plans",
        of: |m| m.reconfigurations_per_change,
    },
    Measure {
        key: "under_time",
        title: "under-provisioned",
        unit: "% of time",
        of: |m| Some(100.0 * m.under_time),
    },
    Measure {
        key: "over_time",
        title: "over-provisioned",
        unit: "% of time",
        of: |m| Some(100.0 * m.over_time),
    },
    Measure {
        key: "backlog_area",
        title: "backlog",
        unit: "record-seconds per record",
        of: |m| Some(m.backlog_area),
    },
    Measure { key: "p50_ms", title: "latency p50", unit: "ms", of: |m| Some(m.p50_ms) },
    Measure { key: "p95_ms", title: "latency p95", unit: "ms", of: |m| Some(m.p95_ms) },
    Measure { key: "p99_ms", title: "latency p99", unit: "ms", of: |m| Some(m.p99_ms) },
    Measure { key: "outage_secs", title: "without output", unit: "s", of: |m| Some(m.outage_secs) },
    Measure {
        key: "executor_hours",
        title: "executor-hours",
        unit: "h",
        of: |m| Some(m.executor_hours),
    },
    Measure {
        key: "executor_cost",
        title: "executor-hours over those needed",
        unit: "times",
        of: |m| Some(m.executor_hours / m.needed_executor_hours.max(1e-9)),
    },
    Measure {
        key: "memory_hours",
        title: "memory",
        unit: "GiB-hours",
        of: |m| Some(m.memory_hours),
    },
    Measure {
        key: "capacity_mape",
        title: "error of believed capacities",
        unit: "%",
        of: |m| m.capacity_mape.map(|share| 100.0 * share),
    },
];
