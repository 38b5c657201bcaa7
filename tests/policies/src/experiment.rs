//! Runs everybody on everything, in parallel, and keeps what each run measured.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use rayon::prelude::*;
use serde_json::{Map, Value};
use thalweg_core::Decided;
use thalweg_core::model::Observation;
use thalweg_core::settings::Settings;
use thalweg_core::state::State;
use thalweg_core::units::Timestamp;
use thalweg_sim::{Brain, Core, RunResult, Simulation};

use crate::contestant::Contestant;
use crate::matrix::Cell;

/// One run of one contestant.
#[derive(Debug, Clone)]
pub struct Run {
    /// Ordinal of the contestant.
    pub contestant: usize,
    /// Ordinal of the cell.
    pub cell: usize,
    /// What it was.
    pub result: RunResult,
    /// Mean time of a decision, in microseconds.
    pub decision_micros: f64,
}

/// The shipped core, and how long it takes.
#[derive(Default)]
struct Timed {
    spent: Duration,
    decisions: u32,
}

impl Brain for Timed {
    fn decide(
        &mut self,
        observation: &Observation,
        state: State,
        settings: &Settings,
        now: Timestamp,
    ) -> Decided {
        let begun = Instant::now();
        let decided = Core.decide(observation, state, settings, now);
        self.spent += begun.elapsed();
        self.decisions += 1;
        decided
    }
}

/// Runs every contestant on every cell with every seed.
///
/// # Errors
/// When settings are not allowed or a run breaks an invariant.
pub fn experiment(
    contestants: &[Contestant],
    cells: &[Cell],
    seeds: &[u64],
    extra: &Map<String, Value>,
    bar: &ProgressBar,
) -> Result<Vec<Run>> {
    let mut starts = Vec::new();
    for cell in 0..cells.len() {
        for seed in seeds {
            for contestant in 0..contestants.len() {
                starts.push((contestant, cell, *seed));
            }
        }
    }
    bar.set_length(starts.len() as u64);
    starts
        .into_par_iter()
        .map(|(contestant, cell, seed)| {
            let run = run(contestant, &contestants[contestant], cell, &cells[cell], seed, extra);
            bar.inc(1);
            run
        })
        .collect()
}

fn run(
    contestant: usize,
    who: &Contestant,
    cell: usize,
    on: &Cell,
    seed: u64,
    extra: &Map<String, Value>,
) -> Result<Run> {
    let scenario = who.enter(&on.run, seed);
    let settings = who.settings(&scenario, extra)?;
    let mut brain = Timed::default();
    let mut simulation = Simulation::new(&scenario, &settings, seed);
    while simulation.progress() < 1.0 {
        simulation.advance(&mut brain).with_context(|| {
            format!("{} on {} with load {} and seed {seed}", who.name(), on.scenario, on.load)
        })?;
    }
    let mut result = simulation.finish(&mut brain)?;
    who.name().clone_into(&mut result.policy);
    let decision_micros = brain.spent.as_secs_f64() * 1e6 / f64::from(brain.decisions.max(1));
    Ok(Run { contestant, cell, result, decision_micros })
}
