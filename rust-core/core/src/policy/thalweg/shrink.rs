//! Fewer executors, where fewer have been enough and the saving pays for the stop.

use std::collections::VecDeque;

use super::demand::DemandForecast;
use super::levels::spares;
use super::memory::{Memory, TopologyModel};
use super::size::{Scaling, Size, fullest};
use super::slots::slots_needed;
use crate::learning::CatchUp;
use crate::policy::desired::{DesiredCounts, intent_with_memory};
use crate::policy::situation::{Intent, Situation};
use crate::reason::{Reason, ReasonCode};
use crate::settings::SlotRule;
use crate::units::{Millis, Timestamp};

const DOWN_WINDOW: &str = "thalweg.scaling.down.window.secs";
const HORIZON: &str = "thalweg.scaling.horizon.secs";
/// The part of all executors that is taken away at once while demand still falls.
const WORTH_WHILE_FALLING: f64 = 0.3;

/// The plan for a topology of which no component is short.
pub(super) fn down(
    situation: &Situation<'_>,
    memory: &mut Memory,
    model: &TopologyModel,
    sizes: &[Option<(Scaling<'_>, Size)>],
    needs: DesiredCounts,
) -> Intent {
    let own = &situation.settings.thalweg;
    let fullest = fullest(situation, sizes);
    memory.needs.push_back((situation.now, needs));
    let since = memory.needs.front().map_or(situation.now, |(at, _)| *at);
    while memory.needs.get(1).is_some_and(|(at, _)| situation.now.since(*at) >= own.down_window) {
        memory.needs.pop_front();
    }
    let most = most_needed(&memory.needs);
    let fewer = |(index, need): &(usize, u32)| *need < situation.flow.components[*index].executors;
    let desired: DesiredCounts = most.into_iter().filter(fewer).collect();
    let after = |index| desired.get(&index).copied().unwrap_or(executors(situation, index));
    let spares = spares(situation, model, after);
    let (fewer, all) = saving(situation, &desired);
    let saved = fewer + spares.values().map(|spare| spare.saved).sum::<f64>();
    // What has been to spare for long is expected to be so for as long again.
    let steady = memory.spared.note(saved, situation.now).get() / 1000.0;
    let gain = saved * model.horizon(own.horizon).max(steady);
    let cost = own.disruption * all * until_caught_up(situation, model);
    let weighed = |code| {
        let text = "executor-seconds saved while it lasts, and what the stop costs until all is caught up with";
        Reason::compared(code, gain, cost, text).changed_by(HORIZON)
    };
    if desired.is_empty() && gain <= cost {
        let mut reasons = vec![fullest];
        if let Some(spare) = spares.into_values().next() {
            reasons.extend([spare.reason, weighed(ReasonCode::CostAboveGain)]);
        }
        return Intent::Stay(reasons);
    }
    let held = situation.now.since(since);
    if held < own.down_window {
        let (is, need) = (held.get() / 1000.0, own.down_window.get() / 1000.0);
        let text = "seconds for which fewer executors have been enough";
        let waits = Reason::compared(ReasonCode::NotYetPersistent, is, need, text);
        return Intent::Stay(vec![waits.changed_by(DOWN_WINDOW), fullest]);
    }
    // While demand still falls, small savings wait for the larger one.
    let falls = memory.needs.back().is_some_and(|(_, now)| {
        desired.iter().any(|(index, count)| now.get(index).is_some_and(|need| need < count))
    });
    if falls && saved < WORTH_WHILE_FALLING * all {
        let text = "executors that can be spared by now, while demand still falls";
        let waits =
            Reason::compared(ReasonCode::NotYetPersistent, saved, WORTH_WHILE_FALLING * all, text);
        return Intent::Stay(vec![waits.changed_by(DOWN_WINDOW), fullest]);
    }
    if gain <= cost {
        return Intent::Stay(vec![weighed(ReasonCode::CostAboveGain), fullest]);
    }
    memory.fewer.clone_from(&desired);
    let memory_mib = spares.iter().map(|(&index, spare)| (index, spare.mib)).collect();
    let mut reasons = vec![weighed(ReasonCode::DemandBelowCapacity), fullest];
    reasons.extend(spares.into_values().map(|spare| spare.reason));
    intent_with_memory(situation, &desired, &memory_mib, reasons)
}

/// What is needed where slots are shared by executors of all components. Fewer executors of one
/// component save nothing while another of its group has as many as before, and leave the rest with unequal
/// neighbours: all of a group shrink as far as its largest, and that no further than the cores of slots do the
/// work of all at the target busy share.
pub(super) fn in_shared_slots(
    situation: &Situation<'_>,
    forecast: &DemandForecast,
    mut needs: DesiredCounts,
) -> DesiredCounts {
    if !situation.settings.slots.is_shared() {
        return needs;
    }
    let judged = |index| if needs.contains_key(&index) { executors(situation, index) } else { 0 };
    let groups = situation.slots_of_groups(judged);
    let all: u32 = groups.values().sum();
    let cores = slots_needed(situation, &forecast.far).unwrap_or(all).min(all);
    let needed = situation.slots_of_groups(|index| needs.get(&index).copied().unwrap_or(0));
    for (&index, need) in &mut needs {
        let group = situation.topology.slot_group(index);
        let largest = groups[&group].max(1);
        let desired = needed[&group].max((largest * cores).div_ceil(all.max(1))).min(largest);
        *need = (*need).max((executors(situation, index) * desired).div_ceil(largest));
    }
    needs
}

/// Seconds from a stop until the topology, then busy up to the target, is where it would have been. Where the engine carries
/// the change out by itself it goes back to its last checkpoint; Thalweg takes one before it stops anything.
pub(super) fn until_caught_up(situation: &Situation<'_>, model: &TopologyModel) -> f64 {
    let own = &situation.settings.thalweg;
    // A job that is known to take checkpoints tells how far apart they are; of any other nothing is repeated.
    let repeats = situation.settings.slots == SlotRule::Engine;
    let interval = situation.topology.checkpoint_interval.filter(|_| repeats);
    let assumed = CatchUp::assumed(TopologyModel::away(Some(model), own));
    assumed.takes_at(own.target, interval.unwrap_or(Millis::ZERO)).get() / 1000.0
}

/// What the desired counts save of all there is: slots where components share them, executors elsewhere.
fn saving(situation: &Situation<'_>, desired: &DesiredCounts) -> (f64, f64) {
    let before = |index: usize| executors(situation, index);
    let after = |index: usize| desired.get(&index).copied().unwrap_or(before(index));
    let users = || situation.flow.users().map(|(index, _)| index);
    let (before, after): (u32, u32) = if !situation.settings.slots.is_shared() {
        (users().map(before).sum(), users().map(after).sum())
    } else {
        let slots = |executors: &dyn Fn(usize) -> u32| {
            situation.slots_of_groups(executors).into_values().sum()
        };
        (slots(&before), slots(&after))
    };
    (f64::from(before.saturating_sub(after)), f64::from(before))
}

fn executors(situation: &Situation<'_>, index: usize) -> u32 {
    situation.flow.components[index].executors
}

/// The most that each component needed within the window.
fn most_needed(needs: &VecDeque<(Timestamp, DesiredCounts)>) -> DesiredCounts {
    let mut most = DesiredCounts::new();
    for (&index, &need) in needs.iter().flat_map(|(_, needs)| needs) {
        let known = most.entry(index).or_insert(need);
        *known = need.max(*known);
    }
    most
}
