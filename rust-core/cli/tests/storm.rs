//! `thalweg advise storm` and `thalweg run storm` as processes of their own, where Java is a script that says what was prepared.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use thalweg_core::model::{
    Component, ComponentKind, Counters, Edge, Executor, Node, Observation, SlotRef, TaskRange,
    Topology,
};
use thalweg_core::units::{Millis, Timestamp};

/// What stands for Java.
const JAVA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../connect/tests/answers/java.sh");

/// A Storm's folder with its configuration, a jar, and a Java.
struct Home(TempDir);

impl Home {
    /// One whose Java is this script.
    fn with(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in ["lib", "conf", "java/bin"] {
            fs::create_dir_all(folder.path().join(part)).unwrap();
        }
        fs::write(folder.path().join("conf/storm.yaml"), "").unwrap();
        fs::write(folder.path().join("ours.jar"), "").unwrap();
        fs::write(folder.path().join("java/bin/script"), script).unwrap();
        symlink(JAVA, folder.path().join("java/bin/java")).unwrap();
        Self(folder)
    }

    /// One whose Java says the first of these lines, and a further one for each question.
    fn saying(lines: &[Value]) -> Self {
        let home = Self::with("");
        let said: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(home.at("said"), said).unwrap();
        let script = format!(
            "exec 3<{}\nread -r line <&3; echo \"$line\"\n\
             while read -r asked; do read -r line <&3 || exec cat; echo \"$line\"; done\n",
            home.at("said").display()
        );
        fs::write(home.at("java/bin/script"), script).unwrap();
        home
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn advise(&self, more: &[&str]) -> Output {
        self.storm("advise", more)
    }

    /// Beside it in a mode, with a folder of its own.
    fn run(&self, mode: &str, more: &[&str]) -> Output {
        let dir = self.at("kept").display().to_string();
        self.storm("run", &[&["--mode", mode, "--dir", &dir], more].concat())
    }

    fn storm(&self, verb: &str, more: &[&str]) -> Output {
        let mut command = thalweg();
        command.args([verb, "storm", "--storm-home"]).arg(self.0.path());
        command.arg("--java-home").arg(self.at("java")).arg("--jar").arg(self.at("ours.jar"));
        command.args(more).output().unwrap()
    }
}

fn thalweg() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
    for given in ["STORM_HOME", "STORM_CONF_DIR", "JAVA_HOME", "THALWEG_STORM_JAR"] {
        command.env_remove(given);
    }
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn hello() -> Value {
    json!({ "thalweg_storm": 2, "version": "2.8.3", "place": "nimbus:6627",
        "settings": { "executor.metrics.frequency.secs": 1 } })
}

/// A topology whose `split` has one executor of four tasks, and is busy all the time with two thirds of what comes in.
fn words(secs: u32) -> Topology {
    let component = |id: &str, kind, first, last| Component {
        id: id.to_owned(),
        kind,
        tasks: TaskRange { first, last },
        ..Component::default()
    };
    let each = |count: f64| (count * f64::from(secs)).round() as u64;
    let source = Counters {
        uptime_secs: secs,
        emitted: each(50.0),
        transferred: each(50.0),
        ..Counters::default()
    };
    let split = Counters {
        uptime_secs: secs,
        executed: each(33.0),
        execute_ms: 1_000.0 * f64::from(secs),
        acked: each(33.0),
        process_ms: 1_000.0 * f64::from(secs),
        emitted: each(33.0),
        transferred: each(33.0),
        ..Counters::default()
    };
    let executor = |component, first, last, port, counters| Executor {
        component,
        tasks: TaskRange { first, last },
        slot: Some(SlotRef { node: 0, port }),
        counters: Some(counters),
    };
    Topology {
        id: "words-1-1".to_owned(),
        name: "words".to_owned(),
        desired_workers: 2,
        message_timeout: Millis::saturating(30_000.0),
        components: vec![
            component("lines", ComponentKind::Source, 1, 1),
            component("split", ComponentKind::Operator, 2, 5),
        ],
        edges: vec![Edge { from: 0, to: 1, sent: Some(each(50.0)), ..Edge::default() }],
        executors: vec![executor(0, 1, 1, 6700, source), executor(1, 2, 5, 6701, split)],
        ..Topology::default()
    }
}

/// What each look sees, ten seconds after the one before.
fn looks(count: u32) -> Vec<Value> {
    let node = Node {
        id: "n1".to_owned(),
        host: "n1".to_owned(),
        ports: (6700..6704).collect(),
        cpu_points: Some(400.0),
        memory_mib: Some(4096.0),
        ..Node::default()
    };
    let look = |number: u32| {
        let secs = 300 + 10 * number;
        let seen = Observation {
            at: Timestamp::from_millis(1_000 * i64::from(secs)),
            nodes: vec![node.clone()],
            topologies: vec![words(secs)],
        };
        let bytes = thalweg_codec::encode(&seen).unwrap();
        json!({ "look": number, "observation": STANDARD.encode(bytes),
            "findings": { "other-1": "Nimbus refuses getTopologyConf (no): ask for it" } })
    };
    (1..=count).map(look).collect()
}

#[test]
fn a_topology_that_is_short_of_executors_would_get_some_and_the_recording_is_replayed() {
    let home = Home::saying(&[vec![hello()], looks(60)].concat());
    let record = home.at("advice.jsonl").display().to_string();
    let quick =
        ["--set", "thalweg.monitor.interval.secs=1", "--set", "thalweg.metrics.window.secs=30"];
    let more = ["--once-settled", "--for", "60s", "--json", "--record", &record];
    let output = home.advise(&[&more[..], &quick].concat());
    let said = text(&output.stdout);
    assert_eq!(code(&output), 0, "{}{said}", text(&output.stderr));
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [.., advice, last] = &lines[..] else { panic!("{said}") };
    assert_eq!(
        (&advice["name"], &advice["verdict"]),
        (&json!("words"), &json!("advise")),
        "{said}"
    );
    assert_eq!(advice["changes"][0]["component"], "split", "{said}");
    assert!(advice["moves"].is_object(), "{said}");
    assert_eq!(last["summary"]["version"], "2.8.3");
    assert_eq!(last["summary"]["topologies"][0]["verdict"], "advise");
    let named = text(&output.stderr).matches("topology other-1: Nimbus refuses").count();
    assert_eq!(named, 1, "what is refused is named once: {}", text(&output.stderr));
    let replayed = thalweg().args(["replay", &record, "--json"]).output().unwrap();
    let replayed: Value = serde_json::from_slice(&replayed.stdout).unwrap();
    assert!(replayed["same"].as_u64() > Some(3), "{replayed}");
    assert_eq!(replayed["different"], 0);
}

#[test]
fn people_are_told_in_storms_words() {
    let home = Home::saying(&[vec![hello()], looks(60)].concat());
    let quick =
        ["--set", "thalweg.monitor.interval.secs=1", "--set", "thalweg.metrics.window.secs=30"];
    let output = home.advise(&[&["--once-settled", "--for", "60s"][..], &quick].concat());
    let said = text(&output.stdout) + &text(&output.stderr);
    for part in [
        "Storm 2.8.3 at nimbus:6627",
        "words (words-1-1): advise",
        "EXECUTORS",
        "+ split: 1 → ",
        "cost: ",
    ] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
}

#[test]
fn a_java_that_ends_is_told_with_its_last_words() {
    let home = Home::with("echo 'Error: no class io.thalweg.storm.Beside' >&2; exit 1");
    let output = home.advise(&[]);
    assert_eq!(code(&output), 1);
    let said = text(&output.stderr);
    assert!(said.contains("exit status: 1") && said.contains("no class"), "{said}");
}

#[test]
fn whoever_does_not_answer_or_let_us_ask_is_named() {
    for (failure, text_of_it) in [("REFUSED", "nimbus.admins"), ("UNREACHABLE", "no leader")] {
        let failed =
            json!({ "thalweg_storm": 2, "failed": { "code": failure, "text": text_of_it } });
        let output = Home::saying(&[failed]).advise(&[]);
        assert_eq!(code(&output), 4, "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(text_of_it));
    }
    // Nimbus may go while it is watched.
    let gone = json!({ "look": 1, "failed": { "code": "UNREACHABLE", "text": "closed" } });
    let output = Home::saying(&[hello(), gone]).advise(&["--for", "2s"]);
    assert_eq!(code(&output), 4, "{}", text(&output.stderr));
}

#[test]
fn what_is_not_there_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let with = |home: &Path, more: &[&str]| {
        let mut command = thalweg();
        command.args(["advise", "storm", "--storm-home"]).arg(home).args(more).output().unwrap()
    };
    let jarless = with(empty.path(), &[]);
    assert_eq!(code(&jarless), 1);
    assert!(text(&jarless.stderr).contains("--jar"), "{}", text(&jarless.stderr));
    let folder = with(empty.path(), &["--jar", "/nowhere/ours.jar"]);
    assert_eq!(code(&folder), 1);
    assert!(text(&folder.stderr).contains("expected Storm's folder"), "{}", text(&folder.stderr));
    assert_eq!(code(&thalweg().args(["advise", "storm"]).output().unwrap()), 2);
    let wrong = Home::saying(&[hello()]).advise(&["--set", "thalweg.metrics.min.coverage=7"]);
    assert_eq!(code(&wrong), 1, "{}", text(&wrong.stderr));
}

#[test]
fn where_thalweg_is_the_scheduler_nothing_is_changed_from_beside() {
    let mut there = hello();
    there["has_thalweg"] = true.into();
    let home = Home::saying(&[there]);
    let output = home.run("act", &[]);
    assert_eq!(code(&output), 3, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("undo each other's work"), "{}", text(&output.stderr));
    assert!(!home.at("kept").exists(), "nothing is begun");
}

#[test]
fn a_step_that_no_change_could_end_in_is_refused() {
    let home = Home::saying(&[hello()]);
    let set = ["thalweg.action.step.timeout.secs=20", "thalweg.action.rebalance.wait.secs=20"];
    let output = home.run("act", &["--set", set[0], "--set", set[1]]);
    let said = text(&output.stderr);
    assert_eq!(code(&output), 1, "{said}");
    assert!(said.contains("sources stand still for 20 s"), "{said}");
    assert!(!home.at("kept").exists(), "nothing is begun");
}

#[test]
fn what_is_set_wrong_ends_it_before_anybody_is_asked() {
    let home = Home::with("echo asked >&2; exit 1");
    for wrong in ["thalweg.action.rebalance.wait.secs=soon", "thalweg.metrics.min.coverage=7"] {
        let output = home.run("act", &["--set", wrong]);
        let said = text(&output.stderr);
        assert_eq!(code(&output), 1, "{said}");
        assert!(
            said.contains(wrong.split('=').next().unwrap()) && !said.contains("asked"),
            "{said}"
        );
    }
}
