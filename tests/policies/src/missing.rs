//! What policies do while measurements are missing: a wrong scale-down leaves a component with less
//! than its load needs because somebody took silence for rest.

use anyhow::Result;
use rayon::prelude::*;
use serde_json::Map;
use thalweg_sim::hidden::Hidden;
use thalweg_sim::scenario::template::{Shape, draw};
use thalweg_sim::scenario::{EngineKind, Fault, FaultKind, Load, MetricLoss, Scenario};
use thalweg_sim::truth::Capacities;
use thalweg_sim::{RunResult, run};

use crate::contestant::Contestant;

/// When measurements begin to fail.
const FAILING_SECS: f64 = 900.0;
/// For how long they do.
const FAILING_FOR_SECS: f64 = 400.0;
/// Until this long after that, a decision may still rest on what failed.
const AFTER_SECS: f64 = 120.0;

/// Runs with failing measurements, and those of them with a wrong scale-down.
///
/// # Errors
/// When settings are not allowed or a run breaks an invariant.
pub fn wrong_scale_downs(
    who: &Contestant,
    seeds: std::ops::Range<u64>,
) -> Result<(usize, Vec<u64>)> {
    let runs = seeds.end.saturating_sub(seeds.start) as usize;
    let wrong: Vec<Option<u64>> = seeds
        .into_par_iter()
        .map(|seed| {
            let scenario = failing(seed);
            let entered = Contestant::RightForPeak.enter(&scenario, seed);
            let settings = who.settings(&entered, &Map::new())?;
            let result = run(&entered, &settings, seed)?;
            Ok(is_wrong(&entered, seed, &result).then_some(seed))
        })
        .collect::<Result<_>>()?;
    Ok((runs, wrong.into_iter().flatten().collect()))
}

/// A job of a random shape that has what it needs, and measurements that fail in one of four ways.
fn failing(seed: u64) -> Scenario {
    let shape = [Shape::Linear, Shape::Diamond, Shape::Join][(seed % 3) as usize];
    let engine = [EngineKind::Storm, EngineKind::Flink][(seed / 3 % 2) as usize];
    let loss = [MetricLoss::Lost, MetricLoss::Stale, MetricLoss::Partial, MetricLoss::Zero];
    let mut scenario = draw(shape, engine, seed);
    scenario.duration_secs = FAILING_SECS + FAILING_FOR_SECS + 2.0 * AFTER_SECS;
    scenario.step_millis = 1000.0;
    scenario.load = Load { noise: 0.03, ..Load::constant(1.0) };
    scenario.faults.push(Fault {
        at_secs: FAILING_SECS,
        for_secs: FAILING_FOR_SECS,
        kind: FaultKind::Metrics { loss: loss[(seed / 6 % 4) as usize] },
    });
    scenario
}

fn is_wrong(scenario: &Scenario, seed: u64, result: &RunResult) -> bool {
    let capacities = Capacities::of(scenario, &Hidden::draw(scenario, seed));
    let in_doubt = FAILING_SECS..FAILING_SECS + FAILING_FOR_SECS + AFTER_SECS;
    let mut counts: Vec<u32> = scenario.components.iter().map(|c| c.executors).collect();
    let mut wrong = false;
    for action in &result.actions {
        for component in capacities.counted() {
            let Some(&after) = action.counts.get(&scenario.components[component].id) else {
                continue;
            };
            let fewer = after < counts[component];
            let needed = capacities.needed(component, scenario.rate).unwrap_or(u32::MAX);
            wrong |= in_doubt.contains(&action.decided_secs) && fewer && after < needed;
            counts[component] = after;
        }
    }
    wrong
}
