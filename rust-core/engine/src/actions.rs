//! The action under way: events go in, effects are carried out, and the store holds what a successor needs.
//!
//! The lock of what is running is held for [`step`] alone. Whatever goes to the store goes there after it is released,
//! and before whoever reported the event is answered.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use thalweg_core::action::{Action, Done, Due, Effect, Event, Fault, InFlight, Phase, Term, step};
use thalweg_core::assign::Routes;
use thalweg_core::model::{ComponentKind, Observation};
use thalweg_core::plan::MigrationRow;
use thalweg_core::plan::Plan;
use thalweg_core::state::FailedChange;
use thalweg_core::units::Timestamp;
use thalweg_store::{Published, StoreError};

use crate::engine::{Engine, Running};
use crate::error::EngineError;
use crate::recording::Entry;
use crate::under_way::{EndedPlan, Stored, UnderWay};

/// Where actions that are not over are kept in the store, for the next leader.
pub(crate) const ACTIONS_KEY: &str = "actions";
/// The code by which a shell says that a topology does not run with the plan's numbers of executors.
const RESTARTS_AGAIN: &str = "RESTARTS_AGAIN";
/// Ended plans that the status keeps.
const REMEMBERED: usize = 20;

/// What an event led to, besides the change of the action.
struct Changed {
    effects: Vec<Effect>,
    action: Action,
    /// Whether it must be stored before anybody goes on.
    first: bool,
}

impl Engine {
    /// Makes the plan of an act-decision the action under way.
    ///
    /// # Errors
    /// When another is: what it has done would be forgotten.
    pub(crate) fn begin_action(
        &self,
        running: &mut Running,
        plan: Plan,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        if let Some(other) = &running.under_way {
            let other = other.action.plan.id.clone();
            running.state.abort(&plan.id, now, self.core());
            self.recorder.write(&Entry::Aborted { plan: (&plan.id).into(), now });
            return Err(EngineError::Busy(other));
        }
        let topology = running.state.topologies.get(&plan.topology);
        let flight = topology.and_then(|topology| topology.in_flight.clone());
        let action = Action::decided(plan, flight, running.term, now);
        running.under_way =
            Some(UnderWay { action, steps: Vec::new(), heard_at: now, missing_since: None });
        Ok(())
    }

    /// Lets an event happen to the action under way and carries out what is due by it, but for what shells do.
    ///
    /// # Errors
    /// When the event is about another plan, does not go with the action's phase, or cannot be stored.
    pub(crate) fn happen(
        &self,
        plan: &str,
        event: Event,
        now: Timestamp,
    ) -> Result<Action, EngineError> {
        let changed = {
            let mut running = self.running();
            let changed = change(&mut running, plan, event.clone(), now)?;
            self.settle_in_memory(&mut running, &changed, now);
            changed
        };
        self.recorder.write(&Entry::Happened { plan: plan.into(), event, now });
        self.carry_out(&changed, now)?;
        Ok(changed.action)
    }

    /// What the core has to know at once, under the same lock as the event.
    fn settle_in_memory(&self, running: &mut Running, changed: &Changed, now: Timestamp) {
        let action = &changed.action;
        let id = &action.plan.id;
        for effect in &changed.effects {
            match effect {
                Effect::Settle => {
                    running.state.finish(id, now, self.core());
                    self.recorder.write(&Entry::Finished { plan: id.into(), now });
                    running.settled.retain(|other| other.plan.topology != action.plan.topology);
                    running.settled.push(action.clone());
                }
                Effect::Release => {
                    self.note_unscalable(running, action, now);
                    running.state.abort(id, now, self.core());
                    self.recorder.write(&Entry::Aborted { plan: id.into(), now });
                }
                _ => {}
            }
        }
        if !action.phase.is_under_way() {
            let fault = action.fault.as_ref();
            let fault = fault.map(|fault| (fault.code.as_str(), fault.text.as_str()));
            self.handler.ended(id, fault, now);
            end(running, action, now);
        }
    }

    /// Has the core remember what the topology could not run with.
    fn note_unscalable(&self, running: &mut Running, action: &Action, now: Timestamp) {
        if action.fault.as_ref().is_none_or(|fault| fault.code != RESTARTS_AGAIN) {
            return;
        }
        let topology = &action.plan.topology;
        let decision = running.decisions.iter().find(|decision| decision.topology == *topology);
        let components = decision.map(|decision| decision.view.components.as_slice());
        let is_source = |id: &str| {
            let mut components = components.unwrap_or_default().iter();
            components.any(|c| c.id == id && c.kind == ComponentKind::Source)
        };
        let change = FailedChange::of(&action.plan, is_source);
        running.state.cannot_rescale(topology, &change, now, self.core());
        self.recorder.write(&Entry::CouldNotRun {
            topology: topology.into(),
            change: Cow::Owned(change),
            now,
        });
    }

    /// Routes and stores.
    ///
    /// What is about to be done must be stored first. What was done, or is over, is so whether or not it can be stored:
    /// then the next look tries again.
    fn carry_out(&self, changed: &Changed, now: Timestamp) -> Result<(), EngineError> {
        let plan = &changed.action.plan;
        for effect in &changed.effects {
            match effect {
                Effect::Store if changed.first => self.store_first()?,
                Effect::Store | Effect::Forget => self.store_actions_sometime(),
                Effect::Route => {
                    let routes = Routes::of(&plan.rows, true);
                    Arc::make_mut(&mut self.routing().routes).insert(plan.topology.clone(), routes);
                }
                Effect::Unroute if changed.action.phase == Phase::Settled => {
                    self.follow_the_plan(plan, now);
                }
                Effect::Unroute => self.unroute(&plan.topology),
                Effect::Settle | Effect::Release | Effect::Tell(_) => {}
            }
        }
        Ok(())
    }

    /// Has the next observation make the table equal to what runs.
    pub(crate) fn unroute(&self, topology: &str) {
        let mut routing = self.routing();
        Arc::make_mut(&mut routing.routes).remove(topology);
        routing.stored.insert(topology.to_owned(), None);
    }

    /// The plan is what runs: its rows have the same slot on both sides now.
    fn follow_the_plan(&self, plan: &Plan, now: Timestamp) {
        let rows: Vec<MigrationRow> = plan
            .rows
            .iter()
            .map(|row| MigrationRow { before: Some(row.after.clone()), ..row.clone() })
            .collect();
        Arc::make_mut(&mut self.routing().routes)
            .insert(plan.topology.clone(), Routes::of(&rows, false));
        self.keep_table(&plan.topology, &rows, &plan.id, now);
    }

    /// Stores what is about to be done where a successor finds it.
    fn store_first(&self) -> Result<(), EngineError> {
        match self.store_actions()? {
            Published::Journal(reason) if self.running().only_store_tells => {
                Err(EngineError::NotShared(reason))
            }
            _ => Ok(()),
        }
    }

    /// Stores the actions as they are at this moment; of several calls at once the last stores what is newest.
    pub(crate) fn store_actions(&self) -> Result<Published, EngineError> {
        let _storing = self.storing();
        let (stored, term) = {
            let running = self.running();
            let under_way = running.under_way.as_ref().map(|under_way| under_way.action.clone());
            (Stored { under_way, settled: running.settled.clone() }, running.term)
        };
        let bytes = serde_json::to_vec(&stored)?;
        match self.store.put_stamped_and_wait(
            ACTIONS_KEY,
            term.0,
            &bytes,
            self.settings.publish_timeout,
        ) {
            Err(error @ StoreError::Deposed { .. }) => {
                self.follow();
                Err(error.into())
            }
            other => Ok(other?),
        }
    }

    /// Stores the actions, now or at the next look.
    pub(crate) fn store_actions_sometime(&self) {
        let stored = self.store_actions();
        self.unstored.store(stored.is_err(), Ordering::SeqCst);
        if let Err(error) = stored {
            tracing::warn!(%error, "what became of an action is not stored yet");
        }
    }

    /// What a shell has to do for an action that nobody is at work on, as JSON; null if nothing.
    pub(crate) fn due(running: &Running) -> Value {
        let Some(UnderWay { action, .. }) = &running.under_way else { return Value::Null };
        let Some(what) = action.due() else { return Value::Null };
        // What a committed plan has changed for good is what was desired, and is not taken back by whoever carries it on.
        let forward = what == Due::CarryOn;
        let back = |done: &&Done| !forward || done.ends_with_the_action();
        let done: Vec<&Done> = action.done.iter().filter(back).collect();
        json!({ "what": what, "plan": action.plan, "done": done })
    }

    /// Gives an action up that was not heard of for so long that nobody can be at work on it any more.
    pub(crate) fn give_up_silent(&self, observation: &Observation, now: Timestamp) {
        let Some((plan, event)) = self.silent(observation, now) else { return };
        tracing::warn!(plan, ?event, "plan of which nothing was heard");
        match self.happen(&plan, event, now) {
            Ok(_) => self.record_end(&plan, None),
            Err(error) => tracing::warn!(plan, %error, "a silent action cannot be given up"),
        }
    }

    /// The plan of an action that has been silent, and what is to happen to it.
    fn silent(&self, observation: &Observation, now: Timestamp) -> Option<(String, Event)> {
        let mut running = self.running();
        let UnderWay { action, heard_at, missing_since, .. } = running.under_way.as_mut()?;
        if observation.topologies.iter().any(|topology| topology.id == action.plan.topology) {
            *missing_since = None;
        } else {
            missing_since.get_or_insert(now);
        }
        let patience = self.settings.step_timeout.saturating_mul(SILENT_STEPS);
        let patience_ms = patience.as_secs_f64() * 1000.0;
        if now.since(*heard_at).get() <= patience_ms {
            return None;
        }
        let id = action.plan.id.clone();
        // One look without it says little, however long ago the one before was: what a round has not seen is missing from it.
        if missing_since.is_some_and(|since| now.since(since).get() > patience_ms) {
            return Some((id, Event::TopologyGone));
        }
        let text = format!("nothing was heard of it for {SILENT_STEPS} times the limit of a step");
        let fault = Fault { code: "ACTION_SILENT".to_owned(), text };
        // What is being taken back is due at every look, for as long as it takes.
        (action.due() != Some(Due::Reverse)).then_some((id, Event::GaveUp(fault)))
    }

    /// Forgets the actions of topologies that are gone, of which nothing can be judged any more.
    pub(crate) fn forget_gone(&self, observation: &Observation) {
        let present = |action: &Action| {
            observation.topologies.iter().any(|topology| topology.id == action.plan.topology)
        };
        let forgotten = {
            let settled = &mut self.running().settled;
            let before = settled.len();
            settled.retain(present);
            settled.len() < before
        };
        if forgotten {
            self.store_actions_sometime();
        }
    }

    /// Forgets the actions whose outcome was judged.
    pub(crate) fn note_judged(&self, plans: &[String]) {
        if plans.is_empty() {
            return;
        }
        self.running().settled.retain(|action| !plans.contains(&action.plan.id));
        self.store_actions_sometime();
    }
}

/// Steps for whose limits an action may be silent: the longest ones wait twice.
const SILENT_STEPS: u32 = 4;

/// Lets an event happen to the action under way.
fn change(
    running: &mut Running,
    plan: &str,
    event: Event,
    now: Timestamp,
) -> Result<Changed, EngineError> {
    let under_way = under_way_mut(running, plan)?;
    let first = announces(&event);
    let (action, effects) = step(&under_way.action, event, now)?;
    under_way.action = action.clone();
    under_way.heard_at = now;
    Ok(Changed { effects, action, first })
}

/// Whether something is done to the engine because of an event, and not before it.
fn announces(event: &Event) -> bool {
    matches!(
        event,
        Event::Published
            | Event::Began { .. }
            | Event::Intends { .. }
            | Event::Switched
            | Event::Commits
    )
}

/// The action of a plan, if that is the one under way.
pub(crate) fn under_way_mut<'a>(
    running: &'a mut Running,
    plan: &str,
) -> Result<&'a mut UnderWay, EngineError> {
    let found = running.under_way.as_mut().filter(|under_way| under_way.action.plan.id == plan);
    found.ok_or_else(|| EngineError::UnknownPlan(plan.to_owned()))
}

/// Takes an action that is no longer under way to those that ended.
fn end(running: &mut Running, action: &Action, now: Timestamp) {
    let Some(under_way) = running.under_way.take() else { return };
    let fault = action.fault.clone();
    if let Some(fault) = &fault {
        let counter = format!("aborted_{}", fault.code.to_lowercase());
        *running.counters.entry(counter).or_default() += 1;
    }
    let how = match &fault {
        Some(fault) => fault.text.clone(),
        None => action.strategy.clone().unwrap_or_default(),
    };
    let code = fault.map(|fault| fault.code);
    let ended = EndedPlan { plan: action.plan.clone(), at: now, how, code, steps: under_way.steps };
    remember(&mut running.ended, ended);
}

fn remember(ended: &mut VecDeque<EndedPlan>, plan: EndedPlan) {
    ended.push_front(plan);
    ended.truncate(REMEMBERED);
}

/// What a new leader knows of an action of which only the note in the cluster was found.
pub(crate) fn flight_of(action: &Action, now: Timestamp) -> InFlight {
    action.flight.clone().unwrap_or_else(|| InFlight::found(action.plan.id.clone(), now))
}

/// The note that a shell keeps in the cluster itself: the action without what only its own leader needs. None once
/// there is nothing to be noted.
pub(crate) fn note(action: &Action) -> Option<Action> {
    let noted = action.phase.is_under_way() && action.phase >= Phase::Preparing;
    noted.then(|| {
        let plan = Plan { rows: Vec::new(), ..action.plan.clone() };
        Action { plan, flight: None, ..action.clone() }
    })
}

/// Brings together what the store and the note in the cluster say of the unfinished action.
///
/// Where a shell keeps notes, the note is what tells whether there is one at all: the store may be this machine's
/// own, and what it holds older than what another leader has long brought to an end. But whoever ended an action may
/// not have lived to remove its note, so `over` tells which plans are known to be over.
pub(crate) fn found(
    stored: Option<Action>,
    note: Option<Option<Action>>,
    over: impl Fn(&str) -> bool,
) -> Option<Action> {
    let found = match (stored, note) {
        (stored, None) => stored,
        // Nothing is left of it in the cluster, so nothing is to be taken back; but it has to end.
        (Some(stored), Some(None)) => {
            Some(Action { phase: stored.phase.min(Phase::Published), done: Vec::new(), ..stored })
        }
        (None, Some(None)) => None,
        (Some(stored), Some(Some(noted))) if stored.plan.id == noted.plan.id => {
            Some(together(stored, noted))
        }
        (_, Some(noted)) => noted,
    };
    found.filter(|action| !over(&action.plan.id))
}

fn together(stored: Action, noted: Action) -> Action {
    let term: Term = stored.term.max(noted.term);
    let done = all_done(stored.done, noted.done);
    let phase = stored.phase.max(noted.phase);
    Action { term, done, phase, ..stored }
}

/// What either knows of, oldest first: each lacks what was done, or taken back, since it was written. Sources are always
/// stopped last, also where nothing that both know of tells the order.
fn all_done(mut stored: Vec<Done>, noted: Vec<Done>) -> Vec<Done> {
    let mut all = Vec::new();
    for entry in noted {
        match stored.iter().position(|other| *other == entry) {
            Some(at) => all.extend(stored.drain(..=at)),
            None => all.push(entry),
        }
    }
    all.extend(stored);
    all.sort_by_key(|entry| *entry == Done::Deactivated);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_store_and_note_know_of_is_in_the_order_in_which_it_was_done() {
        let (first, then) = (Done::SlotsAsked, Done::Deactivated);
        let both = vec![first.clone(), then.clone()];
        for (stored, noted) in [
            (vec![then.clone()], both.clone()),
            (vec![first.clone()], both.clone()),
            (both.clone(), vec![then.clone()]),
            (both.clone(), vec![first.clone()]),
            (Vec::new(), both.clone()),
            (both.clone(), both.clone()),
            (vec![first.clone()], vec![then.clone()]),
            (vec![then.clone()], vec![first.clone()]),
        ] {
            assert_eq!(all_done(stored.clone(), noted.clone()), both, "{stored:?} {noted:?}");
        }
    }
}
