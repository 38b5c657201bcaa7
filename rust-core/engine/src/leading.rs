//! Beginning and ceasing to lead: what a predecessor left, and whose word counts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde_json::{Value, json};
use thalweg_core::action::{Action, Event, InFlight, Phase, Proposed, Term};
use thalweg_core::plan::Plan;
use thalweg_core::state::{Learned, State};
use thalweg_core::units::Timestamp;
use thalweg_store::Stamped;

use crate::actions::{ACTIONS_KEY, flight_of, found, note};
use crate::engine::{Engine, LEARNED_KEY, Running};
use crate::error::EngineError;
use crate::recording::Entry;
use crate::tables;
use crate::under_way::{Stored, UnderWay};

/// Terms that each change of the cluster's own leader has room for: whoever is elected may begin anew so many times before
/// the next one's begin.
const TERMS_EACH: u64 = 256;

/// What the cluster says of whoever begins to lead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Elected {
    /// A number that grows with each change of leader; zero where nobody is elected.
    pub(crate) number: u64,
    /// What is added to the terms that follow from that number, as it is noted in the cluster.
    pub(crate) term_base: u64,
}

impl Elected {
    /// The first of its terms: above those of all leaders before it.
    fn first_term(self) -> u64 {
        self.term_base.saturating_add(self.number.saturating_mul(TERMS_EACH))
    }

    /// The base that has to be noted before anything is done in this term, if it is another. A store that was another
    /// cluster's has given larger terms; whoever is elected next is to be above them also where that store has lost all by
    /// then.
    fn next_term_base(self, term: u64) -> Option<u64> {
        let beyond = term >= self.first_term().saturating_add(TERMS_EACH);
        beyond.then(|| term - self.number.saturating_mul(TERMS_EACH))
    }
}

impl Engine {
    /// Begins to lead: reads the tables, what was learned, and the action that a predecessor left; answers with what a
    /// shell has to do for it.
    ///
    /// `note` is what the shell found noted in the cluster, empty if nothing; none where it keeps no notes. A shell that keeps
    /// some may be answered with a `term_base` alone: it notes that, and says once more that it begins to lead.
    ///
    /// A shell with notes has `elected` from the same place, so that its terms are above those of all leaders before,
    /// whether or not the store that they share can be asked. Without notes that store alone knows what came before, unless
    /// nobody else could have led, where nobody is elected.
    ///
    /// # Errors
    /// When the store fails; where it alone knows what came before, also when it is out of reach.
    pub(crate) fn lead(
        &self,
        elected: Elected,
        note_text: Option<&str>,
        now: Timestamp,
    ) -> Result<Value, EngineError> {
        let noted = note_text.map(read_note);
        let only_store_tells = noted.is_none() && elected.number > 0;
        let (term, stored) = if only_store_tells {
            let term = self.store.begin_shared_term(0)?;
            (Term(term), read_actions(self.store.shared_stamped(ACTIONS_KEY)?))
        } else {
            let above = noted.iter().flatten().map(|noted| noted.term.0 + 1).next();
            let first = elected.first_term().max(above.unwrap_or(0));
            let term = self.store.begin_term(first)?;
            if let Some(base) = elected.next_term_base(term).filter(|_| noted.is_some()) {
                return Ok(json!({ "term_base": base }));
            }
            (Term(term), self.stored_actions())
        };
        self.load_routes()?;
        let learned = self.learned_by_the_last();
        let said = self.said_to_the_last();
        let left = {
            let running = self.running();
            let ended = || running.ended.iter().map(|ended| &ended.plan.id);
            let settled = || stored.settled.iter().map(|action| &action.plan.id);
            found(stored.under_way, noted, |plan| ended().chain(settled()).any(|id| id == plan))
        };
        {
            let mut running = self.running();
            (running.term, running.only_store_tells) = (term, only_store_tells);
            running.under_way = None;
            running.settled.clear();
            if let Some(learned) = learned {
                running.state.learned = learned;
            }
            running.operator = said.operator;
            self.begin_anew(&mut running, said.proposals);
            for action in stored.settled {
                let action = action.taken_over(now);
                if let Some(flight) = action.flight.clone() {
                    self.await_outcome(&mut running, action, flight, now);
                }
            }
        }
        self.leads.store(true, Ordering::SeqCst);
        self.records.leads(true, term.0);
        self.handler.lead(term.0);
        let after = left.map(|left| self.take_over(left, term, now)).transpose()?.flatten();
        {
            let running = self.running();
            let under_way = running.under_way.iter().map(|under_way| &under_way.action);
            let known: Vec<&str> =
                under_way.chain(&running.settled).map(|action| action.plan.id.as_str()).collect();
            self.handler.take_over(|plan| known.contains(&plan), now);
        }
        tracing::info!(term = term.0, left = after.is_some(), "begins to lead");
        let due = Self::due(&self.running());
        Ok(json!({ "term": term.0, "due": due, "note": after.as_ref().and_then(note) }))
    }

    /// Where a topology ran by its stored table; nothing where none is stored.
    ///
    /// A shell may ask before it leads: the table of a plan that nobody has committed yet is stored already.
    pub(crate) fn table_in_force(&self, topology: &str) -> Result<Value, EngineError> {
        let Some(loaded) = self.store.table(topology)? else { return Ok(json!({ "table": null })) };
        let table = loaded.table;
        let open = self.stored_actions().under_way.filter(|action| action.plan.id == table.plan);
        let committed = open.is_none_or(|action| action.phase == Phase::Committed);
        Ok(json!({ "table": tables::in_force(&table, committed) }))
    }

    /// Ceases to lead: what is under way is the next leader's, and so is everything in the store.
    pub(crate) fn follow(&self) {
        let led = self.leads.swap(false, Ordering::SeqCst);
        let dropped = {
            let mut running = self.running();
            if led {
                self.records.leads(false, running.term.0);
            }
            running.settled.clear();
            self.begin_anew(&mut running, BTreeMap::new());
            running.kept_said = None;
            running.under_way.take()
        };
        if let Some(UnderWay { action, .. }) = dropped {
            self.unroute(&action.plan.topology);
            tracing::info!(plan = action.plan.id, "plan is left to whoever leads now");
        }
    }

    /// Forgets all but what was learned and said.
    fn begin_anew(&self, running: &mut Running, proposals: BTreeMap<String, Proposed>) {
        let learned = std::mem::take(&mut running.state.learned);
        let next_decision = running.state.next_decision;
        self.recorder.write(&Entry::Led {
            learned: Cow::Borrowed(&learned),
            next_decision,
            operator: Cow::Borrowed(&running.operator),
            proposals: Cow::Borrowed(&proposals),
        });
        running.state = State { next_decision, ..State::leading(learned) };
        running.state.take_proposals(proposals);
        self.note_said(&running.operator);
    }

    /// Has the outcome of a predecessor's action judged as if it had ended now.
    fn await_outcome(
        &self,
        running: &mut Running,
        action: Action,
        flight: InFlight,
        now: Timestamp,
    ) {
        let topology = action.plan.topology.clone();
        let entry =
            Entry::Awaited { topology: (&topology).into(), flight: Cow::Borrowed(&flight), now };
        self.recorder.write(&entry);
        running.state.await_outcome(&topology, flight, now, self.core());
        running.settled.push(action);
    }

    /// Makes a predecessor's action the one under way; none if it is over with that.
    fn take_over(
        &self,
        left: Action,
        term: Term,
        now: Timestamp,
    ) -> Result<Option<Action>, EngineError> {
        let id = left.plan.id.clone();
        let left = left.taken_over(now);
        {
            let mut running = self.running();
            let flight = flight_of(&left, now);
            self.recorder.write(&Entry::CarriedOn {
                topology: (&left.plan.topology).into(),
                flight: Cow::Borrowed(&flight),
            });
            running.state.carry_on(&left.plan.topology, flight);
            running.under_way = Some(UnderWay {
                action: left,
                steps: Vec::new(),
                heard_at: now,
                missing_since: None,
            });
        }
        let action = self.happen(&id, Event::TookOver { term }, now)?;
        self.record_end(&id, None);
        Ok((!action.phase.is_over()).then_some(action))
    }

    /// What the last leader learned, where that can be read.
    fn learned_by_the_last(&self) -> Option<Learned> {
        let stamped = self.store.stamped(LEARNED_KEY).ok()??;
        serde_json::from_slice(&stamped.bytes)
            .inspect_err(|error| tracing::warn!(%error, "learned state is unreadable"))
            .ok()
    }

    fn stored_actions(&self) -> Stored {
        let read = self.store.stamped(ACTIONS_KEY);
        let stamped = read.inspect_err(|error| tracing::warn!(%error, "actions cannot be read"));
        read_actions(stamped.unwrap_or_default())
    }
}

fn read_actions(stamped: Option<Stamped>) -> Stored {
    let Some(stamped) = stamped else { return Stored::default() };
    serde_json::from_slice(&stamped.bytes)
        .inspect_err(|error| tracing::warn!(%error, "the actions left behind are unreadable"))
        .unwrap_or_default()
}

/// Reads a note. Of one that another version wrote, what can be understood is: whose it is, and what was done.
pub(crate) fn read_note(text: &str) -> Option<Action> {
    if text.is_empty() {
        return None;
    }
    let note: Value = thalweg_bounds::read(text.as_bytes()).unwrap_or_default();
    let action = Action::deserialize(&note).ok().or_else(|| salvaged(&note));
    if action.is_none() {
        tracing::error!(text, "the note of an unfinished action cannot be read and is removed");
    }
    action
}

/// The action of a note as far as it can be told, as one that is to be taken back.
fn salvaged(note: &Value) -> Option<Action> {
    let text = |key: &str| note["plan"][key].as_str();
    let plan = json!({ "id": text("id")?, "topology": text("topology")?, "name": text("name")?, "epoch": 0,
        "kind": "move", "counts": {}, "wished_tasks": {}, "workers": 0, "rows": [] });
    let plan: Plan = serde_json::from_value(plan).ok()?;
    let term = Term(note["term"].as_u64().unwrap_or(0));
    let known = |done: &Value| serde_json::from_value(done.clone()).ok();
    let done = note["done"].as_array()?.iter().filter_map(known).collect();
    let decided = Action::decided(plan, None, term, Timestamp::from_millis(0));
    Some(Action { phase: Phase::Preparing, done, ..decided })
}
