//! How a scheduling round grows where nothing runs yet: with the number of topologies, and with the size of one.
//!
//! Fails where twice as much takes far more than twice as long.

#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::time::Instant;

use thalweg_core::assign::{Assigned, assign};
use thalweg_core::model::{
    Component, ComponentKind, Edge, Executor, Node, Observation, TaskRange, Topology,
};
use thalweg_core::settings::Settings;
use thalweg_core::state::Learned;

/// Twice as much may take this many times as long: linear work is 2, quadratic 4.
const MOST_GROWTH: f64 = 3.0;
/// Of so many rounds the fastest counts: others ran while the machine had something else to do.
const ROUNDS: usize = 3;

fn main() {
    println!("{:>22} {:>10} {:>10} {:>8}", "", "size", "ms", "growth");
    grows("topologies of 8", &[500, 1_000, 2_000, 4_000], |count| cluster(count, 8, 1));
    grows("executors of one", &[2_000, 4_000, 8_000, 16_000], |count| cluster(1, count, 40));
}

/// Measures a round at sizes that double, and checks the last two steps.
fn grows(what: &str, sizes: &[u32], view: impl Fn(u32) -> Observation) {
    let times: Vec<f64> = sizes.iter().map(|&size| fastest(&view(size))).collect();
    for (index, (size, time)) in sizes.iter().zip(&times).enumerate() {
        let growth = index.checked_sub(1).map(|before| time / times[before]);
        let shown = growth.map_or_else(String::new, |growth| format!("{growth:.2}"));
        println!("{what:>22} {size:>10} {time:>10.1} {shown:>8}");
    }
    let last = times.len() - 1;
    let growth = (times[last] / times[last - 2]).sqrt();
    assert!(growth < MOST_GROWTH, "{what}: twice as much takes {growth:.2} times as long");
}

fn fastest(view: &Observation) -> f64 {
    let settings = Settings::default();
    let round = |_| {
        let begun = Instant::now();
        let answer = assign(view, &BTreeMap::new(), &Learned::default(), &settings, view.at);
        let took = begun.elapsed().as_secs_f64() * 1000.0;
        assert!(answer.executors.iter().all(|assigned| matches!(assigned, Assigned::To(_))));
        took
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}

/// Topologies of a source and two operators on 40 nodes with slots for all of them.
fn cluster(topologies: u32, executors: u32, workers: u32) -> Observation {
    let ports = (topologies * workers).div_ceil(40) + 4;
    let node = |index: u32| Node {
        id: format!("n{index:02}"),
        ports: (1..=ports).collect(),
        ..Node::default()
    };
    Observation {
        nodes: (0..40).map(node).collect(),
        topologies: (0..topologies).map(|index| topology(index, executors, workers)).collect(),
        ..Observation::default()
    }
}

fn topology(index: u32, executors: u32, workers: u32) -> Topology {
    let last = [executors / 8, executors / 2, executors];
    let first = [1, last[0] + 1, last[1] + 1];
    let component = |of: usize| Component {
        id: format!("c{of}"),
        kind: if of == 0 { ComponentKind::Source } else { ComponentKind::Operator },
        tasks: TaskRange::new(first[of], last[of]),
        ..Component::default()
    };
    let executor = |task: u32| Executor {
        component: u32::from(task > last[0]) + u32::from(task > last[1]),
        tasks: TaskRange::new(task, task),
        slot: None,
        counters: None,
    };
    Topology {
        id: format!("t{index:05}"),
        name: format!("t{index:05}"),
        desired_workers: workers,
        components: (0..3).map(component).collect(),
        edges: vec![
            Edge { from: 0, to: 1, ..Edge::default() },
            Edge { from: 1, to: 2, ..Edge::default() },
        ],
        executors: (1..=executors).map(executor).collect(),
        ..Topology::default()
    }
}
