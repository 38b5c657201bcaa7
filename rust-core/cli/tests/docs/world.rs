//! What the documentation's examples name: a scheduler with a topology, a shared Redis, files; and what stands for each.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use thalweg_core::explain::Plan;
use thalweg_engine::Engine;

use super::blocks::root;
use super::redis::Redis;
use super::support::Model;

/// How `thalweg doctor` ends where it found something.
const FOUND: i32 = 6;
/// Between two looks; each is two seconds of the model's time.
const LOOK: Duration = Duration::from_millis(5);

/// A machine on which a page's commands are run.
pub struct World {
    /// Where they are run; what the repository has lies there too.
    place: tempfile::TempDir,
    redis: Redis,
    scheduler: Option<Scheduler>,
}

/// A scheduler at work on a model of a cluster, in a thread of its own.
struct Scheduler {
    stop: Sender<()>,
    thread: JoinHandle<()>,
    tokens: bool,
}

impl World {
    pub fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        for name in ["rust-core", "data", "docs"] {
            symlink(root().join(name), place.path().join(name)).unwrap();
        }
        fs::create_dir(place.path().join("home")).unwrap();
        let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(place.path().join("chain.pem"), signed.cert.pem()).unwrap();
        fs::write(place.path().join("key.pem"), signed.signing_key.serialize_pem()).unwrap();
        let mut world = Self { place, redis: Redis::start(), scheduler: None };
        world.restart();
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// The folder that stands for a scheduler's.
    fn folder(&self) -> PathBuf {
        self.path("thalweg")
    }

    /// Runs a command of a page, and says what it printed.
    pub fn run(&mut self, command: &str) -> String {
        if self.scheduler.as_ref().is_some_and(|s| !s.tokens) && self.path("tokens").exists() {
            self.restart();
        }
        let command = self.stand_in(command);
        let output = self.shell(&command).output().unwrap();
        // What a doctor finds is no failure of the command.
        match output.status.code() {
            Some(FOUND) if command.starts_with("thalweg doctor") => String::new(),
            _ => told(&command, &output),
        }
    }

    /// Begins a server, and asks it for its page once it listens.
    pub fn serve(&mut self, command: &str) {
        let command = self.stand_in(command);
        // Without its comment, as an option is added.
        let (command, _) = command.split_once(" # ").unwrap_or((&command, ""));
        let listen = if command.contains("--listen") { "" } else { " --listen 127.0.0.1:0" };
        let mut server = self.shell(&format!("exec {}{listen}", command.trim()));
        let mut server = server.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        let mut said = BufReader::new(server.stdout.take().unwrap());
        said.read_line(&mut first).unwrap();
        let address = first.trim().strip_prefix("listening at ");
        let page = address.and_then(|address| address.strip_prefix("http://")).map(get);
        server.kill().unwrap();
        server.wait().unwrap();
        assert!(address.is_some(), "{command}: {first}");
        if let Some(page) = page {
            // Where the dashboard was not built before the tests, the server says so.
            let answers = page.starts_with("HTTP/1.1 200") || page.contains("make build");
            assert!(answers, "{command}: {page}");
        }
    }

    fn shell(&self, command: &str) -> Command {
        let bin = Path::new(env!("CARGO_BIN_EXE_thalweg")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = Command::new("bash");
        shell.args(["-euc", command]).current_dir(self.place.path());
        shell.env("PATH", format!("{}:{path}", bin.display())).env("HOME", self.path("home"));
        if !command.contains("thalweg status --redis") {
            shell.env("THALWEG_DIR", self.folder());
        }
        shell
    }

    /// A command with what is here for what it names.
    fn stand_in(&self, command: &str) -> String {
        let folder = self.folder().display().to_string();
        let mut pairs = vec![
            ("/var/lib/storm/thalweg", folder.clone()),
            ("rediss://redis.example.org:6380", self.redis.url.clone()),
            ("0.0.0.0:7480", "0.0.0.0:0".to_owned()),
            ("DIR…", folder.clone()),
        ];
        if command.contains("thalweg ledger") {
            let verified =
                told("verify", &self.shell("thalweg ledger verify $THALWEG_DIR").output().unwrap());
            let noted = verified.lines().find_map(|line| line.split("elsewhere: ").nth(1));
            pairs.push(("812:44b0…", noted.expect("the newest record").to_owned()));
            let key = self.shell("thalweg ledger key $THALWEG_DIR").output().unwrap();
            pairs.push(("4f0c…", told("key", &key).trim().to_owned()));
            pairs.push(("DIR", folder));
        }
        pairs.iter().fold(command.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    /// Begins the scheduler anew, as it reads its tokens at its start.
    fn restart(&mut self) {
        if let Some(scheduler) = self.scheduler.take() {
            scheduler.end();
        }
        let mut settings = json!({ "thalweg.mode": "act", "thalweg.store.dir": self.folder(),
            "thalweg.store.kind": "redis", "thalweg.store.redis.url": self.redis.url,
            "thalweg.monitor.interval.secs": 2, "thalweg.metrics.settle.secs": 6,
            "thalweg.metrics.window.secs": 10, "thalweg.metrics.max.age.secs": 10,
            "executor.metrics.frequency.secs": 2 });
        let tokens = self.path("tokens");
        if tokens.exists() {
            settings["thalweg.control.tokens.file"] = json!(tokens);
            let own = self.path("home/.thalweg-token");
            fs::copy(&tokens, &own).unwrap();
            fs::set_permissions(own, Permissions::from_mode(0o600)).unwrap();
        }
        self.scheduler = Some(Scheduler::begin(&settings, tokens.exists()));
    }
}

impl Scheduler {
    fn begin(settings: &Value, tokens: bool) -> Self {
        let settings = settings.to_string();
        let (stop, stopped) = channel::<()>();
        let (ready, is_ready) = channel();
        let thread = std::thread::spawn(move || {
            let engine = Engine::open(&settings).unwrap().serve();
            let mut cluster = cluster();
            let mut look = || {
                cluster.step();
                engine.observe(cluster.observation.clone(), cluster.now()).unwrap();
                let tell = |request: Value| {
                    let answer = engine.command(&request.to_string(), cluster.now()).unwrap();
                    serde_json::from_str::<Value>(&answer).unwrap()
                };
                let status = tell(json!({ "op": "status" }));
                let Some(plan) = status.pointer("/plan/plan").cloned() else { return };
                let plan: Plan = serde_json::from_value(plan).unwrap();
                tell(json!({ "op": "publish", "plan": plan.id }));
                tell(json!({ "op": "begin", "plan": plan.id, "strategy": "make-before-break" }));
                tell(json!({ "op": "switched", "plan": plan.id }));
                tell(json!({ "op": "commit", "plan": plan.id }));
                tell(json!({ "op": "finish", "plan": plan.id, "how": "make-before-break" }));
                cluster.carry_out(&plan);
            };
            engine
                .command(r#"{"op": "lead"}"#, thalweg_core::units::Timestamp::from_millis(1))
                .unwrap();
            look();
            ready.send(()).unwrap();
            while stopped.recv_timeout(LOOK).is_err() {
                look();
            }
        });
        is_ready.recv().expect("the scheduler looked");
        Self { stop, thread, tokens }
    }

    fn end(self) {
        let _ = self.stop.send(());
        self.thread.join().expect("the scheduler did not fail");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(scheduler) = self.scheduler.take() {
            scheduler.end();
        }
    }
}

/// A topology `words` on hosts that the documentation names.
fn cluster() -> Model {
    let mut cluster = Model::new(4, 2, 2);
    cluster.rate = 50.0;
    let seen = &mut cluster.observation;
    seen.topologies[0].name = "words".to_owned();
    for component in &mut seen.topologies[0].components {
        component.memory_mib = Some(32.0);
    }
    seen.nodes[1].host = "node3.example.org".to_owned();
    seen.nodes[2].host = "10.0.0.7".to_owned();
    cluster
}

/// What a command printed where it ended well.
fn told(command: &str, output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {}\n{text}{error}", output.status);
    text
}

fn get(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET / HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
