//! Topologies with a component that cannot have more executors: what is before it stays as it is, nothing is said to
//! have helped, and it is named with what it would need.

mod watched;

use thalweg_core::reason::ReasonCode;
use thalweg_core::settings::PolicyName;
use thalweg_sim::scenario::template::{edge, empty, node, operator, source};
use thalweg_sim::scenario::{ComponentSpec, EngineKind, Metrics, NodeGroup, Scenario};
use watched::{settings, watch};

/// 1000 records/s through a map of this work to a sink that can have one executor and does 700 of them.
fn sink_of_one(engine: EngineKind, executors: u32, map_micros: f64) -> Scenario {
    let mut scenario = empty("sink-of-one", engine);
    scenario.duration_secs = 7200.0;
    scenario.rate = 1000.0;
    scenario.nodes = vec![NodeGroup { count: 8, cores: 8.0, slots: 8, ..node() }];
    let even = |one: ComponentSpec| ComponentSpec { variability: 0.5, ..one };
    scenario.components = vec![
        ComponentSpec { tasks: 8, executors: 8, partitions: Some(8), ..source("source", 5.0) },
        even(ComponentSpec { tasks: 32, executors, ..operator("map", map_micros) }),
        even(ComponentSpec { tasks: 1, executors: 1, ..operator("sink", 1430.0) }),
    ];
    scenario.edges = vec![edge("source", "map"), edge("map", "sink")];
    scenario.metrics = Metrics { sample_rate: 1.0, ..Metrics::default() };
    scenario
}

#[test]
fn nothing_grows_before_a_sink_that_cannot_and_the_sink_is_named() {
    let policies =
        [PolicyName::Thalweg, PolicyName::Conttune, PolicyName::MeStream, PolicyName::Ds2];
    for (policy, engine) in policies.map(|policy| (policy, EngineKind::Flink)).into_iter().chain([
        (PolicyName::Thalweg, EngineKind::Storm),
        (PolicyName::MeStream, EngineKind::Storm),
    ]) {
        for (executors, work) in [(1, 200.0), (3, 2000.0)] {
            let scenario = sink_of_one(engine, executors, work);
            let (result, watched) = watch(&scenario, &settings(policy, &scenario), 1);
            let grown = result.actions.iter().filter(|a| a.counts.get("map") > Some(&executors));
            assert_eq!(grown.count(), 0, "{policy:?} {work}: {:#?}", result.actions);
            let named = watched.says(ReasonCode::TaskLimited, "sink");
            assert!(named, "{policy:?} {work}: {:?}", result.reasons);
        }
    }
}

#[test]
fn what_does_not_get_more_done_has_not_helped() {
    for policy in [PolicyName::Threshold, PolicyName::FlinkAutoscaler] {
        let scenario = sink_of_one(EngineKind::Flink, 2, 2000.0);
        let (_, watched) = watch(&scenario, &settings(policy, &scenario), 1);
        for outcome in watched.outcomes.iter().filter(|outcome| outcome.helped) {
            let (was, is) = (outcome.before.throughput.get(), outcome.after.throughput.get());
            assert!(is > was || !outcome.after.is_full(), "{policy:?}: {}", outcome.text);
        }
    }
}
