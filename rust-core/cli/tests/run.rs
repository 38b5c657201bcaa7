//! `thalweg run` as a process of its own, before a JobManager that is none.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "another test has it watch only")]
mod jobmanager;
#[path = "../../engine/tests/support/ports.rs"]
mod ports;
#[allow(dead_code, reason = "another test reaches further into it")]
#[path = "../../engine/tests/support/redis.rs"]
mod redis;
mod running;
#[allow(dead_code, reason = "it is the server of the crate that asks, which tests more")]
#[path = "../../connect/tests/answers/server.rs"]
mod server;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use jobmanager::Obedient;
use redis::Redis;
use running::{Running, ended, status, until};
use rustix::process::Signal;
use serde_json::{Value, json};
use server::Server;
use thalweg_control::token;
use thalweg_store::{Mailbox, StoreKind, StoreSettings};

/// Windows of a test that has no minutes.
const QUICK: [&str; 6] = [
    "--set",
    "thalweg.metrics.window.secs=3",
    "--set",
    "thalweg.metrics.settle.secs=1",
    "--set",
    "thalweg.action.step.timeout.secs=5",
];

fn command(server: &Server, dir: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
    command.env_remove("THALWEG_FLINK_AUTH").env_remove("THALWEG_FLINK_AUTH_FILE");
    command.args(["run", "flink", &format!("http://127.0.0.1:{}", server.port)]);
    command.arg("--dir").arg(dir).args(QUICK).args(more);
    command
}

fn start(server: &Server, dir: &Path, more: &[&str]) -> Running {
    Running::started(command(server, dir, more), dir)
}

fn refused(output: &Output, code: i32, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(words), "{said}");
}

#[test]
fn a_job_that_is_short_of_subtasks_gets_some_and_what_is_told_to_end_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, jobmanager) = (folder.path().join("run"), Obedient::default());
    let server = Server::plain(jobmanager.answers(true));
    let running = start(&server, &dir, &["--mode", "act"]);
    let plan = until("plan that is done", || ended(&dir));
    assert_eq!((&plan["how"], &plan["code"]), (&"rest_rescale".into(), &Value::Null), "{plan}");
    let bounds = &jobmanager.bounds().unwrap()["t"]["parallelism"];
    assert!(bounds["upperBound"].as_u64() >= Some(2) && bounds["lowerBound"] == 1, "{bounds}");
    // Every other command asks it.
    let asked = Command::new(env!("CARGO_BIN_EXE_thalweg"))
        .args(["status", "--dir"])
        .arg(&dir)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&asked.stdout).contains("words"), "{asked:?}");
    assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    let (code, said) = running.signal(Signal::TERM);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("in mode act"), "{said}");
}

#[test]
fn what_is_refused_or_never_comes_is_taken_back_and_said() {
    for (jobmanager, code, asked) in [
        (Obedient::default().refuses(), "ENGINE_REFUSED", 1),
        (Obedient::default().dawdles(), "STEP_DEADLINE", 2),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("run");
        let server = Server::plain(jobmanager.answers(true));
        let _running = start(&server, &dir, &["--mode", "act"]);
        let plan = until("plan that is given up", || ended(&dir));
        assert_eq!(plan["code"], code, "{plan}");
        assert!(jobmanager.times() >= asked, "{}", jobmanager.times());
        if code == "STEP_DEADLINE" {
            let back = &jobmanager.bounds().unwrap()["t"]["parallelism"];
            assert_eq!(back["upperBound"], 1, "{plan}");
        }
    }
}

#[test]
fn a_job_that_is_cancelled_meanwhile_ends_its_plan_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, jobmanager) = (folder.path().join("run"), Obedient::default().dawdles());
    let server = Server::plain(jobmanager.answers(true));
    let patient = ["--mode", "act", "--set", "thalweg.action.step.timeout.secs=600"];
    let _running = start(&server, &dir, &patient);
    until("order", || (jobmanager.times() > 0).then_some(()));
    jobmanager.cancel();
    let plan = until("plan that is given up", || ended(&dir));
    assert_eq!(plan["code"], "PLAN_OUTDATED", "{plan}");
}

#[test]
fn a_job_that_would_lose_its_state_and_a_mode_that_only_looks_change_nothing() {
    for (checkpoints, mode, word) in
        [(false, "act", "CHECKPOINTS_MISSING"), (true, "advise", "DEMAND_ABOVE_CAPACITY")]
    {
        let folder = tempfile::tempdir().unwrap();
        let (dir, jobmanager) = (folder.path().join("run"), Obedient::default());
        let server = Server::plain(jobmanager.answers(checkpoints));
        let _running = start(&server, &dir, &["--mode", mode]);
        let told = || status(&dir)?.to_string().contains(word).then_some(());
        until(word, told);
        // Nor at the looks after that.
        let (mut looks, _) = (0, server.asked());
        let looked = |asked: &&Vec<String>| asked[0].starts_with("GET /jobs HTTP");
        until("later looks", || {
            looks += server.asked().iter().filter(looked).count();
            (looks > 2).then_some(())
        });
        assert_eq!(jobmanager.times(), 0, "{mode}");
    }
}

#[test]
fn where_it_cannot_run_it_says_why_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::plain(Obedient::default().answers(true));
    let dir = folder.path().join("run");
    let wrong = command(&server, &dir, &["--set", "thalweg.mode=now"]).output().unwrap();
    refused(&wrong, 1, "thalweg.mode");
    assert!(!dir.exists());
    let open = folder.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
    refused(&command(&server, &open, &[]).output().unwrap(), 1, "others may write");
    let guest = Obedient::default().with("thalweg.mode", "observe");
    let guest = Server::plain(guest.answers(true));
    let act = command(&guest, &dir, &["--mode", "act"]).output().unwrap();
    refused(&act, 3, "thalweg.flink.level: 0");
    assert!(!dir.exists());
}

#[test]
fn one_folder_is_for_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("run");
    let server = Server::plain(Obedient::default().answers(true));
    let first = start(&server, &dir, &[]);
    until("status", || status(&dir));
    refused(&command(&server, &dir, &[]).output().unwrap(), 1, "nothing can be kept");
    assert_eq!(first.signal(Signal::TERM).0, Some(0));
}

#[test]
fn over_a_shared_redis_the_one_that_starts_last_leads() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Redis::start());
    let server = Server::plain(Obedient::default().answers(true));
    let shared = format!("thalweg.store.redis.url={}", redis.url);
    let more = ["--set", "thalweg.store.kind=redis", "--set", shared.as_str()];
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    let mut first = start(&server, &one, &more);
    until("status", || status(&one));
    let second = start(&server, &other, &more);
    let (code, said) = first.ended();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("another process leads"), "{said}");
    assert_eq!(second.signal(Signal::TERM).0, Some(0));
}

#[test]
fn what_lies_in_a_shared_redis_ends_no_line_of_the_log() {
    let (folder, redis) = (tempfile::tempdir().unwrap(), Redis::start());
    let (dir, tokens) = (folder.path().join("run"), folder.path().join("tokens"));
    fs::write(&tokens, format!("night operator {}\n", token::secret().unwrap())).unwrap();
    fs::set_permissions(&tokens, Permissions::from_mode(0o600)).unwrap();
    let server = Server::plain(Obedient::default().answers(true));
    let shared = format!("thalweg.store.redis.url={}", redis.url);
    let known = format!("thalweg.control.tokens.file={}", tokens.display());
    let more = ["--set", "thalweg.store.kind=redis", "--set", &shared, "--set", &known];
    let running = start(&server, &dir, &more);
    until("leader", || status(&dir).filter(|status| status["leads"] == true));
    let settings =
        StoreSettings { kind: StoreKind::Redis, url: redis.url.clone(), ..Default::default() };
    let hostile = json!({ "\u{1b}[2J\u{9b}31m\n1970 INFO all is well\u{202e}": 1 });
    Mailbox::new(&settings).unwrap().post(hostile.to_string().as_bytes()).unwrap();
    let refused = || fs::read_to_string(&running.said).unwrap().contains("cannot be read");
    until("refusal", || refused().then_some(()));
    let (_, said) = running.signal(Signal::TERM);
    let obeyed = |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
    assert!(!said.contains(obeyed), "{said:?}");
    assert!(!said.lines().any(|line| line.starts_with("1970")), "{said}");
    assert!(said.contains("all is well"), "the name is not told at all: {said}");
}

#[test]
fn a_password_is_in_no_log_no_file_and_no_list_of_processes_and_no_port_is_opened() {
    const SECRET: &str = "48151623";
    let (folder, redis) = (tempfile::tempdir().unwrap(), Redis::start());
    let (dir, settings) = (folder.path().join("run"), folder.path().join("settings.yaml"));
    // This Redis takes none, and says so with what it was given, or so it may.
    let text = format!(
        "thalweg.store.kind: redis\nthalweg.store.redis.url: {}\n\
         thalweg.store.redis.password: \"{SECRET}\"\nthalweg.store.timeout.millis: 200\n",
        redis.url
    );
    fs::write(&settings, text).unwrap();
    let server = Server::plain(Obedient::default().answers(true));
    let running = start(&server, &dir, &["--settings", settings.to_str().unwrap()]);
    until("status", || status(&dir));
    let pid = running.process.id();
    assert!(ports::listening(pid).is_empty(), "{:?}", ports::listening(pid));
    let started = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    let (_, mut said) = running.signal(Signal::TERM);
    said += &String::from_utf8_lossy(&started);
    let mut open = vec![dir];
    while let Some(path) = open.pop() {
        match fs::read_dir(&path) {
            Ok(entries) => open.extend(entries.map(|entry| entry.unwrap().path())),
            Err(_) => said += &String::from_utf8_lossy(&fs::read(&path).unwrap()),
        }
    }
    assert!(said.contains("thalweg.store.redis.url") && !said.contains(SECRET), "{said}");
}

#[test]
fn a_password_on_the_command_line_is_refused_and_not_repeated() {
    const SECRET: &str = "48151623";
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::plain(Box::new(|_| Vec::new())));
    let dir = folder.path().join("run");
    for (setting, key) in [
        ("thalweg.store.redis.password=48151623", "thalweg.store.redis.password"),
        ("thalweg.store.redis.url=redis://ann:48151623@127.0.0.1:1", "thalweg.store.redis.url"),
    ] {
        let output = command(&server, &dir, &["--set", setting]).output().unwrap();
        refused(&output, 1, key);
        refused(&output, 1, "--settings FILE");
        assert!(!String::from_utf8_lossy(&output.stderr).contains(SECRET), "{output:?}");
    }
    let asking = |on_line: bool| {
        let url = format!("redis://ann:{SECRET}@127.0.0.1:1");
        let tokens = folder.path().join("tokens");
        fs::write(&tokens, format!("night operator {}\n", token::secret().unwrap())).unwrap();
        fs::set_permissions(&tokens, Permissions::from_mode(0o600)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
        command.args(["status", "--token-file", tokens.to_str().unwrap()]);
        match on_line {
            true => command.args(["--redis", &url]),
            false => command.env("THALWEG_REDIS", &url),
        };
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains(SECRET), "{said}");
        said
    };
    assert!(asking(true).contains("--redis-password-file"), "{}", asking(true));
    // Nobody but its user sees a process's environment.
    assert!(!asking(false).contains("--redis-password-file"), "{}", asking(false));
}
