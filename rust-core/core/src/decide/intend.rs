//! The stage in which somebody wants something of a topology: an operator, the way back from an action that did
//! harm, or the policy.

use std::collections::BTreeMap;

use super::approval::{Approval, approval};
use super::evidence::{left_out, not_timed, unfit};
use super::order::{order_kinds, ordered};
use super::subject::{Subject, placing};
use crate::action::{Awaited, Baseline, Proposed};
use crate::adoption::cost;
use crate::allowed::never_changed;
use crate::arrange::Wanted;
use crate::ask::Question;
use crate::assess::Assessment;
use crate::context::Context;
use crate::guard::another_first;
use crate::permission::{Charter, lifts, takes};
use crate::plan::Plan;
use crate::policy::Intent;
use crate::reason::{Reason, ReasonCode};
use crate::rollback::forget_outdated;
use crate::settings::{ActionKind, Adopt};
use crate::state::Order;

/// What somebody wants of a topology, and why.
pub struct Intended<'a> {
    /// The topology.
    pub subject: Subject<'a>,
    /// What is wanted.
    pub goal: Goal,
    /// Why; of a way back, that is known with its plan.
    pub reasons: Vec<Reason>,
}

/// What is wanted.
pub enum Goal {
    /// Nothing.
    Stay,
    /// What was proposed and approved of.
    CarryOut(Box<Proposed>),
    /// What an operator ordered.
    Obey(Order, Wanted),
    /// The very plan that an operator ordered, and whether it may stop the topology to give sources workers of their own.
    Apply {
        /// The plan.
        plan: Box<Plan>,
        /// Whether that is allowed.
        adopt: bool,
    },
    /// To undo what did harm.
    GoBack,
    /// To give sources workers of their own, although nothing else calls for a change.
    Adopt,
    /// What the policy wants.
    Change(Change),
}

/// What a policy wants.
pub struct Change {
    /// Counts and memory; none if executors are only to be moved.
    pub wanted: Wanted,
    /// The demand that each component is expected to have.
    pub demands: Vec<f64>,
    /// Tasks asked for at the next submission, by component ordinal.
    pub desired_tasks: BTreeMap<u32, u32>,
    /// Whether bounds or a known event that is near ask for it.
    pub event: bool,
}

/// Finds who wants what.
pub fn intended<'a>(context: &Context<'_>, subject: Subject<'a>) -> Intended<'a> {
    let mut subject = subject;
    subject.remembered.desired = None;
    let gone = match approval(context, &mut subject) {
        Approval::Given(_, reasons) if subject.busy => {
            let reasons = std::iter::once(another_first()).chain(reasons).collect();
            return Intended { subject, goal: Goal::Stay, reasons };
        }
        Approval::Given(proposed, reasons) => {
            return Intended { subject, goal: Goal::CarryOut(proposed), reasons };
        }
        Approval::None(gone) => gone,
    };
    let topology = subject.assessment.topology;
    let (goal, reasons) = match subject.order.take_if(|order| order.may_mean(topology)) {
        Some(order) => of_operator(context, &mut subject, order),
        None => of_policy(context, &mut subject),
    };
    subject.chain.diagnosis.clone_from(&reasons);
    subject.chain.desired = subject.remembered.desired.take();
    let reasons = gone.into_iter().chain(reasons).collect();
    Intended { subject, goal, reasons }
}

/// An action whose effect is still being measured cannot be told from the next one's.
fn not_judged_yet(awaited: &Awaited) -> Reason {
    let text = format!("the effect of plan {} is still being measured", awaited.action.plan);
    Reason::plain(ReasonCode::ActionRunning, text)
}

/// What an operator wants, or why the order has to wait or cannot be carried out.
fn of_operator(
    context: &Context<'_>,
    subject: &mut Subject<'_>,
    order: Order,
) -> (Goal, Vec<Reason>) {
    let Subject { assessment, remembered, busy, .. } = subject;
    let waits = unfit(context, assessment, remembered)
        .or_else(|| busy.then(another_first))
        .or_else(|| remembered.awaited.as_ref().map(not_judged_yet));
    if let Some(reason) = waits {
        *subject.order = (!never_changed(assessment.topology)).then_some(order);
        return (Goal::Stay, vec![reason]);
    }
    // An order waits for the end of a freeze like everything else.
    if let Some(reason) = not_now(context, subject, &order) {
        *subject.order = Some(order);
        return (Goal::Stay, vec![reason]);
    }
    let topology = subject.assessment.topology;
    let reason = |code, text: String| vec![Reason::plain(code, text)];
    if let Some(shown) = order.plan {
        let id = &shown.plan.id;
        return match shown.changed(context.observation, topology, context.settings.slots) {
            Some(why) => {
                let text = format!("plan {id} was made for something else: {why}");
                (Goal::Stay, reason(ReasonCode::OrderImpossible, text))
            }
            None => {
                let reasons = reason(ReasonCode::Ordered, format!("an operator ordered plan {id}"));
                // It is given a name of its own, or the same plan applied twice would be one.
                let plan = Plan { id: String::new(), ..shown.plan };
                (Goal::Apply { plan: Box::new(plan), adopt: order.adopt }, reasons)
            }
        };
    }
    match ordered(context, &order, topology) {
        Ok((wanted, along)) => {
            let mut reasons = reason(ReasonCode::Ordered, "an operator ordered it".to_owned());
            reasons.extend(along);
            (Goal::Obey(order, wanted), reasons)
        }
        Err(text) => (Goal::Stay, reason(ReasonCode::OrderImpossible, text)),
    }
}

/// Why an order has to wait: a pause, a freeze, or the hour.
fn not_now(context: &Context<'_>, subject: &Subject<'_>, order: &Order) -> Option<Reason> {
    let topology = subject.assessment.topology;
    let takes = takes(context, topology, Some(subject.remembered), subject.learned);
    let answers =
        Charter::of(context, topology).checks(&order_kinds(context, order, topology), takes);
    answers.into_iter().find_map(|(_, against)| against)
}

/// What the policy wants, if the evidence allows asking it and nothing has to be undone first.
fn of_policy(context: &Context<'_>, subject: &mut Subject<'_>) -> (Goal, Vec<Reason>) {
    let Subject { assessment, remembered, .. } = subject;
    if let Some(reason) = unfit(context, assessment, remembered) {
        return (Goal::Stay, vec![reason]);
    }
    forget_outdated(context, assessment, remembered);
    let load = Baseline::of(assessment.topology, assessment.metrics, &remembered.metric_history);
    if remembered.harm.is_some() {
        return (Goal::GoBack, Vec::new());
    }
    // While an action is judged, less may be done because of it.
    if remembered.awaited.is_none() {
        remembered.blacklist.note_load(&load);
    }
    let placing = placing(assessment, subject.cluster, subject.demands);
    let waited = remembered.queued.take();
    let question =
        Question { context, assessment, placing: &placing, queue: subject.queue, waited };
    let model = subject.learned.model(assessment.topology, context.namesakes);
    let charter = Charter::of(context, assessment.topology);
    let changes = charter.mode(Some(ActionKind::Move)).mode.changes();
    let due = cost(context, assessment.topology, model).filter(|reason| {
        let now = context.settings.adopt == Adopt::Now && changes;
        now && reason.code == ReasonCode::AdoptionNeeded
    });
    let takes = takes(context, assessment.topology, Some(remembered), subject.learned);
    let lifts = lifts(context, assessment.topology, takes);
    let intent = question.ask(remembered, subject.learned);
    let event = !lifts.is_empty();
    let intent = if event { question.lifted(intent, lifts, remembered) } else { intent };
    let (goal, mut reasons) = desired(assessment, intent, event);
    reasons.extend(not_timed(assessment));
    reasons.extend(left_out(assessment, remembered));
    match (goal, due) {
        // Whatever the policy would change comes with the adoption, or after it.
        (Goal::Stay, Some(reason)) => {
            (Goal::Adopt, std::iter::once(reason).chain(reasons).collect())
        }
        (goal, _) => (goal, reasons),
    }
}

/// The goal of a policy's intent.
fn desired(assessment: &Assessment<'_>, intent: Intent, event: bool) -> (Goal, Vec<Reason>) {
    match intent {
        Intent::Stay(reasons) => (Goal::Stay, reasons),
        Intent::Move(reasons) => {
            let (wanted, demands) = (Wanted::default(), assessment.demands.clone());
            let desired_tasks = BTreeMap::new();
            (Goal::Change(Change { wanted, demands, desired_tasks, event: false }), reasons)
        }
        Intent::Scale { counts, memory_mib, desired_tasks, growth, reasons } => {
            let wanted = Wanted { counts, memory_mib, ..Wanted::default() };
            let demands = grown(&assessment.demands, &growth);
            (Goal::Change(Change { wanted, demands, desired_tasks, event }), reasons)
        }
    }
}

/// Components' demands once they have so many times their present work.
fn grown(demands: &[f64], growth: &BTreeMap<u32, f64>) -> Vec<f64> {
    let grown =
        |(component, demand): (u32, &f64)| demand * growth.get(&component).copied().unwrap_or(1.0);
    (0..).zip(demands).map(grown).collect()
}
