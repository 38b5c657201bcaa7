//! The first stage: what changed since the last observation.

use std::collections::BTreeSet;

use super::evidence::settling;
use crate::context::Context;
use crate::state::State;

/// Forgets topologies that are gone; lets changed ones settle.
pub fn observed(context: &Context<'_>, state: State) -> State {
    let &Context { observation, settings, now } = context;
    let mut state = state;
    state.follow_nodes(&observation.nodes);
    let present: BTreeSet<&str> = observation.topologies.iter().map(|t| t.id.as_str()).collect();
    state.topologies.retain(|id, _| present.contains(id.as_str()));
    let names = observation.topologies.iter().map(|t| t.name.as_str());
    state.learned.forget_absent(names, now, settings);
    for topology in &observation.topologies {
        let remembered = state.topologies.entry(topology.id.clone()).or_default();
        if let Some(layout) = remembered.new_layout(topology) {
            let known = !remembered.layout.is_empty();
            remembered.layout = layout;
            remembered.forget_measurements();
            if known {
                remembered.settling_until = now.plus(settings.settle);
                let own = remembered.in_flight.is_some() || remembered.awaited.is_some();
                if !own {
                    remembered.blacklist.note_arrangement();
                }
            }
        }
        if settling(context, topology, remembered) {
            remembered.forget_measurements();
        }
    }
    state
}
