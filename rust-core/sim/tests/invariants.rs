//! Invariants over jobs, clusters, loads and faults drawn at random.
//!
//! The simulator looks at its invariants after every step and fails a run that breaks one; so these
//! tests only have to drive it into as many corners as they can.

mod quick;

use proptest::prelude::*;
use quick::settings;
use thalweg_sim::run;
use thalweg_sim::scenario::template::{Shape, draw};
use thalweg_sim::scenario::{
    EngineKind, Fault, FaultKind, Load, LoadShape, Method, MetricLoss, Scenario,
};

fn fault() -> impl Strategy<Value = FaultKind> {
    prop_oneof![
        (0usize..3).prop_map(|node| FaultKind::NodeDeath { node }),
        (0usize..3, 0.1..0.9).prop_map(|(node, factor)| FaultKind::SlowNode { node, factor }),
        (0usize..3).prop_map(|node| FaultKind::SlowLink { node, round_trip_millis: 80.0 }),
        (1.0..200.0).prop_map(|millis| FaultKind::SlowNetwork { millis }),
        (0.5..8.0).prop_map(|cores| FaultKind::Interference { cores }),
        prop_oneof![
            Just(MetricLoss::Lost),
            Just(MetricLoss::Stale),
            Just(MetricLoss::Partial),
            Just(MetricLoss::Zero)
        ]
        .prop_map(|loss| FaultKind::Metrics { loss }),
    ]
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let shape = prop_oneof![Just(Shape::Linear), Just(Shape::Diamond), Just(Shape::Join)];
    let engine = prop_oneof![Just(EngineKind::Storm), Just(EngineKind::Flink)];
    let method = prop_oneof![Just(Method::Auto), Just(Method::Drain), Just(Method::Rebalance)];
    let faults = prop::collection::vec((20.0..250.0f64, 10.0..150.0f64, fault()), 0..3);
    let load = (0.2..1.5f64, 0.2..2.0f64, 0.0..0.2f64);
    let rest = (prop::bool::ANY, prop_oneof![Just(250.0), Just(1000.0)], 50.0..20_000.0f64);
    (shape, engine, 0u64..10_000, method, faults, load, rest).prop_map(
        |(shape, engine, seed, method, faults, (from, to, noise), (aware, step, queue))| {
            let mut scenario = draw(shape, engine, seed);
            scenario.duration_secs = 300.0;
            scenario.step_millis = step;
            scenario.storm.method = method;
            scenario.storm.locality_aware = aware;
            scenario.storm.message_timeout_secs = 15.0;
            scenario.storm.failure_rate = 0.2;
            scenario.load =
                Load { shape: LoadShape::Steps { levels: vec![[0.0, from], [100.0, to]] }, noise };
            scenario.components.iter_mut().for_each(|c| c.queue = queue);
            scenario.faults = faults
                .into_iter()
                .map(|(at_secs, for_secs, kind)| Fault { at_secs, for_secs, kind })
                .collect();
            scenario
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_job_load_or_fault_breaks_an_invariant(scenario in scenario(), seed in 0u64..1000) {
        let result = run(&scenario, &settings(), seed);
        prop_assert!(result.is_ok(), "{:?}", result.err());
        let measures = result.expect("just looked").measures;
        prop_assert!(measures.completed <= measures.arrived * (1.0 + 1e-6));
        prop_assert!(measures.p50_ms <= measures.p95_ms && measures.p95_ms <= measures.p99_ms);
        prop_assert!((0.0..=1.0 + 1e-9).contains(&measures.under_time));
    }
}
