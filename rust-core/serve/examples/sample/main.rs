//! Serves simulated jobs that real engines watch: `cargo run -p thalweg-serve --example sample`.
//!
//! Prints one line of JSON with the address and tokens, and ends with its input.

mod simulated;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use thalweg_core::units::Timestamp;
use thalweg_serve::{Engine, Role, Settings, Socket, add_token};
use thalweg_sim::Scenario;
use thalweg_sim::scenario::{EngineKind, read};

/// The jobs: engine, topology, scenario, seed. Those on Flink are judged by the policy that forecasts loads.
const JOBS: [(&str, &str, &str, u64); 4] = [
    ("storm-fra", "wordcount", "wordcount.toml", 3),
    ("storm-ams", "ad-events", "ads.toml", 5),
    ("flink-fra", "bids-by-auction", "nexmark-q5.toml", 7),
    ("storm-lab", "taxi-trips", "taxi.toml", 11),
];

fn scenario(file: &str) -> Scenario {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sim/scenarios");
    let open = |file: &str| std::fs::read_to_string(folder.join(file)).map_err(|e| e.to_string());
    let text = open(file).expect("the scenarios are in the repository");
    let mut scenario = read(file, &text, open).expect("they are checked by tests");
    scenario.duration_secs = scenario.duration_secs.min(1800.0);
    if scenario.engine == EngineKind::Flink {
        scenario.settings.insert("thalweg.policy".to_owned(), "thalweg".into());
    }
    scenario
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let end = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    let end = Timestamp::from_millis(end.as_millis() as i64 + 60_000);
    let stop = Arc::new(AtomicBool::new(false));
    let mut engines: Vec<(String, Arc<dyn Engine>)> = Vec::new();
    let mut threads = Vec::new();
    for (engine, topology, file, seed) in JOBS {
        let own: PathBuf = folder.path().join(engine);
        std::fs::create_dir(&own).expect("it is new");
        let job = simulated::Job::new(scenario(file), topology, &own, (seed, end));
        let stop = Arc::clone(&stop);
        engines.push((engine.to_owned(), Arc::new(Socket::at(own))));
        threads.push(std::thread::spawn(move || {
            let engine = job.run(Duration::from_millis(12), Some(&stop));
            while !stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(50));
            }
            drop(engine);
        }));
    }
    engines.push(("storm-old".to_owned(), Arc::new(Socket::at(folder.path().join("none")))));
    let tokens = folder.path().join("tokens.json");
    let token = |name: &str, roles: &[Role]| add_token(&tokens, name, roles).expect("it is ours");
    let reader = token("rita", &[Role::Reader]);
    let all = token("ann", &[Role::Operator, Role::Approver]);
    let listen = "127.0.0.1:0".parse().expect("it is an address");
    let pause = Duration::from_millis(200);
    let settings =
        Settings { listen, tokens: Some(tokens), tls: None, pause, patience: Settings::PATIENCE };
    let served = thalweg_serve::start(&settings, engines).await.expect("the port is free");
    let address = format!("http://{}", served.address());
    println!("{}", json!({ "address": address, "reader": reader, "all": all }));
    // Whoever started it holds its input open.
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await;
    stop.store(true, Ordering::Relaxed);
    served.stop();
    threads.into_iter().for_each(|thread| drop(thread.join()));
}
