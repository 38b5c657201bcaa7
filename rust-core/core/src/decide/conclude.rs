//! The last stages: whether a plan may be carried out now, and the decision.

use super::plan::Planned;
use super::subject::Subject;
use crate::action::{Attempt, Baseline, InFlight, Origin, WayBack};
use crate::adoption::{cost, moves_pinned};
use crate::assess::Assessment;
use crate::context::Context;
use crate::explain::{Decision, Outcome, TopologyView, Verdict};
use crate::guard::{Judged, Proposal, day, guard};
use crate::outcome::verify;
use crate::plan::Plan;
use crate::reason::{Reason, ReasonCode};
use crate::settings::Adopt;
use crate::state::TopologyState;

/// A topology, and whether its plan may be carried out now.
pub struct Guarded<'a> {
    subject: Subject<'a>,
    origin: Origin,
    judged: Judged,
}

/// Holds the plan against what has to be so before anything is carried out.
pub fn guarded<'a>(context: &Context<'_>, planned: Planned<'a>) -> Guarded<'a> {
    let Planned { subject, origin, reasons, plan, adopts } = planned;
    let Subject { assessment, remembered, learned, busy, .. } = &subject;
    let topology = assessment.topology;
    let cost = cost(context, topology, learned.model(topology, &context.observation.topologies));
    let allowed = adopts || context.settings.adopt != Adopt::Never;
    let stops = plan.as_ref().is_some_and(|plan| moves_pinned(plan, topology));
    let needs_word = |reason: &Reason| reason.code == ReasonCode::AdoptionNeeded;
    let against = cost.clone().filter(|reason| stops && !allowed && needs_word(reason));
    let proposal = Proposal { origin, reasons, plan, against };
    let mut judged = guard(context, proposal, topology, remembered, *busy);
    // What a change will cost is said before one is due.
    let said = |cost: &Reason| judged.reasons.iter().any(|reason| reason.code == cost.code);
    let unsaid = cost.filter(|cost| !said(cost));
    judged.reasons.extend(unsaid);
    Guarded { subject, origin, judged }
}

/// The decision, and what came of the topology's last action if that can be seen by now.
pub fn decided(context: &Context<'_>, guarded: Guarded<'_>) -> (Decision, Option<Outcome>) {
    let Guarded { subject, origin, judged } = guarded;
    let Subject { assessment, remembered, learned, number, .. } = subject;
    let outcome = verify(context, &assessment, remembered, learned);
    let Judged { reasons, verdict, plan } = judged;
    let Assessment { topology, metrics, view, .. } = assessment;
    let before = Baseline::of(topology, metrics, &remembered.metric_history);
    let id = format!("{}-p{}", topology.id, context.now.millis());
    let decision = Decision {
        id: number,
        at: context.now,
        topology: topology.id.clone(),
        name: topology.name.clone(),
        policy: context.settings.policy.as_str().to_owned(),
        mode: context.settings.mode,
        verdict,
        reasons,
        view: completed(context, view, remembered),
        plan: plan.map(|plan| Plan { id, ..plan }),
    };
    if let (Verdict::Act, Some(plan)) = (verdict, &decision.plan) {
        let flight = InFlight {
            plan: plan.id.clone(),
            attempt: Attempt::of(plan, topology, &decision.reasons),
            origin,
            way_back: WayBack::of(plan, topology, origin, context.settings),
            before,
            since: context.now,
        };
        start(context, flight, remembered);
    }
    (decision, outcome)
}

/// The view with what the policy believes by now.
fn completed(context: &Context<'_>, view: TopologyView, state: &TopologyState) -> TopologyView {
    let mut view = view;
    for (component, believed) in view.components.iter_mut().zip(&state.believed) {
        component.believed_capacity = *believed;
    }
    let line = state.policies.me_stream.threshold.line();
    view.expected_latency = line.map(|line| line.at(context.now));
    view
}

fn start(context: &Context<'_>, flight: InFlight, state: &mut TopologyState) {
    state.in_flight = Some(flight);
    state.harm = None;
    state.actions.retain(|at| context.now.since(*at) < day());
    state.actions.push_back(context.now);
}
