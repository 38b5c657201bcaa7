//! Small problems against brute force.

mod support;

use proptest::prelude::*;
use support::*;
use thalweg_place::{Placement, Problem, SlotId};

/// The best worst load and crossing traffic, found by trying everything: executors on nodes.
fn brute(problem: &Problem) -> Option<(f64, f64)> {
    let executors: Vec<(usize, usize)> = problem
        .topologies
        .iter()
        .enumerate()
        .flat_map(|(t, topology)| (0..topology.executors.len()).map(move |e| (t, e)))
        .collect();
    let mut placement = Placement::empty(problem);
    let mut best = None;
    attempt(problem, &executors, &mut placement, &mut best);
    best
}

fn attempt(
    problem: &Problem,
    rest: &[(usize, usize)],
    placement: &mut Placement,
    best: &mut Option<(f64, f64)>,
) {
    let Some((&(topology, executor), rest)) = rest.split_first() else {
        if fits(problem, placement) {
            let worst = loads(problem, placement).into_iter().fold(0.0, f64::max);
            let found = (worst, crossing(problem, placement));
            if best.is_none_or(|best| found < best) {
                *best = Some(found);
            }
        }
        return;
    };
    for node in 0..problem.nodes.len() as u32 {
        // One worker for each topology on each node.
        placement.0[topology][executor] = Some(SlotId { node, slot: topology as u32 });
        attempt(problem, rest, placement, best);
    }
}

fn fits(problem: &Problem, placement: &Placement) -> bool {
    let mut memory = vec![0; problem.nodes.len()];
    for (topology, slots) in problem.topologies.iter().zip(&placement.0) {
        for (&component, slot) in topology.executors.iter().zip(slots) {
            memory[slot.expect("all are placed").node as usize] +=
                topology.components[component as usize].heap.get();
        }
    }
    memory
        .iter()
        .zip(&problem.nodes)
        .all(|(used, node)| node.memory.is_none_or(|m| *used <= m.get()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn nothing_is_better_than_what_is_proven(seed in any::<u64>()) {
        let problem = random(seed, 6, 4);
        let placed = placed(&problem);
        assert_sound(&problem, &Placement::empty(&problem), &placed);
        prop_assert!(placed.proven);
        match brute(&problem) {
            None => prop_assert!(placed.score.unplaced > 0),
            Some((worst, traffic)) => {
                prop_assert_eq!(placed.score.unplaced, 0, "there is a way: {:?}", problem);
                let ours = loads(&problem, &placed.placement).into_iter().fold(0.0, f64::max);
                prop_assert!((ours - worst).abs() < 1e-9, "worst {ours}, possible {worst}");
                let crossing = crossing(&problem, &placed.placement);
                prop_assert!(crossing <= traffic + 1e-3, "crossing {crossing}, possible {traffic}");
            }
        }
    }
}
