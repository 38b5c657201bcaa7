//! What an operator's order asks of a topology.

use std::collections::BTreeMap;

use crate::action::Shown;
use crate::allowed::kept_equal;
use crate::arrange::Wanted;
use crate::context::Context;
use crate::model::Topology;
use crate::permission::{Charter, Kinds, kinds};
use crate::plan::MigrationRow;
use crate::reason::Reason;
use crate::state::Order;

/// What an order changes of a topology.
pub fn order_kinds(context: &Context<'_>, order: &Order, topology: &Topology) -> Kinds {
    if let Some(Shown { plan, .. }) = order.plan.as_deref() {
        let moved = plan.rows.iter().any(MigrationRow::moves);
        return kinds(topology, &plan.counts, &plan.memory_mib, moved);
    }
    let moved = !order.leave.is_empty() || order.adopt;
    let (equal, _) = with_equals(context, order, topology);
    let named = |(ordinal, count): (&u32, &u32)| {
        Some((topology.components.get(*ordinal as usize)?.id.clone(), *count))
    };
    kinds(topology, &equal.iter().filter_map(named).collect(), &order.memory_mib, moved)
}

/// The counts of an order with those of components that have to have as many executors as others, and which these are.
fn with_equals(
    context: &Context<'_>,
    order: &Order,
    topology: &Topology,
) -> (BTreeMap<u32, u32>, Vec<Reason>) {
    let components = (0u32..).zip(&topology.components);
    let counts = components.filter_map(|(ordinal, c)| Some((ordinal, *order.counts.get(&c.id)?)));
    kept_equal(&Charter::of(context, topology), topology, counts.collect())
}

/// Why an order cannot be had that names a component which has to have as many executors as another, and not that one.
fn parts_equals(
    context: &Context<'_>,
    order: &Order,
    topology: &Topology,
    equal: &BTreeMap<u32, u32>,
) -> Option<String> {
    let charter = Charter::of(context, topology);
    (0u32..).zip(&topology.components).find_map(|(ordinal, component)| {
        let asked = *order.counts.get(&component.id)?;
        let gets = equal.get(&ordinal).copied().unwrap_or_else(|| topology.executors_of(ordinal));
        let other = &topology.components.get(charter.equal_to(component)? as usize)?.id;
        (gets != asked && !order.counts.contains_key(other)).then(|| {
            let id = &component.id;
            format!(
                "{id} has to have as many executors as {other} (thalweg.scaling.bounds), so {gets} and not {asked}: order {other}"
            )
        })
    })
}

/// What an order wants of a topology's components, with what that brings along, or why it cannot be had.
pub fn ordered(
    context: &Context<'_>,
    order: &Order,
    topology: &Topology,
) -> Result<(Wanted, Vec<Reason>), String> {
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
        let tasks = find(id)?.1.tasks.count();
        if count == 0 || count > tasks {
            return Err(format!("{id} can have 1 to {tasks} executors, not {count}"));
        }
    }
    let (equal, reasons) = with_equals(context, order, topology);
    if let Some(why) = parts_equals(context, order, topology, &equal) {
        return Err(why);
    }
    wanted.counts = equal;
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
    Ok((wanted, reasons))
}
