//! The way back from an action that did harm.
//!
//! **Decides** how to undo it: the former executor counts and memory, or after a move the former places. **Input**:
//! what is remembered of the topology from before the action. **Output**: a plan like any other, which
//! goes through the same guards. It judges no harm; that is [`outcome`](crate::outcome)'s.
//!
//! Only what the policy wanted is undone, and once: neither an operator's order nor a way back has a way
//! back. What was changed or is asked for anew since the harm was seen calls for another judgement.

use std::collections::BTreeMap;

use crate::action::{Baseline, Harm, WayBack};
use crate::arrange::{PlacementContext, Wanted, plan, present, written};
use crate::assess::Assessment;
use crate::context::Context;
use crate::model::{Observation, SlotRef, Topology};
use crate::plan::{MigrationRow, Plan, Slot};
use crate::reason::{Reason, ReasonCode};
use crate::state::TopologyState;

/// Forgets harm that no longer calls for the way back: things were changed, or another load came.
pub fn forget_outdated(
    context: &Context<'_>,
    assessment: &Assessment<'_>,
    state: &mut TopologyState,
) {
    let &Context { observation, settings, .. } = context;
    let Some(harm) = &state.harm else { return };
    let now = Baseline::of(assessment.topology, assessment.metrics, &state.metric_history);
    let stays = settings.rollback
        && harm.way.is_as_planned(observation, assessment.topology, settings)
        && harm.baseline.same_load(&now);
    if !stays {
        state.harm = None;
    }
}

/// The plan that undoes what did harm, or why there is none.
pub fn way_back(
    context: &Context<'_>,
    harm: &Harm,
    assessment: &Assessment<'_>,
    placing: &PlacementContext<'_>,
) -> (Vec<Reason>, Option<Plan>) {
    let only_moved = harm.way.counts.is_empty() && harm.way.memory_mib.is_empty();
    let found = match only_moved {
        true => to_former_places(context, &harm.way, assessment.topology, placing),
        false => to_former_counts(context, &harm.way, assessment, placing),
    };
    match found {
        Ok(plan) => (vec![harm.reason.clone()], Some(plan)),
        Err(why) => {
            let text = format!("plan {} did harm and cannot be undone: {why}", harm.plan);
            (vec![Reason::plain(ReasonCode::RollbackImpossible, text), harm.reason.clone()], None)
        }
    }
}

fn to_former_counts(
    context: &Context<'_>,
    way: &WayBack,
    assessment: &Assessment<'_>,
    placing: &PlacementContext<'_>,
) -> Result<Plan, String> {
    if !context.settings.scaling_enabled {
        return Err("executor counts are not to change".to_owned());
    }
    let by_ordinal = |former: &BTreeMap<String, u32>| {
        let components = (0u32..).zip(&assessment.topology.components);
        components.filter_map(|(index, c)| Some((index, *former.get(&c.id)?))).collect()
    };
    let wanted = Wanted {
        counts: by_ordinal(&way.counts),
        memory_mib: by_ordinal(&way.memory_mib),
        ..Wanted::default()
    };
    plan(context, assessment, &assessment.demands, placing, &wanted)
        .map_err(|shortage| shortage.to_string())?
        .ok_or_else(|| "nothing would change".to_owned())
}

/// Every executor back to where it was if that slot is still to be had; the others stay. Where a slot
/// holds one executor of a component, all go back or none.
fn to_former_places(
    context: &Context<'_>,
    way: &WayBack,
    topology: &Topology,
    placing: &PlacementContext<'_>,
) -> Result<Plan, String> {
    let &Context { observation, settings, .. } = context;
    let mut placement = Vec::with_capacity(topology.executors.len());
    for executor in &topology.executors {
        let former =
            way.former.get(&executor.tasks).and_then(|slot| free(slot, observation, placing));
        if former.is_none() && !settings.slots.changes_in_parts() {
            return Err(format!("the former slot of {} is taken", executor.tasks));
        }
        placement.extend(former.or(executor.slot));
    }
    if let Some(host) = overfull(&placement, observation, topology, placing) {
        return Err(format!("{host} lacks the memory by now"));
    }
    let plan = written(context, topology, &present(topology), &placement, &Wanted::default());
    // Another slot of the same node puts nothing right.
    let returns =
        |row: &MigrationRow| row.before.as_ref().is_none_or(|before| before.node != row.after.node);
    match plan.rows.iter().any(returns) {
        true => Ok(plan),
        false => Err("none of the former places can be had".to_owned()),
    }
}

/// A slot as this observation names it, if the topology may have it.
fn free(slot: &Slot, observation: &Observation, placing: &PlacementContext<'_>) -> Option<SlotRef> {
    let (index, node) = (0u32..).zip(&observation.nodes).find(|(_, node)| node.id == slot.node)?;
    let found = SlotRef { node: index, port: slot.port };
    let usable = placing.cluster.usable[index as usize] && node.ports.contains(&slot.port);
    (usable && !placing.is_taken(found)).then_some(found)
}

/// A host that would need more memory than it has, as far as executors declare theirs.
fn overfull<'a>(
    placement: &[SlotRef],
    observation: &'a Observation,
    topology: &Topology,
    placing: &PlacementContext<'_>,
) -> Option<&'a str> {
    if topology.components.iter().all(|component| component.memory_mib.is_none()) {
        return None;
    }
    let mut memory = placing.memory_of_others(observation);
    memory.enter(topology, placement.iter().copied().map(Some));
    let mut nodes = observation.nodes.iter().enumerate();
    let full = nodes
        .find(|(index, node)| node.memory_mib.is_some_and(|has| memory.declared(*index) > has))?;
    Some(full.1.host.as_str())
}
