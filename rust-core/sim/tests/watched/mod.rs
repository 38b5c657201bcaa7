//! The shipped core at the wheel, with somebody who writes down what it decides.

#![allow(dead_code, reason = "each test file uses a part of it")]

use thalweg_core::Decided;
use thalweg_core::explain::{Decision, Outcome};
use thalweg_core::model::Observation;
use thalweg_core::reason::ReasonCode;
use thalweg_core::settings::{PolicyName, Settings, SlotRule, WorkerLimit};
use thalweg_core::state::State;
use thalweg_core::units::Timestamp;
use thalweg_sim::scenario::{EngineKind, Scenario};
use thalweg_sim::{Brain, Core, RunResult, Simulation};

/// What was decided, and what came of it.
#[derive(Default)]
pub struct Watched {
    pub decisions: Vec<Decision>,
    pub outcomes: Vec<Outcome>,
}

impl Watched {
    /// Whether a reason of a decision has this code and names this.
    pub fn says(&self, code: ReasonCode, named: &str) -> bool {
        let mut reasons = self.decisions.iter().flat_map(|decision| &decision.reasons);
        reasons.any(|reason| reason.code == code && reason.text.contains(named))
    }
}

impl Brain for Watched {
    fn decide(
        &mut self,
        observation: &Observation,
        state: State,
        settings: &Settings,
        now: Timestamp,
    ) -> Decided {
        let decided = Core.decide(observation, state, settings, now);
        self.decisions.extend(decided.decisions.iter().cloned());
        self.outcomes.extend(decided.outcomes.iter().cloned());
        decided
    }
}

/// A policy with its recommended settings, as a shell of the scenario's engine would give them.
pub fn settings(policy: PolicyName, scenario: &Scenario) -> Settings {
    let slots = match scenario.engine {
        EngineKind::Storm => SlotRule::Workers,
        EngineKind::Flink => SlotRule::Engine,
    };
    Settings { slots, worker_limit: WorkerLimit::Free, ..Settings::recommended(policy) }
}

/// Runs a scenario and watches.
pub fn watch(scenario: &Scenario, settings: &Settings, seed: u64) -> (RunResult, Watched) {
    let mut watched = Watched::default();
    let result = Simulation::new(scenario, settings, seed).finish(&mut watched);
    (result.expect("no invariant is broken"), watched)
}
