//! What holds for every problem.

mod support;

use proptest::prelude::*;
use support::{drawn, solved};
use thalweg_workflow::{Objective, Quality, lower_bound};

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_keeps_to_dependencies_and_capacity_and_is_never_worse_than_the_default(seed: u64, steps in 0u64..30_000) {
        let problem = drawn(seed);
        let solution = solved(&problem, steps);
        prop_assert_eq!(solution.default.schedule.fault(&problem), None);
        prop_assert_eq!(solution.best.schedule.fault(&problem), None);
        prop_assert!(solution.best.value <= solution.default.value);
        prop_assert!((solution.default.value - 1.0).abs() < 1e-12);
        // One placement of all tasks may go beyond.
        prop_assert!(solution.steps <= steps + problem.tasks().len() as u64);
    }

    #[test]
    fn no_plan_is_below_the_lower_bound_and_what_is_said_to_be_the_best_is(seed: u64, steps in 0u64..20_000) {
        let problem = drawn(seed);
        let few = solved(&problem, steps);
        let many = solved(&problem, 60_000);
        let objective = Objective::new(&problem, few.default.makespan, few.default.cost);
        let bound = lower_bound(&problem, &objective);
        prop_assert!(bound > 0.0 && bound <= many.best.value + 1e-9, "{bound} {}", many.best.value);
        if few.quality == Quality::Best {
            prop_assert!(few.best.value <= many.best.value + 1e-9);
        }
        if many.quality == Quality::Best {
            prop_assert!(many.best.value <= few.best.value + 1e-9);
        }
    }
}
