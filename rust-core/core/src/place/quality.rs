//! How good a placement is, and how good is good enough to stay.

use super::problem::Problem;
use crate::model::SlotRef;

/// Workers stay as they are while the worst load is within this percentage of a fresh start's: less is
/// not worth the restart of one.
pub(super) const LOYALTY_PERCENT: u64 = 110;
/// What can be had beside running workers is preferred to a fresh start, which mostly stops the topology
/// for a while, up to this percentage of the fresh start's worst load.
pub(super) const DRAIN_PERCENT: u64 = 125;

/// The load of the fullest node that a placement uses: demand over power, in millionths of a reference node.
pub fn worst_load(problem: &Problem, placement: &[SlotRef]) -> u64 {
    problem.worst_load(placement.iter().enumerate().map(|(e, slot)| (e, slot.node as usize)))
}
