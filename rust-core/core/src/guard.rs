//! Whether a plan may be carried out now: cool-down, daily limit, what did not help, the mode.

use crate::action::{Attempt, Forbidden, Origin};
use crate::allowed::{beyond_bounds, kept_apart, unrestorable};
use crate::context::Context;
use crate::explain::Verdict;
use crate::model::Topology;
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
}

/// What may be done, and why.
pub struct Judged {
    /// Why; what speaks against the plan comes first.
    pub reasons: Vec<Reason>,
    /// Whether to act.
    pub verdict: Verdict,
    /// The plan, as far as the mode shows any.
    pub plan: Option<Plan>,
}

/// Whether the plan may be carried out now; `busy` says that another one goes first.
pub fn guard(
    context: &Context<'_>,
    proposal: Proposal,
    topology: &Topology,
    state: &TopologyState,
    busy: bool,
) -> Judged {
    let mode = context.settings.mode;
    let Proposal { origin, reasons, plan, against: unallowed } = proposal;
    let Some(plan) = plan else { return Judged { reasons, verdict: Verdict::Hold, plan: None } };
    let mut against: Vec<Reason> = busy.then(another_first).into_iter().collect();
    against.extend(kept_apart(topology));
    against.extend(unrestorable(topology, context.settings));
    against.extend(beyond_bounds(&plan, topology));
    let attempt = Attempt::of(&plan, topology, &reasons);
    if origin != Origin::Operator {
        let urgency = Urgency::of(&plan, origin, topology);
        against.extend(too_soon(context, urgency, state));
    }
    if origin == Origin::Policy {
        against.extend(in_vain(attempt, state, context.now));
    }
    if mode != Mode::Act {
        let text = format!("the mode is {mode:?}").to_lowercase();
        against.push(Reason::plain(ReasonCode::ModeForbids, text));
    }
    against.extend(unallowed);
    let verdict = match (against.is_empty(), mode) {
        (true, _) => Verdict::Act,
        (false, Mode::Advise) => Verdict::Advise,
        (false, _) => Verdict::Hold,
    };
    let plan = (mode != Mode::Observe).then_some(plan);
    Judged { reasons: against.into_iter().chain(reasons).collect(), verdict, plan }
}

/// What the times of earlier actions on the topology have against another one.
fn too_soon(context: &Context<'_>, urgency: Urgency, state: &TopologyState) -> Vec<Reason> {
    let &Context { settings, now, .. } = context;
    let mut against = Vec::new();
    let cool_down = cool_down(urgency, state, settings, now);
    if let Some(last) = state.actions.back().filter(|last| now.since(**last) < cool_down) {
        against.push(Reason::compared(
            ReasonCode::CoolDown,
            now.since(*last).get() / 1000.0,
            cool_down.get() / 1000.0,
            "seconds since the last action",
        ));
    }
    let today = state.actions.iter().filter(|at| now.since(**at) < day()).count();
    if today >= settings.daily_actions as usize {
        against.push(Reason::compared(
            ReasonCode::DailyBudget,
            today as f64,
            f64::from(settings.daily_actions),
            "actions within a day",
        ));
    }
    against
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
