//! A run: the cluster goes on step by step, and the shell beside it observes, decides and acts.

use std::collections::BTreeMap;

use thalweg_core::assign::{Assigned, Routes, assign};
use thalweg_core::explain::{Decision, Outcome, Verdict};
use thalweg_core::model::{ComponentKind, Observation, TaskRange, TopologyStatus};
use thalweg_core::settings::Settings;
use thalweg_core::state::State;

use crate::action::{Action, Progress, Site, flink_restart, restart_flink, restart_storm};
use crate::brain::{Brain, Core};
use crate::environment::{self, Start};
use crate::hidden::Hidden;
use crate::invariants::{Violation, check};
use crate::job::{Environment, Job, Totals};
use crate::layout::{Desired, first, rearrange, share_slots};
use crate::observe::{Reports, task_ranges, timestamp};
use crate::random::Random;
use crate::report::{ActionRecord, RunResult};
use crate::scenario::{EngineKind, Fault, FaultKind, Scenario};
use crate::truth::Capacities;

mod record;
mod script;

use record::Recorder;

/// Steps after which sums are found anew.
const STEPS_PER_RECOUNT: u64 = 4096;

/// How far a script has been followed.
#[derive(Debug, Clone, Copy, Default)]
struct Script {
    /// The next step.
    next: usize,
    /// Whether workers that it asks for are starting.
    starts: bool,
}

/// A run in progress.
pub struct Simulation<'a> {
    scenario: &'a Scenario,
    settings: &'a Settings,
    hidden: Hidden,
    capacities: Capacities,
    tasks: Vec<TaskRange>,
    load: Vec<f64>,
    job: Job,
    reports: Reports,
    starting: Vec<Start>,
    action: Option<Action>,
    state: State,
    routes: BTreeMap<String, Routes>,
    random: Random,
    next_observation: f64,
    next_round: f64,
    next_checkpoint: f64,
    script: Script,
    /// Per node: since when it has been dead.
    dead_since: Vec<Option<f64>>,
    step: u64,
    recorder: Recorder,
}

/// Runs a scenario to its end.
///
/// # Errors
/// When an invariant is broken.
pub fn run(scenario: &Scenario, settings: &Settings, seed: u64) -> Result<RunResult, Violation> {
    Simulation::new(scenario, settings, seed).finish(&mut Core)
}

impl<'a> Simulation<'a> {
    /// A run that has not begun.
    pub fn new(scenario: &'a Scenario, settings: &'a Settings, seed: u64) -> Self {
        let hidden = Hidden::draw(scenario, seed);
        let capacities = Capacities::of(scenario, &hidden);
        let seconds = scenario.duration_secs.ceil() as usize + 1;
        let mut simulation = Self {
            scenario,
            settings,
            capacities,
            tasks: task_ranges(scenario),
            load: scenario.load.per_second(seconds, seed),
            job: Job::new(scenario, &hidden, Vec::new()),
            reports: Reports::new(seed),
            starting: Vec::new(),
            action: None,
            state: State::default(),
            routes: BTreeMap::new(),
            random: Random::of(seed, "actions"),
            next_observation: 0.0,
            next_round: 0.0,
            script: Script::default(),
            next_checkpoint: scenario.flink.checkpoint_secs,
            dead_since: vec![None; hidden.nodes.len()],
            step: 0,
            recorder: Recorder::new(scenario, seed),
            hidden,
        };
        simulation.submit();
        simulation
    }

    /// Places the job's first executors; their workers are taken to run already.
    fn submit(&mut self) {
        let change = crate::layout::Change { now: 0.0, gap: 0.0, loss: 0.0 };
        rearrange(self.scenario, &mut self.job, &first(self.scenario), change);
        self.round(0.0, true);
    }

    /// Share of the run that is over.
    pub fn progress(&self) -> f64 {
        self.step as f64 / self.scenario.steps().max(1) as f64
    }

    /// Goes on to the end of the run.
    ///
    /// # Errors
    /// When an invariant is broken.
    pub fn finish(mut self, brain: &mut impl Brain) -> Result<RunResult, Violation> {
        while self.step < self.scenario.steps() {
            self.advance(brain)?;
        }
        Ok(self.recorder.finish(&self.job))
    }

    /// Goes on by one step.
    ///
    /// # Errors
    /// When an invariant is broken.
    pub fn advance(&mut self, brain: &mut impl Brain) -> Result<(), Violation> {
        let dt = self.scenario.step_millis / 1000.0;
        let before = self.step as f64 * dt;
        self.step += 1;
        let now = self.step as f64 * dt;
        let environment = self.environment(now);
        self.arrive(before, dt);
        if self.step.is_multiple_of(STEPS_PER_RECOUNT) {
            self.job.recount();
        }
        self.job.step(&environment, now, dt);
        self.job.expire(now);
        self.burn_starts(&environment, dt);
        self.nodes_die(&environment, now);
        self.jobs_fail(now);
        self.workers_restart(now);
        self.follow_script(now);
        self.checkpoint(now);
        self.reports.collect(self.scenario, &self.job, &environment, now);
        self.act(brain, now);
        if now >= self.next_round {
            self.next_round = now + self.scenario.storm.round_secs;
            self.round(now, false);
        }
        if now >= self.next_observation {
            self.observe(brain, &environment, now);
        }
        let rate = self.rate(before);
        self.recorder.step(&self.job, &self.capacities, &environment, rate, now, dt);
        if self.recorder.is_fresh() {
            self.job.recent.clear();
        }
        check(&self.job, &self.hidden, &self.tasks, &environment, now, dt)
    }

    fn environment(&self, now: f64) -> Environment {
        let paused = self.action.as_ref().is_some_and(Action::pauses);
        environment::at(self.scenario, &self.hidden, &self.starting, paused, now)
    }

    /// Source records per second that arrive at an instant.
    fn rate(&self, secs: f64) -> f64 {
        let components = 0..self.scenario.components.len();
        let part = |when: &dyn Fn(usize) -> bool| -> f64 {
            let sources = components
                .clone()
                .filter(|&c| self.scenario.components[c].kind == ComponentKind::Source && when(c));
            sources.map(|c| self.hidden.gains[c].shared).sum()
        };
        let all = part(&|_| true).max(f64::MIN_POSITIVE);
        self.load(secs) * part(&|c| self.scenario.brings(c, secs)) / all
    }

    /// The same if every source brings records in.
    fn load(&self, secs: f64) -> f64 {
        self.load.get(secs as usize).copied().unwrap_or(0.0) * self.scenario.rate
    }

    fn arrive(&mut self, before: f64, dt: f64) {
        let records = self.load(before) * dt;
        for component in 0..self.scenario.components.len() {
            let source = self.scenario.components[component].kind == ComponentKind::Source;
            if source && self.scenario.brings(component, before) {
                let own = records * self.hidden.gains[component].shared;
                self.job.arrive(component, own, before + dt / 2.0, dt);
            }
        }
    }

    fn burn_starts(&mut self, environment: &Environment, dt: f64) {
        for start in &mut self.starting {
            let core = 1.0f64.min(self.hidden.nodes[start.node].cores / 2.0);
            start.cpu_secs -= dt * core * environment.speed[start.node].max(0.01);
        }
        self.starting.retain(|start| start.cpu_secs > 0.0 && environment.speed[start.node] > 0.0);
    }

    /// What runs on a dead node is lost at once, and noticed later.
    fn nodes_die(&mut self, environment: &Environment, now: f64) {
        let detect = match self.scenario.engine {
            EngineKind::Storm => self.scenario.storm.detect_secs,
            EngineKind::Flink => self.scenario.flink.detect_secs,
        };
        for node in 0..self.hidden.nodes.len() {
            if environment.speed[node] > 0.0 {
                self.dead_since[node] = None;
                continue;
            }
            let since = *self.dead_since[node].get_or_insert(now);
            let fresh = since == now;
            for index in self.job.wiring.on_node[node].clone() {
                if fresh && self.scenario.engine == EngineKind::Storm {
                    self.job.lose(index, 1.0);
                }
                if now - since >= detect {
                    self.job.executors[index].slot = None;
                }
            }
            if fresh && self.scenario.engine == EngineKind::Flink {
                // One TaskManager less, and no record gets through.
                for executor in &mut self.job.executors {
                    executor.works_from = f64::INFINITY;
                }
            }
        }
    }

    /// Workers that end again and again are started again in their places; what waited before them waits on.
    fn workers_restart(&mut self, now: f64) {
        let dt = self.scenario.step_millis / 1000.0;
        for fault in self.scenario.faults.iter().filter(|fault| fault.holds(now)) {
            let FaultKind::Restarts { component, executor, period_secs } = fault.kind else {
                continue;
            };
            let Some(range) = self.job.wiring.ranges.get(component) else { continue };
            let begins = (now - fault.at_secs) % period_secs.max(dt) < dt;
            if let Some(index) = range.clone().nth(executor).filter(|_| begins) {
                let low = self.scenario.storm.restart_secs[0];
                let executor = &mut self.job.executors[index];
                executor.started = now;
                executor.works_from = now + low.min(period_secs / 3.0);
                executor.totals = Totals::default();
            }
        }
    }

    /// The whole job ends, and is restarted once that is noticed.
    fn jobs_fail(&mut self, now: f64) {
        if self.scenario.engine != EngineKind::Flink {
            return;
        }
        let dt = self.scenario.step_millis / 1000.0;
        let begins = |fault: &Fault| fault.kind == FaultKind::JobFailure && fault.at_secs <= now;
        let began =
            self.scenario.faults.iter().filter(|f| begins(f) && f.at_secs > now - dt).count();
        if began == 0 {
            return;
        }
        let detect = self.scenario.flink.detect_secs;
        let desired = self.present();
        let mut site = self.site(now);
        let until = now + detect + flink_restart(&mut site);
        restart_flink(&mut site, &desired, until, true);
        if let Some(action) = &mut self.action {
            action.wait_until(until);
        }
    }

    fn checkpoint(&mut self, now: f64) {
        if self.scenario.engine == EngineKind::Flink && now >= self.next_checkpoint {
            self.next_checkpoint = now + self.scenario.flink.checkpoint_secs;
            let running = self.job.executors.iter().all(|e| e.works_from <= now);
            if running {
                self.job.since_checkpoint = 0.0;
            }
        }
    }

    /// Goes on with the action under way.
    fn act(&mut self, brain: &mut impl Brain, now: f64) {
        let Some(mut action) = self.action.take() else { return };
        let died = self.job.executors.iter().any(|e| e.slot.is_none());
        let progress = if died { Progress::GivenUp } else { action.step(&mut self.site(now)) };
        let plan = action.plan.id.clone();
        match progress {
            Progress::Running => self.action = Some(action),
            Progress::Done => {
                brain.finish(&plan, &mut self.state, self.settings, timestamp(now));
                let rows = action.plan.rows.clone();
                self.routes.insert(action.plan.topology.clone(), Routes::of(&rows, false));
                self.recorder.ended(&plan, true, now);
            }
            Progress::GivenUp => {
                self.starting.clear();
                brain.abort(&plan, &mut self.state, self.settings, timestamp(now));
                self.recorder.ended(&plan, false, now);
            }
        }
    }

    fn site(&mut self, now: f64) -> Site<'_> {
        Site {
            scenario: self.scenario,
            hidden: &self.hidden,
            job: &mut self.job,
            alive: self.dead_since.iter().map(Option::is_none).collect(),
            starting: &mut self.starting,
            random: &mut self.random,
            now,
        }
    }

    /// A scheduling round: executors that run nowhere get a slot.
    fn round(&mut self, now: f64, at_submission: bool) {
        if self.job.executors.iter().all(|executor| executor.slot.is_some()) {
            return;
        }
        let engine = self.scenario.engine;
        let desired = match engine {
            EngineKind::Storm => self.assigned(now),
            EngineKind::Flink => {
                let mut desired = self.present();
                let alive = |node: usize| self.dead_since[node].is_none();
                share_slots(self.scenario, alive, &mut desired);
                desired
            }
        };
        if desired.iter().any(|(_, _, slot)| slot.is_none()) {
            return;
        }
        let [low, high] = self.scenario.storm.restart_secs;
        let mut site = self.site(now);
        if at_submission {
            let change = crate::layout::Change { now, gap: 0.0, loss: 0.0 };
            rearrange(site.scenario, site.job, &desired, change);
        } else if engine == EngineKind::Flink {
            let until = now + flink_restart(&mut site);
            restart_flink(&mut site, &desired, until, true);
        } else {
            let until = now + site.random.between(low, high);
            restart_storm(&mut site, &desired, until);
        }
    }

    fn present(&self) -> Vec<Desired> {
        self.job.executors.iter().map(|e| (e.component, e.tasks, e.slot)).collect()
    }

    /// Where the core puts executors that run nowhere.
    fn assigned(&mut self, now: f64) -> Vec<Desired> {
        let environment = self.environment(now);
        let view = self.view(&environment, TopologyStatus::Active, now);
        let answer =
            assign(&view, &self.routes, &self.state.learned, self.settings, timestamp(now));
        let mut desired = self.present();
        for ((_, _, slot), assigned) in desired.iter_mut().zip(&answer.executors) {
            match assigned {
                Assigned::To(found) => *slot = Some(*found),
                Assigned::Keep => {}
                Assigned::NotOurs | Assigned::NoRoom => *slot = None,
            }
        }
        desired
    }

    /// What the shell sees now; executors may have changed since reports came in.
    fn view(&mut self, environment: &Environment, status: TopologyStatus, now: f64) -> Observation {
        self.reports.collect(self.scenario, &self.job, environment, now);
        self.reports.observe(self.scenario, &self.job, environment, status, now)
    }

    /// The monitor observes, the core decides, and a plan is begun.
    fn observe(&mut self, brain: &mut impl Brain, environment: &Environment, now: f64) {
        let status = self.action.as_ref().map_or(TopologyStatus::Active, Action::status);
        let observation = self.view(environment, status, now);
        let state = std::mem::take(&mut self.state);
        let decided = brain.decide(&observation, state, self.settings, timestamp(now));
        self.state = decided.state;
        self.next_observation = now + (decided.next_in.get() / 1000.0).max(1.0);
        decided.outcomes.iter().for_each(|outcome: &Outcome| self.recorder.judged(outcome));
        for decision in &decided.decisions {
            self.recorder.decided(decision);
            if self.action.is_none() {
                self.compare_beliefs(decision, environment, now);
            }
            if decision.verdict != Verdict::Act || self.action.is_some() {
                continue;
            }
            let Some(plan) = decision.plan.clone() else { continue };
            let record = ActionRecord {
                decided_secs: now,
                ended_secs: f64::NAN,
                kind: format!("{:?}", plan.kind).to_lowercase(),
                counts: plan.counts.clone(),
                memory_mib: plan.memory_mib.clone(),
                moved: plan.rows.iter().filter(|row| row.moves()).count(),
                reason: decision
                    .reasons
                    .first()
                    .map_or_else(String::new, |reason| reason.text.clone()),
                done: false,
                outcome: None,
            };
            self.recorder.began(&plan.id, record);
            let action = Action::begin(plan, &mut self.site(now));
            if !action.plan.memory_mib.is_empty() {
                // With other memory, other executor counts are enough.
                self.capacities = Capacities::of(self.scenario, self.job.hidden());
            }
            self.action = Some(action);
        }
    }

    /// Holds what the policy believes of components against what they can do.
    fn compare_beliefs(&mut self, decision: &Decision, environment: &Environment, now: f64) {
        for component in self.capacities.counted() {
            let id = &self.scenario.components[component].id;
            let view = decision.view.components.iter().find(|view| view.id == *id);
            if let Some(believed) = view.and_then(|view| view.believed_capacity) {
                let truth = self.job.capacity(component, environment, now);
                self.recorder.believed(believed.get(), truth);
            }
        }
    }
}
