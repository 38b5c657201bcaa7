//! A shell as the ones in the JVM: it carries out one thing at a time, asks who leads before each, notes before it
//! does, and reports.

use std::collections::BTreeMap;

use serde_json::Value;
use thalweg_core::action::Done;
use thalweg_core::plan::Plan;
use thalweg_core::units::Timestamp;
use thalweg_engine::{Engine, Reported, Request};

use super::cluster::{Cluster, Held};
use super::rules::Rule;

/// What a shell is about to do next. Each may be the last thing that its process does.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Report something to the engine.
    Report(Request),
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

impl Step {
    /// Whether it changes the cluster, and not only what is known of it.
    fn changes_the_cluster(&self) -> bool {
        matches!(
            self,
            Self::Deactivate
                | Self::Activate
                | Self::StartWorkers
                | Self::TellTruth
                | Self::Rebalance
        )
    }
}

/// What becomes of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is done.
    Done,
    /// It fails.
    Fails,
    /// It is done, and the answer is lost.
    AnswerLost,
}

/// The process that a shell is part of, at this moment.
pub struct Around<'a> {
    pub engine: &'a Engine,
    /// What the cluster says when it is asked whether this process leads.
    pub told_to_lead: bool,
    /// Whether that was asked before the process stood still: then it reports once more before it asks again.
    pub asked_before: bool,
    /// Whether it does.
    pub leads: bool,
    /// What the store has instead of a plan's intention of this kind, if it lacks that.
    pub lacks: &'a dyn Fn(&str, &str) -> Option<String>,
    /// Whether what is unfinished is noted in the cluster.
    pub notes: bool,
    pub now: Timestamp,
}

/// The actuator of one process.
#[derive(Debug, Clone, Default)]
pub struct Shell {
    /// The plan at work.
    pub plan: Option<Plan>,
    /// What is left to do, the next last.
    todo: Vec<Step>,
    /// What leads back from what was done, the newest last.
    back: Vec<Step>,
    /// The answer to be noted in the cluster.
    answer: Value,
    /// Whether the new placement was made to count.
    committed: bool,
    waited: u32,
    /// A rule that was broken on the way.
    pub broken: Option<(Rule, String)>,
}

/// Why a step was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// It failed, or was made to.
    Failed,
    /// Another process leads.
    Deposed,
}

/// Rounds that a shell waits for the plan to be what runs.
const PATIENCE: u32 = 6;

fn started() -> Done {
    Done::WorkersStarted { nodes: vec!["n0".to_owned()] }
}

fn fault(code: &str) -> Reported {
    Reported { code: code.to_owned(), text: String::new() }
}

/// The text of a note; none if there is nothing to be noted.
pub fn note_of(answer: &Value) -> Option<String> {
    answer["note"].is_object().then(|| answer["note"].to_string())
}

impl Shell {
    /// Whether nothing is at work.
    pub fn is_idle(&self) -> bool {
        self.plan.is_none()
    }

    /// What is done next.
    pub fn next(&self) -> Option<&Step> {
        self.todo.last()
    }

    /// The topology that the plan at work is about.
    pub fn topology(&self) -> &str {
        self.plan.as_ref().map_or("", |plan| &plan.topology)
    }

    fn id(&self) -> String {
        self.plan.as_ref().map_or_else(String::new, |plan| plan.id.clone())
    }

    fn begin(&self, strategy: &str) -> Step {
        Step::Report(Request::Begin { plan: self.id(), strategy: strategy.to_owned() })
    }

    fn intend(&self, done: Done) -> Step {
        Step::Report(Request::Intend { plan: self.id(), done })
    }

    fn undone(&self, done: Done) -> Step {
        Step::Report(Request::Undone { plan: self.id(), done })
    }

    /// Takes a plan that was decided just now.
    pub fn offer(&mut self, plan: Plan, strategy: usize) {
        *self = Self { plan: Some(plan), ..Self::default() };
        let begin = |shell: &Self, name: &str| {
            let publish = Step::Report(Request::Publish { plan: shell.id() });
            vec![publish, shell.begin(name), Step::Note]
        };
        let commit = |shell: &Self| {
            vec![
                Step::Report(Request::Switched { plan: shell.id() }),
                Step::Report(Request::Commit { plan: shell.id() }),
                Step::Note,
                Step::Rebalance,
                Step::AwaitReached,
            ]
        };
        let mut steps = match strategy {
            0 => [
                begin(self, "drain_and_restart"),
                vec![self.intend(Done::Deactivated), Step::Note, Step::Deactivate],
                commit(self),
                vec![Step::Activate, self.undone(Done::Deactivated), Step::Note],
            ]
            .concat(),
            1 => [
                begin(self, "make_before_break"),
                vec![self.intend(started()), Step::Note, Step::StartWorkers],
                commit(self),
                vec![Step::TellTruth, self.undone(started()), Step::Note],
            ]
            .concat(),
            2 => [
                begin(self, "drain_beside"),
                vec![self.intend(started()), Step::Note, Step::StartWorkers],
                vec![self.intend(Done::Deactivated), Step::Note, Step::Deactivate],
                commit(self),
                vec![Step::Activate, self.undone(Done::Deactivated), Step::Note],
                vec![Step::TellTruth, self.undone(started()), Step::Note],
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
        let plan: Plan = serde_json::from_value(due["plan"].clone()).unwrap();
        *self = Self { plan: Some(plan), committed: true, ..Self::default() };
        let forward = due["what"] == "carry_on";
        let mut steps = Vec::new();
        if forward {
            steps.extend([
                self.begin("rebalance"),
                Step::Report(Request::Switched { plan: self.id() }),
                Step::Report(Request::Commit { plan: self.id() }),
                Step::Rebalance,
                Step::AwaitReached,
            ]);
        }
        let done: Vec<Done> = serde_json::from_value(due["done"].clone()).unwrap();
        for done in done.into_iter().rev() {
            let undo = if done == Done::Deactivated { Step::Activate } else { Step::TellTruth };
            steps.extend([undo, self.undone(done), Step::Note]);
        }
        if forward {
            steps.push(Step::End);
        }
        steps.reverse();
        self.todo = steps;
    }

    /// Does the next thing, and says whether there was one.
    pub fn go(&mut self, around: &Around, cluster: &mut Cluster, fate: Fate) {
        let Some(step) = self.todo.last().cloned() else {
            self.plan = None;
            return;
        };
        let goes_on = around.asked_before && matches!(step, Step::Report(_));
        let outcome = match (around.told_to_lead || goes_on, fate) {
            (false, _) => Err(Failure::Deposed),
            (true, Fate::Fails) => Err(Failure::Failed),
            (true, Fate::Done) => self.perform(&step, around, cluster),
            (true, Fate::AnswerLost) => {
                self.perform(&step, around, cluster).and(Err(Failure::Failed))
            }
        };
        match outcome {
            Ok(true) => {
                self.todo.pop();
            }
            Ok(false) => {}
            Err(Failure::Deposed) => {
                *self = Self { broken: self.broken.take(), ..Self::default() };
            }
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
        let steps = Vec::new();
        let abort = Request::Abort { plan: self.id(), fault: fault("STEP_DEADLINE"), steps };
        self.committed = true;
        self.todo = vec![Step::Note, Step::Report(abort)];
        self.todo.append(&mut self.back);
    }

    fn perform(
        &mut self,
        step: &Step,
        around: &Around,
        cluster: &mut Cluster,
    ) -> Result<bool, Failure> {
        if step.changes_the_cluster() && !around.leads {
            self.broken = Some((Rule::OnlyTheLeader, format!("{step:?}")));
        }
        let id = self.topology().to_owned();
        match step {
            Step::Report(request) => {
                self.committed |= matches!(request, Request::Commit { .. });
                if around.leads {
                    self.note_commit(request, cluster);
                }
                let answer = around.engine.request(request.clone(), around.now);
                self.answer = answer.map_err(|_| Failure::Failed)?;
            }
            Step::Note if around.notes => cluster.note = note_of(&self.answer),
            Step::Note => {}
            Step::Deactivate => {
                let held = cluster.topologies.get_mut(&id).ok_or(Failure::Failed)?;
                held.active = false;
                self.check_noted(around, cluster, "deactivated");
                self.back.extend([Step::Note, self.undone(Done::Deactivated), Step::Activate]);
            }
            Step::Activate => {
                // One that is gone need not run again.
                if let Some(held) = cluster.topologies.get_mut(&id) {
                    held.active = true;
                }
            }
            Step::StartWorkers => {
                // Nodes are told nothing of a topology that is gone.
                cluster.topologies.get(&id).ok_or(Failure::Failed)?;
                self.check_noted(around, cluster, "workers_started");
                self.back.extend([Step::Note, self.undone(started()), Step::TellTruth]);
                let others = Self::copy(cluster);
                self.tell(others, cluster);
                cluster.beside.insert(id);
            }
            Step::TellTruth => {
                // Sources are stopped after workers were started, if both was done.
                if cluster.topologies.get(&id).is_some_and(|held| !held.active) {
                    self.broken = Some((Rule::NewestFirst, id.clone()));
                }
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
            Step::End => self.end(around, cluster)?,
        }
        Ok(true)
    }

    /// From its commit on, also where that fails half way, rounds may move a topology to where a plan wants it. What a
    /// former leader commits is refused.
    fn note_commit(&self, request: &Request, cluster: &mut Cluster) {
        if let (Request::Commit { .. }, Some(plan)) = (request, &self.plan) {
            cluster.committed.insert(plan.topology.clone(), plan.rows.clone());
        }
    }

    /// What outlives this process has to be stored and noted by now.
    fn check_noted(&mut self, around: &Around, cluster: &Cluster, done: &str) {
        let (note, id) = (cluster.note.as_deref().unwrap_or(""), self.id());
        let noted = note.contains(done) && note.contains(&format!("\"{id}\""));
        let noted = noted || !around.notes;
        let lacks = (around.lacks)(&id, done);
        if !noted || lacks.is_some() {
            let text = format!("{done}; noted: {note}; stored instead: {lacks:?}");
            self.broken = Some((Rule::NotedFirst, text));
        }
    }

    /// Where all topologies are at this moment: a node is told everything that it is to run.
    fn copy(cluster: &Cluster) -> BTreeMap<String, Held> {
        cluster.topologies.clone()
    }

    fn tell(&mut self, others: BTreeMap<String, Held>, cluster: &Cluster) {
        let own = self.topology().to_owned();
        for (id, told) in others.into_iter().filter(|(id, _)| *id != own) {
            let holds = cluster.topologies.get(&id).map(|held| &held.slots);
            if holds != Some(&told.slots) {
                let text = format!("{id} told {:?} holds {holds:?}", told.slots);
                self.broken = Some((Rule::NodesToldTheTruth, text));
            }
        }
    }

    fn end(&mut self, around: &Around, cluster: &mut Cluster) -> Result<(), Failure> {
        let (plan, how, steps) = (self.id(), String::new(), Vec::new());
        let request = if self.is_reached(cluster) {
            Request::Finish { plan, how, steps }
        } else {
            Request::Abort { plan, fault: fault("UNREACHED"), steps }
        };
        let answer = around.engine.request(request, around.now).map_err(|_| Failure::Failed)?;
        if around.notes {
            cluster.note = note_of(&answer);
        }
        Ok(())
    }

    fn is_reached(&self, cluster: &Cluster) -> bool {
        let (Some(plan), Some(held)) = (&self.plan, cluster.topologies.get(self.topology())) else {
            return false;
        };
        plan.rows.iter().zip(&held.slots).all(|(row, slot)| {
            slot.is_some_and(|slot| {
                row.after.port == slot.port && row.after.node == slot_node(slot)
            })
        })
    }
}

fn slot_node(slot: thalweg_core::model::SlotRef) -> String {
    format!("n{}", slot.node)
}

/// The plan and the topology that a note is about, taken from its text.
pub fn subject(note: &str) -> (&str, &str) {
    let value = |key: &str| {
        let begin = note.find(key).unwrap() + key.len();
        &note[begin..begin + note[begin..].find('"').unwrap()]
    };
    (value("\"id\":\""), value("\"topology\":\""))
}
