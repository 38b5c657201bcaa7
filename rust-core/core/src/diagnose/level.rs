//! Bottleneck levels (algorithm 1 of the Me-Stream paper).

use crate::units::Millis;

/// The level of each entry: with k entries the largest time has level k, the smallest level 1.
/// Equal times are ordered by id, the smaller id lower, so that no result hangs on an order of
/// arrival.
///
/// ```
/// use thalweg_core::{diagnose::level::levels, units::Millis};
/// let ms = Millis::saturating;
/// let times = [("T1", ms(9.0)), ("T2", ms(4.0)), ("T3", ms(2.0)), ("T4", ms(6.0))];
/// assert_eq!(levels(&times), [4, 2, 1, 3]);
/// ```
pub fn levels(entries: &[(&str, Millis)]) -> Vec<u32> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by(|&a, &b| {
        entries[a].1.cmp(&entries[b].1).then_with(|| entries[a].0.cmp(entries[b].0))
    });
    let mut levels = vec![0; entries.len()];
    for (level, index) in (1u32..).zip(order) {
        levels[index] = level;
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_go_by_id() {
        let ms = Millis::saturating(3.0);
        assert_eq!(levels(&[("b", ms), ("a", ms)]), [2, 1]);
        assert!(levels(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn levels_are_a_ranking_that_does_not_depend_on_order(times in proptest::collection::vec(0.0f64..1e6, 1..40)) {
            let ids: Vec<String> = (0..times.len()).map(|i| format!("c{i:02}")).collect();
            let entries: Vec<(&str, Millis)> =
                ids.iter().map(String::as_str).zip(times.iter().copied().map(Millis::saturating)).collect();
            let found = levels(&entries);
            let mut sorted = found.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (1..=times.len() as u32).collect::<Vec<_>>());
            for (a, b) in (0..times.len()).zip(1..times.len()) {
                if times[a] > times[b] { prop_assert!(found[a] > found[b]); }
            }
            let mut reversed = entries.clone();
            reversed.reverse();
            let mut again = levels(&reversed);
            again.reverse();
            prop_assert_eq!(again, found);
        }
    }
}
