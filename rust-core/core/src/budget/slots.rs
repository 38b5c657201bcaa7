//! Slots that components of one topology share.

use std::collections::BTreeMap;

use super::meter::present;
use super::proportion::Proportion;
use crate::model::Topology;
use crate::reason::{Reason, ReasonCode};

/// The desired counts, by component ordinal, as far as slots reach where components share them, and the reason if that
/// is not all: groups that need more slots share what is left in proportion.
pub fn within_slots(
    topology: &Topology,
    slots: u32,
    mut desired: BTreeMap<u32, u32>,
) -> (BTreeMap<u32, u32>, Option<Reason>) {
    let present = present(topology);
    let has = |index: usize| present.get(&(index as u32)).copied().unwrap_or(0);
    let before = topology.shared_slots(has);
    let after = topology
        .shared_slots(|index| desired.get(&(index as u32)).copied().unwrap_or_else(|| has(index)));
    let least = |group: &u32| before[group].min(after[group]);
    let more = |group: &u32| after[group] - least(group);
    let (kept, grows): (u32, u32) = (after.keys().map(least).sum(), after.keys().map(more).sum());
    let left = slots.saturating_sub(kept);
    if grows <= left {
        return (desired, None);
    }
    let mut share = Proportion::of(left, grows);
    let granted: BTreeMap<u32, u32> =
        after.keys().map(|group| (*group, least(group) + share.of_next(more(group)))).collect();
    for (&ordinal, count) in &mut desired {
        let most = granted[&topology.slot_group(ordinal as usize)];
        *count = (*count).min(most.max(has(ordinal as usize)));
    }
    desired.retain(|ordinal, count| *count != has(*ordinal as usize));
    let text = "slots that all groups of components would need";
    let needed = f64::from(kept + grows);
    let limited = Reason::compared(ReasonCode::ClusterLimited, needed, f64::from(slots), text);
    (desired, Some(limited))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Component, ComponentKind, Executor, TaskRange};

    /// A source and two operators of one executor each; the last one has slots of its own.
    fn two_groups() -> Topology {
        let component = |slot_group| Component {
            kind: ComponentKind::Operator,
            slot_group,
            ..Component::default()
        };
        let executor = |index: u32| Executor {
            component: index,
            tasks: TaskRange::new(index, index),
            slot: None,
            counters: None,
        };
        Topology {
            components: vec![component(1), component(1), component(3)],
            executors: (0..3).map(executor).collect(),
            ..Topology::default()
        }
    }

    #[test]
    fn what_fits_is_left_as_it_is() {
        let desired = BTreeMap::from([(1, 4), (2, 4)]);
        assert_eq!(within_slots(&two_groups(), 8, desired.clone()), (desired, None));
    }

    #[test]
    fn groups_share_the_slots_that_are_left() {
        // 6 + 4 slots are wanted. The two that are used stay, and of 8 more there are 4: 2.5 for one and 1.5 for the other.
        let (granted, limited) =
            within_slots(&two_groups(), 6, BTreeMap::from([(0, 2), (1, 6), (2, 4)]));
        assert_eq!(granted, BTreeMap::from([(0, 2), (1, 3), (2, 3)]));
        let limited = limited.expect("it is limited");
        assert_eq!(
            (limited.code, limited.measured, limited.limit),
            (ReasonCode::ClusterLimited, Some(10.0), Some(6.0))
        );
    }

    #[test]
    fn what_one_group_gives_back_is_another_s() {
        let mut topology = two_groups();
        topology
            .executors
            .push(Executor { tasks: TaskRange::new(3, 3), ..topology.executors[2].clone() });
        let (granted, limited) = within_slots(&topology, 3, BTreeMap::from([(1, 2), (2, 1)]));
        assert_eq!((granted, limited), (BTreeMap::from([(1, 2), (2, 1)]), None));
    }

    #[test]
    fn without_a_slot_left_nothing_grows() {
        let (granted, limited) = within_slots(&two_groups(), 2, BTreeMap::from([(1, 2), (2, 2)]));
        assert!(granted.is_empty() && limited.is_some());
    }
}
