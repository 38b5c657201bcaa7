//! How time and memory of a placement grow with the cluster: from nothing, and after nodes died.
//!
//! Writes `target/bench/place-growth.json`. `GROWTH_ROUNDS` sets how often each size is placed.

#![allow(missing_docs)]

use std::fmt::Write as _;
use std::time::Instant;

use thalweg_place::{
    Budget, Component, Edge, Load, Mebibytes, MilliPoints, Node, Placement, Problem, Topology,
    Traffic, place,
};

/// Executors, and nodes that carry them at about two thirds of their compute.
const SIZES: [(u32, u32); 7] = [
    (1_000, 100),
    (3_000, 300),
    (10_000, 1_000),
    (20_000, 2_000),
    (36_000, 3_600),
    (60_000, 6_000),
    (100_000, 10_000),
];
/// What a scheduling round may spend by default.
const STEPS: u64 = 1_000_000;

fn main() {
    let rounds: usize =
        std::env::var("GROWTH_ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(5);
    println!(
        "{:>9} {:>6} {:>10} {:>18} {:>18} {:>10}",
        "executors", "nodes", "topologies", "from empty [ms]", "5 % died [ms]", "peak MiB"
    );
    let mut measures = String::new();
    for (executors, nodes) in SIZES {
        let problem = cluster(executors, nodes);
        let (mut empty, mut repair) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let begun = Instant::now();
            let placed = place(&problem, &Placement::empty(&problem), &mut Budget::steps(STEPS));
            empty.push(begun.elapsed().as_secs_f64() * 1000.0);
            assert_eq!(placed.score.unplaced, 0, "{:?}", placed.shortages.first());
            let (dead, left) = without_some_nodes(&problem, &placed.placement);
            let begun = Instant::now();
            let repaired = place(&dead, &left, &mut Budget::steps(STEPS));
            repair.push(begun.elapsed().as_secs_f64() * 1000.0);
            assert_eq!((repaired.score.unplaced, repaired.score.restarted), (0, 0));
        }
        let (empty, repair, peak) = (summary(empty), summary(repair), peak_mib());
        println!(
            "{executors:>9} {nodes:>6} {:>10} {:>18} {:>18} {peak:>10}",
            problem.topologies.len(),
            shown(empty),
            shown(repair)
        );
        for (name, unit, [median, min, max]) in [
            ("time", "ms", empty),
            ("repair_time", "ms", repair),
            ("peak_memory", "MiB", [peak; 3]),
        ] {
            let comma = if measures.is_empty() { "" } else { ",\n" };
            write!(
                measures,
                "{comma}    \"thalweg.{executors}.{name}\": {{\"median\": {median:.3}, \"min\": {min:.3}, \"max\": {max:.3}, \"n\": {rounds}, \"unit\": \"{unit}\"}}"
            )
            .expect("text takes text");
        }
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench");
    std::fs::create_dir_all(folder).expect("the target folder can be written");
    let json = format!(
        "{{\n  \"name\": \"place-growth\",\n  \"measures\": {{\n{measures}\n  }},\n  \"ratios\": {{}}\n}}\n"
    );
    std::fs::write(format!("{folder}/place-growth.json"), json)
        .expect("the target folder can be written");
}

/// Topologies of five components in a row, of 10 to 400 executors.
fn cluster(executors: u32, nodes: u32) -> Problem {
    let mut problem = Problem::default();
    for node in 0..nodes {
        problem.nodes.push(Node {
            compute: MilliPoints::new(if node % 3 == 0 { 800_000 } else { 400_000 }),
            memory: Some(Mebibytes::new(16_384)),
            slots: 16,
            open: true,
            rack: node / 40,
            ..Node::default()
        });
    }
    let (mut left, mut index) = (executors, 0u32);
    while left > 0 {
        let size = [10, 25, 60, 150, 400][index as usize % 5].min(left);
        left -= size;
        let component = |of: u32| Component {
            compute: MilliPoints::new(20_000 + 5_000 * ((index + of) % 5)),
            heap: Mebibytes::new(256 + 64 * (of % 3)),
            ..Component::default()
        };
        problem.topologies.push(Topology {
            components: (0..5).map(component).collect(),
            edges: (0..4)
                .map(|from| Edge { from, to: from + 1, traffic: Traffic::new(1000) })
                .collect(),
            executors: (0..size).map(|executor| executor % 5).collect(),
            heap_limit: Some(Mebibytes::new(4_096)),
            comfort: Load::FULL,
            ..Topology::default()
        });
        index += 1;
    }
    problem
}

/// Every twentieth node dies, with what runs on it.
fn without_some_nodes(problem: &Problem, placement: &Placement) -> (Problem, Placement) {
    let (mut problem, mut left) = (problem.clone(), placement.clone());
    for node in problem.nodes.iter_mut().step_by(20) {
        node.open = false;
        node.slots = 0;
    }
    for slot in left.0.iter_mut().flatten() {
        *slot = slot.filter(|slot| slot.node % 20 != 0);
    }
    (problem, left)
}

fn summary(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [values[values.len() / 2], values[0], values[values.len() - 1]]
}

fn shown([median, min, max]: [f64; 3]) -> String {
    format!("{median:.1} ({min:.1}..{max:.1})")
}

/// The most memory this process has had so far, where the system tells.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    (kib.unwrap_or(0.0) / 1024.0).round()
}
