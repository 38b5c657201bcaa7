//! The policy `threshold`: keep each component's mean busy share near a target.
//!
//! Formula and defaults are those of Kubernetes' Horizontal Pod Autoscaler, which KEDA and the cloud
//! services share: `desired = ceil(current * utilisation / target)`, nothing within a tolerance of
//! 10 %, at most the double or four more at a time upwards, and downwards the largest desired count of the
//! last five minutes. It knows no graph: each component is looked at by itself, and sources whose
//! work is not timed stay as they are.

use std::collections::{BTreeMap, VecDeque};

use super::desired::{DesiredCounts, direction, intent};
use super::situation::{Intent, Situation};
use crate::demand::whole_executors;
use crate::reason::{Reason, ReasonCode};
use crate::settings::ThresholdSettings;
use crate::units::Timestamp;

const TARGET: &str = "thalweg.threshold.target";
/// More executors at a time than this, or than there are, are not added.
const MOST_ADDED: u32 = 4;

/// The desired counts of the last minutes, by component.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    recent: BTreeMap<usize, VecDeque<(Timestamp, u32)>>,
}

/// The formula: how many executors would be as busy as the target.
pub fn desired(executors: u32, busy: f64, settings: &ThresholdSettings) -> u32 {
    let ratio = busy / settings.target.get().max(1e-6);
    if (ratio - 1.0).abs() <= settings.tolerance.get() {
        return executors;
    }
    let fastest = (2 * executors).max(executors + MOST_ADDED);
    whole_executors(f64::from(executors) * ratio).min(fastest)
}

/// What should change.
pub fn find(situation: &Situation<'_>, memory: &mut Memory) -> Intent {
    let own = &situation.settings.threshold;
    let mut counts = DesiredCounts::new();
    let mut busiest = (0.0, "no component");
    for (index, component) in situation.flow.users() {
        let Some(busy) = component.busy() else { continue };
        if busy >= busiest.0 {
            busiest = (busy, situation.id(index));
        }
        let recent = memory.recent.entry(index).or_default();
        recent.push_back((situation.now, desired(component.executors, busy, own)));
        recent.retain(|(at, _)| situation.now.since(*at) <= own.down_window);
        let now = recent.back().map_or(component.executors, |(_, count)| *count);
        let most = recent.iter().map(|(_, count)| *count).max().unwrap_or(now);
        // Upwards at once, downwards only as far as was enough all the time.
        counts.insert(
            index,
            if now > component.executors { now } else { most.min(component.executors) },
        );
    }
    let (code, moved) = match direction(situation, &counts) {
        0 => (ReasonCode::DemandMet, "lies near the target"),
        1.. => (ReasonCode::DemandAboveCapacity, "is the busiest"),
        _ => (ReasonCode::DemandBelowCapacity, "is the busiest"),
    };
    let text = format!("{}, busy {:.0} % of the time, {moved}", busiest.1, busiest.0 * 100.0);
    let reason = Reason::compared(code, busiest.0, own.target.get(), text).changed_by(TARGET);
    intent(situation, &counts, vec![reason])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::Case;
    use crate::units::Share;

    fn at(target: f64) -> ThresholdSettings {
        ThresholdSettings { target: Share::saturating(target), ..ThresholdSettings::default() }
    }

    #[test]
    fn the_worked_numbers_of_kubernetes_documentation() {
        // A current value of 200m against a desired 100m doubles, 50m halves.
        assert_eq!(desired(3, 0.2, &at(0.1)), 6);
        assert_eq!(desired(4, 0.05, &at(0.1)), 2);
        // Within the tolerance of 0.1 nothing happens.
        assert_eq!(desired(10, 0.54, &at(0.5)), 10);
        assert_eq!(desired(10, 0.56, &at(0.5)), 12);
        // At most the double, or four more.
        assert_eq!((desired(1, 1.0, &at(0.1)), desired(8, 1.0, &at(0.1))), (5, 16));
    }

    #[test]
    fn up_at_once_and_down_after_five_minutes() {
        let mut case = Case::line(1000.0, &[(4, 1000.0, 0.95)]);
        let mut memory = Memory::default();
        assert_eq!(case.counts(|s| find(s, &mut memory)), [(1, 5)]);
        // Five stay desired for five minutes, and that does not ask for fewer.
        case.set_busy(1, 0.3);
        assert_eq!(case.counts(|s| find(s, &mut memory)), []);
        case.wait(290);
        assert_eq!(case.counts(|s| find(s, &mut memory)), []);
        case.wait(20);
        assert_eq!(case.counts(|s| find(s, &mut memory)), [(1, 2)]);
    }
}
