//! Whole runs with the shipped core at the wheel.

use thalweg_core::settings::PolicyName;
use thalweg_core::settings::{Mode, Settings, WorkerLimit};
use thalweg_core::units::Millis;
use thalweg_sim::scenario::{Fault, FaultKind, Scenario};
use thalweg_sim::{RunResult, run};

/// Short times, so that runs are short.
fn settings() -> Settings {
    let secs = |seconds: f64| Millis::saturating(seconds * 1000.0);
    Settings {
        window: secs(30.0),
        max_age: secs(40.0),
        settle: secs(30.0),
        interval: secs(30.0),
        cool_down: secs(60.0),
        worker_limit: WorkerLimit::Free,
        ..Settings::default()
    }
}

fn read(name: &str, text: &str) -> Scenario {
    thalweg_sim::scenario::read(name, text, |file| Err(format!("no {file}")))
        .expect("a shipped scenario is right")
}

fn wordcount() -> Scenario {
    read("wordcount.toml", include_str!("../scenarios/wordcount.toml"))
}

fn bytes(result: &RunResult) -> String {
    serde_json::to_string(result).expect("a result is plain data")
}

#[test]
fn me_stream_helps_a_wordcount_that_has_too_few_executors() {
    let scenario = wordcount();
    let watched = Settings { mode: Mode::Observe, ..settings() };
    let before = run(&scenario, &watched, 3).expect("no invariant is broken");
    let after = run(&scenario, &settings(), 3).expect("no invariant is broken");
    assert_eq!(before.measures.reconfigurations, 0);
    assert!(after.measures.reconfigurations >= 1);
    assert!(after.measures.completed > 1.3 * before.measures.completed, "{:?}", after.measures);
    assert!(after.measures.under_time < 0.5 * before.measures.under_time);
    let last = after.points.last().expect("a run has points");
    assert!(last.completed > 0.95 * last.offered, "{last:?}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_does_not() {
    let scenario = wordcount();
    let once = run(&scenario, &settings(), 5).expect("no invariant is broken");
    let again = run(&scenario, &settings(), 5).expect("no invariant is broken");
    let other = run(&scenario, &settings(), 6).expect("no invariant is broken");
    assert_eq!(bytes(&once), bytes(&again));
    assert_ne!(bytes(&once), bytes(&other));
}

#[test]
fn a_dead_node_is_left_and_its_records_are_replayed() {
    let mut scenario = wordcount();
    scenario.faults.push(Fault {
        at_secs: 300.0,
        for_secs: 1e9,
        kind: FaultKind::NodeDeath { node: 1 },
    });
    let result = run(&scenario, &settings(), 2).expect("no invariant is broken");
    assert!(result.measures.replayed > 0.0);
    let last = result.points.last().expect("a run has points");
    assert!(last.completed > 0.9 * last.offered, "{last:?}");
    assert!(last.nodes <= 2);
}

#[test]
fn a_cluster_without_a_free_slot_goes_on_in_the_slots_that_a_dead_node_leaves() {
    for (name, text) in [
        ("full-cluster-1", include_str!("../scenarios/full-cluster-1.toml")),
        ("full-cluster-2", include_str!("../scenarios/full-cluster-2.toml")),
    ] {
        let scenario = read(name, text);
        let dies = scenario.faults[0].at_secs;
        for policy in [PolicyName::MeStream, PolicyName::Thalweg] {
            let result = run(&scenario, &Settings::recommended(policy), 1).expect(name);
            let done = |from: f64, to: f64| {
                let within = result.points.iter().filter(|p| (from..to).contains(&p.secs));
                let (sum, count) = within.fold((0.0, 0.0), |(s, n), p| (s + p.completed, n + 1.0));
                sum / count
            };
            let (before, later) = (done(dies - 300.0, dies), done(dies + 300.0, dies + 900.0));
            assert!(later > 0.95 * before, "{name}, {policy:?}: {before} before, {later} later");
            assert!(result.points.last().expect("a run has points").nodes <= 2, "{name}");
        }
    }
}
