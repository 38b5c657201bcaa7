//! The thread on which plans are carried out, one at a time over the whole cluster.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use thalweg_core::action::{Done, Due, Fault};
use thalweg_core::plan::Plan;
use thalweg_engine::Request;

use crate::cluster::{Hands, Presence};
use crate::reports::{Reports, reported};
use crate::walk::{End, Walk, require_time};

/// What there is to be done.
enum Job {
    /// A plan that was just decided.
    Act(Box<Plan>),
    /// Whatever is due for an action that nobody is at work on.
    CatchUp,
}

/// What a predecessor, or a failure, has left to be done.
#[derive(Debug, Deserialize)]
struct Left {
    what: Due,
    plan: Plan,
    done: Vec<Done>,
}

/// Takes plans for the thread that carries them out.
pub struct Actuator {
    jobs: Option<SyncSender<Job>>,
    idle: Arc<AtomicBool>,
    reports: Reports,
    thread: Option<JoinHandle<()>>,
}

/// What the thread works with.
struct Worker {
    hands: Box<dyn Hands>,
    reports: Reports,
    step: Duration,
    idle: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
}

impl Actuator {
    /// Starts the thread, which ends with this value. A step takes at most so long; `ended` stops it where it is.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(
        hands: Box<dyn Hands>,
        reports: Reports,
        step: Duration,
        ended: Arc<AtomicBool>,
    ) -> std::io::Result<Self> {
        let (sender, jobs) = sync_channel(1);
        let idle = Arc::new(AtomicBool::new(true));
        let worker =
            Worker { hands, reports: reports.clone(), step, idle: Arc::clone(&idle), ended };
        let thread = std::thread::Builder::new()
            .name("thalweg-actuator".to_owned())
            .spawn(move || worker.work(&jobs))?;
        Ok(Self { jobs: Some(sender), idle, reports, thread: Some(thread) })
    }

    /// Takes a plan if nothing is under way, else gives it up: made for another moment, it is of no use later.
    pub fn offer(&self, plan: Plan) {
        let id = plan.id.clone();
        if !self.take(Job::Act(Box::new(plan))) {
            let fault =
                Fault { code: "BUSY".to_owned(), text: "another action is under way".to_owned() };
            let fault = reported(&fault);
            self.reports.tell(Request::Abort { plan: id, fault, steps: Vec::new() });
        }
    }

    /// Does what the engine says is due, where something is; nothing while something is under way.
    pub fn due(&self, due: &Value) {
        if !due.is_null() {
            self.take(Job::CatchUp);
        }
    }

    fn take(&self, job: Job) -> bool {
        let Some(jobs) = &self.jobs else { return false };
        self.idle.swap(false, Ordering::SeqCst) && jobs.try_send(job).is_ok()
    }
}

impl Drop for Actuator {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It has said what went wrong.
            drop(thread.join());
        }
    }
}

impl Worker {
    fn work(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            if require_time(&self.ended).is_err() {
                return;
            }
            // A panic would end this thread, and later plans would wait for ever.
            if catch_unwind(AssertUnwindSafe(|| self.run(&job))).is_err() {
                self.give_up_unexpectedly(&job);
            }
            self.idle.store(true, Ordering::SeqCst);
        }
    }

    fn run(&mut self, job: &Job) {
        match job {
            Job::Act(plan) => self.act(plan),
            Job::CatchUp => self.catch_up(),
        }
    }

    fn give_up_unexpectedly(&self, job: &Job) {
        let text = "an action ended in an unexpected way".to_owned();
        self.reports.event("ACTUATOR_ERROR", text.clone());
        if let Job::Act(plan) = job {
            self.abort(plan, &Fault { code: "INTERNAL".to_owned(), text }, Vec::new());
        }
    }

    fn act(&mut self, plan: &Plan) {
        tracing::info!(plan = plan.id, topology = plan.name, counts = ?plan.counts, "plan");
        match self.reports.send(Request::Publish { plan: plan.id.clone() }) {
            Ok(_) => self.attempt(plan),
            Err(fault) => self.abort(plan, &fault, Vec::new()),
        }
    }

    fn attempt(&mut self, plan: &Plan) {
        if plan.counts.is_empty() || !plan.memory_mib.is_empty() {
            let text = "from beside, parallelism is all that can be changed".to_owned();
            return self.abort(plan, &Fault { code: "NO_WAY".to_owned(), text }, Vec::new());
        }
        let mut walk = Walk {
            hands: self.hands.as_mut(),
            reports: &self.reports,
            step: self.step,
            ended: &self.ended,
            steps: Vec::new(),
        };
        let end = walk.go(plan);
        let steps = walk.steps;
        match end {
            End::Done => {
                let how = self.hands.way().to_owned();
                self.reports.tell(Request::Finish { plan: plan.id.clone(), how, steps });
                tracing::info!(plan = plan.id, topology = plan.name, "plan is done");
            }
            End::GivenUp(fault) => self.abort(plan, &fault, steps),
            End::Left => {
                tracing::warn!(plan = plan.id, "plan is left to whoever starts next");
            }
        }
    }

    fn abort(&self, plan: &Plan, fault: &Fault, steps: Vec<Value>) {
        tracing::warn!(plan = plan.id, code = fault.code, text = fault.text, "plan is given up");
        let fault = reported(fault);
        self.reports.tell(Request::Abort { plan: plan.id.clone(), fault, steps });
    }

    /// Does what is due for an action of a predecessor, or for one of ours that was left when something failed. What was due
    /// at the last look may have been done since.
    fn catch_up(&mut self) {
        let due = match self.reports.send(Request::Due) {
            Ok(answer) => answer.get("due").cloned().unwrap_or_default(),
            Err(fault) => return tracing::warn!(text = fault.text, "nobody knows what is due"),
        };
        if due.is_null() {
            return;
        }
        match Left::deserialize(&due) {
            Ok(left) => self.finish_or_undo(&left),
            Err(error) => tracing::error!(%error, "what is due cannot be read"),
        }
    }

    fn finish_or_undo(&mut self, left: &Left) {
        let plan = &left.plan;
        let presence = self.hands.presence(&plan.topology);
        let forward = left.what == Due::CarryOn;
        match presence {
            Presence::Unknown => return,
            // What was changed is taken back in whatever state it is: that may be what keeps it from running.
            Presence::Other if forward => return,
            _ => {}
        }
        tracing::info!(plan = plan.id, topology = plan.name, forward, "plan was left unfinished");
        if forward && !self.hands.is_reached(plan) {
            // Whatever is left to be taken back is due again at the next look.
            return self.attempt(plan);
        }
        if let Err(fault) = self.undo(left) {
            tracing::warn!(plan = plan.id, code = fault.code, text = fault.text, "not taken back");
        } else if forward {
            let how = self.hands.way().to_owned();
            self.reports.tell(Request::Finish { plan: plan.id.clone(), how, steps: Vec::new() });
        }
    }

    /// Takes back what was done, newest first. What fails is due again at the next look.
    fn undo(&mut self, left: &Left) -> Result<(), Fault> {
        for done in left.done.iter().rev() {
            require_time(&self.ended)?;
            self.hands.undo(&left.plan.topology, done)?;
            let plan = left.plan.id.clone();
            self.reports.send(Request::Undone { plan, done: done.clone() })?;
        }
        Ok(())
    }
}
