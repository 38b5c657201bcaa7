//! What is remembered of topologies goes with them.

use std::collections::{BTreeMap, BTreeSet};

use thalweg_core::model::Observation;

/// Forgets what is remembered of topologies that are not seen any more.
pub(crate) fn forget_absent<V>(kept: &mut BTreeMap<String, V>, seen: &Observation) {
    retain_named(kept, seen.topologies.iter().map(|topology| &topology.id));
}

/// Keeps the entries that are named, without asking all names for each of them.
fn retain_named<'a, K: Ord + 'a, V>(kept: &mut BTreeMap<K, V>, named: impl Iterator<Item = &'a K>) {
    if kept.is_empty() {
        return;
    }
    let named: BTreeSet<&K> = named.collect();
    kept.retain(|key, _| named.contains(key));
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::cmp::Ordering;

    use super::*;

    thread_local! {
        static COMPARED: Cell<u64> = const { Cell::new(0) };
    }

    /// A number that counts how often it is compared.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Counted(u32);

    impl Ord for Counted {
        fn cmp(&self, other: &Self) -> Ordering {
            COMPARED.set(COMPARED.get() + 1);
            self.0.cmp(&other.0)
        }
    }

    impl PartialOrd for Counted {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    /// Comparisons while each second of so many is forgotten.
    fn compared(count: u32) -> u64 {
        let mut kept: BTreeMap<Counted, ()> = (0..count).map(|n| (Counted(n), ())).collect();
        let named: Vec<Counted> = (0..count).step_by(2).map(Counted).collect();
        let before = COMPARED.get();
        retain_named(&mut kept, named.iter());
        let compared = COMPARED.get() - before;
        assert!(kept.keys().eq(&named));
        compared
    }

    #[test]
    fn ten_times_as_many_take_hardly_more_than_ten_times_the_comparisons() {
        let (few, many) = (compared(1_000), compared(10_000));
        assert!(many < few * 15, "{few}, then {many}");
        assert!(few < 1_000 * 50, "{few}");
    }
}
