//! One plan through its phases: asked for, awaited, committed; and taken back where it fails before that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thalweg_control::now_millis;
use thalweg_core::action::{Done, Fault};
use thalweg_core::plan::Plan;
use thalweg_engine::Request;

use crate::cluster::Hands;
use crate::reports::{Reports, reported};
use crate::rhythm::Rhythm;

/// How often it is looked whether what was asked for runs.
const LOOKS: Duration = Duration::from_millis(500);

/// Carries one plan out.
pub struct Walk<'a> {
    /// Who changes the cluster.
    pub hands: &'a mut dyn Hands,
    /// The engine.
    pub reports: &'a Reports,
    /// How long one step may take.
    pub step: Duration,
    /// Up once the process is told to end.
    pub ended: &'a AtomicBool,
    /// What was done, for the record.
    pub steps: Vec<Value>,
}

/// How a walk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// What was desired runs.
    Done,
    /// It is given up.
    GivenUp(Fault),
    /// It was left as it is, as the process is to end.
    Left,
}

impl Walk<'_> {
    /// Carries a plan out whose table is stored. Told to end, it leaves the cluster as it is, for whoever starts next.
    pub fn go(&mut self, plan: &Plan) -> End {
        let id = plan.id.as_str();
        let strategy = self.hands.way().to_owned();
        if let Err(fault) = self.reports.send(Request::Begin { plan: id.to_owned(), strategy }) {
            return End::GivenUp(fault);
        }
        let mut intended = Vec::new();
        let asked = self.step(id, "PREPARE", |walk| walk.ask(plan, &mut intended));
        let started = asked.and_then(|()| self.step(id, "STARTED", |walk| walk.wait(plan)));
        if let Err(fault) = started {
            return if self.is_over() { End::Left } else { self.back(plan, &mut intended, fault) };
        }
        // From here on it only goes forward, whatever fails: the new parallelism is what runs. The step says what failed.
        let commit = Request::Commit { plan: id.to_owned() };
        drop(self.step(id, "SWITCHED", |walk| walk.reports.send(commit).map(drop)));
        match self.hands.is_reached(plan) {
            true => End::Done,
            false => End::GivenUp(Fault {
                code: "UNREACHED".to_owned(),
                text: "every step was done, but what runs is not what was desired".to_owned(),
            }),
        }
    }

    fn ask(&mut self, plan: &Plan, intended: &mut Vec<Done>) -> Result<(), Fault> {
        let (reports, ended) = (self.reports, self.ended);
        self.hands.ask(plan, &mut |done| {
            require_time(ended)?;
            reports.send(Request::Intend { plan: plan.id.clone(), done: done.clone() })?;
            intended.push(done);
            Ok(())
        })
    }

    fn wait(&mut self, plan: &Plan) -> Result<(), Fault> {
        let until = Instant::now() + self.step;
        while !self.hands.runs()? {
            if !Rhythm::waits(LOOKS, self.ended, Some(until)) {
                require_time(self.ended)?;
                let secs = self.step.as_secs();
                return Err(Fault {
                    code: "STEP_DEADLINE".to_owned(),
                    text: format!("what was asked for does not run after {secs} s"),
                });
            }
        }
        self.reports.send(Request::Switched { plan: plan.id.clone() }).map(drop)
    }

    fn is_over(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Takes back what was done, newest first. What fails is due again at the next look.
    fn back(&mut self, plan: &Plan, intended: &mut Vec<Done>, fault: Fault) -> End {
        let left = self.step(&plan.id, "BACK", |walk| {
            while let Some(done) = intended.pop() {
                require_time(walk.ended)?;
                walk.hands.undo(&plan.topology, &done)?;
                walk.reports.send(Request::Undone { plan: plan.id.clone(), done })?;
            }
            Ok(())
        });
        if let Err(left) = left {
            tracing::warn!(plan = plan.id, text = left.text, "not taken back yet");
        }
        self.reports.tell(Request::Failed { plan: plan.id.clone(), fault: reported(&fault) });
        End::GivenUp(fault)
    }

    /// Does something and keeps record of it.
    fn step(
        &mut self,
        plan: &str,
        phase: &str,
        work: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let name = format!("{}.{phase}", self.hands.way());
        let (begun, started_at) = (Instant::now(), now_millis());
        self.reports.tell(Request::Progress {
            plan: plan.to_owned(),
            step: name.clone(),
            text: String::new(),
        });
        let result = work(self);
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let text = match &result {
            Ok(()) => String::new(),
            Err(fault) => format!("{}: {}", fault.code, fault.text),
        };
        tracing::info!(plan, step = name, ms, failed = text, "step");
        let ok = result.is_ok();
        self.steps.push(
            json!({ "step": name, "started_at": started_at, "ms": ms, "ok": ok, "text": text }),
        );
        result
    }
}

/// Fails once the process is told to end: then nothing more is done to the cluster.
pub fn require_time(ended: &AtomicBool) -> Result<(), Fault> {
    match ended.load(Ordering::Relaxed) {
        false => Ok(()),
        true => Err(Fault {
            code: "LEADERSHIP_LOST".to_owned(),
            text: "this process is told to end".to_owned(),
        }),
    }
}
