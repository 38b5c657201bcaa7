//! Serves an engine that is obeyed, as clients of the HTTP interface want it for their tests: `stand SPEED [SETTINGS]`.
//!
//! The engine is a real one, and so is the server; the job is simulated, so many times faster than it would run, with too
//! few executors to begin with and a policy that leaves it so. What is ordered is carried out in the simulator. SETTINGS
//! are more of the engine's, as JSON. Prints one line of JSON with the address and a token of each role, and ends with its
//! input.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use thalweg_control::now_millis;
use thalweg_core::Decided;
use thalweg_core::explain::Verdict;
use thalweg_core::model::Observation;
use thalweg_core::settings::Settings as CoreSettings;
use thalweg_core::state::State;
use thalweg_core::units::{Millis, Timestamp};
use thalweg_engine::{Engine, EngineSettings};
use thalweg_serve::{Engine as Shown, Role, Settings, Socket, add_token};
use thalweg_sim::scenario::read;
use thalweg_sim::{Brain, Scenario, Simulation};

/// Simulated seconds before anybody looks: a window of statistics and more.
const BEFORE: u64 = 180;
/// A day, so that it outlasts whoever tests with it.
const LASTS: f64 = 86_400.0;
const LOOK: Duration = Duration::from_millis(200);

/// Lines that are split and counted.
fn scenario(settings: Map<String, Value>) -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sim/scenarios/wordcount.toml");
    let text = std::fs::read_to_string(file).expect("the scenarios are in the repository");
    let mut scenario = read("wordcount.toml", &text, |_| Err("no series".to_owned()))
        .expect("they are checked by tests");
    scenario.duration_secs = LASTS;
    scenario.settings.insert("thalweg.policy".to_owned(), json!("static"));
    scenario.settings.extend(settings);
    scenario
}

/// What stands between the simulated shell and the engine that it obeys.
struct Obeyed {
    engine: Arc<Engine>,
    /// From simulated to shown time.
    shift: Millis,
    now: Timestamp,
}

impl Obeyed {
    fn tell(&self, request: &Value) {
        // The engine may have given the plan up meanwhile; then it says so, and there is nothing to do about it.
        drop(self.engine.command(&request.to_string(), self.now));
    }
}

impl Brain for Obeyed {
    fn decide(
        &mut self,
        observation: &Observation,
        state: State,
        _settings: &CoreSettings,
        now: Timestamp,
    ) -> Decided {
        let mut seen = observation.clone();
        seen.at = seen.at.plus(self.shift);
        for topology in &mut seen.topologies {
            "words".clone_into(&mut topology.name);
        }
        self.now = now.plus(self.shift);
        let told = self.engine.take_in(seen, self.now).expect("its folder is ours");
        for decision in told.decisions.iter().filter(|one| one.verdict == Verdict::Act) {
            let Some(plan) = decision.plan.as_ref().map(|plan| &plan.id) else { continue };
            self.tell(&json!({ "op": "publish", "plan": plan }));
            self.tell(&json!({ "op": "begin", "plan": plan, "strategy": "make-before-break" }));
        }
        Decided {
            decisions: told.decisions.to_vec(),
            outcomes: Vec::new(),
            next_in: Millis::new(told.next_in_ms).expect("an engine says when to look again"),
            state,
        }
    }

    fn finish(&mut self, plan: &str, _: &mut State, _: &CoreSettings, now: Timestamp) {
        self.now = now.plus(self.shift);
        self.tell(&json!({ "op": "switched", "plan": plan }));
        self.tell(&json!({ "op": "commit", "plan": plan }));
        self.tell(&json!({ "op": "finish", "plan": plan, "how": "make-before-break" }));
    }

    fn abort(&mut self, plan: &str, _: &mut State, _: &CoreSettings, now: Timestamp) {
        self.now = now.plus(self.shift);
        self.tell(&json!({ "op": "abort", "plan": plan, "code": "NO_WAY" }));
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let mut given = std::env::args().skip(1);
    let speed = given.next().and_then(|number| number.parse::<f64>().ok());
    let speed = speed.filter(|speed| *speed >= 1.0).expect("stand SPEED [SETTINGS]");
    let settings = given.next().unwrap_or_else(|| "{}".to_owned());
    let settings = serde_json::from_str(&settings).expect("settings are a JSON object");
    let folder = tempfile::tempdir().expect("a folder of our own");
    let own = folder.path().join("engine");
    std::fs::create_dir(&own).expect("it is new");
    let scenario = scenario(settings);
    let engine = open(&own, &scenario);
    let stop = Arc::new(AtomicBool::new(false));
    let play = {
        let (engine, stop) = (Arc::clone(&engine), Arc::clone(&stop));
        std::thread::spawn(move || play(engine, &scenario, speed, &stop))
    };
    let tokens = folder.path().join("tokens.json");
    let token = |name: &str, roles: &[Role]| add_token(&tokens, name, roles).expect("it is ours");
    let made = json!({
        "reader": token("rita", &[Role::Reader]),
        "operator": token("otto", &[Role::Operator]),
        "approver": token("ann", &[Role::Approver]),
    });
    let listen = "127.0.0.1:0".parse().expect("it is an address");
    let settings = Settings {
        listen,
        tokens: Some(tokens),
        tls: None,
        pause: LOOK,
        patience: Settings::PATIENCE,
    };
    let nobody = folder.path().join("nobody");
    let engines: Vec<(String, Arc<dyn Shown>)> = vec![
        ("storm".to_owned(), Arc::new(Socket::at(&own))),
        ("gone".to_owned(), Arc::new(Socket::at(nobody))),
    ];
    let served = thalweg_serve::start(&settings, engines).await.expect("the port is free");
    println!("{}", json!({ "address": format!("http://{}", served.address()), "tokens": made }));
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await;
    stop.store(true, Ordering::Relaxed);
    served.stop();
    drop(play.join());
}

fn open(folder: &Path, scenario: &Scenario) -> Arc<Engine> {
    let mut given = scenario.given();
    given.insert("thalweg.store.dir".to_owned(), json!(folder));
    let engine = Engine::open(&json!(given).to_string()).expect("the folder is ours").serve();
    let now = Timestamp::from_millis(now_millis());
    engine.command(r#"{"op": "lead", "term": 1}"#, now).expect("nobody else leads");
    engine
}

/// Plays the job until it is stopped: what shown times begin with is now.
fn play(engine: Arc<Engine>, scenario: &Scenario, speed: f64, stop: &AtomicBool) {
    let settings = EngineSettings::read(&scenario.given()).core;
    let begin = thalweg_sim::observe::timestamp(BEFORE as f64);
    let now = Timestamp::from_millis(now_millis());
    let mut obeyed = Obeyed { engine, shift: now.since(begin), now };
    let mut simulation = Simulation::new(scenario, &settings, 1);
    let begun = Instant::now();
    for step in 0..scenario.steps() {
        let simulated = step as f64 * scenario.step_millis / 1000.0;
        let due = Duration::from_secs_f64((simulated - BEFORE as f64).max(0.0) / speed);
        while begun.elapsed() < due && !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if stop.load(Ordering::Relaxed) {
            return;
        }
        simulation.advance(&mut obeyed).expect("the simulator keeps its invariants");
    }
}
