//! The stage in which an intent becomes a plan: which executors, and where they would run.

use std::collections::BTreeMap;

use super::intend::{Change, Goal, Intended};
use super::subject::{Subject, placing};
use crate::action::Origin;
use crate::adoption::moves_pinned;
use crate::arrange::{PlacementContext, Wanted, plan, refusal};
use crate::budget::within_budget;
use crate::context::Context;
use crate::model::Topology;
use crate::plan::Plan;
use crate::reason::{Reason, ReasonCode};
use crate::rollback::way_back;
use crate::state::Order;

/// A plan for a topology, or why there is none.
pub struct Planned<'a> {
    /// The topology.
    pub subject: Subject<'a>,
    /// Who wants the plan.
    pub origin: Origin,
    /// Why there is a plan, or none.
    pub reasons: Vec<Reason>,
    /// What is to be done.
    pub plan: Option<Plan>,
    /// Whether it may stop the topology to give its sources workers of their own, whatever the setting says.
    pub adopts: bool,
    /// Whether as many people as have to approved of this very plan.
    pub approved: bool,
}

/// Reasons, and the plan if there is one.
type Found = (Vec<Reason>, Option<Plan>);

/// Plans what was intended, within what all topologies may have together.
pub fn planned<'a>(context: &Context<'_>, intended: Intended<'a>) -> Planned<'a> {
    let Intended { mut subject, goal, reasons } = intended;
    let approved = matches!(&goal, Goal::CarryOut(_));
    let adopts = approved
        || matches!(&goal, Goal::Adopt)
        || matches!(&goal, Goal::Obey(_, wanted) if wanted.adopt)
        || matches!(&goal, Goal::Apply { adopt: true, .. });
    let (origin, (reasons, plan)) = match goal {
        Goal::Stay => (Origin::Policy, (reasons, None)),
        Goal::CarryOut(proposed) => (proposed.origin, (reasons, Some(proposed.plan))),
        Goal::Obey(order, wanted) => {
            (Origin::Operator, obey(context, &mut subject, (order, wanted), reasons))
        }
        Goal::Apply { plan, .. } => (Origin::Operator, (reasons, Some(*plan))),
        Goal::GoBack => (Origin::Rollback, go_back(context, &subject)),
        Goal::Adopt => (Origin::Adoption, adopt(context, &subject, reasons)),
        Goal::Change(change) => {
            let origin = if change.event { Origin::Event } else { Origin::Policy };
            (origin, change_to(context, &subject, change, reasons))
        }
    };
    let (reasons, plan) = within_budget(context, subject.queue, reasons, plan);
    if origin == Origin::Rollback && plan.is_none() {
        subject.remembered.harm = None;
    }
    Planned { subject, origin, reasons, plan, adopts, approved }
}

/// Makes the plan that an operator ordered.
fn obey(
    context: &Context<'_>,
    subject: &mut Subject<'_>,
    (order, wanted): (Order, Wanted),
    reasons: Vec<Reason>,
) -> Found {
    let impossible = |text: String| (vec![Reason::plain(ReasonCode::OrderImpossible, text)], None);
    let mut cluster = subject.cluster.clone();
    for (usable, node) in cluster.usable.iter_mut().zip(&context.observation.nodes) {
        *usable &= !order.leave.contains(&node.host);
    }
    let assessment = &subject.assessment;
    let placing = PlacementContext {
        cluster: &cluster,
        ..placing(assessment, subject.cluster, subject.demands)
    };
    match plan(context, assessment, &assessment.demands, &placing, &wanted) {
        Ok(Some(plan)) => {
            // The rest of the way is asked for again once this stage is done.
            *subject.order = (plan.stages_left > 0).then_some(order);
            (reasons.into_iter().chain(on_the_way(&plan)).collect(), Some(plan))
        }
        Ok(None) => impossible("the order changes nothing".to_owned()),
        Err(shortage) => impossible(shortage.to_string()),
    }
}

/// Makes the plan that undoes what did harm.
fn go_back(context: &Context<'_>, subject: &Subject<'_>) -> Found {
    let Subject { assessment, remembered, .. } = subject;
    let placing = placing(assessment, subject.cluster, subject.demands);
    match &remembered.harm {
        Some(harm) => way_back(context, harm, assessment, &placing),
        None => (Vec::new(), None),
    }
}

/// Makes the plan that gives sources workers of their own.
fn adopt(context: &Context<'_>, subject: &Subject<'_>, reasons: Vec<Reason>) -> Found {
    let assessment = &subject.assessment;
    let placing = placing(assessment, subject.cluster, subject.demands);
    let wanted = Wanted { pinned_stay: true, adopt: true, ..Wanted::default() };
    match plan(context, assessment, &assessment.demands, &placing, &wanted) {
        Ok(found) => (reasons, found.filter(|plan| moves_pinned(plan, assessment.topology))),
        Err(shortage) => {
            (reasons.into_iter().chain([refusal(shortage, assessment.topology)]).collect(), None)
        }
    }
}

/// Makes the plan that the policy wants.
fn change_to(
    context: &Context<'_>,
    subject: &Subject<'_>,
    change: Change,
    reasons: Vec<Reason>,
) -> Found {
    let assessment = &subject.assessment;
    let placing = placing(assessment, subject.cluster, subject.demands);
    let against = |reason: Reason, reasons: Vec<Reason>| {
        (std::iter::once(reason).chain(reasons).collect(), None)
    };
    match plan(context, assessment, &change.demands, &placing, &change.wanted) {
        Ok(Some(mut plan)) => {
            plan.desired_tasks = named(change.desired_tasks, assessment.topology);
            (reasons.into_iter().chain(on_the_way(&plan)).collect(), Some(plan))
        }
        Ok(None) => {
            let text = "the best placement is the present one";
            against(Reason::plain(ReasonCode::GainTooSmall, text), reasons)
        }
        Err(shortage) => against(refusal(shortage, assessment.topology), reasons),
    }
}

/// By component id instead of ordinal.
fn named(values: BTreeMap<u32, u32>, topology: &Topology) -> BTreeMap<String, u32> {
    let id = |component: u32| Some(topology.components.get(component as usize)?.id.clone());
    values.into_iter().filter_map(|(component, value)| Some((id(component)?, value))).collect()
}

/// What is to be said of how a plan has to be carried out.
fn on_the_way(plan: &Plan) -> impl Iterator<Item = Reason> + use<> {
    let text = "nodes have no slots or memory for the new workers beside the old ones";
    let stopped = || Reason::plain(ReasonCode::NoRoomBeside, text);
    let staged = || {
        let text =
            format!("nodes cannot carry all at once: the first of {} stages", 1 + plan.stages_left);
        Reason::plain(ReasonCode::Staged, text)
    };
    let way = (plan.stages_left > 0).then(staged).or_else(|| plan.no_room_beside.then(stopped));
    way.into_iter().chain(plan.limited.clone())
}
