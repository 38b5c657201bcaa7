//! A run: the cluster goes on step by step, and the shell beside it observes, decides and acts.

use std::collections::BTreeMap;

use thalweg_core::assign::{Assigned, Routes, assign};
use thalweg_core::explain::{Decision, Verdict};
use thalweg_core::model::{Observation, SlotRef, TopologyStatus};
use thalweg_core::settings::Settings;
use thalweg_core::state::State;

use crate::action::Progress;
use crate::brain::{Brain, Core};
use crate::invariants::{Violation, check_slots};
use crate::job::Environment;
use crate::layout::{Desired, Usable, share_slots};
use crate::observe::{nodes, timestamp};
use crate::report::RunResult;
use crate::scenario::{EngineKind, Scenario};

mod record;
mod script;
mod tenant;
mod together;

use tenant::Tenant;
pub use together::NotTogether;

/// Steps after which sums are found anew.
const STEPS_PER_RECOUNT: u64 = 4096;

/// A run in progress: one topology, or several in one cluster.
pub struct Simulation<'a> {
    /// One at least.
    tenants: Vec<Tenant<'a>>,
    settings: &'a Settings,
    state: State,
    routes: BTreeMap<String, Routes>,
    next_observation: f64,
    next_round: f64,
    /// Per node: since when it has been dead.
    dead_since: Vec<Option<f64>>,
    step: u64,
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
        Self::of(vec![Tenant::new(scenario, seed, None)], settings)
    }

    /// Several topologies in one cluster, whose nodes, engine and faults are the same for all of them.
    ///
    /// # Errors
    /// When they cannot be in one cluster.
    pub fn together(
        scenarios: &'a [Scenario],
        settings: &'a Settings,
        seed: u64,
    ) -> Result<Self, NotTogether> {
        Ok(Self::of(together::tenants(scenarios, seed)?, settings))
    }

    /// Places the first executors; their workers are taken to run already.
    fn of(tenants: Vec<Tenant<'a>>, settings: &'a Settings) -> Self {
        let mut simulation = Self {
            settings,
            state: State::default(),
            routes: BTreeMap::new(),
            next_observation: 0.0,
            next_round: 0.0,
            dead_since: vec![None; tenants[0].nodes().len()],
            step: 0,
            tenants,
        };
        simulation.round(0.0, true);
        simulation
    }

    /// The scenario whose cluster it is.
    fn cluster(&self) -> &'a Scenario {
        self.tenants[0].scenario
    }

    /// Share of the run that is over.
    pub fn progress(&self) -> f64 {
        self.step as f64 / self.cluster().steps().max(1) as f64
    }

    /// Goes on to the end of the run, and tells of its first topology.
    ///
    /// # Errors
    /// When an invariant is broken.
    pub fn finish(self, brain: &mut impl Brain) -> Result<RunResult, Violation> {
        Ok(self.finish_all(brain)?.swap_remove(0))
    }

    /// Goes on to the end of the run, and tells of each of its topologies.
    ///
    /// # Errors
    /// When an invariant is broken.
    pub fn finish_all(mut self, brain: &mut impl Brain) -> Result<Vec<RunResult>, Violation> {
        while self.step < self.cluster().steps() {
            self.advance(brain)?;
        }
        Ok(self.tenants.into_iter().map(Tenant::finish).collect())
    }

    /// Goes on by one step.
    ///
    /// # Errors
    /// When an invariant is broken.
    pub fn advance(&mut self, brain: &mut impl Brain) -> Result<(), Violation> {
        let dt = self.cluster().step_millis / 1000.0;
        let before = self.step as f64 * dt;
        self.step += 1;
        let now = self.step as f64 * dt;
        let environments = self.environments(now);
        let recount = self.step.is_multiple_of(STEPS_PER_RECOUNT);
        for (tenant, environment) in self.tenants.iter_mut().zip(&environments) {
            tenant.flow(environment, (before, now), recount);
        }
        self.nodes_die(&environments[0], now);
        for (index, environment) in environments.iter().enumerate() {
            let usable = self.usable(index);
            self.tenants[index].go_on(environment, &usable, now);
            self.act(brain, index, usable, now);
        }
        if now >= self.next_round {
            self.next_round = now + self.cluster().storm.round_secs;
            self.round(now, false);
        }
        if now >= self.next_observation {
            self.observe(brain, &environments, now);
        }
        for (tenant, environment) in self.tenants.iter_mut().zip(&environments) {
            tenant.record(environment, (before, now))?;
        }
        match self.tenants.len() {
            1 => Ok(()),
            _ => check_slots(self.tenants.iter().map(|tenant| &tenant.job), now),
        }
    }

    /// The environment of each topology at an instant.
    fn environments(&self, now: f64) -> Vec<Environment> {
        let mut all: Vec<Environment> =
            self.tenants.iter().map(|tenant| tenant.environment(now)).collect();
        together::share_nodes(&self.tenants, &mut all);
        all
    }

    /// What of the cluster a topology may use.
    fn usable(&self, index: usize) -> Usable {
        let others = self.tenants.iter().enumerate().filter(|(other, _)| *other != index);
        Usable {
            alive: self.dead_since.iter().map(Option::is_none).collect(),
            occupied: others
                .flat_map(|(_, tenant)| tenant.slots().chain(tenant.reserved()))
                .collect(),
        }
    }

    fn nodes_die(&mut self, environment: &Environment, now: f64) {
        for (node, dead_since) in self.dead_since.iter_mut().enumerate() {
            if environment.speed[node] > 0.0 {
                *dead_since = None;
                continue;
            }
            let since = *dead_since.get_or_insert(now);
            self.tenants.iter_mut().for_each(|tenant| tenant.node_dies(node, now - since));
        }
    }

    /// Goes on with the action under way.
    fn act(&mut self, brain: &mut impl Brain, index: usize, usable: Usable, now: f64) {
        let tenant = &mut self.tenants[index];
        let Some(mut action) = tenant.action.take() else { return };
        let died = !tenant.is_placed();
        let site = &mut tenant.site(usable, now);
        let progress = if died { Progress::GivenUp } else { action.step(site) };
        let plan = action.plan.id.clone();
        match progress {
            Progress::Running => tenant.action = Some(action),
            Progress::Done => {
                brain.finish(&plan, &mut self.state, self.settings, timestamp(now));
                let rows = action.plan.rows.clone();
                self.routes.insert(action.plan.topology.clone(), Routes::of(&rows, false));
                tenant.recorder.ended(&plan, true, now);
            }
            Progress::GivenUp => {
                tenant.give_up();
                brain.abort(&plan, &mut self.state, self.settings, timestamp(now));
                tenant.recorder.ended(&plan, false, now);
            }
        }
    }

    /// A scheduling round: executors that run nowhere get a slot.
    fn round(&mut self, now: f64, at_submission: bool) {
        if self.tenants.iter().all(Tenant::is_placed) {
            return;
        }
        let assigned = match self.cluster().engine {
            EngineKind::Storm => self.assigned(now),
            EngineKind::Flink => self.tenants.iter().map(Tenant::present).collect(),
        };
        for (index, mut desired) in assigned.into_iter().enumerate() {
            if self.tenants[index].is_placed() {
                continue;
            }
            let usable = self.usable(index);
            if self.cluster().engine == EngineKind::Flink {
                share_slots(self.cluster(), &usable, &mut desired);
            }
            if desired.iter().all(|(_, _, slot)| slot.is_some()) {
                self.tenants[index].settle(&desired, usable, now, at_submission);
            }
        }
    }

    /// Where the core puts executors that run nowhere, by topology.
    fn assigned(&mut self, now: f64) -> Vec<Vec<Desired>> {
        let environments = self.environments(now);
        let mut view = self.view(&environments, |_| TopologyStatus::Active, now);
        let reserved: Vec<SlotRef> = self.tenants.iter().flat_map(Tenant::reserved).collect();
        for (node, of) in (0_u32..).zip(&mut view.nodes) {
            of.ports.retain(|&port| !reserved.contains(&SlotRef { node, port }));
        }
        let answer =
            assign(&view, &self.routes, &self.state.learned, self.settings, timestamp(now));
        let mut answers = answer.executors.iter();
        let mut all: Vec<Vec<Desired>> = self.tenants.iter().map(Tenant::present).collect();
        for ((_, _, slot), assigned) in all.iter_mut().flatten().zip(&mut answers) {
            match assigned {
                Assigned::To(found) => *slot = Some(*found),
                Assigned::Keep => {}
                Assigned::NotOurs | Assigned::NoRoom => *slot = None,
            }
        }
        all
    }

    /// What the shell sees now; executors may have changed since reports came in.
    fn view(
        &mut self,
        environments: &[Environment],
        status: impl Fn(&Tenant<'_>) -> TopologyStatus,
        now: f64,
    ) -> Observation {
        let each = self.tenants.iter_mut().zip(environments);
        let topologies = each.map(|(tenant, environment)| {
            tenant.reports.collect(tenant.scenario, &tenant.job, environment, now);
            let status = status(tenant);
            tenant.reports.topology(tenant.scenario, &tenant.job, environment, status, now)
        });
        let topologies = topologies.collect();
        Observation {
            at: timestamp(now),
            nodes: nodes(self.cluster(), &environments[0]),
            topologies,
        }
    }

    /// The monitor observes, the core decides, and plans are begun.
    fn observe(&mut self, brain: &mut impl Brain, environments: &[Environment], now: f64) {
        let observation = self.view(environments, |tenant| tenant.status(), now);
        let state = std::mem::take(&mut self.state);
        let decided = brain.decide(&observation, state, self.settings, timestamp(now));
        self.state = decided.state;
        self.next_observation = now + (decided.next_in.get() / 1000.0).max(1.0);
        for outcome in &decided.outcomes {
            self.tenants.iter_mut().for_each(|tenant| tenant.recorder.judged(outcome));
        }
        let by_id = |id: &str| observation.topologies.iter().position(|seen| seen.id == id);
        for decision in &decided.decisions {
            if let Some(index) = by_id(&decision.topology) {
                self.follow(decision, index, &environments[index], now);
            }
        }
    }

    /// Does what was decided about a topology.
    fn follow(&mut self, decision: &Decision, index: usize, environment: &Environment, now: f64) {
        let tenant = &mut self.tenants[index];
        tenant.recorder.decided(decision);
        if tenant.action.is_some() {
            return;
        }
        tenant.compare_beliefs(decision, environment, now);
        if let Some(plan) = decision.plan.clone().filter(|_| decision.verdict == Verdict::Act) {
            let usable = self.usable(index);
            self.tenants[index].begin(plan, decision, usable, now);
        }
    }
}
