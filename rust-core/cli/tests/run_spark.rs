//! `thalweg run spark` as a process of its own, before a driver that is none.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "another test has it watch only")]
mod driver;
mod running;
#[allow(dead_code, reason = "it is the server of the crate that asks, which tests more")]
#[path = "../../connect/tests/answers/server.rs"]
mod server;

use std::fs;
use std::path::Path;
use std::process::Command;

use driver::{Obedient, TOKEN};
use running::{Running, ended, status, until};
use rustix::process::Signal;
use serde_json::{Value, json};
use server::Server;

/// Windows of a test that has no minutes.
const QUICK: [&str; 8] = [
    "--set",
    "thalweg.scaling.up.delay.secs=2",
    "--set",
    "thalweg.metrics.window.secs=3",
    "--set",
    "thalweg.metrics.settle.secs=1",
    "--set",
    "thalweg.monitor.interval.secs=1",
];

fn start(server: &Server, dir: &Path, mode: &str, step: &str) -> Running {
    started(server, dir, mode, step, &[])
}

fn started(server: &Server, dir: &Path, mode: &str, step: &str, more: &[&str]) -> Running {
    let token = dir.with_extension("token");
    fs::write(&token, TOKEN).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
    command.env_remove("THALWEG_SPARK_TOKEN_FILE");
    command.args(["run", "spark", &format!("http://127.0.0.1:{}", server.port)]);
    command.arg("--token-file").arg(token).arg("--dir").arg(dir).args(["--mode", mode]);
    command.args(QUICK).args(["--set", &format!("thalweg.action.step.timeout.secs={step}")]);
    command.args(more);
    Running::started(command, dir)
}

#[test]
fn a_query_that_is_short_of_executors_gets_some() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, driver) = (folder.path().join("run"), Obedient::default());
    let server = Server::plain(driver.answers());
    let running = start(&server, &dir, "act", "30");
    let plan = until("plan that is done", || ended(&dir));
    assert_eq!(
        (&plan["how"], &plan["code"]),
        (&json!("request_executors"), &Value::Null),
        "{plan}"
    );
    let [first, ..] = driver.executors()[..] else { panic!("nothing was asked for") };
    assert!((3..=6).contains(&first), "{first}");
    let asked =
        Command::new(env!("CARGO_BIN_EXE_thalweg")).args(["status", "--dir"]).arg(&dir).output();
    assert!(String::from_utf8_lossy(&asked.unwrap().stdout).contains("words"));
    let (code, said) = running.signal(Signal::TERM);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("beside Spark 4.2.1") && !said.contains(TOKEN), "{said}");
}

#[test]
fn what_is_refused_or_never_comes_is_taken_back_and_said() {
    for (driver, code, asked) in [
        (Obedient::default().refuses(), "DECLINED", 0),
        (Obedient::default().dawdles(), "STEP_DEADLINE", 2),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("run");
        let server = Server::plain(driver.answers());
        let _running = start(&server, &dir, "act", "3");
        let plan = until("plan that is given up", || ended(&dir));
        assert_eq!(plan["code"], code, "{plan}");
        let executors = driver.executors();
        assert!(executors.len() >= asked, "{executors:?}");
        if asked > 0 {
            assert_eq!(executors[1], 2, "{executors:?}");
        }
    }
}

#[test]
fn what_was_asked_for_before_is_asked_for_again_and_not_what_ran() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, driver) = (folder.path().join("run"), Obedient::default().asked_earlier(3).dawdles());
    let server = Server::plain(driver.answers());
    let _running = start(&server, &dir, "act", "3");
    let plan = until("plan that is given up", || ended(&dir));
    assert_eq!(plan["code"], "STEP_DEADLINE", "{plan}");
    assert_eq!(driver.executors()[1], 3, "two ran, and the third was still to come");
}

#[test]
fn cores_of_executors_count_against_a_budget_and_the_driver_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, driver) = (folder.path().join("run"), Obedient::default());
    let server = Server::plain(driver.answers());
    let _running =
        started(&server, &dir, "act", "30", &["--set", "thalweg.scaling.budget.cores=3"]);
    until("plan that is done", || ended(&dir));
    assert_eq!(driver.executors(), [3]);
}

#[test]
fn a_query_that_ends_meanwhile_ends_its_plan() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, driver) = (folder.path().join("run"), Obedient::default().dawdles());
    let server = Server::plain(driver.answers());
    let _running = start(&server, &dir, "act", "600");
    until("order", || driver.executors().first().copied());
    driver.end();
    let plan = until("plan that is given up", || ended(&dir));
    assert_eq!(plan["code"], "TOPOLOGY_GONE", "{plan}");
    assert_eq!(driver.executors().len(), 1, "of what has ended nothing is taken back");
}

#[test]
fn whoever_starts_next_takes_back_what_was_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, driver) = (folder.path().join("run"), Obedient::default().dawdles());
    let server = Server::plain(driver.answers());
    let first = start(&server, &dir, "act", "600");
    until("order", || driver.executors().first().copied());
    first.signal(Signal::KILL);
    let _next = start(&server, &dir, "observe", "600");
    let plan = until("plan that is taken back", || ended(&dir));
    assert_eq!(plan["code"], "LEADER_CHANGED", "{plan}");
    assert_eq!(driver.executors()[1..], [2]);
}

#[test]
fn a_mode_that_only_looks_asks_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, driver) = (folder.path().join("run"), Obedient::default());
    let server = Server::plain(driver.answers());
    let _running = start(&server, &dir, "advise", "30");
    let told = || status(&dir)?.to_string().contains("DEMAND_ABOVE_CAPACITY").then_some(());
    until("advice", told);
    assert!(driver.executors().is_empty());
}
