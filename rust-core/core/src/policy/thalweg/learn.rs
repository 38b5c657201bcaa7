//! What each decision teaches about components: their capacity, how evenly they work, and what memory
//! brings to their state.

use super::evidence::Doubt;
use super::levels;
use super::limits::HELD_UP;
use super::memory::{Memory, TopologyModel};
use super::shares::balance;
use crate::demand::ComponentFlow;
use crate::policy::situation::Situation;

/// Components below this busy share say too little.
const IDLE: f64 = 0.05;

/// Learns what components can do, from those whose signals are good.
pub fn learn(
    situation: &Situation<'_>,
    memory: &mut Memory,
    model: &mut TopologyModel,
    doubts: &[Option<Doubt>],
) {
    let window = situation.settings.window;
    if memory.learned_at.is_some_and(|last| situation.now.since(last) < window) {
        return;
    }
    memory.learned_at = Some(situation.now);
    for (index, component) in situation.flow.users() {
        if doubts[index].is_some() || !is_telling(component) {
            continue;
        }
        let learned = model.components.entry(situation.id(index).to_owned()).or_default();
        if let Some(found) = balance(component, situation.settings.slots) {
            learned.note_balance(component.executors, found);
        }
        if let Some((weight, capacity)) = measured_capacity(component) {
            learned.offer(component.executors, weight, capacity, situation.now);
        }
        if let Some(measured) = levels::measured(component) {
            let learned = model.states.entry(situation.id(index).to_owned()).or_default();
            learned.offer(measured, situation.now);
        }
    }
}

/// Whether all executors are measured, work, and are not held up by their receivers.
fn is_telling(component: &ComponentFlow) -> bool {
    let complete = component.measured.len() == component.executors as usize;
    let works = component.busy().is_some_and(|busy| busy.is_finite() && busy >= IDLE);
    complete && works && component.backpressured.is_none_or(|share| share <= HELD_UP)
}

/// Executors weighted by ability, and what they could do if all were as busy.
fn measured_capacity(component: &ComponentFlow) -> Option<(f64, f64)> {
    let weight: f64 = component.measured.iter().map(|e| e.ability).sum();
    Some((weight, weight / component.work_secs()?))
}
