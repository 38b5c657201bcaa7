//! What happens when the monitor hands in an observation.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use thalweg_core::decide;
use thalweg_core::explain::{Decision, Verdict};
use thalweg_core::model::{Observation, Obstacle};
use thalweg_core::state::Order;
use thalweg_core::units::Timestamp;
use thalweg_store::{Reach, StoreKind};

use crate::recording::Entry;
use crate::status::{ActivePlan, PlanState, Status};
use crate::{Engine, EngineError, LEARNED_KEY, Running, TERM, drains, files, orders, tables};

/// Outcomes and ended plans that the status keeps.
const REMEMBERED: usize = 20;
/// Seconds after which what was learned is stored again.
const SAVED_EACH_SECS: u64 = 60;

impl Engine {
    /// Takes in one observation and answers with the decisions it led to, as JSON.
    ///
    /// # Errors
    /// When the answer cannot be written. A store that fails is logged and does not stop the loop.
    pub fn observe(
        &self,
        mut observation: Observation,
        now: Timestamp,
    ) -> Result<String, EngineError> {
        let drained = self.drained();
        drains::mark(&mut observation, &drained);
        let mut running = self.running();
        let mut state = std::mem::take(&mut running.state);
        if let Some(order) = orders::take(&self.settings.dir) {
            state.order = self.meant(order, &observation, &mut running);
        } else if running.plan.is_none() && state.order.as_ref().is_none_or(|o| o.while_drained) {
            // One topology at a time; one that cannot leave does not keep the others from it, and none leaves a host
            // that may be used again.
            state.order = drains::order(&observation, &drained, running.drain_turn);
            running.drain_turn = running.drain_turn.wrapping_add(1);
        }
        let order = state.order.clone();
        let decided = decide(&observation, state, self.core(), now);
        self.record_observation(&observation, order, &decided.decisions, now)?;
        running.state = decided.state;
        running.decisions = decided.decisions;
        self.adopt_plan(&mut running, now);
        for outcome in decided.outcomes {
            tracing::info!(
                plan = outcome.plan,
                helped = outcome.helped,
                text = outcome.text,
                "outcome"
            );
            self.record("outcome", serde_json::to_value(&outcome)?);
            running.outcomes.push_front(outcome);
            running.outcomes.truncate(REMEMBERED);
        }
        self.record_decisions(&mut running)?;
        self.follow_the_truth(&observation, &running, now);
        self.save_learned(&mut running, now);
        self.show(&running, now);
        let answer = json!({
            "decisions": running.decisions,
            "next_in_ms": decided.next_in.get(),
        });
        Ok(answer.to_string())
    }

    /// The order, unless it names nothing that there is: it would wait for ever, and nobody would know.
    fn meant(
        &self,
        order: Order,
        observation: &Observation,
        running: &mut Running,
    ) -> Option<Order> {
        if observation.topologies.iter().any(|topology| order.may_mean(topology)) {
            return Some(order);
        }
        orders::refuse(&self.settings.dir, &order);
        *running.counters.entry("order_refused".to_owned()).or_default() += 1;
        None
    }

    /// The hosts that are being emptied; while their file cannot be read, the last ones known.
    fn drained(&self) -> BTreeSet<String> {
        match drains::read(&self.settings.dir) {
            Ok(drained) => {
                self.routing().drained.clone_from(&drained);
                drained
            }
            Err(error) => {
                tracing::warn!(error, "drained hosts not read");
                self.routing().drained.clone()
            }
        }
    }

    fn record_observation(
        &self,
        observation: &Observation,
        order: Option<Order>,
        decisions: &[Decision],
        now: Timestamp,
    ) -> Result<(), EngineError> {
        if self.recorder.is_on() {
            let decisions = Cow::Owned(to_raw_value(decisions)?);
            let observation = Cow::Borrowed(observation);
            self.recorder.write(&Entry::Observed { now, order, observation, decisions });
        }
        Ok(())
    }

    /// Makes the plan of an act-decision the one under way.
    fn adopt_plan(&self, running: &mut Running, now: Timestamp) {
        let acting = running.decisions.iter().find(|decision| decision.verdict == Verdict::Act);
        if let Some(plan) = acting.and_then(|decision| decision.plan.clone()) {
            tracing::info!(plan = plan.id, kind = ?plan.kind, counts = ?plan.counts, "plan decided");
            let plan =
                ActivePlan { plan, state: PlanState::Decided, since: now, steps: Vec::new() };
            running.plan = Some(plan);
        }
    }

    /// Writes a decision to the ledger when it says something new.
    fn record_decisions(&self, running: &mut Running) -> Result<(), EngineError> {
        let spoken: Vec<(String, String, Value)> = running
            .decisions
            .iter()
            .map(|decision| {
                Ok((decision.topology.clone(), words(decision), serde_json::to_value(decision)?))
            })
            .collect::<Result<_, EngineError>>()?;
        running.last_words.retain(|topology, _| spoken.iter().any(|(id, ..)| id == topology));
        for (topology, words, decision) in spoken {
            let last = running.last_words.insert(topology, words.clone());
            if last.as_ref() != Some(&words) {
                self.record("decision", decision);
            }
        }
        Ok(())
    }

    /// Keeps each table equal to where executors run, unless a plan is about to change that; drops
    /// tables of topologies that are gone.
    fn follow_the_truth(&self, observation: &Observation, running: &Running, now: Timestamp) {
        let known: Vec<String> = self.routing().routes.keys().cloned().collect();
        for gone in known.iter().filter(|id| !observation.topologies.iter().any(|t| t.id == **id)) {
            self.routing().routes.remove(gone);
            if let Err(error) = self.store.remove(gone) {
                tracing::warn!(topology = gone, %error, "routing table not removed");
            }
        }
        for topology in &observation.topologies {
            if running.plan.as_ref().is_some_and(|active| active.plan.topology == topology.id) {
                continue;
            }
            if topology.obstacle.is_some_and(Obstacle::is_left_alone) {
                // Where it runs is not known, or not ours to say.
                continue;
            }
            let Some(rows) = tables::as_it_runs(observation, topology) else { continue };
            let routes = thalweg_core::assign::Routes::of(&rows, false);
            if self.routing().routes.get(&topology.id) == Some(&routes) {
                continue;
            }
            self.routing().routes.insert(topology.id.clone(), routes);
            let published = self.store.next_epoch(&topology.id, TERM).and_then(|epoch| {
                self.store.publish(&tables::of_plan("as-it-runs", &topology.id, epoch, now, &rows))
            });
            if let Err(error) = published {
                tracing::warn!(topology = topology.id, %error, "routing table not stored");
            }
        }
    }

    /// Stores what was learned, but not each time: it changes with every observation, and what a crash
    /// takes of it is learned again within a minute.
    fn save_learned(&self, running: &mut Running, now: Timestamp) {
        let learned = &running.state.learned;
        // Placement asks for nodes only.
        self.routing().learned.nodes.clone_from(&learned.nodes);
        if running.saved_at.is_some_and(|at| now < at.plus_secs(SAVED_EACH_SECS)) {
            return;
        }
        let saved = serde_json::to_vec(learned)
            .map_err(EngineError::from)
            .and_then(|bytes| Ok(self.store.put_state(LEARNED_KEY, &bytes)?));
        match saved {
            Ok(()) => running.saved_at = Some(now),
            Err(error) => tracing::warn!(%error, "learned state not stored"),
        }
    }

    /// Appends to the ledger; a ledger that cannot be written stops nothing.
    pub(crate) fn record(&self, kind: &str, content: Value) {
        let record = json!({ "kind": kind, "content": content }).to_string();
        if let Err(error) = self.store.append_record(&record) {
            tracing::warn!(%error, "ledger not written");
        }
    }

    /// Writes the status file for people and tools on this machine.
    pub(crate) fn show(&self, running: &Running, now: Timestamp) {
        let written = serde_json::to_string(&self.status_of(running, now))
            .map_err(EngineError::from)
            .map(|text| files::replace(&self.settings.dir.join("status.json"), &text));
        if let Err(error) | Ok(Err(error)) =
            written.map(|r| r.map_err(|e| EngineError::Request(e.to_string())))
        {
            tracing::debug!(%error, "status file not written");
        }
    }

    pub(crate) fn status_of<'a>(&'a self, running: &'a Running, now: Timestamp) -> Status<'a> {
        let health = self.store.health();
        let (up, reason) = match health.reach {
            Reach::Up => (true, None),
            Reach::Connecting => (false, Some("connecting".to_owned())),
            Reach::Down(reason) => (false, Some(reason)),
        };
        Status {
            version: env!("CARGO_PKG_VERSION"),
            at: now,
            mode: self.core().mode,
            problems: &self.settings.problems,
            store: json!({
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
            }),
            decisions: &running.decisions,
            plan: running.plan.as_ref(),
            ended: &running.ended,
            outcomes: &running.outcomes,
            counters: &running.counters,
        }
    }
}

fn words(decision: &Decision) -> String {
    let codes: Vec<String> =
        decision.reasons.iter().map(|reason| format!("{:?}", reason.code)).collect();
    format!("{:?} {}", decision.verdict, codes.join(" "))
}
