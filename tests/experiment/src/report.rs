//! Runs put together: medians, ratios, the table and the JSON file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::measure::Measured;
use crate::outage::{Kind, Series};
use crate::situation::Side;
use crate::summary::Summary;

/// Where results are left.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench");

/// Something measured on both sides.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// Its name in files.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Whether more is better.
    pub gain: bool,
    /// How to read it.
    pub of: fn(&Measured) -> f64,
}

/// What is compared, in the order of tables.
pub const MEASURES: [Measure; 9] = [
    Measure {
        name: "execute_latency",
        title: "execute latency",
        unit: "ms",
        gain: false,
        of: |m| m.execute_ms,
    },
    Measure {
        name: "process_latency",
        title: "process latency",
        unit: "ms",
        gain: false,
        of: |m| m.process_ms,
    },
    Measure {
        name: "complete_latency",
        title: "complete latency",
        unit: "ms",
        gain: false,
        of: |m| m.complete_ms,
    },
    Measure {
        name: "complete_latency_p99",
        title: "complete latency, p99",
        unit: "ms",
        gain: false,
        of: |m| m.complete_p99_ms,
    },
    Measure {
        name: "throughput",
        title: "throughput",
        unit: "words/s",
        gain: true,
        of: |m| m.throughput,
    },
    Measure {
        name: "cross_node",
        title: "tuples between nodes",
        unit: "tuples/s",
        gain: false,
        of: |m| m.crossing,
    },
    Measure {
        name: "backlog",
        title: "load that waits, mean",
        unit: "s",
        gain: false,
        of: |m| m.backlog_secs,
    },
    Measure {
        name: "executor_seconds",
        title: "executors of bolts",
        unit: "executor s",
        gain: false,
        of: |m| m.executor_secs,
    },
    Measure {
        name: "replayed",
        title: "lines replayed in the whole run",
        unit: "lines",
        gain: false,
        of: |m| m.replayed as f64,
    },
];

impl Measure {
    /// How many times better Thalweg's value is; nothing when one of both is zero.
    pub fn ratio(&self, default: &Measured, thalweg: &Measured) -> Option<f64> {
        let (other, ours) = ((self.of)(default), (self.of)(thalweg));
        let (above, below) = if self.gain { (ours, other) } else { (other, ours) };
        (above > 0.0 && below > 0.0).then(|| above / below)
    }
}

/// A summary with how many values are in it, and their unit.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Counted {
    #[serde(flatten)]
    pub(crate) summary: Summary,
    pub(crate) n: usize,
    pub(crate) unit: &'static str,
}

/// The file that a benchmark leaves.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    name: &'static str,
    commit: String,
    machine: String,
    seconds: u64,
    measures: BTreeMap<String, Counted>,
    ratios: BTreeMap<String, Summary>,
    /// Settings of the Thalweg side that differ from the defaults.
    settings: serde_json::Value,
    /// Every run, for whoever wants to look closer.
    runs: BTreeMap<String, Vec<Measured>>,
    /// Every series of ordered actions.
    outages: Vec<Series>,
}

impl Report {
    /// An empty report.
    pub fn new(name: &'static str, settings: serde_json::Value) -> Self {
        Self {
            name,
            commit: commit(),
            machine: machine(),
            seconds: 0,
            measures: BTreeMap::new(),
            ratios: BTreeMap::new(),
            settings,
            runs: BTreeMap::new(),
            outages: Vec::new(),
        }
    }

    /// How long it all took.
    pub fn took(&mut self, seconds: u64) {
        self.seconds = seconds;
    }

    /// Adds the rounds of one situation; both sides have as many runs.
    pub fn add(&mut self, situation: &str, runs: &[&Measured]) {
        let of = |side: Side| runs.iter().copied().filter(move |run| run.side == side);
        for measure in &MEASURES {
            for (side, name) in [(Side::Default, "default"), (Side::Thalweg, "thalweg")] {
                let values: Vec<f64> = of(side).map(measure.of).collect();
                self.measure(format!("{situation}.{name}.{}", measure.name), &values, measure.unit);
            }
            let pairs = of(Side::Default).zip(of(Side::Thalweg));
            let ratios: Vec<f64> = pairs.filter_map(|(d, t)| measure.ratio(d, t)).collect();
            if let Some(summary) = Summary::of(&ratios) {
                self.ratios.insert(format!("{situation}.{}", measure.name), summary);
            }
        }
        self.measure_actions(situation, runs);
        let runs = runs.iter().copied().cloned().collect();
        self.runs.insert(situation.to_owned(), runs);
    }

    /// Adds what each kind of action cost on one side.
    pub fn add_outages(&mut self, side: Side, series: &Series) {
        for kind in Kind::ALL {
            let of = || series.actions.iter().filter(|action| action.kind == kind);
            let name = |what: &str| format!("outage.{}.{}.{what}", side.key(), kind.key());
            let secs = |ms: u64| ms as f64 / 1_000.0;
            let zero: Vec<f64> = of().map(|a| secs(a.disruption.zero_ms)).collect();
            let back: Vec<f64> = of().filter_map(|a| a.disruption.recovered_ms).map(secs).collect();
            let replayed: Vec<f64> =
                of().map(|a| a.disruption.replayed as f64 / a.lines.max(1) as f64).collect();
            self.measure(name("zero_s"), &zero, "s");
            self.measure(name("recovered_s"), &back, "s");
            self.measure(name("replayed"), &replayed, "share of lines");
        }
        let lost = [series.lost as f64];
        self.measure(format!("outage.{}.lost", side.key()), &lost, "words");
        let failures = [series.failures.len() as f64];
        self.measure(format!("outage.{}.failed_actions", side.key()), &failures, "actions");
        self.outages.push(series.clone());
    }

    /// What actions cost, for people.
    pub fn outage_table(&self) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(["outage", "DefaultScheduler", "Thalweg"]);
        for kind in Kind::ALL {
            for (what, title) in [
                ("zero_s", "without output [s]"),
                ("recovered_s", "back at 90 % [s]"),
                ("replayed", "replayed [share]"),
            ] {
                let cell = |side: Side| {
                    let found =
                        self.measures.get(&format!("outage.{}.{}.{what}", side.key(), kind.key()));
                    found.map_or("-".to_owned(), |c| format!("{}, n={}", c.summary, c.n))
                };
                table.add_row([
                    format!("{}, {title}", kind.key()),
                    cell(Side::Default),
                    cell(Side::Thalweg),
                ]);
            }
        }
        table
    }

    fn measure_actions(&mut self, situation: &str, runs: &[&Measured]) {
        let thalweg = || runs.iter().filter(|run| run.side == Side::Thalweg);
        let actions: Vec<f64> = thalweg().map(|run| f64::from(run.actions)).collect();
        self.measure(format!("{situation}.thalweg.actions"), &actions, "actions");
        let zeros: Vec<f64> = thalweg()
            .flat_map(|run| &run.disruptions)
            .map(|disruption| disruption.zero_ms as f64 / 1_000.0)
            .collect();
        self.measure(format!("{situation}.thalweg.zero_output"), &zeros, "s");
    }

    fn measure(&mut self, name: String, values: &[f64], unit: &'static str) {
        if let Some(summary) = Summary::of(values) {
            self.measures.insert(name, Counted { summary, n: values.len(), unit });
        }
    }

    /// The table of one situation: a row per measure, with both sides and their ratio.
    pub fn table(&self, situation: &str) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(["", "DefaultScheduler", "Thalweg", "times better"]);
        for measure in &MEASURES {
            let side = |name: &str| {
                let key = format!("{situation}.{name}.{}", measure.name);
                self.measures.get(&key).map_or("-".to_owned(), |m| m.summary.to_string())
            };
            let ratio = self.ratios.get(&format!("{situation}.{}", measure.name));
            table.add_row([
                format!("{} [{}]", measure.title, measure.unit),
                side("default"),
                side("thalweg"),
                ratio.map_or("-".to_owned(), ToString::to_string),
            ]);
        }
        table
    }
}

/// The state of the sources, `+` standing for changes not committed.
pub(crate) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let Some(head) = git(&["rev-parse", "--short", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let changed = git(&["status", "--porcelain"]).is_some_and(|text| !text.is_empty());
    if changed { format!("{head}+") } else { head }
}

/// Leaves results as `target/bench/<name>.json`.
///
/// # Errors
/// When the file cannot be written.
pub fn save(name: &str, results: &impl Serialize) -> Result<()> {
    fs::create_dir_all(FOLDER).context(FOLDER)?;
    let file = Path::new(FOLDER).join(format!("{name}.json"));
    fs::write(&file, serde_json::to_string_pretty(results)? + "\n")
        .with_context(|| file.display().to_string())
}

pub(crate) fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores of {model}")
}
