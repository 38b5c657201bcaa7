//! What an operator's order asks of a topology.

use std::collections::BTreeMap;

use crate::action::Shown;
use crate::allowed::kept_equal;
use crate::arrange::Wanted;
use crate::context::Context;
use crate::model::Topology;
use crate::permission::{Charter, Kinds, kinds};
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

/// The counts of an order with those of components that have to have as many executors as others; an order that names both,
/// with different counts, cannot be had.
fn with_equals(
    context: &Context<'_>,
    order: &Order,
    topology: &Topology,
    counts: BTreeMap<u32, u32>,
) -> Result<BTreeMap<u32, u32>, String> {
    let charter = Charter::of(context, topology);
    let (equal, _) = kept_equal(&charter, topology, counts);
    for (ordinal, component) in (0u32..).zip(&topology.components) {
        let Some(&asked) = order.counts.get(&component.id) else { continue };
        let gets = equal.get(&ordinal).copied().unwrap_or_else(|| topology.executors_of(ordinal));
        let other = charter.equal_to(component).filter(|_| gets != asked);
        if let Some(other) = other.and_then(|other| topology.components.get(other as usize)) {
            let (id, other) = (&component.id, &other.id);
            return Err(format!(
                "{id} has to have as many executors as {other} (thalweg.scaling.bounds), so {gets} and not {asked}: order {other}"
            ));
        }
    }
    Ok(equal)
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
    wanted.counts = with_equals(context, order, topology, wanted.counts)?;
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
