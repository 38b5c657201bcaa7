//! `thalweg watch` in a real pseudo terminal, against a real engine: what an operator sees and does there.
#![allow(clippy::unwrap_used)]

#[path = "../../core/tests/support/mod.rs"]
mod support;

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use serde_json::json;
use support::Model;
use thalweg_control::now_millis;
use thalweg_core::units::Timestamp;
use thalweg_engine::Engine;

const PATIENCE: Duration = Duration::from_secs(30);

/// A scheduler whose plans wait for a word. Its observations end at the present, as words on plans are of the present.
struct Scheduler {
    engine: Option<Arc<Engine>>,
    cluster: Model,
    begun: i64,
    folder: tempfile::TempDir,
}

impl Scheduler {
    fn new() -> Self {
        let mut cluster = Model::new(3, 2, 2);
        cluster.rate = 5_000.0;
        let folder = tempfile::tempdir().unwrap();
        let begun = now_millis() - cluster.now().millis() - 600_000;
        let mut new = Self { engine: None, cluster, begun, folder };
        new.open();
        new
    }

    fn open(&mut self) {
        let settings = json!({ "thalweg.mode": "confirm", "thalweg.store.dir": self.folder.path(),
            "thalweg.monitor.interval.secs": 2, "thalweg.metrics.settle.secs": 6,
            "thalweg.metrics.window.secs": 10, "thalweg.metrics.max.age.secs": 10,
            "thalweg.confirm.expiry.secs": 3600, "executor.metrics.frequency.secs": 2 });
        let engine = Engine::open(&settings.to_string()).unwrap().serve();
        engine.command(r#"{"op": "lead"}"#, self.now()).unwrap();
        self.engine = Some(engine);
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.cluster.now().millis() + self.begun)
    }

    fn look(&mut self) -> serde_json::Value {
        self.cluster.step();
        let now = self.now();
        let mut seen = self.cluster.observation.clone();
        seen.at = now;
        let answer = self.engine.as_ref().unwrap().observe(seen, now).unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

fn parser(lines: u16, columns: u16) -> vt100::Parser {
    let some = |number| NonZero::new(number).unwrap();
    vt100::Parser::new(some(lines), some(columns), 0)
}

/// `thalweg watch` on a terminal of 80 columns and 24 lines.
struct Watched {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl Watched {
    fn new(folder: &Path, no_color: bool) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_thalweg"));
        command.args(["watch", "--every", "1"]);
        command.env("THALWEG_DIR", folder);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(parser(24, 80)));
        let (seen, mut output) = (Arc::clone(&screen), pair.master.try_clone_reader().unwrap());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The terminal ends with the last process that has it.
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                seen.lock().unwrap().process(&bytes[..length]);
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { child, master: pair.master, keys, screen }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    fn shows(&self, text: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.text().contains(text) {
            assert!(Instant::now() < end, "no {text:?} in\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its exit code, once it has ended and the terminal is as it was.
    fn ends(&mut self) -> u32 {
        let end = Instant::now() + PATIENCE;
        loop {
            let ended = self.child.try_wait().unwrap();
            let given_back = {
                let parser = self.screen.lock().unwrap();
                !parser.screen().alternate_screen() && !parser.screen().hide_cursor()
            };
            if let (Some(status), true) = (ended, given_back) {
                return status.exit_code();
            }
            assert!(Instant::now() < end, "it goes on, or has left\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_operator_approves_of_a_plan_on_the_screen_and_sees_the_engine_go_and_come_back() {
    let mut scheduler = Scheduler::new();
    let mut watched = Watched::new(scheduler.folder.path(), false);
    watched.shows("nothing was observed yet");
    let waits =
        (0..60).map(|_| scheduler.look()).find(|seen| seen["decisions"][0]["offer"].is_object());
    let plan = waits.expect("a plan that waits")["decisions"][0]["plan"]["id"].clone();
    watched.shows("waits for a word");
    watched.shows(plan.as_str().unwrap());
    watched.press("?");
    watched.shows("approve of the plan that waits");
    watched.press(" ");
    watched.press("a");
    watched.shows(&format!("Approve of plan {}?", plan.as_str().unwrap()));
    watched.press("y");
    watched.shows("approved by user");
    let size = PtySize { rows: 50, cols: 200, pixel_width: 0, pixel_height: 0 };
    *watched.screen.lock().unwrap() = parser(50, 200);
    watched.master.resize(size).unwrap();
    watched.shows("components of wc-1");
    scheduler.engine = None;
    watched.shows("no answer for");
    scheduler.open();
    scheduler.look();
    watched.shows("it answers again");
    watched.press("q");
    assert_eq!(watched.ends(), 0);
}

#[test]
fn a_name_moves_nothing_on_the_screen() {
    let mut scheduler = Scheduler::new();
    // Clears the screen, goes to its corner, and is a line of its own there.
    "\u{1b}[2J\u{1b}[Hall is well\r\n\u{9b}H\u{202e}"
        .clone_into(&mut scheduler.cluster.observation.topologies[0].name);
    scheduler.look();
    let mut watched = Watched::new(scheduler.folder.path(), false);
    watched.shows("\\u{1b}[2J\\u{1b}[Hall is well");
    assert!(!watched.text().lines().any(|line| line.starts_with("all is")), "{}", watched.text());
    watched.press("q");
    assert_eq!(watched.ends(), 0);
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    let mut scheduler = Scheduler::new();
    scheduler.look();
    type Way = fn(&mut Watched);
    let ways: [(&str, Way); 4] = [
        ("q", |watched| watched.press("q")),
        ("Ctrl-C", |watched| watched.press("\x03")),
        ("SIGTERM", |watched| watched.signal("TERM")),
        ("SIGINT", |watched| watched.signal("INT")),
    ];
    for (name, end) in ways {
        let mut watched = Watched::new(scheduler.folder.path(), false);
        watched.shows("components of wc-1");
        assert!(watched.screen.lock().unwrap().screen().alternate_screen());
        end(&mut watched);
        assert_eq!(watched.ends(), 0, "{name}");
    }
}

#[test]
fn it_ends_with_its_terminal() {
    let mut scheduler = Scheduler::new();
    scheduler.look();
    let pair = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_thalweg"));
    command.arg("watch");
    command.env("THALWEG_DIR", scheduler.folder.path());
    command.env("TERM", "xterm-256color");
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut output = pair.master.try_clone_reader().unwrap();
    // It has taken the terminal once it writes.
    output.read_exact(&mut [0; 8]).unwrap();
    drop((output, pair.master));
    let end = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < end, "it goes on without a terminal");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn who_wants_no_colours_gets_none_and_without_a_terminal_it_says_what_to_use() {
    let mut scheduler = Scheduler::new();
    scheduler.look();
    let coloured = |no_color: bool| {
        let watched = Watched::new(scheduler.folder.path(), no_color);
        watched.shows("components of wc-1");
        let parser = watched.screen.lock().unwrap();
        let cells = (0..24).flat_map(|row| (0..80).map(move |col| (row, col)));
        let mut seen = cells.filter_map(|(row, col)| parser.screen().cell(row, col));
        seen.any(|cell| cell.fgcolor() != vt100::Color::Default)
    };
    assert!(coloured(false) && !coloured(true));
    let output = Command::new(env!("CARGO_BIN_EXE_thalweg"))
        .args(["watch", "--dir"])
        .arg(scheduler.folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("thalweg status"), "{said}");
}
