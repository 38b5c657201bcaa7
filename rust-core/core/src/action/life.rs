//! The life of an action: one value, changed by one pure function.
//!
//! Whoever reads an [`Action`] knows what was done to the engine and how to take it back. [`step`] takes what
//! happened and answers with the action as it is from then on, and with the [`Effect`]s that are due, in order.
//! Nothing here carries an effect out: the engine stores and routes, the shell does one thing at a time and
//! reports it.
//!
//! ```text
//! Decided ─► Published ─► Preparing ─► Switched ─► Committed ─► Settled ─► Judged
//!    │           │            │            │           │
//!    └───────────┴────────────┴────────────┴──► Reversing ──► GivenUp
//! ```
//!
//! The rules, which unit tests, the simulation of the control plane and the counters of a running engine share:
//!
//! 1. What is about to be done to the engine is stored before the shell does it, and counts as done from then on.
//! 2. Only the holder of the newest term does anything.
//! 3. Before the commit everything is taken back, the newest first. After it the way is forward only, and ends
//!    with letting sources run that were stopped.
//! 4. Every action ends once: judged, or given up with a reason.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::InFlight;
use crate::plan::Plan;
use crate::units::Timestamp;

/// How often leadership has changed; the newest leader has the highest.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, Hash,
)]
#[serde(transparent)]
pub struct Term(pub u64);

/// How far an action has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing but the decision exists.
    Decided,
    /// Its routing table is stored.
    Published,
    /// The shell prepares the engine; what it did so far can be taken back.
    Preparing,
    /// Senders use the new executors; the engine's own truth is still the old one.
    Switched,
    /// Scheduling rounds place by it: from here on only forward.
    Committed,
    /// The engine is as the plan desires; its effect can be judged in a while.
    Settled,
    /// What was done is being taken back.
    Reversing,
    /// Over: its effect was judged.
    Judged,
    /// Over: it came to nothing.
    GivenUp,
}

impl Phase {
    /// Whether nothing is left to do.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Judged | Self::GivenUp)
    }

    /// Whether the plan is being carried out, so that no other action may begin.
    pub fn is_under_way(self) -> bool {
        !matches!(self, Self::Settled | Self::Judged | Self::GivenUp)
    }

    /// Whether the engine's own truth is still what it was before the action.
    fn is_before_commit(self) -> bool {
        self < Self::Committed
    }
}

/// Something done to an engine that outlives whoever did it. Each has a reverse, which may be carried out twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Done {
    /// Sources were stopped; its reverse lets them run.
    Deactivated,
    /// Nodes were told to run new workers beside the old ones; its reverse tells them what the engine holds.
    WorkersStarted {
        /// The nodes.
        nodes: Vec<String>,
    },
    /// Free slots were asked for beside those in use; its reverse gives them back.
    SlotsAsked,
    /// Bounds of parallelism were changed; its reverse sets them as they were.
    BoundsChanged {
        /// Lowest and highest parallelism before the change, by the engine's own id of the component.
        before: BTreeMap<String, (u32, u32)>,
    },
    /// The engine was asked for other executor counts, for which it places the topology anew; its reverse asks for those
    /// that there were, unless somebody else has asked for others since.
    CountsAsked {
        /// By component.
        counts: BTreeMap<String, Asked>,
    },
}

/// How many executors of a component were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Executors before.
    pub before: u32,
    /// Executors that were asked for.
    pub after: u32,
    /// Its tasks, whoever runs them.
    pub tasks: u32,
}

impl Done {
    /// Whether it has to be taken back although the plan is carried out. The others are part of what was desired.
    pub fn ends_with_the_action(&self) -> bool {
        matches!(self, Self::Deactivated)
    }
}

/// Why an action does not go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Stable code.
    pub code: String,
    /// For people.
    pub text: String,
}

/// One action, from the decision to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// What is to become of the topology. One that was taken over from its mark in the cluster alone has no rows.
    pub plan: Plan,
    /// The term of the leader who answers for it.
    pub term: Term,
    /// What its outcome is judged by, and what leads back from it; unknown where only its mark was found.
    #[serde(default)]
    pub flight: Option<InFlight>,
    /// How it is carried out, once that is chosen.
    #[serde(default)]
    pub strategy: Option<String>,
    /// How far it has come.
    pub phase: Phase,
    /// Since when.
    pub since: Timestamp,
    /// What was, or may have been, done to the engine and not yet taken back, oldest first.
    #[serde(default)]
    pub done: Vec<Done>,
    /// Why it is not carried out.
    #[serde(default)]
    pub fault: Option<Fault>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The routing table is stored.
    Published,
    /// The shell begins to carry it out.
    Began {
        /// In this way.
        strategy: String,
    },
    /// The shell is about to do something to the engine.
    Intends {
        /// What.
        done: Done,
    },
    /// The shell took something back.
    Undone {
        /// What.
        done: Done,
    },
    /// Senders use the new executors.
    Switched,
    /// Scheduling rounds are to place by the plan.
    Commits,
    /// The engine is as the plan desires.
    Reached,
    /// The way chosen does not work; another may.
    Failed(Fault),
    /// No way is left.
    GaveUp(Fault),
    /// The topology is no longer there.
    TopologyGone,
    /// A new leader found the action.
    TookOver {
        /// The new leader's term.
        term: Term,
    },
    /// Its effect was judged.
    Judged,
}

/// What is due because of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Store the action as it is now; before anything that follows.
    Store,
    /// Remove it from the store: it is over.
    Forget,
    /// From now on scheduling rounds place the topology by the plan.
    Route,
    /// From now on scheduling rounds place the topology by where it runs.
    Unroute,
    /// Measurements begin anew and its outcome is awaited.
    Settle,
    /// The decision core may decide about the topology again.
    Release,
    /// The shell has to do something.
    Tell(Due),
}

/// What a shell has to do for an action that nobody carries out at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// Take back what was done, newest first.
    Reverse,
    /// Carry the plan on from its commit.
    CarryOn,
}

/// An event that cannot happen to the action as it is.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("action {action} is {phase:?}, which does not go with {event}")]
pub struct Refused {
    /// The plan's id.
    pub action: String,
    /// How far it has come.
    pub phase: Phase,
    /// What was to happen.
    pub event: String,
}

impl Action {
    /// A plan that was just decided.
    pub fn decided(plan: Plan, flight: Option<InFlight>, term: Term, now: Timestamp) -> Self {
        let phase = Phase::Decided;
        let (strategy, done, fault) = (None, Vec::new(), None);
        Self { plan, term, flight, strategy, phase, since: now, done, fault }
    }

    /// What a shell has to do if nobody is at work on the action.
    pub fn due(&self) -> Option<Due> {
        match self.phase {
            Phase::Reversing => Some(Due::Reverse),
            Phase::Committed => Some(Due::CarryOn),
            _ => None,
        }
    }

    /// The action as somebody finds it who takes it over at `now`. How long it goes on counts from its start, but for the
    /// time that nobody is known to have been at work on it: a plan is not charged with the hours in which no leader was.
    #[must_use]
    pub fn taken_over(mut self, now: Timestamp) -> Self {
        if let Some(flight) = &mut self.flight {
            let took = self.since.since(flight.since);
            let begun = now.minus(took).max(flight.since);
            // Whoever takes it over from the next one is to find the same.
            self.since = self.since.plus(begun.since(flight.since));
            flight.since = begun;
        }
        self
    }

    fn enter(&mut self, phase: Phase, now: Timestamp) {
        if self.phase != phase {
            self.phase = phase;
            self.since = now;
        }
    }
}

/// What becomes of an action by an event, and what is due then.
///
/// # Errors
/// When the event does not go with the action's phase; the action then stays as it was.
pub fn step(
    action: &Action,
    event: Event,
    now: Timestamp,
) -> Result<(Action, Vec<Effect>), Refused> {
    let mut next = action.clone();
    let phase = action.phase;
    let effects = match event {
        Event::Published if phase == Phase::Decided => {
            next.enter(Phase::Published, now);
            vec![Effect::Store]
        }
        Event::Began { strategy } if matches!(phase, Phase::Published | Phase::Committed) => {
            next.strategy = Some(strategy);
            if phase == Phase::Published {
                next.enter(Phase::Preparing, now);
            }
            vec![Effect::Store]
        }
        Event::Intends { done } if may_touch_the_engine(phase) => {
            next.done.push(done);
            vec![Effect::Store]
        }
        Event::Undone { done } if phase.is_under_way() => {
            if let Some(at) = next.done.iter().rposition(|entry| *entry == done) {
                next.done.remove(at);
            }
            if phase == Phase::Reversing {
                go_on_reversing(&mut next, now)
            } else {
                vec![Effect::Store]
            }
        }
        Event::Switched if may_touch_the_engine(phase) => {
            // Whoever carries a plan on from its commit gets here once more.
            next.enter(phase.max(Phase::Switched), now);
            vec![Effect::Store]
        }
        Event::Commits if may_touch_the_engine(phase) => {
            next.enter(Phase::Committed, now);
            vec![Effect::Store, Effect::Route]
        }
        Event::Reached if may_touch_the_engine(phase) => reach(&mut next, now),
        Event::Failed(fault) if phase.is_under_way() => fail(&mut next, fault, now),
        Event::GaveUp(fault) if phase.is_under_way() => {
            next.fault.get_or_insert(fault);
            if phase == Phase::Committed {
                next.done.retain(Done::ends_with_the_action);
            }
            next.enter(Phase::Reversing, now);
            go_on_reversing(&mut next, now)
        }
        Event::TopologyGone => {
            next.fault.get_or_insert(fault("TOPOLOGY_GONE", "the topology is no longer there"));
            next.done.clear();
            give_up(&mut next, now)
        }
        Event::TookOver { term } if term >= action.term => take_over(&mut next, term, now),
        Event::Judged if phase == Phase::Settled => {
            next.enter(Phase::Judged, now);
            vec![Effect::Forget]
        }
        event => return Err(refused(action, &event)),
    };
    Ok((next, effects))
}

/// Whether the shell may do something new to the engine.
fn may_touch_the_engine(phase: Phase) -> bool {
    matches!(phase, Phase::Preparing | Phase::Switched | Phase::Committed)
}

/// The plan is what runs; it settles once nothing is left to be taken back.
fn reach(action: &mut Action, now: Timestamp) -> Vec<Effect> {
    action.done.retain(Done::ends_with_the_action);
    if !action.done.is_empty() {
        action.enter(Phase::Committed, now);
        return vec![Effect::Store, Effect::Tell(Due::CarryOn)];
    }
    action.fault = None;
    action.enter(Phase::Settled, now);
    vec![Effect::Unroute, Effect::Settle, Effect::Store]
}

/// One way does not work. Where it left nothing behind, another may be tried; after the commit it is only noted.
fn fail(action: &mut Action, fault: Fault, now: Timestamp) -> Vec<Effect> {
    if !action.phase.is_before_commit() {
        action.fault = Some(fault);
        return vec![Effect::Store];
    }
    if action.done.is_empty() {
        let published = action.phase > Phase::Decided;
        action.enter(if published { Phase::Published } else { Phase::Decided }, now);
        return vec![Effect::Store];
    }
    action.fault = Some(fault);
    action.enter(Phase::Reversing, now);
    vec![Effect::Store, Effect::Tell(Due::Reverse)]
}

fn take_over(action: &mut Action, term: Term, now: Timestamp) -> Vec<Effect> {
    action.term = term;
    match action.phase {
        Phase::Committed if action.plan.rows.is_empty() => {
            // Its places are not known any more. What the engine holds is what runs; sources must run again.
            action.fault.get_or_insert(left_behind());
            action.done.retain(Done::ends_with_the_action);
            action.enter(Phase::Reversing, now);
            go_on_reversing(action, now)
        }
        Phase::Committed => vec![Effect::Store, Effect::Route, Effect::Tell(Due::CarryOn)],
        Phase::Settled => vec![Effect::Store],
        Phase::Judged | Phase::GivenUp => vec![Effect::Forget],
        _ => {
            action.fault.get_or_insert(left_behind());
            action.enter(Phase::Reversing, now);
            go_on_reversing(action, now)
        }
    }
}

fn go_on_reversing(action: &mut Action, now: Timestamp) -> Vec<Effect> {
    if action.done.is_empty() {
        return give_up(action, now);
    }
    vec![Effect::Store, Effect::Tell(Due::Reverse)]
}

fn give_up(action: &mut Action, now: Timestamp) -> Vec<Effect> {
    action.enter(Phase::GivenUp, now);
    vec![Effect::Unroute, Effect::Release, Effect::Forget]
}

fn left_behind() -> Fault {
    fault("LEADER_CHANGED", "a predecessor left it unfinished")
}

fn fault(code: &str, text: &str) -> Fault {
    Fault { code: code.to_owned(), text: text.to_owned() }
}

fn refused(action: &Action, event: &Event) -> Refused {
    Refused {
        action: action.plan.id.clone(),
        phase: action.phase,
        event: format!("{event:?}").to_lowercase(),
    }
}

#[cfg(test)]
#[path = "life_tests.rs"]
mod tests;
