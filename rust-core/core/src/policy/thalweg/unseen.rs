//! More executors for components whose work does not show, where nothing else explains what is left waiting.

use super::limits::SATURATED;
use super::memory::Memory;
use crate::demand::ComponentFlow;
use crate::policy::desired::{DesiredCounts, intent};
use crate::policy::situation::{Intent, Situation};
use crate::reason::{Reason, ReasonCode};

const UP_DELAY: &str = "thalweg.scaling.up.delay.secs";
/// What a source leaves waiting of what arrives is more than noise from this factor on.
const LEFT: f64 = 1.05;
/// One executor is added to so many: how many are missing cannot be told.
const GUESSED: u32 = 2;

/// More executors for what may be short without showing it: sources fall behind, and no component that shows its work is
/// full. Nothing where that is not so.
pub(super) fn up(situation: &Situation<'_>, memory: &mut Memory) -> Option<Intent> {
    let flow = situation.flow;
    let behind = |c: &ComponentFlow| {
        let arrives = c.target.growth.map(|_| c.target.arrival())?;
        (c.source && arrives > LEFT * c.target.consumed).then_some((arrives, c.target.consumed))
    };
    let (arrives, taken) = flow.components.iter().find_map(behind)?;
    // So does an executor of which nothing is known, as one that starts again and again.
    let explains = |c: &ComponentFlow| {
        let full = !c.unseen && c.busiest() >= Some(SATURATED);
        full || c.measured.len() < c.executors as usize
    };
    let explained = flow.users().any(|(_, c)| explains(c));
    let room =
        |(index, c): &(usize, &ComponentFlow)| c.unseen && situation.most(*index) > c.executors;
    let desired = flow.users().filter(room);
    let desired: DesiredCounts =
        desired.map(|(index, c)| (index, c.executors + c.executors.div_ceil(GUESSED))).collect();
    let (&first, _) = desired.first_key_value().filter(|_| !explained)?;
    memory.forget_needs();
    let text = format!(
        "records that arrive per second, and that are taken in, while the work of {} does not show",
        situation.id(first)
    );
    let short = Reason::compared(ReasonCode::DemandAboveCapacity, arrives, taken, text);
    let since = *memory.short_since.get_or_insert(situation.now);
    let held = situation.now.since(since).get() / 1000.0;
    // A growing backlog is measured over the window.
    let own = &situation.settings.thalweg;
    let patience = (own.up_delay.get() + situation.settings.window.get()) / 1000.0;
    if held < patience {
        let text = "seconds for which the sign below has held";
        let waits = Reason::compared(ReasonCode::NotYetPersistent, held, patience, text);
        return Some(Intent::Stay(vec![waits.changed_by(UP_DELAY), short]));
    }
    Some(intent(situation, &desired, vec![short]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::Case;

    /// A component of 16 executors that hardly seem to work, and what arrives beside 960/s that are taken in.
    fn case(growth: f64) -> Case {
        let mut case = Case::line(960.0, &[(16, 960.0, 0.02), (2, 960.0, 0.5)]);
        case.flow.components[0].target.growth = Some(growth);
        case.flow.components[1].unseen = true;
        case
    }

    fn after_a_while(case: &mut Case) -> Vec<(u32, u32)> {
        let mut memory = Memory::default();
        let stays = || Intent::Stay(vec![Reason::plain(ReasonCode::DemandMet, "")]);
        let mut ask = |case: &Case| case.counts(|s| up(s, &mut memory).unwrap_or_else(stays));
        assert_eq!(ask(case), []);
        case.wait(90);
        ask(case)
    }

    #[test]
    fn they_grow_on_lag_alone() {
        assert_eq!(after_a_while(&mut case(200.0)), [(1, 24)]);
        assert_eq!(after_a_while(&mut case(10.0)), []);
    }

    #[test]
    fn they_do_not_where_something_else_is_full_or_nothing_is_counted() {
        let mut other = case(200.0);
        other.set_busy(2, 0.99);
        assert_eq!(after_a_while(&mut other), []);
        let mut unknown = case(200.0);
        unknown.flow.components[2].measured.pop();
        assert_eq!(after_a_while(&mut unknown), []);
        let mut uncounted = case(200.0);
        uncounted.flow.components[0].target.growth = None;
        assert_eq!(after_a_while(&mut uncounted), []);
    }
}
