//! Serves an engine with many topologies and a long ledger, as benchmarks want it: `crowd TOPOLOGIES RECORDS`.
//!
//! The engine is a real one. What it sees is one simulated job, copied, each copy with its own load; what lies in its ledger
//! is what another engine wrote of such a job, copied. Prints one line of JSON with the address and a token once the server
//! knows all of it, and ends with its input.

mod copies;
mod past;
#[path = "../sample/simulated.rs"]
mod simulated;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thalweg_control::now_millis;
use thalweg_core::units::Timestamp;
use thalweg_engine::{Engine, EngineSettings};
use thalweg_serve::{Engine as Shown, Role, Settings, Socket, add_token};
use thalweg_sim::scenario::read;
use thalweg_sim::{Scenario, Simulation};

/// Simulated seconds before anybody looks: a window of statistics and more.
const BEFORE: u64 = 180;
/// As `thalweg serve` has it by itself.
const LOOK: Duration = Duration::from_secs(5);
/// How long the server may take until it knows the whole ledger.
const PATIENCE: Duration = Duration::from_secs(900);

/// Trips that are cleaned, put on a grid and counted: six components, twelve executors.
fn scenario() -> Scenario {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sim/scenarios");
    let open = |file: &str| std::fs::read_to_string(folder.join(file)).map_err(|e| e.to_string());
    let text = open("taxi.toml").expect("the scenarios are in the repository");
    read("taxi.toml", &text, open).expect("they are checked by tests")
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let mut given = std::env::args().skip(1).map(|number| number.parse::<u32>());
    let mut number = || given.next().and_then(Result::ok).expect("crowd TOPOLOGIES RECORDS");
    let (topologies, records) = (number(), u64::from(number()));
    let folder = tempfile::tempdir().expect("a folder of our own");
    let own = folder.path().join("engine");
    past::write(&own, scenario(), (topologies, records));
    let engine = open(&own);
    let stop = Arc::new(AtomicBool::new(false));
    let play = {
        let (engine, stop) = (Arc::clone(&engine), Arc::clone(&stop));
        std::thread::spawn(move || watch(engine, topologies, &stop))
    };
    let tokens = folder.path().join("tokens.json");
    let token = add_token(&tokens, "ann", &[Role::Operator, Role::Approver]).expect("it is ours");
    let listen = "127.0.0.1:0".parse().expect("it is an address");
    let settings = Settings {
        listen,
        tokens: Some(tokens),
        tls: None,
        pause: LOOK,
        patience: Settings::PATIENCE,
    };
    let engines: Vec<(String, Arc<dyn Shown>)> =
        vec![("storm".to_owned(), Arc::new(Socket::at(&own)))];
    let served = thalweg_serve::start(&settings, engines).await.expect("the port is free");
    let (address, bearer) = (served.address(), token.clone());
    let wanted = [("/v1/topologies", u64::from(topologies)), ("/v1/history", records)];
    let known = move || wanted.map(|(list, count)| wait(address, &bearer, list, count));
    let took = tokio::task::spawn_blocking(known).await.expect("it knows all in time");
    println!(
        "{}",
        json!({ "address": format!("http://{address}"), "token": token, "pid": std::process::id(),
            "all_topologies_known_s": took[0].as_secs_f64(),
            "all_records_known_s": (took[0] + took[1]).as_secs_f64() })
    );
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await;
    stop.store(true, Ordering::Relaxed);
    served.stop();
    drop(play.join());
}

fn open(folder: &Path) -> Arc<Engine> {
    let mut given = scenario().given();
    given.insert("thalweg.mode".to_owned(), json!("advise"));
    given.insert("thalweg.store.dir".to_owned(), json!(folder));
    let engine = Engine::open(&json!(given).to_string()).expect("the folder is ours").serve();
    let now = Timestamp::from_millis(now_millis());
    engine.command(r#"{"op": "lead", "term": 1}"#, now).expect("nobody else leads");
    engine
}

/// Shows the engine the copies of one job, in real time once it has statistics.
fn watch(engine: Arc<Engine>, topologies: u32, stop: &AtomicBool) {
    let scenario = scenario();
    let mut given = scenario.given();
    // What nobody changes has the same places all the time.
    given.insert("thalweg.mode".to_owned(), json!("observe"));
    let settings = EngineSettings::read(&given).core;
    let begin = thalweg_sim::observe::timestamp(BEFORE as f64);
    let shift = Timestamp::from_millis(now_millis()).since(begin);
    let mut copies = copies::Copies::new(engine, topologies, shift);
    let mut simulation = Simulation::new(&scenario, &settings, 1);
    let per_second = (1000.0 / scenario.step_millis).max(1.0) as u64;
    let begun = Instant::now();
    for step in 0..scenario.steps() {
        let second = Duration::from_secs((step / per_second).saturating_sub(BEFORE));
        while begun.elapsed() < second && !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(50));
        }
        if stop.load(Ordering::Relaxed) {
            return;
        }
        simulation.advance(&mut copies).expect("the simulator keeps its invariants");
    }
}

/// Waits until a list has as many entries, and says for how long.
fn wait(address: SocketAddr, token: &str, list: &str, count: u64) -> Duration {
    let begun = Instant::now();
    loop {
        let page = get(address, token, &format!("{list}?limit=1"));
        if page.is_some_and(|page| page["total"].as_u64() >= Some(count)) {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < PATIENCE, "{list} stays short");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn get(address: SocketAddr, token: &str, path: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut read = String::new();
    stream.read_to_string(&mut read).ok()?;
    serde_json::from_str(read.split_once("\r\n\r\n")?.1).ok()
}
