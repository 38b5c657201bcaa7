//! What a topology's user and its engine allow to be done to it: whether it may be restarted, and how many executors
//! its components may have.
//!
//! **Input**: what was observed of a topology, and the settings. **Output**: a reason where something is not allowed.
//! It judges no load and no gain.

use std::collections::BTreeMap;

use crate::action::Blacklist;
use crate::context::Context;
use crate::model::{Component, ComponentKind, Obstacle, Topology};
use crate::permission::Charter;
use crate::plan::Plan;
use crate::reason::{Reason, ReasonCode};
use crate::settings::Settings;

/// Why a topology must not be restarted: it could not be restored, and nobody said that it need not be.
pub fn unrestorable(topology: &Topology, settings: &Settings) -> Option<Reason> {
    let text = match topology.obstacle? {
        Obstacle::CheckpointsOff => "it takes no checkpoints",
        Obstacle::NoCheckpointYet => "none of its checkpoints was completed yet",
        Obstacle::CheckpointsFail => "its last checkpoints failed",
        Obstacle::Batch | Obstacle::OtherScheduler | Obstacle::Unreadable | Obstacle::KeptApart => {
            return None;
        }
    };
    let accepted = settings.may_lose_state(&topology.id, &topology.name);
    let reason = || {
        let text = format!("{text}, so a restart would lose its state");
        Reason::plain(ReasonCode::CheckpointsMissing, text)
    };
    (!accepted).then(reason)
}

/// Why a topology's executors are left where its own scheduler wants them, whatever would be better.
pub fn kept_apart(topology: &Topology) -> Option<Reason> {
    let text = "its scheduler keeps machines or pools apart, which a plan could break";
    let reason = || Reason::plain(ReasonCode::PoolsKept, text);
    (topology.obstacle == Some(Obstacle::KeptApart)).then(reason)
}

/// Why a topology is neither judged nor changed, whatever it does.
pub fn left_alone(topology: &Topology) -> Option<Reason> {
    let text = match topology.obstacle? {
        Obstacle::Batch => "it is a batch job",
        Obstacle::OtherScheduler => "another scheduler runs it",
        Obstacle::Unreadable => "what it does cannot be read",
        Obstacle::CheckpointsOff
        | Obstacle::NoCheckpointYet
        | Obstacle::CheckpointsFail
        | Obstacle::KeptApart => return None,
    };
    Some(Reason::plain(ReasonCode::LeftAlone, text))
}

/// Whether that is for good, so that an order has to be refused and need not wait.
pub fn never_changed(topology: &Topology) -> bool {
    matches!(topology.obstacle, Some(Obstacle::Batch | Obstacle::OtherScheduler))
}

/// The desired counts of a policy, by component ordinal, without those of components whose number is not to change, and
/// why they are not.
pub fn changeable(
    context: &Context<'_>,
    topology: &Topology,
    blacklist: &Blacklist,
    desired: BTreeMap<u32, u32>,
) -> (BTreeMap<u32, u32>, Vec<Reason>) {
    let mut kept = Vec::new();
    let mut changed = desired;
    changed.retain(|ordinal, count| {
        let component = topology.components.get(*ordinal as usize);
        let why = component.and_then(|c| fixed(context, (topology, c), blacklist, *count));
        let free = why.is_none();
        kept.extend(why);
        free
    });
    (changed, kept)
}

/// Why a component keeps its number of executors, whatever a policy desires.
fn fixed(
    context: &Context<'_>,
    (topology, component): (&Topology, &Component),
    blacklist: &Blacklist,
    desired: u32,
) -> Option<Reason> {
    let &Context { settings, now, .. } = context;
    let id = &component.id;
    let by_name = settings.fixed_components.contains(id)
        || Charter::of(context, topology).is_fixed(component);
    if by_name || component.kind == ComponentKind::Source && !settings.scale_sources {
        let setting =
            if by_name { "thalweg.scaling.fixed.components" } else { "thalweg.scaling.sources" };
        let text = format!("executors desired for {id}, whose number is not to change");
        let reason = Reason::plain(ReasonCode::CountFixed, text).changed_by(setting);
        return Some(Reason { measured: Some(f64::from(desired)), ..reason });
    }
    let secs = blacklist.fixes(id, now)?;
    let text = format!(
        "the topology started again and again with another number of executors of {id}: it keeps what it has, \
         for so many seconds; for good if it is named in thalweg.scaling.fixed.components"
    );
    Some(Reason { measured: Some(secs), ..Reason::plain(ReasonCode::RescaleFailed, text) })
}

/// The desired counts with those of components that have to have as many executors as others, and why.
pub fn kept_equal(
    charter: &Charter<'_>,
    topology: &Topology,
    desired: BTreeMap<u32, u32>,
) -> (BTreeMap<u32, u32>, Vec<Reason>) {
    let mut counts = desired;
    let mut reasons = Vec::new();
    if counts.is_empty() {
        return (counts, reasons);
    }
    for (ordinal, component) in (0u32..).zip(&topology.components) {
        let Some(other) = charter.equal_to(component) else { continue };
        let present = |ordinal| topology.executors_of(ordinal);
        let wanted = counts.get(&other).copied().unwrap_or_else(|| present(other));
        let count = component.allowed(wanted.min(topology.most_executors(ordinal as usize)));
        let before = counts.remove(&ordinal).unwrap_or_else(|| present(ordinal));
        if count != present(ordinal) {
            counts.insert(ordinal, count);
        }
        if count != before {
            let name = topology.components.get(other as usize).map_or("", |c| c.id.as_str());
            let text =
                format!("executors of {}, which has to have as many as {name}", component.id);
            let (before, count) = (f64::from(before), f64::from(count));
            reasons.push(Reason::compared(ReasonCode::KeptEqual, before, count, text));
        }
    }
    (counts, reasons)
}

/// The desired counts, by component ordinal, within what the user allows, and the reason where that is less or more
/// than was asked for.
pub fn within_bounds(
    topology: &Topology,
    desired: BTreeMap<u32, u32>,
) -> (BTreeMap<u32, u32>, Option<Reason>) {
    let mut limited = None;
    let mut allowed = BTreeMap::new();
    for (ordinal, count) in desired {
        let component = topology.components.get(ordinal as usize);
        let nearest = component.map_or(count, |component| component.allowed(count));
        if let Some(component) = component.filter(|_| nearest != count) {
            limited.get_or_insert_with(|| out_of_bounds(component, count));
        }
        if nearest == count || nearest != topology.executors_of(ordinal) {
            allowed.insert(ordinal, nearest);
        }
    }
    (allowed, limited)
}

/// Why a plan, whoever wants it, makes too few or too many executors of a component.
pub fn beyond_bounds(plan: &Plan, topology: &Topology) -> Option<Reason> {
    let mut counts = topology.components.iter().filter_map(|component| {
        let count = *plan.counts.get(&component.id)?;
        (component.allowed(count) != count).then(|| out_of_bounds(component, count))
    });
    counts.next()
}

fn out_of_bounds(component: &Component, desired: u32) -> Reason {
    let limit = component.allowed(desired);
    let side = if limit < desired { "at most" } else { "at least" };
    Reason::compared(
        ReasonCode::BoundsLimited,
        f64::from(desired),
        f64::from(limit),
        format!("executors desired for {}, which may have {side} {limit}", component.id),
    )
}
