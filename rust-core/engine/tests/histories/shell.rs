//! A shell as the ones in the JVM: it carries out one thing at a time, asks who leads before each, notes before it
//! does, and reports.

use serde_json::{Value, json};
use thalweg_core::units::Timestamp;
use thalweg_engine::Engine;

use super::cluster::Cluster;

/// What a shell is about to do next. Each may be the last thing that its process does.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Report something to the engine, and note what it answers in the cluster.
    Report(Value),
    /// Note in the cluster what the engine answered last.
    Note,
    /// Stop the topology's sources.
    Deactivate,
    /// Let them run.
    Activate,
    /// Tell nodes to run new workers beside the old ones.
    StartWorkers,
    /// Tell nodes what Nimbus holds.
    TellTruth,
    /// Ask Nimbus for a round that places the topology anew.
    Rebalance,
    /// Wait until Nimbus holds the plan.
    AwaitReached,
    /// End the plan if it is what runs, else give it up.
    End,
}

/// The actuator of one process.
#[derive(Debug, Clone, Default)]
pub struct Shell {
    /// The plan at work, as the engine wrote it.
    pub plan: Option<Value>,
    /// What is left to do, the next last.
    todo: Vec<Step>,
    /// What leads back from what was done, the newest last.
    back: Vec<Step>,
    /// The answer to be noted in the cluster.
    answer: Value,
    /// Whether the new placement was made to count.
    committed: bool,
    waited: u32,
}

/// Why a step was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It failed, or was made to.
    Failed,
    /// Another process leads.
    Deposed,
}

/// Rounds that a shell waits for the plan to be what runs.
const PATIENCE: u32 = 6;

fn deactivated() -> Value {
    json!({ "what": "deactivated" })
}

fn started() -> Value {
    json!({ "what": "workers_started", "nodes": ["n0"] })
}

impl Shell {
    /// Whether nothing is at work.
    pub fn is_idle(&self) -> bool {
        self.plan.is_none()
    }

    /// The topology that the plan at work is about.
    pub fn name(&self) -> String {
        self.plan
            .as_ref()
            .map_or_else(String::new, |plan| plan["topology"].as_str().unwrap_or("").to_owned())
    }

    fn request(&self, op: &str) -> Value {
        let id = self.plan.as_ref().map_or(Value::Null, |plan| plan["id"].clone());
        json!({ "op": op, "plan": id })
    }

    fn with(&self, op: &str, key: &str, value: Value) -> Step {
        let mut request = self.request(op);
        request[key] = value;
        Step::Report(request)
    }

    /// Takes a plan that was decided just now.
    pub fn offer(&mut self, plan: &Value, strategy: usize) {
        *self = Self { plan: Some(plan.clone()), ..Self::default() };
        let begin = |shell: &Self, name: &str| {
            vec![
                Step::Report(shell.request("publish")),
                shell.with("begin", "strategy", json!(name)),
                Step::Note,
            ]
        };
        let commit = |shell: &Self| {
            vec![
                Step::Report(shell.request("switched")),
                Step::Report(shell.request("commit")),
                Step::Note,
                Step::Rebalance,
                Step::AwaitReached,
            ]
        };
        let mut steps = match strategy {
            0 => [
                begin(self, "drain_and_restart"),
                vec![self.with("intend", "done", deactivated()), Step::Note, Step::Deactivate],
                commit(self),
                vec![Step::Activate, self.with("undone", "done", deactivated()), Step::Note],
            ]
            .concat(),
            1 => [
                begin(self, "make_before_break"),
                vec![self.with("intend", "done", started()), Step::Note, Step::StartWorkers],
                commit(self),
                vec![Step::TellTruth, self.with("undone", "done", started()), Step::Note],
            ]
            .concat(),
            _ => [begin(self, "rebalance"), commit(self)].concat(),
        };
        steps.push(Step::End);
        steps.reverse();
        self.todo = steps;
    }

    /// Takes what is due for an action that nobody is at work on.
    pub fn due(&mut self, due: &Value) {
        if !self.is_idle() || !due.is_object() {
            return;
        }
        *self = Self { plan: Some(due["plan"].clone()), committed: true, ..Self::default() };
        let forward = due["what"] == "carry_on";
        let mut steps = Vec::new();
        if forward {
            steps.extend([
                self.with("begin", "strategy", json!("rebalance")),
                Step::Report(self.request("switched")),
                Step::Report(self.request("commit")),
                Step::Rebalance,
                Step::AwaitReached,
            ]);
        }
        let done: Vec<Value> = due["done"].as_array().cloned().unwrap_or_default();
        for done in done.into_iter().rev() {
            let undo = if done["what"] == "deactivated" { Step::Activate } else { Step::TellTruth };
            steps.extend([undo, self.with("undone", "done", done), Step::Note]);
        }
        if forward {
            steps.push(Step::End);
        }
        steps.reverse();
        self.todo = steps;
    }

    /// Does the next thing; `leads` is what the cluster says of this process at this moment.
    pub fn go(
        &mut self,
        engine: &Engine,
        cluster: &mut Cluster,
        leads: bool,
        fails: bool,
        now: Timestamp,
    ) {
        let Some(step) = self.todo.last().cloned() else {
            self.plan = None;
            return;
        };
        let outcome = match (leads, fails) {
            (false, _) => Err(Failure::Deposed),
            (true, true) => Err(Failure::Failed),
            (true, false) => self.perform(&step, engine, cluster, now),
        };
        match outcome {
            Ok(true) => {
                self.todo.pop();
            }
            Ok(false) => {}
            Err(Failure::Deposed) => *self = Self::default(),
            Err(Failure::Failed) => self.lead_back(step),
        }
    }

    /// After a failure: what was done is taken back and the plan given up, or, once committed, the shell goes on. Whatever
    /// fails on the way back is due again at a later look.
    fn lead_back(&mut self, failed: Step) {
        if self.committed {
            self.todo.pop();
            if matches!(failed, Step::Activate | Step::TellTruth) {
                // Without this its end would not be reported either.
                self.todo.retain(|step| *step == Step::End);
            }
            return;
        }
        let fault =
            json!({ "op": "abort", "plan": self.request("")["plan"], "code": "STEP_DEADLINE" });
        self.committed = true;
        self.todo = vec![Step::Note, Step::Report(fault)];
        self.todo.append(&mut self.back);
    }

    fn perform(
        &mut self,
        step: &Step,
        engine: &Engine,
        cluster: &mut Cluster,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let id = self.name();
        match step {
            Step::Report(request) => {
                self.committed |= request["op"] == "commit";
                let answer =
                    engine.command(&request.to_string(), now).map_err(|_| Failure::Failed)?;
                self.answer = serde_json::from_str(&answer).map_err(|_| Failure::Failed)?;
            }
            Step::Note => match &self.answer["note"] {
                Value::Object(_) => cluster.note = Some(self.answer["note"].to_string()),
                _ => cluster.note = None,
            },
            Step::Deactivate => {
                let undone = self.with("undone", "done", deactivated());
                self.back = vec![Step::Note, undone, Step::Activate];
                cluster.topologies.get_mut(&id).ok_or(Failure::Failed)?.active = false;
            }
            Step::Activate => {
                // One that is gone need not run again.
                if let Some(held) = cluster.topologies.get_mut(&id) {
                    held.active = true;
                }
            }
            Step::StartWorkers => {
                let undone = self.with("undone", "done", started());
                self.back = vec![Step::Note, undone, Step::TellTruth];
                cluster.beside.insert(id);
            }
            Step::TellTruth => {
                cluster.beside.remove(&id);
            }
            Step::Rebalance => {
                cluster.topologies.get_mut(&id).ok_or(Failure::Failed)?.rebalancing = true;
            }
            Step::AwaitReached => {
                self.waited += 1;
                if !self.is_reached(cluster) && self.waited < PATIENCE {
                    return Ok(false);
                }
            }
            Step::End => self.end(engine, cluster, now)?,
        }
        Ok(true)
    }

    fn end(
        &mut self,
        engine: &Engine,
        cluster: &mut Cluster,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let mut request = self.request(if self.is_reached(cluster) { "finish" } else { "abort" });
        request["code"] = json!("UNREACHED");
        let answer = engine.command(&request.to_string(), now).map_err(|_| Failure::Failed)?;
        let answer: Value = serde_json::from_str(&answer).map_err(|_| Failure::Failed)?;
        cluster.note = answer["note"].is_object().then(|| answer["note"].to_string());
        Ok(())
    }

    fn is_reached(&self, cluster: &Cluster) -> bool {
        let (Some(plan), Some(held)) = (&self.plan, cluster.topologies.get(&self.name())) else {
            return false;
        };
        let rows = plan["rows"].as_array().map_or(&[][..], Vec::as_slice);
        rows.iter().zip(&held.slots).all(|(row, slot)| {
            let after = &row["after"];
            slot.is_some_and(|slot| {
                after["node"] == format!("n{}", slot.node) && after["port"] == slot.port
            })
        })
    }
}
