//! A real engine that watches a simulated job, faster than real time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use thalweg_core::Decided;
use thalweg_core::model::Observation;
use thalweg_core::settings::Settings;
use thalweg_core::state::State;
use thalweg_core::units::{Millis, Timestamp};
use thalweg_engine::{Engine, EngineSettings};
use thalweg_sim::{Brain, Core, Scenario, Simulation};

/// A simulated job with a real engine that sees what is seen of it.
pub struct Job {
    scenario: Scenario,
    settings: Settings,
    seed: u64,
    watching: Watching,
}

/// What stands between the simulated shell and the engine.
struct Watching {
    engine: Arc<Engine>,
    /// From simulated to shown time.
    shift: Millis,
    /// The topology's name.
    name: String,
    now: Timestamp,
}

impl Watching {
    fn tell(&self, request: &serde_json::Value) -> serde_json::Value {
        let answer = self.engine.command(&request.to_string(), self.now);
        answer.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// The engine's own plan under way: it sees the same and plans the same, at its own time.
    fn plan(&self) -> Option<String> {
        self.tell(&json!({ "op": "status" })).pointer("/plan/plan/id")?.as_str().map(str::to_owned)
    }
}

impl Brain for Watching {
    fn decide(
        &mut self,
        observation: &Observation,
        state: State,
        settings: &Settings,
        now: Timestamp,
    ) -> Decided {
        let mut seen = observation.clone();
        seen.at = seen.at.plus(self.shift);
        for topology in &mut seen.topologies {
            topology.name.clone_from(&self.name);
        }
        self.now = now.plus(self.shift);
        self.engine.observe(seen, self.now).expect("it only reads and writes its own folder");
        Core.decide(observation, state, settings, now)
    }

    fn finish(&mut self, plan: &str, state: &mut State, settings: &Settings, now: Timestamp) {
        state.finish(plan, now, settings);
        self.now = now.plus(self.shift);
        let Some(plan) = self.plan() else { return };
        self.tell(&json!({ "op": "publish", "plan": plan }));
        self.tell(&json!({ "op": "begin", "plan": plan, "strategy": "make-before-break" }));
        self.tell(&json!({ "op": "switched", "plan": plan }));
        self.tell(&json!({ "op": "commit", "plan": plan }));
        self.tell(&json!({ "op": "finish", "plan": plan, "how": "make-before-break" }));
    }
}

impl Job {
    /// A job of a scenario whose engine keeps its files in `folder`; shown times end at `end` when all is simulated.
    pub fn new(
        scenario: Scenario,
        name: &str,
        folder: &Path,
        (seed, end): (u64, Timestamp),
    ) -> Self {
        let mut given = scenario.given();
        given.insert("thalweg.store.dir".to_owned(), json!(folder));
        let settings = EngineSettings::read(&given).core;
        let engine = Engine::open(&json!(given).to_string()).expect("the folder is ours").serve();
        engine.command(r#"{"op": "lead", "term": 1}"#, end).expect("nobody else leads");
        let last = thalweg_sim::observe::timestamp(scenario.duration_secs);
        let shift = end.since(last);
        let watching = Watching { engine, shift, name: name.to_owned(), now: end };
        Self { scenario, settings, seed, watching }
    }

    /// Simulates to the end, or until it is stopped; after each simulated second it waits for `pause`.
    /// The engine outlives it.
    pub fn run(mut self, pause: Duration, stop: Option<&AtomicBool>) -> Arc<Engine> {
        let mut simulation = Simulation::new(&self.scenario, &self.settings, self.seed);
        let per_second = (1000.0 / self.scenario.step_millis).max(1.0) as u64;
        for step in 0..self.scenario.steps() {
            if stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
                break;
            }
            simulation.advance(&mut self.watching).expect("the simulator keeps its invariants");
            if step % per_second == 0 && !pause.is_zero() {
                std::thread::sleep(pause);
            }
        }
        self.watching.engine
    }
}
