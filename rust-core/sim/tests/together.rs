//! Several topologies in one cluster.
#![allow(clippy::unwrap_used)]

mod quick;

use proptest::prelude::*;
use thalweg_core::settings::{PolicyName, Settings};
use thalweg_sim::scenario::template::{Shape, draw, tiny};
use thalweg_sim::scenario::{EngineKind, Fault, FaultKind, Load, LoadShape, NodeGroup, Scenario};
use thalweg_sim::{Core, RunResult, Simulation, run};

fn settings(policy: PolicyName) -> Settings {
    Settings { policy, ..quick::settings() }
}

fn run_all(scenarios: &[Scenario], settings: &Settings, seed: u64) -> Vec<RunResult> {
    let simulation = Simulation::together(scenarios, settings, seed).unwrap();
    simulation.finish_all(&mut Core).unwrap()
}

/// One of a cluster of one node: 100 records/s of 1 ms each, one executor in one worker.
fn small(name: &str) -> Scenario {
    Scenario { name: name.to_owned(), workers: 1, ..tiny() }
}

/// Everybody on the nodes of the first.
fn on_one_cluster(mut scenarios: Vec<Scenario>) -> Vec<Scenario> {
    let (nodes, faults) = (scenarios[0].nodes.clone(), scenarios[0].faults.clone());
    for (number, scenario) in scenarios.iter_mut().enumerate() {
        scenario.name = format!("{}-of-{number}", scenario.name);
        scenario.nodes.clone_from(&nodes);
        scenario.faults.clone_from(&faults);
    }
    scenarios
}

#[test]
fn one_alone_is_as_it_was() {
    for engine in [EngineKind::Storm, EngineKind::Flink] {
        let scenario = draw(Shape::Diamond, engine, 7);
        let settings = settings(PolicyName::Thalweg);
        let alone = run(&scenario, &settings, 3).unwrap();
        assert_eq!(run_all(&[scenario], &settings, 3), [alone]);
    }
}

#[test]
fn as_many_topologies_as_slots_all_run() {
    for engine in [EngineKind::Storm, EngineKind::Flink] {
        let scenarios: Vec<Scenario> =
            (0..16).map(|n| Scenario { engine, ..small(&format!("t{n}")) }).collect();
        for result in run_all(&scenarios, &settings(PolicyName::MeStream), 1) {
            let all = result.measures.arrived;
            assert!(result.measures.completed > 0.99 * all, "{}: {all}", result.scenario);
        }
    }
}

#[test]
fn they_take_processor_time_from_each_other() {
    // Of two cores one wants 0.4, and the other 3.
    let node = |scenario: Scenario| Scenario {
        nodes: vec![NodeGroup { cores: 2.0, slots: 4, ..tiny().nodes[0].clone() }],
        ..scenario
    };
    let calm = node(Scenario { rate: 400.0, ..small("calm") });
    let mut greedy = node(Scenario { rate: 3000.0, ..small("greedy") });
    greedy.components[1].executors = 3;
    let results = run_all(&[calm, greedy], &settings(PolicyName::Static), 1);
    let share = |result: &RunResult| result.measures.completed / result.measures.arrived;
    assert!(
        share(&results[0]) > 0.98,
        "a thread that wants little gets it: {}",
        share(&results[0])
    );
    let greedy = share(&results[1]);
    assert!((0.45..0.57).contains(&greedy), "1.6 of 3 cores, it is {greedy}");
}

#[test]
fn who_grows_leaves_the_others_where_they_are() {
    let mut growing = small("growing");
    growing.load = Load {
        shape: LoadShape::Steps { levels: vec![[0.0, 1.0], [120.0, 30.0]] },
        ..Load::default()
    };
    let scenarios = [small("a"), growing, small("b")];
    for policy in [PolicyName::MeStream, PolicyName::Thalweg] {
        let results = run_all(&scenarios, &settings(policy), 1);
        let done = |result: &RunResult| result.measures.reconfigurations;
        assert!(done(&results[1]) > 0, "{policy:?}: it never grew");
        for other in [&results[0], &results[2]] {
            assert_eq!(done(other), 0, "{policy:?}: {:?}", other.actions);
            assert!(other.measures.under_time < 0.01, "{policy:?}");
        }
    }
}

/// Whether a topology was short in the last two minutes.
fn short_at_last(result: &RunResult) -> bool {
    result.points.iter().rev().take(2).any(|point| point.under_secs > 0.0)
}

#[test]
fn a_budget_that_is_enough_for_all_leaves_nobody_short() {
    // Each needs four executors of 1,000 records/s at three quarters, and may have five beside its source.
    let each = |name: &str, from: f64| {
        let levels = vec![[0.0, 0.3], [from, 1.0]];
        let load = Load { shape: LoadShape::Steps { levels }, ..Load::default() };
        Scenario { rate: 3000.0, duration_secs: 1800.0, load, ..small(name) }
    };
    let scenarios = [each("first", 60.0), each("second", 90.0), each("third", 600.0)];
    let settings = Settings { executor_budget: 18, ..settings(PolicyName::Thalweg) };
    for result in run_all(&scenarios, &settings, 1) {
        assert!(!short_at_last(&result), "{}: {:?}", result.scenario, result.actions);
    }
}

#[test]
fn who_needs_less_gives_back_what_another_needs() {
    // Twelve executors in all, of which each needs eight in its own half of the time.
    let each = |name: &str, levels: Vec<[f64; 2]>| {
        let load = Load { shape: LoadShape::Steps { levels }, ..Load::default() };
        Scenario { rate: 5500.0, duration_secs: 7200.0, load, ..small(name) }
    };
    let scenarios = [
        each("mornings", vec![[0.0, 1.0], [3600.0, 0.1]]),
        each("evenings", vec![[0.0, 0.1], [3600.0, 1.0]]),
    ];
    let settings = Settings { executor_budget: 14, ..settings(PolicyName::Thalweg) };
    for result in run_all(&scenarios, &settings, 1) {
        assert!(!short_at_last(&result), "{}: {:?}", result.scenario, result.actions);
    }
}

fn cluster() -> impl Strategy<Value = Vec<Scenario>> {
    let shape = prop_oneof![Just(Shape::Linear), Just(Shape::Diamond), Just(Shape::Join)];
    let one = (shape, 0u64..10_000, 0.2..1.5f64, 0.2..2.0f64);
    let engine = prop_oneof![Just(EngineKind::Storm), Just(EngineKind::Flink)];
    let death = prop::option::of((20.0..200.0f64, 10.0..150.0f64, 0usize..3));
    (engine, prop::collection::vec(one, 2..5), death).prop_map(|(engine, all, death)| {
        let scenarios = all.into_iter().map(|(shape, seed, from, to)| {
            let mut scenario = draw(shape, engine, seed);
            scenario.duration_secs = 300.0;
            scenario.storm.message_timeout_secs = 15.0;
            scenario.storm.failure_rate = 0.2;
            let levels = vec![[0.0, from], [100.0, to]];
            scenario.load = Load { shape: LoadShape::Steps { levels }, ..Load::default() };
            let dies = death.map(|(at_secs, for_secs, node)| Fault {
                at_secs,
                for_secs,
                kind: FaultKind::NodeDeath { node },
            });
            scenario.faults = dies.into_iter().collect();
            scenario
        });
        on_one_cluster(scenarios.collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn no_cluster_of_several_breaks_an_invariant(
        scenarios in cluster(),
        policy in prop_oneof![Just(PolicyName::MeStream), Just(PolicyName::Thalweg)],
        seed in 0u64..1000,
    ) {
        let settings = settings(policy);
        let simulation = Simulation::together(&scenarios, &settings, seed).unwrap();
        let results = simulation.finish_all(&mut Core);
        prop_assert!(results.is_ok(), "{:?}", results.err());
        for result in results.unwrap() {
            let measures = &result.measures;
            prop_assert!(measures.completed <= measures.arrived * (1.0 + 1e-6));
            prop_assert!(measures.completed > 0.0, "{} never ran", result.scenario);
        }
    }
}
