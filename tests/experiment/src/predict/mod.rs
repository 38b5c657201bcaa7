//! What the simulator says of a run, to print beside what happened.
//!
//! Nothing here was fitted to the run: nodes have the cores they were given, records the work that they
//! were told to be, and what the engine itself was seen to add to it.

pub mod flink;
pub mod storm;

use anyhow::{Result, bail};
use serde_json::{Map, Value};
use thalweg_core::model::{ComponentKind, Grouping};
use thalweg_engine::EngineSettings;
use thalweg_sim::scenario::{ComponentSpec, EdgeSpec, NodeGroup, template};
use thalweg_sim::{RunResult, Scenario, run};

/// Seeds whose median is told.
const SEEDS: u64 = 3;
const WORD_BYTES: f64 = 12.0;

/// Runs of a scenario with the settings that the real cluster was given.
fn runs(scenario: &Scenario, mut given: Map<String, Value>) -> Result<Vec<RunResult>> {
    for (key, value) in scenario.given() {
        given.entry(key).or_insert(value);
    }
    let settings = EngineSettings::read(&given);
    if !settings.problems.is_empty() {
        bail!("{}", settings.problems.join("; "));
    }
    (1..=SEEDS).map(|seed| Ok(run(scenario, &settings.core, seed)?)).collect()
}

/// The load from an instant on, second by second, relative to a rate.
fn levels(from_secs: f64, lines: &[f64], rate: f64) -> impl Iterator<Item = [f64; 2]> {
    (0..).zip(lines).map(move |(second, lines)| [from_secs + f64::from(second), lines / rate])
}

/// A node with nothing beside its cores and slots to be told of.
fn node(cores: f64, slots: u32) -> NodeGroup {
    NodeGroup { cores, slots, round_trip_millis: 0.2, ..template::node() }
}

/// A component whose executors share nothing but their nodes.
fn component(id: &str, kind: ComponentKind, executors: u32, work_micros: f64) -> ComponentSpec {
    let alone = template::operator(id, work_micros);
    ComponentSpec { kind, executors, tasks: executors, variability: 0.2, ..alone }
}

fn edge(from: &str, to: &str, grouping: Grouping, selectivity: f64, bytes: f64) -> EdgeSpec {
    EdgeSpec { grouping, selectivity, bytes, ..template::edge(from, to) }
}
