//! How long it takes to read a snapshot of clusters of three sizes.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use thalweg_codec::{decode, encode};
use thalweg_core::model::{
    Component, ComponentKind, Counters, Executor, Node, Observation, SlotRef, TaskRange, Topology,
};

const SLOTS_PER_NODE: u32 = 4;
const EXECUTORS_PER_TOPOLOGY: u32 = 100;

/// Topologies of 100 executors in 10 components, dealt out over all slots.
fn cluster(executors: u32, nodes: u32) -> Observation {
    let node = |index: u32| Node {
        id: format!("supervisor-{index}"),
        host: format!("127.0.{}.{}", index / 250, index % 250),
        rack: format!("rack-{}", index / 40),
        ports: (6700..6700 + SLOTS_PER_NODE).collect(),
        cpu_points: Some(400.0),
        ..Node::default()
    };
    let component = |index: u32| Component {
        id: format!("component-{index}"),
        kind: ComponentKind::Operator,
        tasks: TaskRange { first: index * 10 + 1, last: index * 10 + 10 },
        ..Component::default()
    };
    let executor = |index: u32| Executor {
        component: index / 10 % 10,
        tasks: TaskRange {
            first: index % EXECUTORS_PER_TOPOLOGY + 1,
            last: index % EXECUTORS_PER_TOPOLOGY + 1,
        },
        slot: Some(SlotRef { node: index % nodes, port: 6700 + index / nodes % SLOTS_PER_NODE }),
        counters: Some(Counters { executed: index.into(), execute_ms: 0.5, ..Counters::default() }),
    };
    let topology = |index: u32| Topology {
        id: format!("topology-{index}"),
        components: (0..10).map(component).collect(),
        executors: (0..EXECUTORS_PER_TOPOLOGY)
            .map(|at| executor(index * EXECUTORS_PER_TOPOLOGY + at))
            .collect(),
        ..Topology::default()
    };
    Observation {
        nodes: (0..nodes).map(node).collect(),
        topologies: (0..executors / EXECUTORS_PER_TOPOLOGY).map(topology).collect(),
        ..Observation::default()
    }
}

fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for (executors, nodes) in [(100, 10), (1_000, 60), (36_000, 2_000)] {
        let bytes = encode(&cluster(executors, nodes)).expect("every field is in range");
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(executors), |bencher| {
            bencher.iter(|| decode(black_box(&bytes)).expect("it was just encoded"));
        });
    }
    group.finish();
}

criterion_group!(benches, decoding);
criterion_main!(benches);
