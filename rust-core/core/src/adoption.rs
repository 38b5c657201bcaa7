//! What it costs that a topology's sources share workers with operators, and whether that may be changed.
//!
//! An engine's own scheduler puts all kinds of executors into each worker. Sources cannot be replaced beside themselves,
//! so the change that gives them workers of their own, the topology's *adoption*, stops it. Later ones need not.
//!
//! **Decides** what to say of that before it happens, and whether the user's word allows it. **Input**: a topology, what
//! was learned of it, and the settings. **Output**: a reason. It chooses no placement.

use std::collections::BTreeSet;

use crate::arrange::{asked_workers, role};
use crate::context::Context;
use crate::model::{Topology, TopologyStatus};
use crate::place::Role;
use crate::plan::Plan;
use crate::policy::thalweg::TopologyModel;
use crate::reason::{Reason, ReasonCode};
use crate::settings::Adopt;

/// What the next change of a topology costs besides its effect: nothing where its sources have workers of their own.
pub fn cost(
    context: &Context<'_>,
    topology: &Topology,
    learned: Option<&TopologyModel>,
) -> Option<Reason> {
    let settings = context.settings;
    let runs = topology.status == TopologyStatus::Active
        && topology.executors.iter().all(|executor| executor.slot.is_some())
        && topology.obstacle.is_none_or(|obstacle| !obstacle.is_left_alone());
    if !settings.slots.changes_in_parts() || !runs || !shares_workers(topology) {
        return None;
    }
    let measured = learned.and_then(|model| model.stop_secs);
    let secs = measured.unwrap_or(settings.thalweg.restart.get() / 1000.0);
    let known = if measured.is_some() { "as its last actions took" } else { "by assumption" };
    let (code, text) = if asked_workers(topology, settings) == Some(1) {
        let text = "its sources share the one worker it asks for with operators: every change stops it for about so many seconds";
        (ReasonCode::StopNeeded, format!("{text}, {known}"))
    } else {
        let when = match settings.adopt {
            Adopt::Never => "it is held until the setting or an order with adopt allows that",
            Adopt::OnNextAction => "that happens with the first change that needs it",
            Adopt::Now => "that happens as soon as nothing else speaks against it",
        };
        let text = "its sources share workers with operators: the change that gives them their own stops it for about so many seconds, once";
        (ReasonCode::AdoptionNeeded, format!("{text}, {known}; {when}"))
    };
    Some(Reason { measured: Some(secs), ..Reason::plain(code, text) })
}

/// Whether a plan moves sources, or what else is pinned, of a topology.
pub fn moves_pinned(plan: &Plan, topology: &Topology) -> bool {
    let pinned = |id: &String| {
        let mut components = (0..).zip(&topology.components);
        let found = components.find(|(_, component)| component.id == *id);
        found.is_some_and(|(index, _)| role(topology, index) == Role::Pinned)
    };
    plan.rows.iter().any(|row| row.moves() && pinned(&row.component))
}

fn shares_workers(topology: &Topology) -> bool {
    let slots_of = |wanted: Role| -> BTreeSet<_> {
        let executors = topology.executors.iter();
        let of_role = executors.filter(|executor| role(topology, executor.component) == wanted);
        of_role.filter_map(|executor| executor.slot).collect()
    };
    !slots_of(Role::Pinned).is_disjoint(&slots_of(Role::Work))
}
