//! What memory for state is worth, and that it is not wasted where it brings nothing.

use thalweg_core::policy::PolicyName;
use thalweg_core::settings::Settings;
use thalweg_sim::scenario::{Load, LoadShape, Scenario, read};
use thalweg_sim::{RunResult, run};

const SEEDS: [u64; 4] = [1, 2, 3, 4];
const SECS: f64 = 7200.0;

/// The join of new users and their auctions, on a load that rises to twice its lowest.
fn join() -> Scenario {
    let text = include_str!("../scenarios/nexmark-q8-state.toml");
    let scenario =
        read("nexmark-q8-state.toml", text, |file| Err(format!("no {file}"))).expect("it is right");
    let levels = vec![[0.0, 0.5], [1800.0, 1.0], [3600.0, 0.7], [5400.0, 1.1]];
    let load = Load { shape: LoadShape::Steps { levels }, noise: 0.02 };
    Scenario { duration_secs: SECS, step_millis: 1000.0, load, ..scenario }
}

fn settings(memory_max_mib: u32) -> Settings {
    let mut settings = Settings::recommended(PolicyName::Thalweg);
    settings.slots = thalweg_core::settings::SlotRule::Engine;
    settings.thalweg.memory_max_mib = memory_max_mib;
    settings
}

fn decided(scenario: &Scenario, memory_max_mib: u32, seed: u64) -> RunResult {
    run(scenario, &settings(memory_max_mib), seed).expect("no invariant is broken")
}

fn show(what: &str, result: &RunResult) {
    let m = &result.measures;
    println!(
        "seed {} {what}: {:.1} executor-hours, {:.1} GiB-hours, short for {:.1} % of the time, {} plans",
        result.seed,
        m.executor_hours,
        m.memory_hours,
        100.0 * m.under_time,
        m.reconfigurations,
    );
    for action in &result.actions {
        println!(
            "  {:5.0} s {:?} {:?} {}",
            action.decided_secs, action.counts, action.memory_mib, action.reason
        );
    }
}

#[test]
fn memory_saves_executors_where_misses_are_what_makes_records_dear() {
    let scenario = join();
    for seed in SEEDS {
        let without = decided(&scenario, 0, seed);
        let with = decided(&scenario, 1024, seed);
        show("without", &without);
        show("with", &with);
    }
}

#[test]
fn misses_that_no_memory_answers_get_none() {
    let mut scenario = join();
    for seed in SEEDS {
        let state = scenario.components[2].state.as_mut().expect("the join keeps state");
        (state.mib, state.cold) = (400.0, 0.6);
        let with = decided(&scenario, 1024, seed);
        show("cold", &with);
        let state = scenario.components[2].state.as_mut().expect("the join keeps state");
        (state.mib, state.cold, state.shape) = (6000.0, 0.6, 0.0);
        let with = decided(&scenario, 1024, seed);
        show("flat", &with);
    }
}
