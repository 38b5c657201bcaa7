//! The first stage: what changed since the last observation.

use std::collections::BTreeSet;

use super::evidence::settling;
use crate::context::Context;
use crate::state::{Layout, State, TopologyState};

/// Lets a topology settle whose executors run elsewhere; those that start again and again are left to themselves.
fn rearranged(context: &Context<'_>, state: &mut TopologyState, layout: Layout, own: bool) {
    let known = !state.layout.is_empty();
    let restarting = state.only_restarting(&layout);
    state.layout = layout;
    if let Some(moved) = restarting {
        moved.into_iter().for_each(|tasks| state.histories.forget(tasks));
        return;
    }
    state.forget_measurements();
    if known {
        state.settling_until = context.now.plus(context.settings.settle);
        if !own {
            state.blacklist.note_arrangement();
        }
    }
}

/// Forgets topologies that are gone; lets changed ones settle.
pub fn observed(context: &Context<'_>, state: State) -> State {
    let &Context { observation, namesakes, settings, now, .. } = context;
    let mut state = state;
    state.follow_nodes(&observation.nodes);
    let present: BTreeSet<&str> = observation.topologies.iter().map(|t| t.id.as_str()).collect();
    state.topologies.retain(|id, _| present.contains(id.as_str()));
    state.learned.forget_absent(&observation.topologies, namesakes, now, settings);
    for topology in &observation.topologies {
        let remembered = state.topologies.entry(topology.id.clone()).or_default();
        let own = remembered.in_flight.is_some() || remembered.awaited.is_some();
        let settles = now < remembered.settling_until;
        let expected = remembered.in_flight.is_some() || (own && settles);
        remembered.restarts.note(&topology.executors, now, expected);
        remembered.holding.forget(now);
        if let Some(layout) = remembered.new_layout(topology) {
            rearranged(context, remembered, layout, own);
        }
        if settling(context, topology, remembered) {
            remembered.forget_measurements();
        }
    }
    state
}
