//! How long a decision and a scheduling round take, by size of the cluster.

#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BatchSize, Bencher, BenchmarkId, Criterion, criterion_group, criterion_main};
use thalweg_core::assign::{Assigned, Routes, assign};
use thalweg_core::model::{
    Component, ComponentKind, Counters, Edge, Executor, Grouping, Node, Observation, SlotRef,
    TaskRange, Topology,
};
use thalweg_core::operator::Operator;
use thalweg_core::settings::{PolicyName, Settings, WorkerLimit};
use thalweg_core::state::{Learned, State};
use thalweg_core::units::{Millis, Timestamp};
use thalweg_core::{Decided, decide};

/// Topologies of 200 executors (20 sources, 100 and 80 operators) on nodes with 36 slots each.
fn cluster(executors: u32, nodes: u32) -> Observation {
    let component = |id: &str, kind, first, last| Component {
        id: id.to_owned(),
        kind,
        tasks: TaskRange::new(first, last),
        ..Component::default()
    };
    let topologies = (0..executors.div_ceil(200)).map(|index| {
        let components = vec![
            component("source", ComponentKind::Source, 1, 20),
            component("split", ComponentKind::Operator, 21, 120),
            component("count", ComponentKind::Operator, 121, 200),
        ];
        let size = executors.saturating_sub(index * 200).min(200);
        let executor = |task: u32| Executor {
            component: u32::from(task > 20) + u32::from(task > 120),
            tasks: TaskRange::new(task, task),
            slot: Some(SlotRef {
                node: (index * 7 + task / 8) % nodes,
                port: 1 + (index * 200 / nodes) % 36,
            }),
            counters: None,
        };
        Topology {
            id: format!("topology-{index:04}"),
            name: format!("topology-{index}"),
            desired_workers: 25,
            components,
            edges: vec![
                Edge { from: 0, to: 1, ..Edge::default() },
                Edge { from: 1, to: 2, grouping: Grouping::Fields, sent: None },
            ],
            executors: (1..=size).map(executor).collect(),
            ..Topology::default()
        }
    });
    Observation {
        at: Timestamp::from_millis(0),
        nodes: (0..nodes)
            .map(|n| Node {
                id: format!("node-{n:05}"),
                ports: (1..=36).collect(),
                ..Node::default()
            })
            .collect(),
        topologies: topologies.collect(),
    }
}

/// Topologies of 20 components in one line with an executor each, four nodes to ten of them.
fn lines(topologies: u32) -> Observation {
    let components: Vec<Component> = (0..20)
        .map(|index| Component {
            id: format!("c{index:02}"),
            kind: if index == 0 { ComponentKind::Source } else { ComponentKind::Operator },
            tasks: TaskRange::new(1 + index * 8, 8 + index * 8),
            ..Component::default()
        })
        .collect();
    let nodes = (topologies * 4).div_ceil(10);
    let topology = |index: u32| Topology {
        id: format!("topology-{index:05}"),
        name: format!("topology-{index}"),
        desired_workers: 2,
        components: components.clone(),
        edges: (0..19).map(|from| Edge { from, to: from + 1, ..Edge::default() }).collect(),
        executors: (0..20u32)
            .map(|component| Executor {
                component,
                tasks: components[component as usize].tasks,
                slot: Some(SlotRef { node: (index + component) % nodes, port: 1 + index % 36 }),
                counters: None,
            })
            .collect(),
        ..Topology::default()
    };
    Observation {
        at: Timestamp::from_millis(0),
        nodes: (0..nodes)
            .map(|n| Node {
                id: format!("node-{n:05}"),
                ports: (1..=36).collect(),
                ..Node::default()
            })
            .collect(),
        topologies: (0..topologies).map(topology).collect(),
    }
}

/// Lets every executor work for two seconds more.
fn advance(observation: &mut Observation, step: u32) {
    observation.at = Timestamp::from_millis(i64::from(step) * 2000);
    for topology in &mut observation.topologies {
        for executor in &mut topology.executors {
            let tuples = u64::from(step) * 200;
            executor.counters = Some(Counters {
                uptime_secs: 100 + step * 2,
                executed: tuples,
                execute_ms: tuples as f64 * 3.0,
                acked: tuples,
                process_ms: tuples as f64 * 3.5,
                emitted: tuples,
                ..Counters::default()
            });
        }
    }
}

fn warm(observation: &mut Observation, settings: &Settings) -> State {
    let mut state = State::default();
    for step in 1..8 {
        advance(observation, step);
        let Decided { state: next, .. } =
            decide(observation, state, settings, Operator::SILENT, observation.at);
        state = next;
    }
    state
}

/// Measures a decision; what is remembered is copied apart from it.
fn measured(bencher: &mut Bencher<'_>, seen: &Observation, state: &State, settings: &Settings) {
    bencher.iter_batched(
        || state.clone(),
        |state| black_box(decide(seen, state, settings, Operator::SILENT, seen.at)),
        BatchSize::LargeInput,
    );
}

fn benchmark(criterion: &mut Criterion) {
    let settings = Settings { worker_limit: WorkerLimit::Free, ..Settings::default() };
    let mut group = criterion.benchmark_group("decide");
    group.sample_size(20);
    for (executors, nodes) in [(100, 10), (1_000, 60), (36_000, 2_000)] {
        let mut observation = cluster(executors, nodes);
        let state = warm(&mut observation, &settings);
        advance(&mut observation, 8);
        group.bench_function(BenchmarkId::from_parameter(executors), |bencher| {
            measured(bencher, &observation, &state, &settings);
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("decide-topologies-of-20");
    group.sample_size(10);
    for policy in [PolicyName::MeStream, PolicyName::Thalweg] {
        // The settling time is over at once, so that every topology is judged.
        let (settle, worker_limit) = (Millis::ZERO, WorkerLimit::Free);
        let settings = Settings { settle, worker_limit, ..Settings::recommended(policy) };
        for topologies in [100, 1_000, 10_000] {
            let mut observation = lines(topologies);
            let state = warm(&mut observation, &settings);
            advance(&mut observation, 8);
            group.bench_function(BenchmarkId::new(policy.as_str(), topologies), |bencher| {
                measured(bencher, &observation, &state, &settings);
            });
        }
    }
    group.finish();
    let mut group = criterion.benchmark_group("assign-running");
    group.sample_size(20);
    for (executors, nodes) in [(1_000, 60), (36_000, 2_000)] {
        let view = cluster(executors, nodes);
        let routes: BTreeMap<String, Routes> = BTreeMap::new();
        group.bench_function(BenchmarkId::from_parameter(executors), |bencher| {
            bencher.iter(|| {
                let answer = assign(&view, &routes, &Learned::default(), &settings, view.at);
                assert!(answer.executors.iter().all(|assigned| *assigned == Assigned::Keep));
                black_box(answer)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
