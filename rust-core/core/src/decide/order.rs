//! What an operator's order asks of a topology.

use crate::action::Shown;
use crate::arrange::Wanted;
use crate::context::Context;
use crate::model::Topology;
use crate::permission::{Kinds, kinds};
use crate::plan::MigrationRow;
use crate::state::Order;

/// What an order changes of a topology.
pub fn order_kinds(order: &Order, topology: &Topology) -> Kinds {
    if let Some(Shown { plan, .. }) = order.plan.as_deref() {
        let moved = plan.rows.iter().any(MigrationRow::moves);
        return kinds(topology, &plan.counts, &plan.memory_mib, moved);
    }
    let moved = !order.leave.is_empty() || order.adopt;
    kinds(topology, &order.counts, &order.memory_mib, moved)
}

/// What an order wants of a topology's components, or why it cannot be had.
pub fn ordered(
    context: &Context<'_>,
    order: &Order,
    topology: &Topology,
) -> Result<Wanted, String> {
    if order.is_ambiguous(&context.observation.topologies) {
        let name = &order.topology;
        return Err(format!("several are named {name}: the order has to name one by its id"));
    }
    let find = |id: &String| {
        let found = (0u32..).zip(&topology.components).find(|(_, c)| c.id == *id);
        found.ok_or_else(|| format!("there is no component {id}"))
    };
    // An order is carried out as it was given: it does not stop sources for the sake of something else.
    let mut wanted =
        Wanted { pinned_stay: true, in_stages: true, adopt: order.adopt, ..Wanted::default() };
    for (id, &count) in &order.counts {
        let (ordinal, component) = find(id)?;
        let tasks = component.tasks.count();
        if count == 0 || count > tasks {
            return Err(format!("{id} can have 1 to {tasks} executors, not {count}"));
        }
        wanted.counts.insert(ordinal, count);
    }
    for (id, &mib) in &order.memory_mib {
        let (ordinal, component) = find(id)?;
        if component.memory_mib.is_none() {
            return Err(format!("the memory of {id} is not known, so nothing can change it"));
        }
        if mib == 0 {
            return Err(format!("{id} needs some memory, not 0 MiB"));
        }
        wanted.memory_mib.insert(ordinal, mib);
    }
    Ok(wanted)
}
