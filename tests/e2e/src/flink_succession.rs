//! How one JobManager follows another: an ordered plan, a leader that fails on the way, and what has to hold in the end.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use thalweg_lab::load::Rate;

use crate::LIMIT;
use crate::flink::{FlinkProduct, ORDERS_ONLY};

/// Lines a second that the job reads.
const LINES: f64 = 50.0;
/// As long as a full collection of garbage, or a machine that swaps; longer than any session or heartbeat lasts.
const PAUSE: Duration = Duration::from_secs(45);
/// Several looks of a leader, and of one that is back.
const CALM: Duration = Duration::from_secs(8);
/// What is looked for lasts less than a second.
const GLANCE: Duration = Duration::from_millis(5);

/// What becomes of the leader.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It ends at once.
    Killed,
    /// It stands still, and goes on when another leads.
    Paused,
    /// It ends as when its service is stopped.
    Stopped,
}

/// How far the plan is by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Its way has begun: slots are asked for, or a checkpoint is taken.
    Preparing,
    /// Flink was told of other bounds of parallelism.
    Bounded,
    /// It is committed, or over.
    Committed,
}

/// When, and what.
pub type Case = (Moment, Fault);

/// Two JobManagers, one of which leads, and a job.
pub struct Succession {
    /// The cluster.
    pub product: FlinkProduct,
    job: String,
    split: u32,
    /// The JobManager that leads.
    leader: usize,
}

/// The least and the most subtasks that Flink was asked for, and those that run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parallelism {
    bound: u64,
    runs: u32,
}

impl Succession {
    /// Starts them with a WordCount under load; Thalweg works at this level.
    ///
    /// # Errors
    /// Here and below: with the ends of the logs, when a process fails or is late, or something is not well.
    pub fn begin(level: u8, jar: &Path) -> Result<Self> {
        let mut settings: Vec<_> = ORDERS_ONLY.map(|(key, value)| (key, json!(value))).into();
        settings.push(("thalweg.flink.level", json!(level)));
        let product = FlinkProduct::with_standby(&settings, jar)?;
        let job = product.submit(&product.word_count("words"))?.id;
        let mut begun = Self { product, job, split: 1, leader: 0 };
        begun.product.load(Rate::Constant(LINES))?;
        begun.product.wait("a leader", || Ok(begun.product.status_of(0)?.leads.then_some(())))?;
        Ok(begun)
    }

    /// The number of the JobManager that stands by.
    pub fn standby(&self) -> usize {
        1 - self.leader
    }

    /// Orders a plan, lets the leader fail at a moment of it, and sees to it that the other one brings it to an end.
    ///
    /// # Errors
    /// As for [`Succession::begin`].
    pub fn survives(&mut self, &(moment, fault): &Case) -> Result<()> {
        let began = Instant::now();
        let ordered = if self.split == 1 { 2 } else { 1 };
        let ends = self
            .happens(moment, fault, self.split, ordered)
            .with_context(|| format!("{fault:?} while {moment:?}\n{}", self.product.evidence()))?;
        self.split = if ends { ordered } else { self.split };
        println!("{fault:?} while {moment:?}: carried out {ends}, {:?}", began.elapsed());
        Ok(())
    }

    /// Sees to it that every word was counted once, and stops all.
    ///
    /// # Errors
    /// As for [`Succession::begin`].
    pub fn end(mut self) -> Result<()> {
        self.product.counts_exactly_once("words")?;
        self.product.stop()
    }

    /// Orders a plan, lets the leader fail at a moment of it, and tells whether the plan was carried out.
    fn happens(&mut self, moment: Moment, fault: Fault, before: u32, ordered: u32) -> Result<bool> {
        let (old, new) = (self.leader, 1 - self.leader);
        let term = self.product.status_of(old)?.term;
        let last = self.product.last_plan()?;
        self.product.order("words", &[("split", ordered)], &[])?;
        let plan = self.at(moment, last.as_deref(), ordered)?;
        match fault {
            Fault::Killed => self.product.flink.kill_job_manager_of(old),
            Fault::Stopped => self.product.flink.stop_job_manager_of(old)?,
            Fault::Paused => self.product.flink.job_managers()[old].pause()?,
        }
        let since = Instant::now();
        let ended_before = self.ended(old, &plan);
        self.product.flink.speak_to(new);
        self.leader = new;
        self.product.wait("another leader", || {
            let now = self.product.status_of(new)?;
            ensure!(now.leads && now.term > term, "term {} leads {}", now.term, now.leads);
            Ok(Some(()))
        })?;
        self.product.wait("the end of the plan", || {
            let status = self.product.status_of(new)?;
            ensure!(status.plan.is_none(), "{:?}", status.plan);
            Ok(Some(()))
        })?;
        let code = ended_before.or_else(|| self.ended(new, &plan));
        let ends = code.context("nobody says how the plan ended")?.is_none();
        if moment == Moment::Committed {
            ensure!(ends, "a committed plan was taken back");
        }
        let wanted = if ends { ordered } else { before };
        let wanted = Parallelism { bound: wanted.into(), runs: wanted };
        self.runs_with(wanted)?;
        self.returns(old, fault, since)?;
        self.stays(wanted, new, &plan)?;
        Ok(ends)
    }

    /// Waits for a plan after the last one to come to a moment, and gives its id.
    fn at(&self, moment: Moment, last: Option<&str>, ordered: u32) -> Result<String> {
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            if let Ok(status) = self.product.status_of(self.leader) {
                let ended = status.ended.first().map(|ended| ended.plan.id.clone());
                let ended = ended.filter(|id| Some(id.as_str()) != last);
                let (state, id) = match (status.plan, ended) {
                    (Some(plan), _) => (plan.state, plan.plan.id),
                    (None, Some(id)) => ("ended".to_owned(), id),
                    (None, None) => continue,
                };
                let come = match moment {
                    Moment::Preparing => state == "preparing",
                    Moment::Bounded => self.parallelism()?.bound == u64::from(ordered),
                    Moment::Committed => state == "committed" || state == "ended",
                };
                if come {
                    return Ok(id);
                }
                ensure!(state != "ended", "it is over: {:?}", status.ended.first());
            }
            std::thread::sleep(GLANCE);
        }
        bail!("no plan is {moment:?}\n{}", self.product.evidence())
    }

    /// By which code a plan ended, if it did, by the word of one JobManager.
    fn ended(&self, which: usize, plan: &str) -> Option<Option<String>> {
        let status = self.product.status_of(which).ok()?;
        status.ended.into_iter().find(|ended| ended.plan.id == plan).map(|ended| ended.code)
    }

    fn parallelism(&self) -> Result<Parallelism> {
        let rest = self.product.flink.rest();
        let info = rest.job(&self.job)?;
        let split = info.vertex("split")?;
        let bounds = rest.get(&format!("/jobs/{}/resource-requirements", self.job))?;
        let bound = bounds[&split.id]["parallelism"]["upperBound"].as_u64().context("no bound")?;
        ensure!(info.state == "RUNNING", "{info:?}");
        Ok(Parallelism { bound, runs: split.parallelism })
    }

    fn runs_with(&self, wanted: Parallelism) -> Result<()> {
        self.product.wait(&format!("a job with {wanted:?}"), || {
            ensure!(self.product.flink.rest().job(&self.job)?.runs(), "not all subtasks run");
            let found = self.parallelism()?;
            ensure!(found == wanted, "{found:?}");
            Ok(Some(()))
        })
    }

    /// What happened to a JobManager is over, and it knows that it does not lead.
    fn returns(&mut self, old: usize, fault: Fault, since: Instant) -> Result<()> {
        if !matches!(fault, Fault::Paused) {
            return self.product.start_job_manager_of(old);
        }
        // The pause itself, not a wait for anything.
        std::thread::sleep(PAUSE.saturating_sub(since.elapsed()));
        self.product.flink.job_managers()[old].resume()?;
        self.product.wait("a former leader that says so", || {
            ensure!(!self.product.status_of(old)?.leads, "it says that it leads");
            Ok(Some(()))
        })
    }

    /// For a while nothing happens any more, and nobody is at work on anything.
    fn stays(&self, wanted: Parallelism, new: usize, plan: &str) -> Result<()> {
        let places = self
            .product
            .wait("all subtasks running", || self.product.truth(&self.job).map(Some))?;
        let calm = Instant::now() + CALM;
        while Instant::now() < calm {
            let found = (self.parallelism()?, self.product.truth(&self.job)?);
            ensure!(found == (wanted, places.clone()), "{found:?} after {places:?}");
            let leads = self.product.status_of(new)?.leads;
            ensure!(leads, "the new leader lost its lead");
            let busy = [0, 1].map(|which| self.product.status_of(which).ok().and_then(|s| s.plan));
            ensure!(busy.iter().all(Option::is_none), "after {plan}: {busy:?}");
            std::thread::sleep(10 * GLANCE);
        }
        Ok(())
    }
}
