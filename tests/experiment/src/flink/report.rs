//! Runs put together: the table, and the JSON file.

use std::collections::BTreeMap;

use serde::Serialize;

use super::measured::Stepped;
use super::side::FlinkSide;
use crate::report::{Counted, commit, machine};
use crate::summary::Summary;

/// Something measured on every side; less is better throughout.
struct Measure {
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    of: fn(&Stepped) -> Option<f64>,
}

const MEASURES: [Measure; 9] = [
    Measure {
        name: "time_to_right_s",
        title: "step to enough parallelism",
        unit: "s",
        of: |run| run.time_to_right_s,
    },
    Measure {
        name: "rescales",
        title: "rescales (with steps: after the one up)",
        unit: "",
        of: |run| Some(f64::from(run.rescales_up)),
    },
    Measure { name: "gap_s", title: "output gap per rescale", unit: "s", of: Stepped::gap_s },
    Measure {
        name: "stop_s",
        title: "of it until tasks are deployed",
        unit: "s",
        of: Stepped::stop_s,
    },
    Measure {
        name: "deploy_s",
        title: "of it from then to output",
        unit: "s",
        of: Stepped::deploy_s,
    },
    Measure { name: "open_s", title: "request to output", unit: "s", of: Stepped::open_s },
    Measure {
        name: "backlog_area",
        title: "backlog area",
        unit: "line s",
        of: |run| Some(run.backlog_area),
    },
    Measure {
        name: "slot_seconds",
        title: "slots in use",
        unit: "slot s",
        of: |run| Some(run.slot_seconds),
    },
    Measure { name: "p99_ms", title: "latency, p99", unit: "ms", of: |run| Some(run.p99_ms) },
];

/// The file that the benchmark leaves.
#[derive(Debug, Serialize)]
pub struct StepReport {
    name: &'static str,
    commit: String,
    machine: String,
    seconds: u64,
    measures: BTreeMap<String, Counted>,
    /// Each other side's value over that of Thalweg at level 2, of the same round.
    ratios: BTreeMap<String, Summary>,
    /// Settings of Thalweg that differ from the defaults.
    settings: BTreeMap<String, String>,
    runs: Vec<Stepped>,
}

impl StepReport {
    /// An empty report.
    pub fn new(settings: &[(String, String)]) -> Self {
        Self {
            name: "flink",
            commit: commit(),
            machine: machine(),
            seconds: 0,
            measures: BTreeMap::new(),
            ratios: BTreeMap::new(),
            settings: settings.iter().cloned().collect(),
            runs: Vec::new(),
        }
    }

    /// Takes in one more run.
    pub fn add(&mut self, run: Stepped, seconds: u64) {
        self.runs.push(run);
        self.seconds = seconds;
        self.measures.clear();
        self.ratios.clear();
        for measure in &MEASURES {
            for side in FlinkSide::ALL {
                self.summarise(measure, side);
            }
        }
    }

    fn summarise(&mut self, measure: &Measure, side: FlinkSide) {
        let values = |side| -> Vec<f64> { self.of(side).filter_map(measure.of).collect() };
        let name = format!("{}.{}", side.key(), measure.name);
        let all = values(side);
        let ratios = self.of(side).zip(self.of(FlinkSide::Level2)).filter_map(|(other, ours)| {
            let (other, ours) = ((measure.of)(other)?, (measure.of)(ours)?);
            (other > 0.0 && ours > 0.0).then(|| other / ours)
        });
        let ratios: Vec<f64> = ratios.collect();
        if let Some(summary) = Summary::of(&all) {
            let counted = Counted { summary, n: all.len(), unit: measure.unit };
            self.measures.insert(name.clone(), counted);
        }
        if let Some(summary) = Summary::of(&ratios).filter(|_| side != FlinkSide::Level2) {
            self.ratios.insert(name, summary);
        }
    }

    fn of(&self, side: FlinkSide) -> impl Iterator<Item = &Stepped> {
        self.runs.iter().filter(move |run| run.side == side)
    }

    /// A row per measure, a column per side: median, least and greatest.
    pub fn table(&self) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
        let sides: Vec<FlinkSide> =
            FlinkSide::ALL.into_iter().filter(|side| self.of(*side).next().is_some()).collect();
        let head = sides.iter().map(|side| format!("{side}, n={}", self.of(*side).count()));
        table.set_header(std::iter::once(String::new()).chain(head));
        for measure in &MEASURES {
            let cells = sides.iter().map(|side| {
                let found = self.measures.get(&format!("{}.{}", side.key(), measure.name));
                found.map_or("-".to_owned(), |counted| counted.summary.to_string())
            });
            let title = format!("{} [{}]", measure.title, measure.unit);
            table.add_row(std::iter::once(title).chain(cells));
        }
        table
    }
}
