//! What happens when the monitor hands in an observation.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Serialize;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use thalweg_core::Decided;
use thalweg_core::action::Action;
use thalweg_core::assign::Routes;
use thalweg_core::explain::gauges::Scheduler;
use thalweg_core::explain::{Decision, Outcome, Verdict};
use thalweg_core::model::{Observation, Obstacle};
use thalweg_core::plan::MigrationRow;
use thalweg_core::reason::{Reason, ReasonCode};
use thalweg_core::units::{Millis, Timestamp};
use thalweg_store::{Reach, StoreError, StoreKind};

use crate::actions::{flight_of, note};
use crate::engine::{Engine, LEARNED_KEY, Running};
use crate::error::EngineError;
use crate::gauges::Gauges;
use crate::locked::lock;
use crate::recording::Entry;
use crate::status::{ActivePlan, Shown, Summary, each};
use crate::under_way::UnderWay;
use crate::{drains, files, tables};

/// Outcomes that the status keeps.
const REMEMBERED: usize = 20;
/// Seconds after which what was learned is stored again.
const SAVED_EACH_SECS: u64 = 60;

/// What an observation led to, as the shell is told it.
#[derive(Debug, Clone, Serialize)]
pub struct Observed {
    /// One of each topology.
    #[serde(serialize_with = "each")]
    pub decisions: Arc<[Decision]>,
    /// What a shell has to do for an action that nobody is at work on; null if nothing.
    pub due: Value,
    /// What a shell that keeps notes has to note now.
    pub note: Option<Action>,
    /// When to observe again, in ms.
    pub next_in_ms: f64,
    /// Whether this process leads.
    pub leads: bool,
    /// What the shell shows in its engine's own metrics registry.
    pub gauges: Option<Gauges>,
}

/// What a look came to, besides what is remembered of it.
struct Looked {
    answer: Observed,
    outcomes: Vec<Outcome>,
    /// Decisions that say something new.
    news: Vec<Decision>,
    /// The topology that a plan is about to change.
    changing: Option<String>,
}

impl Engine {
    /// Takes in one observation and answers with the decisions it led to, as JSON.
    ///
    /// # Errors
    /// When the answer cannot be written. A store that fails is logged and does not stop the loop.
    ///
    /// # Panics
    /// When the core does. What was learned and what is under way outlives that.
    pub fn observe(&self, observation: Observation, now: Timestamp) -> Result<String, EngineError> {
        Ok(serde_json::to_string(&self.take_in(observation, now)?)?)
    }

    /// As [`Engine::observe`], with the answer as a value.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// As there.
    pub fn take_in(
        &self,
        mut observation: Observation,
        now: Timestamp,
    ) -> Result<Observed, EngineError> {
        let drained = self.handler.drained();
        drains::mark(&mut observation, &drained);
        self.handler.backlogs.fill(&mut observation, now);
        self.give_up_silent(&observation, now);
        self.forget_gone(&observation);
        if self.unstored.load(Ordering::SeqCst) {
            self.store_actions_sometime();
        }
        let looked = self.look(&observation, &drained, now);
        self.recorder.flush();
        let looked = looked?;
        self.tell(&looked.outcomes, looked.news);
        self.follow_the_truth(&observation, looked.changing.as_deref(), now);
        self.save_learned(now);
        self.keep_said(now);
        self.records.own_settings(&observation);
        // Who reads of a topology in the status can give orders for it at once.
        self.handler.saw(observation);
        self.show(now);
        let mut answer = looked.answer;
        // What was stored meanwhile may have told that another has the lead.
        answer.leads = self.leads.load(Ordering::SeqCst);
        answer.gauges = Some(self.gauges());
        Ok(answer)
    }

    /// Decides; nothing but memory is touched.
    fn look(
        &self,
        observation: &Observation,
        drained: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Looked, EngineError> {
        let mut running = self.running();
        let turn = self.take_order(&mut running, observation, drained, now);
        let order = running.state.order.clone();
        let Decided { decisions, outcomes, next_in, state } =
            self.decide(&mut running, observation, now);
        running.state = state;
        if self.recorder.is_on() {
            let decisions = Cow::Owned(to_raw_value(&decisions)?);
            let observation = Cow::Borrowed(observation);
            self.recorder.write(&Entry::Observed { now, order, observation, decisions });
        }
        let acting = decisions.iter().find(|decision| decision.verdict == Verdict::Act);
        let kept = running.state.order.take_if(|order| !order.while_drained).is_some();
        running.order_waited = kept;
        if let Some((decision, plan)) =
            acting.and_then(|acting| Some((acting, acting.plan.clone()?)))
        {
            self.begin_action(&mut running, plan.clone(), now)?;
            self.handler.begins(&plan, decision, observation);
        }
        self.handler.unproposed(&decisions, now);
        if let Some(id) = turn {
            self.handler.decided(&id, kept, &decisions, now);
        }
        for outcome in &outcomes {
            running.outcomes.push_front(outcome.clone());
        }
        running.outcomes.truncate(REMEMBERED);
        running.decisions = decisions.into();
        running.arrangements.see(observation, self.core().window);
        let news = news(&mut running);
        Ok(Looked {
            answer: Self::answer_of(&running, next_in),
            outcomes,
            news,
            changing: running.under_way.as_ref().map(|u| u.action.plan.topology.clone()),
        })
    }

    /// Has the core decide upon the operator's order whose turn it is, or that the next topology is to leave a drained host;
    /// gives the id of the former.
    fn take_order(
        &self,
        running: &mut Running,
        observation: &Observation,
        drained: &BTreeSet<String>,
        now: Timestamp,
    ) -> Option<String> {
        let idle = running.under_way.is_none();
        // An order that has to wait does not keep hosts from being emptied.
        let drains = running.order_waited && idle && !drained.is_empty();
        if let Some((id, order)) = self.handler.turn(now).filter(|_| !drains) {
            running.state.order = Some(order);
            return Some(id);
        }
        if idle {
            // One topology at a time; one that cannot leave does not keep the others from it, and none leaves a host
            // that may be used again.
            running.state.order = drains::order(observation, drained, running.drain_turn);
            running.drain_turn = running.drain_turn.wrapping_add(1);
        }
        None
    }

    /// Asks the core. A panic in it costs the measurements, which come anew, and nothing else.
    fn decide(&self, running: &mut Running, observation: &Observation, now: Timestamp) -> Decided {
        if let Some(UnderWay { action, .. }) = &running.under_way {
            // It is under way although its topology was not seen for a look, and nothing was remembered of it.
            let (topology, flight) = (action.plan.topology.clone(), flight_of(action, now));
            running.state.topologies.entry(topology).or_default().in_flight.get_or_insert(flight);
        }
        let kept = running.state.without_measurements();
        let state = std::mem::take(&mut running.state);
        let operator = running.operator.clone();
        let asked = catch_unwind(AssertUnwindSafe(|| {
            (self.decide)(observation, state, self.core(), &operator, now)
        }));
        asked.unwrap_or_else(|panic| {
            running.state = kept;
            *running.counters.entry("decisions_failed".to_owned()).or_default() += 1;
            resume_unwind(panic)
        })
    }

    fn answer_of(running: &Running, next_in: Millis) -> Observed {
        Observed {
            decisions: Arc::clone(&running.decisions),
            due: Self::due(running),
            note: running.under_way.as_ref().and_then(|under_way| note(&under_way.action)),
            next_in_ms: next_in.get(),
            leads: true,
            gauges: None,
        }
    }

    fn gauges(&self) -> Gauges {
        let store_up = matches!(self.store.health().reach, Reach::Up);
        let ledger = self.records.health();
        let running = self.running();
        let scheduler = Scheduler {
            leads: self.leads.load(Ordering::SeqCst),
            problems: self.settings.problems.len(),
            store_up,
            nodes: running.arrangements.nodes.len(),
            acts: running.under_way.is_some(),
            ledger,
        };
        Gauges::of(&scheduler, &running.decisions)
    }

    /// Tells the log and the ledger what came of actions, and what decisions say that is new.
    fn tell(&self, outcomes: &[Outcome], news: Vec<Decision>) {
        for outcome in outcomes {
            let Outcome { plan, helped, text, .. } = outcome;
            tracing::info!(plan, helped, text, "outcome");
            self.records.outcome(outcome, &self.name_of(&outcome.topology));
        }
        let judged: Vec<String> = outcomes.iter().map(|outcome| outcome.plan.clone()).collect();
        self.note_judged(&judged);
        for decision in news {
            let acts = decision.verdict == Verdict::Act;
            if let Some(plan) = decision.plan.as_ref().filter(|_| acts) {
                tracing::info!(plan = plan.id, kind = ?plan.kind, counts = ?plan.counts, "plan decided");
            }
            self.records.decision(&decision);
        }
    }

    /// Keeps each table equal to where executors run, unless a plan is about to change that; drops
    /// tables of topologies that are gone.
    fn follow_the_truth(&self, observation: &Observation, changing: Option<&str>, now: Timestamp) {
        if !self.leads.load(Ordering::SeqCst) {
            return;
        }
        let (known, stored) = {
            let routing = self.routing();
            let stored: BTreeSet<String> = routing.stored.keys().cloned().collect();
            (Arc::clone(&routing.routes), stored)
        };
        // What another process had kept of a topology that is gone may have come back to a shared store that lost all.
        let held = self.store.tables().unwrap_or_default();
        let present: BTreeSet<&str> =
            observation.topologies.iter().map(|t| t.id.as_str()).collect();
        for gone in stored.iter().chain(&held).filter(|id| !present.contains(id.as_str())) {
            self.drop_table(gone);
        }
        for topology in &observation.topologies {
            if changing == Some(topology.id.as_str()) {
                continue;
            }
            if topology.obstacle.is_some_and(Obstacle::is_left_alone) {
                // Where it runs is not known, or not ours to say.
                continue;
            }
            let Some(rows) = tables::as_it_runs(observation, topology) else { continue };
            let routes = Routes::of(&rows, false);
            let differs = known.get(&topology.id) != Some(&routes);
            if differs {
                Arc::make_mut(&mut self.routing().routes).insert(topology.id.clone(), routes);
            }
            if differs || !self.table_is_kept(&topology.id) {
                self.keep_table(&topology.id, &rows, "as-it-runs", now);
            }
        }
    }

    /// Removes the table of a topology that is gone; where that fails, the next look tries again.
    fn drop_table(&self, topology: &str) {
        if let Err(error) = self.store.remove(topology) {
            tracing::warn!(topology, %error, "routing table not removed");
            return;
        }
        let mut routing = self.routing();
        Arc::make_mut(&mut routing.routes).remove(topology);
        routing.stored.remove(topology);
    }

    /// Whether the store holds the table that was stored here last: it may have failed, have lost it, or have another
    /// writer's.
    fn table_is_kept(&self, topology: &str) -> bool {
        let ours = self.routing().stored.get(topology).cloned().flatten();
        let held = self.store.head(topology).ok().flatten().map(|head| head.digest);
        ours.is_some() && ours == held
    }

    /// Stores a table; where that fails, the next look tries again.
    pub(crate) fn keep_table(
        &self,
        topology: &str,
        rows: &[MigrationRow],
        plan: &str,
        now: Timestamp,
    ) {
        let term = self.running().term;
        self.routing().stored.insert(topology.to_owned(), None);
        let stored = self.store.next_epoch(topology, term.0).and_then(|epoch| {
            let table = tables::of_plan(plan, topology, epoch, now, rows);
            self.store.publish(&table).map(|()| table.digest)
        });
        match stored {
            Ok(digest) => {
                self.routing().stored.insert(topology.to_owned(), Some(digest));
            }
            Err(error) => {
                tracing::warn!(topology, %error, "routing table not stored");
                if matches!(error, StoreError::Deposed { .. }) {
                    self.follow();
                }
            }
        }
    }

    /// Forgets what operators said that is over, and keeps in the store what they may give their word on.
    fn keep_said(&self, now: Timestamp) {
        if !self.leads.load(Ordering::SeqCst) {
            return;
        }
        if self.running().operator.forget(now) {
            let operator = self.running().operator.clone();
            self.note_said(&operator);
        }
        if let Err(error) = self.store_said(false) {
            tracing::warn!(%error, "plans that wait for a word are not stored");
        }
    }

    /// Stores what was learned, but not each time: it changes with every observation, and what a crash
    /// takes of it is learned again within a minute.
    fn save_learned(&self, now: Timestamp) {
        let _storing = self.storing();
        let (learned, term) = {
            let running = self.running();
            let learned = &running.state.learned;
            let fresh = running.saved_at.is_some_and(|at| now < at.plus_secs(SAVED_EACH_SECS));
            let due = !fresh && self.leads.load(Ordering::SeqCst);
            let mut routing = self.routing();
            if routing.learned.nodes != learned.nodes {
                // Placement asks for nodes only.
                Arc::make_mut(&mut routing.learned).nodes.clone_from(&learned.nodes);
            }
            drop(routing);
            // Written rather than copied: after days there is much of it.
            (due.then(|| serde_json::to_vec(learned)), running.term)
        };
        let Some(learned) = learned else { return };
        let saved = learned
            .map_err(EngineError::from)
            .and_then(|bytes| Ok(self.store.put_stamped(LEARNED_KEY, term.0, &bytes)?));
        match saved {
            Ok(()) => self.running().saved_at = Some(now),
            Err(error) => tracing::warn!(%error, "learned state not stored"),
        }
    }

    /// The name of a topology that was seen last; empty where it was not.
    pub(crate) fn name_of(&self, topology: &str) -> String {
        let running = self.running();
        let decision = running.decisions.iter().find(|decision| decision.topology == topology);
        decision.map(|decision| decision.name.clone()).unwrap_or_default()
    }

    /// Writes the status file for people and tools on this machine, and shows the same to those who ask.
    pub(crate) fn show(&self, now: Timestamp) {
        let Some(folder) = &self.folder else { return };
        let _storing = self.storing();
        self.records.note_head(self.store.as_ref());
        let written = self.status(now).map(|status| {
            let status = Arc::new(status);
            self.handler.show(Arc::clone(&status));
            files::rewrite(&folder.join("status.json"), |file| {
                Ok(serde_json::to_writer(file, &*status)?)
            })
        });
        if let Err(error) | Ok(Err(error)) =
            written.map(|r| r.map_err(|e| EngineError::Request(e.to_string())))
        {
            tracing::debug!(%error, "status file not written");
        }
    }

    pub(crate) fn status(&self, now: Timestamp) -> Result<Shown, EngineError> {
        let store = self.store_status();
        let orders = self.handler.orders();
        let control = self.control_status();
        let ledger = self.records.status();
        let running = self.running();
        let summary = Summary {
            control,
            ledger,
            version: env!("CARGO_PKG_VERSION"),
            at: now,
            mode: self.core().mode,
            problems: &self.settings.problems,
            store,
            plan: running.under_way.as_ref().map(ActivePlan::of),
            term: running.term,
            leads: self.leads.load(Ordering::SeqCst),
            ended: &running.ended,
            outcomes: &running.outcomes,
            counters: &running.counters,
            operator: &running.operator,
        };
        Shown::of(&summary, orders, &running.decisions, &running.arrangements)
    }

    /// Where people and tools are answered, and what is wrong with that.
    fn control_status(&self) -> Value {
        let answering = lock(&self.answering);
        json!({
            "socket": answering.server.as_ref().and(self.settings.control_socket.as_ref()),
            "store": answering.remote.is_some(),
            "problems": answering.problems,
        })
    }

    fn store_status(&self) -> Value {
        let health = self.store.health();
        let (up, reason) = match health.reach {
            Reach::Up => (true, None),
            Reach::Connecting => (false, Some("connecting".to_owned())),
            Reach::Down(reason) => (false, Some(reason)),
        };
        json!({
            "kind": match self.settings.store.kind {
                StoreKind::Embedded => "embedded",
                StoreKind::Redis => "redis",
            },
            "up": up,
            "reason": reason,
            "published": health.counters.published,
            "retries": health.counters.retries,
            "fenced": health.counters.fenced,
            "replayed": health.counters.replayed,
        })
    }
}

/// The decisions that say something new: another verdict or other reasons than the topology's last.
fn news(running: &mut Running) -> Vec<Decision> {
    let mut last = std::mem::take(&mut running.last_words);
    let mut news = Vec::new();
    for decision in running.decisions.iter() {
        let words = words(decision);
        let before = last.remove(&decision.topology);
        announce(decision, before.as_deref().unwrap_or_default());
        if before.as_ref() != Some(&words) {
            news.push(decision.clone());
        }
        running.last_words.insert(decision.topology.clone(), words);
    }
    news
}

/// Says once what the next change of a topology will cost.
fn announce(decision: &Decision, said: &str) {
    for reason in &decision.reasons {
        let costs = matches!(reason.code, ReasonCode::AdoptionNeeded | ReasonCode::StopNeeded);
        if costs && !said.contains(&format!("{:?}", reason.code)) {
            let Reason { text, measured, setting, .. } = reason;
            tracing::warn!(
                topology = decision.name,
                text,
                seconds = measured,
                setting,
                "the next change stops it"
            );
        }
    }
}

fn words(decision: &Decision) -> String {
    let codes: Vec<String> =
        decision.reasons.iter().map(|reason| format!("{:?}", reason.code)).collect();
    format!("{:?} {}", decision.verdict, codes.join(" "))
}
