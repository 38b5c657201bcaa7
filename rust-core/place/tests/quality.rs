//! How near to the best possible worst load placements come.

mod support;

use support::*;
use thalweg_place::{Placement, Problem};

const PROBLEMS: u64 = 1000;

/// The least worst load that any placement can have: branch and bound over nodes, independent of the
/// solver. Nothing if not all executors fit.
fn optimum(problem: &Problem) -> Option<f64> {
    let mut demands: Vec<(u32, u32)> = problem
        .topologies
        .iter()
        .flat_map(|t| {
            t.executors.iter().map(|&c| {
                (t.components[c as usize].compute.get(), t.components[c as usize].heap.get())
            })
        })
        .collect();
    demands.sort_unstable_by(|a, b| b.cmp(a));
    let mut used = vec![(0, 0); problem.nodes.len()];
    let mut best = None;
    descend(problem, &demands, &mut used, &mut best);
    best
}

fn descend(
    problem: &Problem,
    demands: &[(u32, u32)],
    used: &mut Vec<(u32, u32)>,
    best: &mut Option<f64>,
) {
    let load = |used: &[(u32, u32)]| {
        let loads = used
            .iter()
            .zip(&problem.nodes)
            .map(|(u, n)| f64::from(u.0) / f64::from(n.compute.get()));
        loads.fold(0.0, f64::max)
    };
    if best.is_some_and(|best| load(used) >= best) {
        return;
    }
    let Some((&(compute, memory), rest)) = demands.split_first() else {
        *best = Some(load(used));
        return;
    };
    for node in 0..used.len() {
        let twin = (0..node)
            .any(|other| used[other] == used[node] && problem.nodes[other] == problem.nodes[node]);
        let limit = problem.nodes[node].memory.map_or(u32::MAX, |m| m.get());
        if twin || used[node].1 + memory > limit {
            continue;
        }
        used[node] = (used[node].0 + compute, used[node].1 + memory);
        descend(problem, rest, used, best);
        used[node] = (used[node].0 - compute, used[node].1 - memory);
    }
}

#[test]
fn worst_loads_are_within_two_percent_of_the_optimum_and_what_can_be_placed_is() {
    let (mut near, mut feasible) = (0, 0);
    for seed in 0..PROBLEMS {
        let problem = random(seed, 12, 5);
        let placed = placed(&problem);
        assert_sound(&problem, &Placement::empty(&problem), &placed);
        let Some(optimum) = optimum(&problem) else {
            assert!(placed.score.unplaced > 0);
            continue;
        };
        feasible += 1;
        assert_eq!(
            placed.score.unplaced, 0,
            "seed {seed}: all can be placed, {:?}",
            placed.shortages
        );
        let worst = loads(&problem, &placed.placement).into_iter().fold(0.0, f64::max);
        near += u64::from(worst <= optimum * 1.02);
    }
    println!("{near} of {feasible} within 2 % of the optimum");
    assert!(near * 100 >= feasible * 95, "{near} of {feasible}");
    assert!(feasible * 2 > PROBLEMS, "too few problems can be solved at all: {feasible}");
}
