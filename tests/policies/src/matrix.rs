//! What policies are compared on: every scenario with every load, in two halves.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Serialize;
use thalweg_sim::Scenario;
use thalweg_sim::hidden::Hidden;
use thalweg_sim::scenario::template::{Shape, draw};
use thalweg_sim::scenario::{EngineKind, Load, LoadShape, read, read_series};
use thalweg_sim::truth::Capacities;

/// Length of a run.
const RUN_SECS: f64 = 7200.0;
/// Length of a step; a day of ten components then takes well under a second.
const STEP_MILLIS: f64 = 1000.0;
/// Relative noise of every load from one second to the next.
const LOAD_NOISE: f64 = 0.03;

/// The highest level of any load, and a fifth for what seeds change.
const HIGHEST_LOAD: f64 = 2.2;

/// Which half of scenarios and seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    /// Where settings may be tuned.
    Tune,
    /// Where results are reported.
    Report,
}

impl Half {
    /// Seeds of this half; no seed is in both.
    pub fn seeds(self, count: u64) -> Vec<u64> {
        let first = match self {
            Self::Tune => 1,
            Self::Report => 1001,
        };
        (first..first + count).collect()
    }
}

/// A scenario with a load.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the load.
    pub load: &'static str,
    /// Both together.
    pub run: Scenario,
}

/// The files of each half. WordCount and the two ends of the Nexmark queries are for tuning.
const TUNE: [&str; 3] = ["wordcount", "nexmark-q1", "nexmark-q5"];
const REPORT: [&str; 4] = ["taxi", "nexmark-q3", "nexmark-q8", "nexmark-q11"];
/// Shapes drawn at random, and the seed of each half.
const SHAPES: [(Shape, EngineKind); 3] = [
    (Shape::Linear, EngineKind::Storm),
    (Shape::Diamond, EngineKind::Storm),
    (Shape::Join, EngineKind::Flink),
];

/// All cells of a half.
///
/// # Errors
/// When a scenario or a series cannot be read.
pub fn cells(root: &Path, half: Half) -> Result<Vec<Cell>> {
    let names: &[&str] = match half {
        Half::Tune => &TUNE,
        Half::Report => &REPORT,
    };
    let mut scenarios: Vec<Scenario> =
        names.iter().map(|name| shipped(root, name)).collect::<Result<_>>()?;
    let seed = match half {
        Half::Tune => 11,
        Half::Report => 23,
    };
    scenarios.extend(
        SHAPES.map(|(shape, engine)| Scenario { jitter: 0.1, ..draw(shape, engine, seed) }),
    );
    scenarios.iter_mut().for_each(make_feasible);
    let loads = loads(root)?;
    let mut cells = Vec::new();
    for scenario in scenarios {
        for (name, load) in &loads {
            let mut run = scenario.clone();
            run.duration_secs = RUN_SECS;
            run.step_millis = STEP_MILLIS;
            run.load = Load { shape: load.clone(), noise: LOAD_NOISE };
            cells.push(Cell { scenario: scenario.name.clone(), load: name, run });
        }
    }
    Ok(cells)
}

/// Lowers a scenario's rate until some counts are enough for the highest load, with room for what
/// seeds change; otherwise nobody could do better than fail, and all would look alike.
fn make_feasible(scenario: &mut Scenario) {
    let hidden = Hidden::draw(&Scenario { jitter: 0.0, ..scenario.clone() }, 0);
    let capacities = Capacities::of(scenario, &hidden);
    let cores: f64 = hidden.nodes.iter().map(|node| node.cores * node.ability).sum();
    let fits = |rate: f64| {
        let mut all = 0.0;
        capacities.counted().all(|component| {
            let needed = capacities.needed(component, rate * HIGHEST_LOAD);
            all += needed.map_or(f64::INFINITY, f64::from);
            let tasks = f64::from(scenario.components[component].tasks);
            needed.is_some_and(|count| f64::from(count) <= 0.8 * tasks) && all <= 0.8 * cores
        })
    };
    while !fits(scenario.rate) && scenario.rate > 1e-3 {
        scenario.rate *= 0.95;
    }
}

/// A scenario of `rust-core/sim/scenarios`.
///
/// # Errors
/// When it cannot be read.
pub fn shipped(root: &Path, name: &str) -> Result<Scenario> {
    let file = root.join("rust-core/sim/scenarios").join(format!("{name}.toml"));
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let beside = file.parent().map(Path::to_owned).unwrap_or_default();
    let open = |series: &str| fs::read_to_string(beside.join(series)).map_err(|e| e.to_string());
    Ok(read(&file.display().to_string(), &text, open)?)
}

/// Leaves a scenario in a file, for `thalweg simulate` and `thalweg tune`.
///
/// # Errors
/// When it cannot be written.
pub fn write_scenario(file: &Path, scenario: &Scenario) -> Result<()> {
    fs::write(file, toml::to_string(scenario)?)
        .with_context(|| format!("cannot write {}", file.display()))
}

/// Every load, in multiples of a scenario's rate.
fn loads(root: &Path) -> Result<Vec<(&'static str, LoadShape)>> {
    let steps =
        [[0.0, 0.6], [1200.0, 1.2], [2400.0, 0.8], [3600.0, 1.6], [4800.0, 0.5], [6000.0, 1.0]];
    let mut loads = vec![
        ("constant", LoadShape::Constant { level: 1.0 }),
        ("step", LoadShape::Steps { levels: steps.to_vec() }),
        ("ramp", LoadShape::Ramp { from: 0.5, to: 1.6, start_secs: 900.0, end_secs: 5400.0 }),
        ("sine", LoadShape::Sine { mean: 1.0, amplitude: 0.6, period_secs: 3600.0 }),
        (
            "flash",
            LoadShape::Flash {
                base: 0.7,
                peak: 1.8,
                at_secs: 2400.0,
                rise_secs: 60.0,
                hold_secs: 900.0,
                fall_secs: 900.0,
            },
        ),
    ];
    // Fifteen recorded minutes in two: a day of load in a little more than three hours.
    for (name, file, skip) in [
        ("taxi", "taxi_15min.csv", 20),
        ("wiki", "wiki_en_15min.csv", 40),
        ("alibaba", "alibaba_15min.csv", 0),
        ("iot", "IoT_15min.csv", 100),
    ] {
        let path = root.join("data/load").join(file);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let values = read_series(&path.display().to_string(), &text, 1)?;
        loads.push((
            name,
            LoadShape::Series {
                file: String::new(),
                column: 1,
                interval_secs: 120.0,
                mean: 1.0,
                stretch: 1.5,
                skip,
                values,
            },
        ));
    }
    Ok(loads)
}

/// The root of the repository that holds `start` or a folder above it.
pub fn root_above(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|dir| dir.join("rust-core/sim/scenarios").is_dir()).map(Path::to_owned)
}
