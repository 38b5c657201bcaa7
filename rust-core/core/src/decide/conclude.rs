//! The last stages: whether a plan may be carried out now, and the decision.

use super::approval::{offer, propose};
use super::evidence::unfit;
use super::plan::Planned;
use super::signals::signals;
use super::subject::Subject;
use crate::action::{Attempt, Baseline, InFlight, Origin, WayBack};
use crate::adoption::{cost, moves_pinned};
use crate::assess::Assessment;
use crate::context::Context;
use crate::explain::{Chain, ComponentView, Decision, Desired, Outcome, TopologyView, Verdict};
use crate::guard::{Judged, Proposal, day, guard};
use crate::model::{ComponentKind, Topology};
use crate::outcome::verify;
use crate::permission::takes;
use crate::plan::Plan;
use crate::reason::{Reason, ReasonCode};
use crate::recovery::recovery;
use crate::settings::{Adopt, Mode};
use crate::state::{Learned, TopologyState};
use crate::units::{Millis, Share, Timestamp};

/// A topology, and whether its plan may be carried out now.
pub struct Guarded<'a> {
    subject: Subject<'a>,
    origin: Origin,
    judged: Judged,
    takes: Millis,
}

/// Holds the plan against what has to be so before anything is carried out.
pub fn guarded<'a>(context: &Context<'_>, planned: Planned<'a>) -> Guarded<'a> {
    let Planned { mut subject, origin, reasons, plan, adopts, approved } = planned;
    subject.chain.planned = plan.as_ref().map(Desired::from);
    let Subject { assessment, remembered, learned, busy, .. } = &subject;
    let topology = assessment.topology;
    let cost = cost(context, topology, learned.model(topology, context.namesakes));
    let allowed = adopts || context.settings.adopt != Adopt::Never;
    let stops = plan.as_ref().is_some_and(|plan| moves_pinned(plan, topology));
    let needs_word = |reason: &Reason| reason.code == ReasonCode::AdoptionNeeded;
    let against = cost.clone().filter(|reason| stops && !allowed && needs_word(reason));
    let takes = takes(context, topology, Some(remembered), learned);
    let taken_secs = taken_secs(context, topology, remembered, learned);
    let proposal = Proposal { origin, reasons, plan, against, approved, takes, taken_secs };
    let mut judged = guard(context, proposal, topology, remembered, *busy);
    // What a change will cost is said before one is due.
    let said = |cost: &Reason| judged.reasons.iter().any(|reason| reason.code == cost.code);
    let unsaid = cost.filter(|cost| !said(cost));
    judged.reasons.extend(unsaid);
    subject.chain.checks = std::mem::take(&mut judged.checks);
    Guarded { subject, origin, judged, takes }
}

/// Seconds that actions on a topology took within the last day.
fn taken_secs(
    context: &Context<'_>,
    topology: &Topology,
    state: &TopologyState,
    learned: &Learned,
) -> f64 {
    let model = learned.model(topology, context.namesakes);
    let judged = model.map(|model| &model.took).into_iter().flatten();
    let today = judged.filter(|(at, _)| context.now.since(*at) < day()).map(|(_, secs)| secs);
    let awaited = state.awaited.as_ref().map_or(0.0, |awaited| awaited.took.get() / 1000.0);
    let given_up: f64 = state.given_up.iter().map(|(_, secs)| secs).sum();
    today.sum::<f64>() + awaited + given_up
}

/// The decision, and what came of the topology's last action if that can be seen by now.
pub fn decided(context: &Context<'_>, guarded: Guarded<'_>) -> (Decision, Option<Outcome>) {
    let Guarded { subject, origin, judged, takes } = guarded;
    let Subject { assessment, remembered, learned, number, chain, .. } = subject;
    let could_be_judged =
        remembered.proposed.is_some() && unfit(context, &assessment, remembered).is_none();
    let outcome = verify(context, &assessment, remembered, learned);
    let Judged { reasons, verdict, mode, plan, .. } = judged;
    let Assessment { topology, metrics, view, .. } = assessment;
    let before = Baseline::of(topology, metrics, &remembered.metric_history);
    let plan = plan.map(|plan| named(plan, topology, context.now, number));
    let plan = match (verdict, plan) {
        (Verdict::Propose, Some(plan)) => {
            let because = (origin, reasons.as_slice());
            Some(propose(context, (topology, &before), plan, because, remembered))
        }
        (_, plan) => {
            if let Some(offered) = remembered.proposed.as_mut().filter(|_| could_be_judged) {
                let same = plan.as_ref().is_some_and(|plan| offered.is_like(plan));
                offered.wanted = same.then(|| before.load());
            }
            plan
        }
    };
    if verdict == Verdict::Act {
        remembered.proposed = None;
    }
    let plan = match (verdict, &remembered.proposed) {
        // Nothing is wanted at this moment, but somebody can still say yes to what was.
        (Verdict::Hold, Some(offered)) if mode != Mode::Observe => Some(offered.plan.clone()),
        _ => plan,
    };
    let model = learned.model(topology, context.namesakes);
    let recovery = recovery(topology, &view, model, context.settings);
    let view = TopologyView { recovery, ..completed(context, view, remembered) };
    let offer = remembered.proposed.as_ref().map(|p| offer(context, p, topology, &view, takes));
    let expected_busy = plan.as_ref().and_then(|plan| expected_busy(&view, plan, &before));
    let chain = Chain { signals: signals(context, topology, &view), ..chain };
    let decision = Decision {
        id: number,
        at: context.now,
        topology: topology.id.clone(),
        name: topology.name.clone(),
        policy: context.settings.policy.as_str().to_owned(),
        mode,
        verdict,
        reasons,
        view,
        plan,
        expected_busy,
        offer,
        chain,
    };
    if let (Verdict::Act, Some(plan)) = (verdict, &decision.plan) {
        let flight = InFlight {
            plan: plan.id.clone(),
            attempt: Attempt::of(plan, topology, &decision.reasons),
            origin,
            way_back: WayBack::of(plan, topology, origin, context.settings),
            before,
            expected_busy,
            since: context.now,
        };
        start(context, flight, remembered);
    }
    (decision, outcome)
}

/// How busy the busiest executor will be once the plan is carried out, if sources bring what they are asked for now and
/// executors of a component share its work as they do now. Where executors only move, nobody can tell.
fn expected_busy(view: &TopologyView, plan: &Plan, before: &Baseline) -> Option<Share> {
    if plan.counts.is_empty() {
        return None;
    }
    let brought = before.metrics.throughput.get();
    let more = if brought > 0.0 { (before.load().get() / brought).max(1.0) } else { 1.0 };
    let busy = |component: &ComponentView| {
        let (has, id) = (component.executors, &component.id);
        let gets = plan.counts.get(id).copied().unwrap_or(has).max(1);
        Some(component.capacity?.get() * more * f64::from(has) / f64::from(gets))
    };
    let working = view.components.iter().filter(|c| c.kind != ComponentKind::System);
    working.filter_map(busy).reduce(f64::max).map(|busy| Share::saturating(busy.min(1.0)))
}

/// A plan with a name; one that waited for somebody's word has one. The time tells it from those of other leaders, the
/// number of its decision from those of this one, whose clock may be set back.
fn named(plan: Plan, topology: &Topology, now: Timestamp, number: u64) -> Plan {
    if plan.id.is_empty() {
        return Plan { id: format!("{}-p{}-{number}", topology.id, now.millis()), ..plan };
    }
    plan
}

/// The view with what the policy believes by now.
fn completed(context: &Context<'_>, view: TopologyView, state: &TopologyState) -> TopologyView {
    let mut view = view;
    for (component, believed) in view.components.iter_mut().zip(&state.believed) {
        component.believed_capacity = *believed;
    }
    let line = state.policies.me_stream.threshold.line();
    view.expected_latency = line.map(|line| line.at(context.now));
    view.load_forecast = state.load_forecast;
    view
}

fn start(context: &Context<'_>, flight: InFlight, state: &mut TopologyState) {
    state.in_flight = Some(flight);
    state.harm = None;
    state.actions.retain(|at| context.now.since(*at) < day());
    state.actions.push_back(context.now);
}
