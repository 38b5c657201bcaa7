//! One topology of a cluster, and all that is its own there.

use thalweg_core::explain::{Decision, Plan};
use thalweg_core::model::{ComponentKind, SlotRef, TaskRange, TopologyStatus};

use super::record::Recorder;
use crate::action::{Action, Site, flink_restart, restart_flink, restart_storm};
use crate::environment::{self, Start, start_cores};
use crate::hidden::{Hidden, HiddenNode};
use crate::invariants::{Violation, check};
use crate::job::{Environment, Job, Totals};
use crate::layout::{Change, Desired, Usable, first, rearrange};
use crate::observe::{Reports, task_ranges};
use crate::random::Random;
use crate::report::{ActionRecord, RunResult};
use crate::scenario::{EngineKind, Fault, FaultKind, Scenario};
use crate::truth::Capacities;

/// How far a script has been followed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Script {
    /// The next step.
    pub next: usize,
    /// Whether workers that it asks for are starting.
    pub starts: bool,
}

/// A running topology.
pub(super) struct Tenant<'a> {
    pub scenario: &'a Scenario,
    hidden: Hidden,
    capacities: Capacities,
    tasks: Vec<TaskRange>,
    load: Vec<f64>,
    pub job: Job,
    pub reports: Reports,
    starting: Vec<Start>,
    pub action: Option<Action>,
    random: Random,
    next_checkpoint: f64,
    pub script: Script,
    pub recorder: Recorder,
}

impl<'a> Tenant<'a> {
    /// A topology whose executors run nowhere yet; where it is not the first, on the `nodes` of the others.
    pub fn new(scenario: &'a Scenario, seed: u64, nodes: Option<&[HiddenNode]>) -> Self {
        let mut hidden = Hidden::draw(scenario, seed);
        if let Some(nodes) = nodes {
            hidden.nodes = nodes.to_vec();
        }
        let seconds = scenario.duration_secs.ceil() as usize + 1;
        let mut job = Job::new(scenario, &hidden, Vec::new());
        rearrange(scenario, &mut job, &first(scenario), Change { now: 0.0, gap: 0.0, loss: 0.0 });
        Self {
            scenario,
            capacities: Capacities::of(scenario, &hidden),
            tasks: task_ranges(scenario),
            load: scenario.load.per_second(seconds, seed),
            job,
            reports: Reports::new(seed),
            starting: Vec::new(),
            action: None,
            random: Random::of(seed, "actions"),
            next_checkpoint: scenario.flink.checkpoint_secs,
            script: Script::default(),
            recorder: Recorder::new(scenario, seed),
            hidden,
        }
    }

    /// Its nodes, as they are.
    pub fn nodes(&self) -> &[HiddenNode] {
        &self.hidden.nodes
    }

    /// The environment at an instant, as if it were alone.
    pub fn environment(&self, now: f64) -> Environment {
        let paused = self.action.as_ref().is_some_and(Action::pauses);
        environment::at(self.scenario, &self.hidden, &self.starting, paused, now)
    }

    /// Cores that its executors want on a node, and those that its starting workers take there.
    pub fn wanted_cores(&self, node: usize) -> (f64, f64) {
        let starts = self.starting.iter().filter(|start| start.node == node).count();
        let each = start_cores(self.hidden.nodes[node].cores);
        (self.job.wanted_cores[node], starts as f64 * each)
    }

    /// The slots in which it runs.
    pub fn slots(&self) -> impl Iterator<Item = SlotRef> + '_ {
        self.job.executors.iter().filter_map(|executor| executor.slot)
    }

    /// The slots in which an action starts workers for it, beside those in which it runs.
    pub fn reserved(&self) -> impl Iterator<Item = SlotRef> + '_ {
        let new = |slot: &SlotRef| self.slots().all(|own| own != *slot);
        self.action.iter().flat_map(Action::slots).filter(new)
    }

    /// Whether all of its executors run somewhere.
    pub fn is_placed(&self) -> bool {
        self.job.executors.iter().all(|executor| executor.slot.is_some())
    }

    /// The status that the engine shows of it.
    pub fn status(&self) -> TopologyStatus {
        self.action.as_ref().map_or(TopologyStatus::Active, Action::status)
    }

    /// Its executors as they are.
    pub fn present(&self) -> Vec<Desired> {
        self.job.executors.iter().map(|e| (e.component, e.tasks, e.slot)).collect()
    }

    /// What an action works on.
    pub fn site(&mut self, usable: Usable, now: f64) -> Site<'_> {
        Site {
            scenario: self.scenario,
            hidden: &self.hidden,
            job: &mut self.job,
            usable,
            starting: &mut self.starting,
            random: &mut self.random,
            now,
        }
    }

    /// Records arrive and are worked on from `before` to `now`.
    pub fn flow(&mut self, environment: &Environment, (before, now): (f64, f64), recount: bool) {
        let dt = self.step_secs();
        self.arrive(before, dt);
        if recount {
            self.job.recount();
        }
        self.job.step(environment, now, dt);
        self.job.expire(now);
        self.burn_starts(environment, dt);
    }

    /// Failures, what a script says, checkpoints and reports of a step.
    pub fn go_on(&mut self, environment: &Environment, usable: &Usable, now: f64) {
        self.fails(usable, now);
        self.workers_restart(now);
        self.follow_script(usable, now);
        self.checkpoint(now);
        self.reports.collect(self.scenario, &self.job, environment, now);
    }

    /// Writes a step down, and looks at what must hold after it.
    pub fn record(
        &mut self,
        environment: &Environment,
        (before, now): (f64, f64),
    ) -> Result<(), Violation> {
        let (rate, dt) = (self.rate(before), self.step_secs());
        self.recorder.step(&self.job, &self.capacities, environment, rate, now, dt);
        if self.recorder.is_fresh() {
            self.job.recent.clear();
        }
        check(&self.job, &self.hidden, &self.tasks, environment, now, dt)
    }

    /// What the run tells of it.
    pub fn finish(self) -> RunResult {
        self.recorder.finish(&self.job)
    }

    fn step_secs(&self) -> f64 {
        self.scenario.step_millis / 1000.0
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
            let core = start_cores(self.hidden.nodes[start.node].cores);
            start.cpu_secs -= dt * core * environment.speed[start.node].max(0.01);
        }
        self.starting.retain(|start| start.cpu_secs > 0.0 && environment.speed[start.node] > 0.0);
    }

    /// What runs on a node that has been dead for `secs` is lost at once, and noticed later.
    pub fn node_dies(&mut self, node: usize, secs: f64) {
        let detect = match self.scenario.engine {
            EngineKind::Storm => self.scenario.storm.detect_secs,
            EngineKind::Flink => self.scenario.flink.detect_secs,
        };
        let fresh = secs == 0.0;
        for index in self.job.wiring.on_node[node].clone() {
            if fresh && self.scenario.engine == EngineKind::Storm {
                self.job.lose(index, 1.0);
            }
            if secs >= detect {
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
    fn fails(&mut self, usable: &Usable, now: f64) {
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
        let mut site = self.site(usable.clone(), now);
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

    /// Its executors, some of which ran nowhere, get the slots that were found for them.
    pub fn settle(&mut self, desired: &[Desired], usable: Usable, now: f64, at_submission: bool) {
        let [low, high] = self.scenario.storm.restart_secs;
        let mut site = self.site(usable, now);
        if at_submission {
            rearrange(site.scenario, site.job, desired, Change { now, gap: 0.0, loss: 0.0 });
        } else if site.scenario.engine == EngineKind::Flink {
            let until = now + flink_restart(&mut site);
            restart_flink(&mut site, desired, until, true);
        } else {
            let until = now + site.random.between(low, high);
            restart_storm(&mut site, desired, until);
        }
    }

    /// Begins what was decided to be done.
    pub fn begin(&mut self, plan: Plan, decision: &Decision, usable: Usable, now: f64) {
        let record = ActionRecord {
            decided_secs: now,
            ended_secs: f64::NAN,
            kind: format!("{:?}", plan.kind).to_lowercase(),
            counts: plan.counts.clone(),
            memory_mib: plan.memory_mib.clone(),
            moved: plan.rows.iter().filter(|row| row.moves()).count(),
            reason: decision.reasons.first().map_or_else(String::new, |reason| reason.text.clone()),
            done: false,
            outcome: None,
        };
        self.recorder.began(&plan.id, record);
        let action = Action::begin(plan, &mut self.site(usable, now));
        if !action.plan.memory_mib.is_empty() {
            // With other memory, other executor counts are enough.
            self.capacities = Capacities::of(self.scenario, self.job.hidden());
        }
        self.action = Some(action);
    }

    /// What was given up starts no workers any more.
    pub fn give_up(&mut self) {
        self.starting.clear();
    }

    /// Holds what the policy believes of components against what they can do.
    pub fn compare_beliefs(&mut self, decision: &Decision, environment: &Environment, now: f64) {
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
