//! What memory for state is worth, and that it is not wasted where it brings nothing.

use thalweg_core::settings::PolicyName;
use thalweg_core::settings::{Settings, SlotRule};
use thalweg_sim::report::Measures;
use thalweg_sim::scenario::{Load, LoadShape, Scenario, StateSpec, read};
use thalweg_sim::{RunResult, run};

const SEEDS: [u64; 3] = [1, 2, 3];
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
    settings.slots = SlotRule::Engine;
    settings.thalweg.memory_max_mib = memory_max_mib;
    settings
}

fn decided(scenario: &Scenario, memory_max_mib: u32, seed: u64) -> RunResult {
    run(scenario, &settings(memory_max_mib), seed).expect("no invariant is broken")
}

fn show(what: &str, result: &RunResult) {
    let m = &result.measures;
    println!(
        "seed {} {what}: {:.1} executor-hours, {:.1} GiB-hours, short for {:.1} % of the time",
        result.seed,
        m.executor_hours,
        m.memory_hours,
        100.0 * m.under_time,
    );
    for action in &result.actions {
        println!("  at {} s {:?} {:?}", action.decided_secs, action.counts, action.memory_mib);
    }
}

#[test]
fn memory_saves_executors_where_misses_are_what_makes_records_dear() {
    let scenario = join();
    for seed in SEEDS {
        let (without, with) = (decided(&scenario, 0, seed), decided(&scenario, 1024, seed));
        show("without", &without);
        show("with", &with);
        let (without, with) = (&without.measures, &with.measures);
        assert!(with.executor_hours < 0.6 * without.executor_hours, "seed {seed}");
        // More memory than without, and yet less in all, with 4 GiB for an executor.
        let cost = |m: &Measures| m.executor_hours + m.memory_hours / 4.0;
        assert!(with.memory_hours < 3.0 * without.memory_hours, "seed {seed}");
        assert!(cost(with) < 0.6 * cost(without), "seed {seed}");
        // Of what has been taken away at low load, some is missing for a minute or two when the load rises.
        assert!(with.under_time < without.under_time + 0.03, "seed {seed}");
    }
}

#[test]
fn misses_that_no_memory_answers_get_none() {
    let mut scenario = join();
    // All of the state has room; what is missed was never seen before.
    keep(&mut scenario, StateSpec { mib: 400.0, miss_micros: 48.0, shape: 1.0, cold: 0.6 });
    for seed in SEEDS {
        let result = decided(&scenario, 1024, seed);
        show("cold", &result);
        assert!(result.actions.iter().all(|action| action.memory_mib.is_empty()), "seed {seed}");
        assert!(!result.actions.is_empty(), "seed {seed}: it was short of executors");
    }
}

#[test]
fn a_level_that_brings_nothing_goes_back_and_is_not_tried_again() {
    let mut scenario = join();
    // Nothing that is held is ever asked for again.
    keep(&mut scenario, StateSpec { mib: 6000.0, miss_micros: 48.0, shape: 0.0, cold: 0.6 });
    for seed in SEEDS {
        let result = decided(&scenario, 1024, seed);
        show("flat", &result);
        let asked = result.actions.iter().filter_map(|action| action.memory_mib.get("join"));
        assert_eq!(asked.copied().collect::<Vec<_>>(), [256, 128], "seed {seed}");
        let executors_alone = result.measures.executor_hours * 128.0 / 1024.0;
        assert!(result.measures.memory_hours < 1.05 * executors_alone, "seed {seed}");
    }
}

fn keep(scenario: &mut Scenario, state: StateSpec) {
    let join = scenario.component("join").expect("there is a join");
    scenario.components[join].state = Some(state);
}
