//! Plans that wait for somebody's word: proposed, approved, rejected, or no longer to be had.

use super::evidence::unfit;
use super::subject::Subject;
use crate::action::{Baseline, Origin, Proposed, Rejected, counted};
use crate::adoption::moves_pinned;
use crate::context::Context;
use crate::explain::{Change, Offer, TopologyView};
use crate::model::Topology;
use crate::plan::{MigrationRow, Plan};
use crate::reason::{Reason, ReasonCode};
use crate::state::TopologyState;
use crate::units::Millis;

/// What becomes of the plan that waits for somebody's word.
pub enum Approval {
    /// It is to be carried out, and why.
    Given(Box<Proposed>, Vec<Reason>),
    /// It waits on, or there is none; what is to be said of one that is gone.
    None(Option<Reason>),
}

/// Sees what was said of a topology's plan, and whether it is still what it was.
pub fn approval(context: &Context<'_>, subject: &mut Subject<'_>) -> Approval {
    let &Context { settings, operator, now, .. } = context;
    let Subject { assessment, remembered, .. } = subject;
    let topology = assessment.topology;
    let Some(proposed) = &remembered.proposed else { return Approval::None(None) };
    let id = proposed.plan.id.clone();
    if let Some(word) = operator.rejecting(&id) {
        let Plan { counts, memory_mib, .. } = proposed.plan.clone();
        let (who, until) = (word.who.clone(), now.plus(settings.confirm.rejected));
        let text = format!("{who} rejected plan {id}");
        remembered.rejected = Some(Rejected { counts, memory_mib, who, until });
        remembered.proposed = None;
        return Approval::None(Some(Reason::plain(ReasonCode::Rejected, text)));
    }
    let load = Baseline::of(topology, assessment.metrics, &remembered.metric_history).load();
    // While nothing can be judged, nobody can tell whether the load is what it was; but it may expire.
    let waits = unfit(context, assessment, remembered).is_some();
    let load = if waits { proposed.load } else { load };
    if let Some(why) = proposed.stale(context, topology, load) {
        let text = format!("plan {id} is no longer to be had: {why}");
        remembered.proposed = None;
        return Approval::None(Some(Reason::plain(ReasonCode::ApprovalStale, text)));
    }
    let people = operator.approving(&id);
    let enough = people.len() >= settings.confirm.people as usize;
    if waits || !enough || proposed.is_doubtful(load) {
        return Approval::None(None);
    }
    let text = format!("people who approved of plan {id}: {}", people.join(", "));
    let given = people.len() as f64;
    let needed = f64::from(settings.confirm.people);
    let reason = Reason::compared(ReasonCode::Approved, given, needed, text);
    let reasons = std::iter::once(reason).chain(proposed.reasons.clone()).collect();
    Approval::Given(Box::new(proposed.clone()), reasons)
}

/// Offers a plan, unless one is offered that makes the same change, or was not there for long: whoever looks at it is to
/// find it when he gives his word.
pub fn propose(
    context: &Context<'_>,
    (topology, before): (&Topology, &Baseline),
    plan: Plan,
    (origin, reasons): (Origin, &[Reason]),
    state: &mut TopologyState,
) -> Plan {
    let &Context { settings, now, .. } = context;
    if let Some(offered) = &mut state.proposed {
        offered.wanted = offered.is_like(&plan).then(|| before.load());
        if offered.wanted.is_some() || now.since(offered.at) < settings.interval {
            return offered.plan.clone();
        }
    }
    let asks = |reason: &&Reason| reason.code != ReasonCode::ApprovalNeeded;
    state.proposed = Some(Proposed {
        plan: plan.clone(),
        origin,
        reasons: reasons.iter().filter(asks).cloned().collect(),
        at: now,
        expires: now.plus(settings.confirm.expiry),
        load: before.load(),
        wanted: Some(before.load()),
        executors: counted(topology),
    });
    plan
}

/// A plan that waits for somebody's word, as people see it.
pub fn offer(
    context: &Context<'_>,
    proposed: &Proposed,
    topology: &Topology,
    view: &TopologyView,
    takes: Millis,
) -> Offer {
    let &Context { settings, operator, .. } = context;
    let Proposed { plan, at, expires, .. } = proposed;
    let change = |(component, seen): (&crate::model::Component, &crate::explain::ComponentView)| {
        let id = &component.id;
        // Where the engine puts executors is up to it.
        let moves = |row: &&MigrationRow| settings.slots.is_ours() && row.moves();
        let rows = plan.rows.iter().filter(|row| row.component == *id).filter(moves);
        let (moved, before) = (rows.count() as u32, seen.executors);
        let after = plan.counts.get(id).copied().unwrap_or(before);
        let memory = plan.memory_mib.get(id).copied();
        let memory_mib = component.memory_mib.zip(memory);
        let busy = seen.mean_capacity.map(|mean| {
            let busy = mean.get();
            (busy, busy * f64::from(before) / f64::from(after.max(1)))
        });
        let changes = moved > 0 || after != before || memory_mib.is_some();
        changes.then(|| Change {
            component: id.clone(),
            executors: (before, after),
            memory_mib,
            moved,
            busy,
        })
    };
    let stops =
        !settings.slots.changes_in_parts() || plan.no_room_beside || moves_pinned(plan, topology);
    Offer {
        plan: plan.id.clone(),
        diff: topology.components.iter().zip(&view.components).filter_map(change).collect(),
        takes_secs: takes.get() / 1000.0,
        stops,
        at: *at,
        expires: *expires,
        approved_by: operator.approving(&plan.id).into_iter().map(str::to_owned).collect(),
        people: settings.confirm.people,
    }
}
