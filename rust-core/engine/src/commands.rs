//! What the actuator asks and reports, as JSON requests.

use serde::Deserialize;
use serde_json::{Value, json};
use thalweg_core::plan::MigrationRow;
use thalweg_core::units::Timestamp;
use thalweg_store::Published;

use crate::recording::Entry;
use crate::status::{ActivePlan, EndedPlan, PlanState};
use crate::{Engine, EngineError, PLAN_KEY, Running, TERM, tables};

/// Ended plans that the status keeps.
const REMEMBERED: usize = 20;

/// One request.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Request {
    Publish {
        plan: String,
    },
    Commit {
        plan: String,
    },
    Abort {
        plan: String,
        code: String,
        #[serde(default)]
        text: String,
        /// What was done until then.
        #[serde(default)]
        steps: Vec<Value>,
    },
    Finish {
        plan: String,
        #[serde(default)]
        how: String,
        #[serde(default)]
        steps: Vec<Value>,
    },
    Progress {
        plan: String,
        step: String,
        #[serde(default)]
        text: String,
    },
    Event {
        code: String,
        #[serde(default)]
        text: String,
    },
    /// The shell has something to be kept for its successor.
    Keep {
        key: String,
        value: Value,
    },
    /// The shell asks for what was kept.
    Kept {
        key: String,
    },
    Resume,
    Status,
}

impl Engine {
    /// Carries out one JSON request and answers in JSON.
    ///
    /// # Errors
    /// When the request cannot be understood, names a plan that is not under way, or its table
    /// cannot be stored.
    pub fn command(&self, request_json: &str, now: Timestamp) -> Result<String, EngineError> {
        let request: Request =
            serde_json::from_str(request_json).map_err(|e| EngineError::Request(e.to_string()))?;
        let answer = match request {
            Request::Publish { plan } => self.publish(&plan, now)?,
            Request::Commit { plan } => self.commit(&plan)?,
            Request::Abort { plan, code, text, steps } => self.abort(&plan, code, text, steps, now),
            Request::Finish { plan, how, steps } => self.finish(&plan, how, steps, now)?,
            Request::Progress { plan, step, text } => self.progress(&plan, step, text, now),
            Request::Event { code, text } => self.event(code, text),
            Request::Keep { key, value } => self.keep(&key, &value)?,
            Request::Kept { key } => self.kept(&key)?,
            Request::Resume => self.resume(now)?,
            Request::Status => serde_json::to_value(self.status_of(&self.running(), now))?,
        };
        self.show(&self.running(), now);
        Ok(answer.to_string())
    }

    /// Stores the plan's routing table before anything is touched.
    fn publish(&self, plan: &str, now: Timestamp) -> Result<Value, EngineError> {
        let (topology, rows) = {
            let running = self.running();
            let active = active(&running, plan)?;
            (active.plan.topology.clone(), active.plan.rows.clone())
        };
        let epoch = self.store.next_epoch(&topology, TERM)?;
        let table = tables::of_plan(plan, &topology, epoch, now, &rows);
        let stored = self.store.publish_and_wait(&table, self.settings.publish_timeout)?;
        let kept = {
            let mut running = self.running();
            let active = active_mut(&mut running, plan)?;
            active.plan.epoch = epoch;
            active.state = PlanState::Published;
            serde_json::to_vec(active)?
        };
        self.store.put_state(PLAN_KEY, &kept)?;
        let kind = format!("{:?}", self.settings.store.kind).to_lowercase();
        Ok(match stored {
            Published::Primary => json!({ "stored": kind, "epoch": epoch }),
            Published::Journal(reason) => {
                tracing::warn!(plan, reason, "routing table is in the journal only");
                json!({ "stored": "embedded", "epoch": epoch, "reason": reason })
            }
        })
    }

    /// From now on scheduling rounds place the topology by the plan.
    fn commit(&self, plan: &str) -> Result<Value, EngineError> {
        let (topology, routes, kept) = {
            let mut running = self.running();
            let active = active_mut(&mut running, plan)?;
            active.state = PlanState::Committed;
            let routes = thalweg_core::assign::Routes::of(&active.plan.rows, true);
            (active.plan.topology.clone(), routes, serde_json::to_vec(active)?)
        };
        self.store.put_state(PLAN_KEY, &kept)?;
        self.routing().routes.insert(topology, routes);
        Ok(json!({}))
    }

    fn finish(
        &self,
        plan: &str,
        how: String,
        steps: Vec<Value>,
        now: Timestamp,
    ) -> Result<Value, EngineError> {
        let ended = {
            let mut running = self.running();
            let mut active = take_active(&mut running, plan)?;
            if !steps.is_empty() {
                active.steps = steps;
            }
            let settings = self.core().clone();
            running.state.finish(plan, now, &settings);
            self.recorder.write(&Entry::Finished { plan: plan.into(), now });
            keep_ended(&mut running, active, how, None, now)
        };
        self.settle(&ended, now)?;
        Ok(json!({}))
    }

    /// Gives a plan up; the next observation makes the table equal to what runs.
    fn abort(
        &self,
        plan: &str,
        code: String,
        text: String,
        steps: Vec<Value>,
        now: Timestamp,
    ) -> Value {
        tracing::warn!(plan, code, text, "plan given up");
        let mut running = self.running();
        let settings = self.core().clone();
        running.state.abort(plan, now, &settings);
        self.recorder.write(&Entry::Aborted { plan: plan.into(), now });
        let Ok(mut active) = take_active(&mut running, plan) else { return json!({}) };
        if !steps.is_empty() {
            active.steps = steps;
        }
        *running.counters.entry(format!("aborted_{}", code.to_lowercase())).or_default() += 1;
        let topology = active.plan.topology.clone();
        keep_ended(&mut running, active, text, Some(code), now);
        drop(running);
        self.routing().routes.remove(&topology);
        self.forget_plan();
        json!({})
    }

    /// The plan is what runs: its rows have the same slot on both sides now.
    fn settle(&self, ended: &EndedPlan, now: Timestamp) -> Result<(), EngineError> {
        self.record("action", serde_json::to_value(ended)?);
        let topology = &ended.plan.topology;
        let settled = ended
            .plan
            .rows
            .iter()
            .map(|row| MigrationRow { before: Some(row.after.clone()), ..row.clone() });
        let rows: Vec<MigrationRow> = settled.collect();
        let routes = thalweg_core::assign::Routes::of(&rows, false);
        self.routing().routes.insert(topology.clone(), routes);
        self.forget_plan();
        let epoch = self.store.next_epoch(topology, TERM)?;
        self.store.publish(&tables::of_plan(&ended.plan.id, topology, epoch, now, &rows))?;
        Ok(())
    }

    fn forget_plan(&self) {
        if let Err(error) = self.store.put_state(PLAN_KEY, b"null") {
            tracing::warn!(%error, "the plan under way is not forgotten in the store");
        }
    }

    fn progress(&self, plan: &str, step: String, text: String, now: Timestamp) -> Value {
        if let Ok(active) = active_mut(&mut self.running(), plan) {
            active.steps.push(json!({ "step": step, "at": now, "text": text }));
        }
        json!({})
    }

    fn event(&self, code: String, text: String) -> Value {
        tracing::info!(code, text, "event");
        *self.running().counters.entry(code.to_lowercase()).or_default() += 1;
        json!({})
    }

    /// Keeps something of the shell's in the store.
    fn keep(&self, key: &str, value: &Value) -> Result<Value, EngineError> {
        self.store.put_state(&of_shell(key), &serde_json::to_vec(value)?)?;
        Ok(json!({}))
    }

    /// What was kept; nothing where there is nothing that can be read.
    fn kept(&self, key: &str) -> Result<Value, EngineError> {
        let bytes = self.store.state(&of_shell(key))?;
        let value = bytes.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        Ok(json!({ "value": value }))
    }

    /// Reads what a predecessor left: tables, and the plan it was carrying out.
    fn resume(&self, now: Timestamp) -> Result<Value, EngineError> {
        self.load_routes()?;
        let Some(bytes) = self.store.state(PLAN_KEY)? else { return Ok(json!({ "plan": null })) };
        let left: Option<ActivePlan> = serde_json::from_slice(&bytes)
            .inspect_err(|error| tracing::warn!(%error, "the plan left behind is unreadable"))
            .unwrap_or_default();
        let Some(left) = left else { return Ok(json!({ "plan": null })) };
        if left.state == PlanState::Committed {
            let routes = thalweg_core::assign::Routes::of(&left.plan.rows, true);
            self.routing().routes.insert(left.plan.topology.clone(), routes);
        }
        let answer = json!({ "plan": left.plan, "state": left.state, "since": now });
        self.running().plan = Some(left);
        Ok(answer)
    }
}

/// The store's key for something of the shell's.
fn of_shell(key: &str) -> String {
    format!("shell-{key}")
}

fn active<'a>(running: &'a Running, plan: &str) -> Result<&'a ActivePlan, EngineError> {
    let found = running.plan.as_ref().filter(|active| active.plan.id == plan);
    found.ok_or_else(|| EngineError::UnknownPlan(plan.to_owned()))
}

fn active_mut<'a>(running: &'a mut Running, plan: &str) -> Result<&'a mut ActivePlan, EngineError> {
    let found = running.plan.as_mut().filter(|active| active.plan.id == plan);
    found.ok_or_else(|| EngineError::UnknownPlan(plan.to_owned()))
}

fn take_active(running: &mut Running, plan: &str) -> Result<ActivePlan, EngineError> {
    let found = running.plan.take_if(|active| active.plan.id == plan);
    found.ok_or_else(|| EngineError::UnknownPlan(plan.to_owned()))
}

fn keep_ended(
    running: &mut Running,
    active: ActivePlan,
    how: String,
    code: Option<String>,
    now: Timestamp,
) -> EndedPlan {
    let ended = EndedPlan { plan: active.plan, at: now, how, code, steps: active.steps };
    running.ended.push_front(ended.clone());
    running.ended.truncate(REMEMBERED);
    ended
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use thalweg_core::model::Observation;

    fn engine(folder: &std::path::Path) -> Engine {
        Engine::open(&json!({ "thalweg.store.dir": folder }).to_string()).unwrap()
    }

    #[test]
    fn what_a_shell_has_kept_outlives_it() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_millis(0);
        let first = engine(folder.path());
        let kept = r#"{"op": "kept", "key": "bounds"}"#;
        assert_eq!(first.command(kept, now).unwrap(), r#"{"value":null}"#);
        first.command(r#"{"op": "keep", "key": "bounds", "value": {"a": 1}}"#, now).unwrap();
        drop(first);
        assert_eq!(engine(folder.path()).command(kept, now).unwrap(), r#"{"value":{"a":1}}"#);
    }

    #[test]
    fn an_order_for_nobody_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let engine = engine(folder.path());
        std::fs::write(folder.path().join("order.json"), r#"{"topology": "nobody"}"#).unwrap();
        engine.observe(Observation::default(), Timestamp::from_millis(0)).unwrap();
        assert!(folder.path().join("order.refused.json").exists());
        assert_eq!(engine.running().counters["order_refused"], 1);
        assert_eq!(engine.running().state.order, None);
    }
}
