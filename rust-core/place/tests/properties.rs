//! What holds for every problem.

mod support;

use proptest::prelude::*;
use support::*;
use thalweg_place::{Budget, Mebibytes, Placement, Problem, place};

/// A larger problem, with heap limits, closed nodes and blocked slots.
fn larger(seed: u64) -> Problem {
    let mut problem = random(seed, 60, 12);
    let mut dice = Dice::new(seed ^ 7);
    for node in &mut problem.nodes {
        node.open = dice.below(8) > 0;
        node.blocked = (0..dice.below(3)).collect();
        node.memory = node.memory.filter(|_| dice.below(4) > 0);
    }
    for topology in &mut problem.topologies {
        topology.heap_limit = (dice.below(2) == 0).then(|| Mebibytes::new(1000));
    }
    problem
}

/// The same problem with its nodes and its topologies the other way round.
fn mirrored(problem: &Problem) -> Problem {
    let mut mirrored = problem.clone();
    mirrored.nodes.reverse();
    mirrored.topologies.reverse();
    for topology in &mut mirrored.topologies {
        topology.executors.reverse();
    }
    mirrored
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn hard_constraints_hold_and_answers_repeat(seed in any::<u64>()) {
        let problem = larger(seed);
        let first = placed(&problem);
        assert_sound(&problem, &Placement::empty(&problem), &first);
        prop_assert_eq!(first, placed(&problem));
    }

    #[test]
    fn placing_what_is_placed_moves_nothing(seed in any::<u64>(), all in any::<bool>()) {
        let problem = if all { random(seed, 10, 4) } else { larger(seed) };
        let first = placed(&problem);
        let settled = place(&problem, &first.placement, &mut Budget::steps(STEPS));
        let again = place(&problem, &settled.placement, &mut Budget::steps(STEPS));
        if settled.score.unplaced == 0 {
            prop_assert_eq!(&settled.placement, &again.placement);
        }
        if first.score.unplaced == 0 {
            prop_assert_eq!(&first.placement, &settled.placement);
        }
    }

    #[test]
    fn the_order_of_things_does_not_matter(seed in any::<u64>()) {
        let problem = random(seed, 8, 4);
        let (one, other) = (placed(&problem), placed(&mirrored(&problem)));
        prop_assume!(one.proven && other.proven && one.score.unplaced == 0);
        prop_assert_eq!(
            (one.score.unplaced > 0, one.score.worst, one.score.crossing / 1000),
            (other.score.unplaced > 0, other.score.worst, other.score.crossing / 1000)
        );
    }

    #[test]
    fn a_budget_of_nothing_still_places_all_that_a_larger_one_does(seed in any::<u64>()) {
        let problem = larger(seed);
        let hurried = place(&problem, &Placement::empty(&problem), &mut Budget::steps(0));
        assert_sound(&problem, &Placement::empty(&problem), &hurried);
        let calm = placed(&problem);
        prop_assert!(calm.score <= hurried.score, "{:?} after {:?}", calm.score, hurried.score);
    }

    #[test]
    fn it_may_be_stopped_at_any_time(seed in any::<u64>(), questions in 0u32..4) {
        let problem = larger(seed);
        let mut left = questions;
        let mut stop = || { left = left.saturating_sub(1); left == 0 };
        let stopped = place(&problem, &Placement::empty(&problem), &mut Budget::until(STEPS, &mut stop));
        assert_sound(&problem, &Placement::empty(&problem), &stopped);
    }
}
