//! Tasks into executors.

use crate::model::TaskRange;

/// Cuts a component's tasks into `executors` contiguous ranges whose sizes differ by at most one,
/// the larger ones first. A component has at most as many executors as tasks, and at least one.
///
/// ```
/// use thalweg_core::{model::TaskRange, plan::partition::partition};
/// let names: Vec<String> =
///     partition(TaskRange::new(1, 4), 3).iter().map(ToString::to_string).collect();
/// assert_eq!(names, ["[1-2]", "[3-3]", "[4-4]"]);
/// ```
pub fn partition(tasks: TaskRange, executors: u32) -> Vec<TaskRange> {
    let executors = executors.clamp(1, tasks.count());
    let (size, larger) = (tasks.count() / executors, tasks.count() % executors);
    let mut first = tasks.first;
    (0..executors)
        .map(|index| {
            let count = size + u32::from(index < larger);
            let range = TaskRange::new(first, first + count - 1);
            first += count;
            range
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_task_is_in_exactly_one_executor(first in 0u32..1000, count in 1u32..200, executors in 0u32..300) {
            let tasks = TaskRange::new(first, first + count - 1);
            let ranges = partition(tasks, executors);
            let flat: Vec<u32> = ranges.iter().flat_map(|r| r.first..=r.last).collect();
            prop_assert_eq!(flat, (tasks.first..=tasks.last).collect::<Vec<_>>());
            let sizes: Vec<u32> = ranges.iter().map(|r| r.count()).collect();
            prop_assert!(sizes.windows(2).all(|w| w[0] >= w[1]));
            prop_assert!(sizes[0] - sizes[sizes.len() - 1] <= 1);
        }
    }
}
