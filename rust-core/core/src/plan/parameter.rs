//! Equation 7 and the two plan strategies (algorithm 2 of the Me-Stream paper).

use crate::settings::PlanStrategy;
use crate::units::Millis;

/// The size of a component or topology, and its bottleneck level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Its executors now.
    pub executors: u32,
    /// Its tasks now.
    pub tasks: u32,
    /// Its bottleneck level.
    pub level: u32,
}

/// What equation 7 asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Desired {
    /// `N'_executor = N_executor + round(φ · level)`.
    pub executors: u32,
    /// `N'_task = φ · (N_executor + level) / N_executor · N_task`.
    pub tasks: u32,
}

/// Equation 7.
///
/// ```
/// use thalweg_core::plan::parameter::{desired_size, Size};
/// // Table 1 of the paper: T1 with 8 executors, 16 tasks and level 4.
/// let desired = desired_size(Size { executors: 8, tasks: 16, level: 4 }, 1.0);
/// assert_eq!((desired.executors, desired.tasks), (12, 24));
/// ```
pub fn desired_size(size: Size, phi: f64) -> Desired {
    let (executors, level) = (f64::from(size.executors.max(1)), f64::from(size.level));
    let tasks = phi * (executors + level) / executors * f64::from(size.tasks);
    Desired {
        // A float casts to the nearest u32, so the sum cannot wrap.
        executors: size.executors.saturating_add((phi * level).round().max(0.0) as u32),
        tasks: (tasks.round().max(0.0) as u32).max(size.tasks),
    }
}

/// The strategy to follow: `auto` takes the one for bottleneck times that differ much where the
/// largest is at least twice the median.
pub fn choose(strategy: PlanStrategy, bottleneck_times: &[Millis]) -> PlanStrategy {
    if strategy != PlanStrategy::Auto {
        return strategy;
    }
    let mut sorted = bottleneck_times.to_vec();
    sorted.sort_unstable();
    let largest = sorted.last().map_or(0.0, |t| t.get());
    // Of an even number the lower one: two components must be able to differ much.
    let median = sorted.get(sorted.len().saturating_sub(1) / 2).map_or(0.0, |t| t.get());
    if largest >= 2.0 * median {
        PlanStrategy::BottleneckLevelPriority
    } else {
        PlanStrategy::ParameterPlanningPriority
    }
}

/// One component that may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its size and level.
    pub size: Size,
    /// Whether it is short of executors itself.
    pub short: bool,
}

/// The new executor count of each candidate: by the strategy, never above its tasks, and never more
/// new executors than `free`, which go to the highest level first.
pub fn grow(candidates: &[Candidate], strategy: PlanStrategy, phi: f64, free: u32) -> Vec<u32> {
    let mut counts: Vec<u32> = candidates.iter().map(|c| c.size.executors).collect();
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(candidates[index].size.level));
    let mut free = free;
    for index in order {
        let candidate = candidates[index];
        if strategy == PlanStrategy::BottleneckLevelPriority && !candidate.short {
            continue;
        }
        let desired = desired_size(candidate.size, phi).executors.min(candidate.size.tasks);
        let more = desired.saturating_sub(candidate.size.executors).min(free);
        counts[index] += more;
        free -= more;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table_1_of_the_paper() {
        let desired =
            |executors, tasks, level| desired_size(Size { executors, tasks, level }, 1.0).tasks;
        assert_eq!(desired(8, 16, 4), 24);
        assert_eq!(desired(10, 10, 2), 12);
        assert_eq!(desired(5, 10, 1), 12);
        assert_eq!(desired(10, 20, 3), 26);
    }

    #[test]
    fn auto_follows_the_spread_of_bottleneck_times() {
        let ms =
            |values: &[f64]| values.iter().copied().map(Millis::saturating).collect::<Vec<_>>();
        let auto = |values: &[f64]| choose(PlanStrategy::Auto, &ms(values));
        assert_eq!(auto(&[1.0, 2.0, 4.0]), PlanStrategy::BottleneckLevelPriority);
        assert_eq!(auto(&[3.0, 3.0, 4.0]), PlanStrategy::ParameterPlanningPriority);
        assert_eq!(
            choose(PlanStrategy::ParameterPlanningPriority, &ms(&[1.0, 9.0])),
            PlanStrategy::ParameterPlanningPriority
        );
    }

    fn candidate(executors: u32, tasks: u32, level: u32, short: bool) -> Candidate {
        Candidate { size: Size { executors, tasks, level }, short }
    }

    #[test]
    fn level_priority_serves_only_the_short_and_the_highest_first() {
        let candidates =
            [candidate(2, 8, 1, true), candidate(2, 8, 3, true), candidate(2, 8, 2, false)];
        let level = PlanStrategy::BottleneckLevelPriority;
        assert_eq!(grow(&candidates, level, 1.0, 100), [3, 5, 2]);
        assert_eq!(grow(&candidates, level, 1.0, 3), [2, 5, 2], "what is free goes to level 3");
        let parameter = PlanStrategy::ParameterPlanningPriority;
        assert_eq!(grow(&candidates, parameter, 1.0, 100), [3, 5, 4]);
    }

    #[test]
    fn executors_never_exceed_tasks() {
        let candidates = [candidate(3, 4, 5, true)];
        assert_eq!(grow(&candidates, PlanStrategy::BottleneckLevelPriority, 1.0, 100), [4]);
    }

    proptest! {
        #[test]
        fn a_higher_level_never_gets_less(executors in 1u32..100, tasks in 1u32..200, level in 1u32..50, phi in 0.0f64..4.0) {
            let low = desired_size(Size { executors, tasks, level }, phi);
            let high = desired_size(Size { executors, tasks, level: level + 1 }, phi);
            prop_assert!(high.executors >= low.executors && high.tasks >= low.tasks);
        }
    }
}
