//! Whether a plan may be carried out now: cool-down, daily limits, what did not help, pauses, windows of time, the mode.
//!
//! Every guard is asked, and says why the plan may pass as well as why not.

use crate::action::{Attempt, Forbidden, Origin};
use crate::allowed::{beyond_bounds, kept_apart, unrestorable};
use crate::context::Context;
use crate::explain::{Check, Guard, Verdict};
use crate::model::Topology;
use crate::permission::{Charter, Permitted, kinds};
use crate::plan::Plan;
use crate::reason::{Reason, ReasonCode};
use crate::settings::{Mode, Settings};
use crate::state::TopologyState;
use crate::units::{Millis, Timestamp};

/// Actions within so many cool-downs lengthen the next.
const RECENT_COOL_DOWNS: f64 = 30.0;
/// The longest cool-down is 2 to this power times the shortest.
const MOST_DOUBLINGS: i32 = 5;

/// A day, over which actions are counted.
pub fn day() -> Millis {
    Millis::saturating(86_400_000.0)
}

/// Why a plan waits while another one is carried out.
pub fn another_first() -> Reason {
    Reason::plain(ReasonCode::HigherLevelFirst, "another topology is being changed")
}

/// Twice as long after each further action that was taken while the last ones were recent, so that a
/// topology that cannot come to rest is changed less and less. One that is short of executors gets them
/// after the plain time: what it gets in vain is remembered. Whatever waited while the last action was
/// carried out has as long to be worked off before anything but that action's undoing.
fn cool_down(
    urgency: Urgency,
    state: &TopologyState,
    settings: &Settings,
    now: Timestamp,
) -> Millis {
    let plain = settings.cool_down;
    if plain == Millis::ZERO || urgency == Urgency::Undoes {
        return plain;
    }
    if urgency == Urgency::Grows {
        return plain.max(state.last_took);
    }
    let recent = Millis::saturating(plain.get() * RECENT_COOL_DOWNS);
    let actions = state.actions.iter().filter(|at| now.since(**at) < recent).count();
    let doublings = i32::try_from(actions.saturating_sub(1)).unwrap_or(MOST_DOUBLINGS);
    let doubled = plain.get() * 2f64.powi(doublings.min(MOST_DOUBLINGS));
    Millis::saturating(doubled).max(state.last_took)
}

/// How little a plan can wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Urgency {
    /// It makes up for harm.
    Undoes,
    /// It makes up for a shortage.
    Grows,
    /// It makes something better.
    None,
}

impl Urgency {
    fn of(plan: &Plan, origin: Origin, topology: &Topology) -> Self {
        match origin {
            Origin::Rollback => Self::Undoes,
            _ if plan.rows.len() > topology.executors.len() => Self::Grows,
            _ if plan.raises_memory(topology) => Self::Grows,
            _ => Self::None,
        }
    }
}

/// A plan that somebody wants, if there is one, and why.
pub struct Proposal {
    /// Who wants it.
    pub origin: Origin,
    /// Why there is a plan, or none.
    pub reasons: Vec<Reason>,
    /// What is to be done.
    pub plan: Option<Plan>,
    /// What the user has not given his word for.
    pub against: Option<Reason>,
    /// Whether as many people as have to approved of this very plan.
    pub approved: bool,
    /// About how long it takes.
    pub takes: Millis,
    /// Seconds that actions took within the last day.
    pub taken_secs: f64,
}

/// What may be done, and why.
pub struct Judged {
    /// Why; what speaks against the plan comes first.
    pub reasons: Vec<Reason>,
    /// Whether to act.
    pub verdict: Verdict,
    /// How far Thalweg may go with it.
    pub mode: Mode,
    /// The plan, as far as the mode shows any.
    pub plan: Option<Plan>,
    /// What every guard answered.
    pub checks: Vec<Check>,
}

/// What guards answer: each with the reason where it lets nothing pass.
#[derive(Default)]
struct Answers {
    checks: Vec<Check>,
    against: Vec<Reason>,
}

impl Answers {
    /// Takes the answer of a guard: the reason against the plan, or what it says if there is none.
    fn take(&mut self, guard: Guard, against: Option<Reason>, passes: Check) {
        match against {
            Some(reason) => {
                self.checks.push(Check::stops(guard, &reason));
                self.against.push(reason);
            }
            None => self.checks.push(passes),
        }
    }
}

/// Whether the plan may be carried out now; `busy` says that another one goes first.
pub fn guard(
    context: &Context<'_>,
    proposal: Proposal,
    topology: &Topology,
    state: &TopologyState,
    busy: bool,
) -> Judged {
    let charter = Charter::of(context, topology);
    let Proposal { origin, reasons, plan, against: unallowed, approved, takes, taken_secs } =
        proposal;
    let Some(plan) = plan else {
        let mode = charter.mode(None).mode;
        let reasons = charter.unreadable().into_iter().chain(reasons).collect();
        return Judged { reasons, verdict: Verdict::Hold, mode, plan: None, checks: Vec::new() };
    };
    let kinds = kinds(topology, &plan.counts, &plan.memory_mib, false);
    let permitted = charter.mode_of_all(&kinds);
    let mut answers = Answers::default();
    let passes = |guard, text: &str| Check::passes(guard, text);
    let free = passes(Guard::OneAtATime, "no other action is under way");
    answers.take(Guard::OneAtATime, busy.then(another_first), free);
    let together = passes(Guard::Pools, "no other scheduler keeps its machines apart");
    answers.take(Guard::Pools, kept_apart(topology), together);
    let restorable = passes(Guard::Restorable, "a restart loses no state that its user wants kept");
    let restorable = restorable.changed_by("thalweg.flink.rescale.without.checkpoints");
    answers.take(Guard::Restorable, unrestorable(topology, context.settings), restorable);
    let bounded = passes(Guard::Bounds, "each component has as many executors as it may");
    let bounded = bounded.changed_by("thalweg.scaling.bounds");
    answers.take(Guard::Bounds, beyond_bounds(&plan, topology), bounded);
    let attempt = Attempt::of(&plan, topology, &reasons);
    if origin != Origin::Operator {
        let urgency = Urgency::of(&plan, origin, topology);
        too_soon(context, (urgency, origin), state, &mut answers);
        too_much(context, origin, (takes, taken_secs), &mut answers);
    }
    if origin == Origin::Policy {
        let new = passes(Guard::InVain, "nothing of the kind was in vain a short time ago");
        let new = new.changed_by("thalweg.action.blacklist.secs");
        answers.take(Guard::InVain, in_vain(attempt, state, context.now), new);
    }
    for (check, against) in charter.checks(&kinds, takes) {
        answers.checks.push(check);
        answers.against.extend(against);
    }
    let held = !answers.against.is_empty() || unallowed.is_some();
    let asks = permitted.mode == Mode::Confirm && !approved;
    let rejected = (!approved).then(|| rejected(&plan, state, context.now)).flatten();
    let by_mode = charter
        .unreadable()
        .or_else(|| mode_against(&permitted))
        .or(rejected)
        .or_else(|| asks.then(|| needs_word(context)));
    let permits = format!("the mode is {} by {}", permitted.mode.as_str(), permitted.by);
    let permits =
        Check { setting: permitted.setting.map(str::to_owned), ..passes(Guard::Mode, &permits) };
    let refused = by_mode.as_ref().is_some_and(|reason| reason.code == ReasonCode::Rejected);
    answers.take(Guard::Mode, by_mode, permits);
    let word = passes(Guard::Adoption, "it does nothing that its user has not given his word for");
    answers.take(Guard::Adoption, unallowed, word.changed_by("thalweg.adopt"));
    let Answers { checks, against } = answers;
    let verdict = match permitted.mode {
        _ if against.is_empty() => Verdict::Act,
        Mode::Confirm if !held && !refused => Verdict::Propose,
        Mode::Advise => Verdict::Advise,
        _ => Verdict::Hold,
    };
    let mode = permitted.mode;
    let plan = (mode != Mode::Observe).then_some(plan);
    Judged { reasons: against.into_iter().chain(reasons).collect(), verdict, mode, plan, checks }
}

/// Why a mode forbids to act, if it does whatever anybody says of the plan.
fn mode_against(permitted: &Permitted<'_>) -> Option<Reason> {
    if permitted.mode.changes() {
        return None;
    }
    let text = format!("the mode is {} by {}", permitted.mode.as_str(), permitted.by);
    let reason = Reason::plain(ReasonCode::ModeForbids, text);
    Some(Reason { setting: permitted.setting.map(str::to_owned), ..reason })
}

/// Why a plan waits for somebody's word.
fn needs_word(context: &Context<'_>) -> Reason {
    let people = context.settings.confirm.people;
    let text = "people who have to approve of the plan";
    Reason { limit: Some(f64::from(people)), ..Reason::plain(ReasonCode::ApprovalNeeded, text) }
}

/// Why a plan is not even proposed: somebody rejected it.
fn rejected(plan: &Plan, state: &TopologyState, now: Timestamp) -> Option<Reason> {
    let rejected = state.rejected.as_ref()?;
    (now < rejected.until && rejected.means(plan)).then(|| {
        let left = rejected.until.since(now).get() / 1000.0;
        let text =
            format!("seconds for which it is not proposed again, as {} rejected it", rejected.who);
        Reason { measured: Some(left), ..Reason::plain(ReasonCode::Rejected, text) }
    })
}

/// What the times of earlier actions on the topology have against another one.
fn too_soon(
    context: &Context<'_>,
    (urgency, origin): (Urgency, Origin),
    state: &TopologyState,
    answers: &mut Answers,
) {
    let &Context { settings, now, .. } = context;
    let cool_down = cool_down(urgency, state, settings, now);
    let last = state.actions.back().filter(|last| now.since(**last) < cool_down);
    let soon = last.map(|last| {
        Reason::compared(
            ReasonCode::CoolDown,
            now.since(*last).get() / 1000.0,
            cool_down.get() / 1000.0,
            "seconds since the last action",
        )
    });
    let rested = Check::passes(Guard::CoolDown, "the last action was long enough ago");
    answers.take(Guard::CoolDown, soon, rested.changed_by("thalweg.action.cool.down.secs"));
    if origin == Origin::Event {
        return;
    }
    let today = state.actions.iter().filter(|at| now.since(**at) < day()).count();
    let (measured, limit) = (today as f64, f64::from(settings.daily_actions));
    let text = "actions within a day";
    let often = (today >= settings.daily_actions as usize)
        .then(|| Reason::compared(ReasonCode::DailyBudget, measured, limit, text));
    let seldom = Check::passes(Guard::DailyActions, text).measured(measured, limit);
    answers.take(Guard::DailyActions, often, seldom.changed_by("thalweg.action.daily.limit"));
}

/// What the time that actions took within a day has against another one.
fn too_much(
    context: &Context<'_>,
    origin: Origin,
    (takes, taken_secs): (Millis, f64),
    answers: &mut Answers,
) {
    let limit = context.settings.daily_stop;
    if limit == Millis::ZERO || matches!(origin, Origin::Event | Origin::Rollback) {
        return;
    }
    let (after, limit) = (taken_secs + takes.get() / 1000.0, limit.get() / 1000.0);
    let text = "seconds that actions would have taken within a day";
    let much = (after > limit)
        .then(|| Reason::compared(ReasonCode::DisruptionLimited, after, limit, text));
    let little = Check::passes(Guard::DailyDisruption, text).measured(after, limit);
    let little = little.changed_by("thalweg.action.daily.disruption.secs");
    answers.take(Guard::DailyDisruption, much, little);
}

/// What came of earlier attempts of the same kind.
fn in_vain(attempt: Attempt, state: &TopologyState, now: Timestamp) -> Option<Reason> {
    let what = attempt.text();
    let text = match state.blacklist.forbids(attempt, now)? {
        Forbidden::Until(_) => format!("the last {what} did not help"),
        Forbidden::Stopped { failures, load } => format!(
            "{failures} times a {what} did not help: no more of it until the load, {:.0}/s, or the arrangement changes \
             clearly",
            load.get()
        ),
    };
    Some(Reason::plain(ReasonCode::Ineffective, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_that_took_long_is_followed_by_as_long_a_rest_but_can_be_undone() {
        let secs = |secs: f64| Millis::saturating(secs * 1000.0);
        let settings = Settings { cool_down: secs(30.0), ..Settings::default() };
        let now = Timestamp::from_millis(1_000_000);
        let rest = |urgency, took| {
            let state = TopologyState { last_took: secs(took), ..TopologyState::default() };
            cool_down(urgency, &state, &settings, now)
        };
        assert_eq!(rest(Urgency::Grows, 10.0), secs(30.0));
        assert_eq!(rest(Urgency::Grows, 44.0), secs(44.0));
        assert_eq!(rest(Urgency::None, 44.0), secs(44.0));
        assert_eq!(rest(Urgency::Undoes, 44.0), secs(30.0));
        let none = Settings { cool_down: Millis::ZERO, ..settings.clone() };
        let state = TopologyState { last_took: secs(44.0), ..TopologyState::default() };
        assert_eq!(cool_down(Urgency::Grows, &state, &none, now), Millis::ZERO, "others' policies");
    }
}
