//! What shells ask and report, as JSON requests.

use serde::Deserialize;
use serde_json::{Value, json};
use thalweg_core::action::{Action, Done, Event, Fault};
use thalweg_core::units::Timestamp;
use thalweg_store::Published;

use crate::actions::{note, under_way_mut};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::leading::Elected;
use crate::operator;
use crate::recording::Entry;
use crate::tables;

/// What a shell asks or reports.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
#[allow(missing_docs)] // The fields are what their names say.
pub enum Request {
    /// Store the plan's routing table before anything is touched.
    Publish { plan: String },
    /// The plan is about to be carried out in this way.
    Begin { plan: String, strategy: String },
    /// Something is about to be done to the engine.
    Intend { plan: String, done: Done },
    /// Something was taken back.
    Undone { plan: String, done: Done },
    /// Senders are about to use the new executors.
    Switched { plan: String },
    /// From now on scheduling rounds place the topology by the plan.
    Commit { plan: String },
    /// One way of carrying it out does not work.
    Failed {
        plan: String,
        #[serde(flatten)]
        fault: Reported,
    },
    /// No way is left.
    Abort {
        plan: String,
        #[serde(flatten)]
        fault: Reported,
        /// What was done until then.
        #[serde(default)]
        steps: Vec<Value>,
    },
    /// The plan is what runs.
    Finish {
        plan: String,
        #[serde(default)]
        how: String,
        #[serde(default)]
        steps: Vec<Value>,
    },
    /// A step begins.
    Progress {
        plan: String,
        step: String,
        #[serde(default)]
        text: String,
    },
    /// Something happened that is worth counting.
    Event {
        code: String,
        #[serde(default)]
        text: String,
    },
    /// The shell has something to be kept for its successor.
    Keep { key: String, value: Value },
    /// The shell asks for what was kept.
    Kept { key: String },
    /// A shell finds a topology that it has to place anew, and asks where it ran.
    Table { topology: String },
    /// This process begins to lead.
    Lead {
        /// A number that grows with each change of leader, as far as the shell knows one.
        #[serde(default)]
        term: u64,
        /// What is noted in the cluster of an unfinished action: empty if nothing, absent where no notes are kept.
        #[serde(default)]
        note: Option<String>,
        /// What is added to the terms that follow from `term`, as it is noted in the cluster.
        #[serde(default)]
        term_base: u64,
    },
    /// What is there to be done for an action that nobody is at work on?
    Due,
    /// Another process leads.
    Follow,
    /// What the status file shows.
    Status,
}

/// What a request is about, be it the shell's or an operator's.
#[derive(Debug, Deserialize)]
struct Op {
    op: String,
    /// Why, where it is an operator's.
    #[serde(default)]
    why: String,
}

/// Why something did not work.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Reported {
    /// Stable code.
    pub code: String,
    /// For people.
    #[serde(default)]
    pub text: String,
}

impl From<Reported> for Fault {
    fn from(reported: Reported) -> Self {
        Self { code: reported.code, text: reported.text }
    }
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// When it cannot be understood.
    pub fn read(json: &str) -> Result<Self, EngineError> {
        thalweg_bounds::read(json.as_bytes())
            .map_err(|error| EngineError::Request(error.to_string()))
    }
}

impl Engine {
    /// Carries out one JSON request and answers in JSON.
    ///
    /// # Errors
    /// When the request cannot be understood, names a plan that is not under way or something that does not go with
    /// how far it is, or cannot be stored.
    pub fn command(&self, request_json: &str, now: Timestamp) -> Result<String, EngineError> {
        let bad = |error: serde_json::Error| EngineError::Request(error.to_string());
        let Op { op, why } = serde_json::from_str(request_json).map_err(bad)?;
        if operator::OPS.contains(&op.as_str()) {
            let answer = self.say(serde_json::from_str(request_json).map_err(bad)?, &why, now);
            return Ok(self.shown(answer, now)?.to_string());
        }
        Ok(self.request(Request::read(request_json)?, now)?.to_string())
    }

    /// As [`Engine::command`] for what a shell asks, with request and answer as values.
    ///
    /// # Errors
    /// As there.
    pub fn request(&self, request: Request, now: Timestamp) -> Result<Value, EngineError> {
        self.shown(self.answer(request, now), now)
    }

    /// Shows what a request changed, and passes the answer on.
    fn shown(
        &self,
        answer: Result<Value, EngineError>,
        now: Timestamp,
    ) -> Result<Value, EngineError> {
        self.recorder.flush();
        // Who follows observes nothing: what it says here is the last for a while.
        self.show(now);
        answer
    }

    fn answer(&self, request: Request, now: Timestamp) -> Result<Value, EngineError> {
        let happen = |plan: &str, event| Ok(noted(&self.happen(plan, event, now)?));
        match request {
            Request::Publish { plan } => self.publish(&plan, now),
            Request::Begin { plan, strategy } => happen(&plan, Event::Began { strategy }),
            Request::Intend { plan, done } => happen(&plan, Event::Intends { done }),
            Request::Undone { plan, done } => happen(&plan, Event::Undone { done }),
            Request::Switched { plan } => happen(&plan, Event::Switched),
            Request::Commit { plan } => happen(&plan, Event::Commits),
            Request::Failed { plan, fault } => happen(&plan, Event::Failed(fault.into())),
            Request::Abort { plan, fault, steps } => {
                Ok(self.abort(&plan, fault.into(), steps, now))
            }
            Request::Finish { plan, how, steps } => self.finish(&plan, how, steps, now),
            Request::Progress { plan, step, text } => Ok(self.progress(&plan, step, text, now)),
            Request::Event { code, text } => Ok(self.event(code, text)),
            Request::Keep { key, value } => self.keep(&key, &value),
            Request::Kept { key } => self.kept(&key),
            Request::Table { topology } => self.table_in_force(&topology),
            Request::Lead { term, note, term_base } => {
                self.lead(Elected { number: term, term_base }, note.as_deref(), now)
            }
            Request::Due => Ok(json!({ "due": Self::due(&self.running()) })),
            Request::Follow => {
                self.follow();
                Ok(json!({}))
            }
            Request::Status => Ok(serde_json::to_value(self.status(now)?)?),
        }
    }

    fn publish(&self, plan: &str, now: Timestamp) -> Result<Value, EngineError> {
        let (topology, rows, term) = {
            let mut running = self.running();
            let term = running.term;
            let plan = &under_way_mut(&mut running, plan)?.action.plan;
            (plan.topology.clone(), plan.rows.clone(), term)
        };
        let epoch = self.store.next_epoch(&topology, term.0)?;
        let table = tables::of_plan(plan, &topology, epoch, now, &rows);
        self.routing().stored.insert(topology, None);
        let stored = self.store.publish_and_wait(&table, self.settings.publish_timeout)?;
        under_way_mut(&mut self.running(), plan)?.action.plan.epoch = epoch;
        self.happen(plan, Event::Published, now)?;
        let kind = format!("{:?}", self.settings.store.kind).to_lowercase();
        Ok(match stored {
            Published::Primary => json!({ "stored": kind, "epoch": epoch }),
            Published::Journal(reason) => {
                tracing::warn!(plan, reason, "routing table is in the journal only");
                json!({ "stored": "embedded", "epoch": epoch, "reason": reason })
            }
        })
    }

    fn finish(
        &self,
        plan: &str,
        how: String,
        steps: Vec<Value>,
        now: Timestamp,
    ) -> Result<Value, EngineError> {
        self.note_steps(plan, steps);
        let action = self.happen(plan, Event::Reached, now)?;
        self.record_end(plan, Some(how));
        Ok(noted(&action))
    }

    /// Gives a plan up; also one that is not under way, so that the core does not wait for it.
    fn abort(&self, plan: &str, fault: Fault, steps: Vec<Value>, now: Timestamp) -> Value {
        tracing::warn!(plan, code = fault.code, text = fault.text, "plan given up");
        self.note_steps(plan, steps);
        match self.happen(plan, Event::GaveUp(fault), now) {
            Ok(action) => {
                self.record_end(plan, None);
                noted(&action)
            }
            Err(error) => {
                tracing::warn!(plan, %error, "a plan that is given up was not under way");
                self.running().state.abort(plan, now, self.core());
                self.recorder.write(&Entry::Aborted { plan: plan.into(), now });
                json!({})
            }
        }
    }

    fn note_steps(&self, plan: &str, steps: Vec<Value>) {
        if let Ok(under_way) = under_way_mut(&mut self.running(), plan)
            && !steps.is_empty()
        {
            under_way.steps = steps;
        }
    }

    /// Appends to the ledger how a plan ended, if it did.
    pub(crate) fn record_end(&self, plan: &str, how: Option<String>) {
        let ended = {
            let mut running = self.running();
            let found = running.ended.front_mut().filter(|ended| ended.plan.id == plan);
            let Some(ended) = found else { return };
            if let Some(how) = how.filter(|how| !how.is_empty()) {
                ended.how = how;
            }
            ended.clone()
        };
        self.records.action(&ended);
    }

    fn progress(&self, plan: &str, step: String, text: String, now: Timestamp) -> Value {
        if let Ok(under_way) = under_way_mut(&mut self.running(), plan) {
            under_way.steps.push(json!({ "step": step, "at": now, "text": text }));
            under_way.heard_at = now;
        }
        json!({})
    }

    /// Keeps something of the shell's in the store.
    fn keep(&self, key: &str, value: &Value) -> Result<Value, EngineError> {
        let term = self.running().term;
        self.store.put_stamped(&of_shell(key), term.0, &serde_json::to_vec(value)?)?;
        Ok(json!({}))
    }

    /// What was kept; nothing where there is nothing that can be read.
    fn kept(&self, key: &str) -> Result<Value, EngineError> {
        let stamped = self.store.stamped(&of_shell(key))?;
        let value = stamped.and_then(|kept| serde_json::from_slice::<Value>(&kept.bytes).ok());
        Ok(json!({ "value": value }))
    }

    fn event(&self, code: String, text: String) -> Value {
        tracing::info!(code, text, "event");
        *self.running().counters.entry(code.to_lowercase()).or_default() += 1;
        json!({})
    }
}

/// The answer to what was reported of an action: what a shell that keeps notes has to note now.
fn noted(action: &Action) -> Value {
    json!({ "phase": action.phase, "note": note(action) })
}

/// The store's key for something of the shell's.
fn of_shell(key: &str) -> String {
    format!("shell-{key}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

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
}
