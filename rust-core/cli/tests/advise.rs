//! `thalweg advise` as a process of its own, before a JobManager that is none.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "another test has it change")]
mod jobmanager;
#[allow(dead_code, reason = "it is the server of the crate that asks, which tests more")]
#[path = "../../connect/tests/answers/server.rs"]
mod server;

use std::path::Path;
use std::process::{Command, Output};

use jobmanager::{jobmanager, said};
use serde_json::{Value, json};
use server::{Certificates, Server, answer};

/// Windows of a test that has no minutes.
const QUICK: [&str; 4] =
    ["--set", "thalweg.metrics.window.secs=3", "--set", "thalweg.metrics.settle.secs=1"];

fn thalweg(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
    command.env_remove("THALWEG_FLINK_AUTH").env_remove("THALWEG_FLINK_AUTH_FILE");
    command.args(arguments).output().unwrap()
}

fn advise(url: &str, more: &[&str]) -> Output {
    thalweg(&[&["advise", "flink", url], more, &QUICK].concat())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn url(server: &Server) -> String {
    format!("http://127.0.0.1:{}", server.port)
}

fn lines(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The last advice for a job that is short of subtasks, and what was recorded meanwhile.
fn advised(server: &Server, record: &Path) -> Vec<Value> {
    let record = record.to_str().unwrap();
    let more = ["--once-settled", "--for", "60s", "--json", "--record", record];
    let output = advise(&url(server), &more);
    assert_eq!(code(&output), 0, "{}{}", text(&output.stderr), text(&output.stdout));
    lines(&output)
}

#[test]
fn a_job_that_is_short_of_subtasks_would_get_some_and_the_recording_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("advice.jsonl");
    let server = Server::plain(jobmanager(true));
    let told = advised(&server, &record);
    let [.., advice, last] = &told[..] else { panic!("{told:?}") };
    assert_eq!(
        (&advice["name"], &advice["verdict"]),
        (&json!("words"), &json!("advise")),
        "{told:?}"
    );
    assert_eq!(advice["changes"][0]["component"], "split");
    assert!(advice["changes"][0]["desired"].as_f64() >= Some(2.0), "{advice}");
    assert!(advice["reasons"][0]["measured"].is_f64(), "{advice}");
    let split = &advice["components"][1];
    assert_eq!((&split["id"], &split["executors"]), (&json!("split"), &json!(1)));
    assert!((split["rate"].as_f64().unwrap() - 100.0).abs() < 5.0, "{split}");
    assert!(split["busy"].as_f64() > Some(0.95), "{split}");
    assert!(advice["components"][0]["backlog"].as_u64() > Some(3000), "{advice}");
    assert_eq!(
        (&last["summary"]["version"], &last["summary"]["failed_looks"]),
        (&json!("1.20.5"), &json!(0))
    );
    for asked in server.asked() {
        assert!(asked[0].starts_with("GET /"), "{asked:?}");
    }
    let replayed = thalweg(&["replay", record.to_str().unwrap(), "--json"]);
    assert_eq!(code(&replayed), 0, "{}", text(&replayed.stderr));
    let replayed: Value = serde_json::from_slice(&replayed.stdout).unwrap();
    assert!(replayed["same"].as_u64() > Some(3), "{replayed}");
    assert_eq!((&replayed["different"], &replayed["acts"]), (&json!(0), &json!(0)), "nothing acts");
}

#[test]
fn people_are_told_what_is_seen_what_would_change_and_why() {
    let server = Server::plain(jobmanager(true));
    let settings = tempfile::NamedTempFile::new().unwrap();
    // What the file says of acting is of no account here.
    std::fs::write(&settings, "thalweg.mode: act\nthalweg.mode.rules: ['words=act']\n").unwrap();
    let more = ["--once-settled", "--settings", settings.path().to_str().unwrap()];
    let output = advise(&url(&server), &more);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let said = text(&output.stdout);
    for part in [
        "words (a): advise",
        "COMPONENT",
        "Source: lines",
        "+ split: 1 → ",
        "cost: the job restarts from a checkpoint",
        "because ",
        "nothing was touched",
        "words: would get split 1 → ",
    ] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
    assert_eq!(said.matches("words (a): advise").count(), 1, "only what is new:\n{said}");
}

#[test]
fn a_job_that_would_lose_its_state_is_found() {
    let server = Server::plain(jobmanager(false));
    let output = advise(&url(&server), &["--once-settled"]);
    assert_eq!(code(&output), 6, "{}", text(&output.stderr));
    let said = text(&output.stdout);
    for part in [
        "cost: the job restarts from nothing",
        "words: would get split 1 → ",
        "; but CHECKPOINTS_MISSING: it takes no checkpoints",
    ] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
}

#[test]
fn a_cluster_without_jobs_has_nothing_to_be_told_of() {
    let server = Server::plain(Box::new(|asked| {
        let target = asked[0].split(' ').nth(1).unwrap();
        let body =
            if target == "/jobs" { Some(json!({ "jobs": [] })) } else { said(target, 1.0, true) };
        answer("200 OK", &body.unwrap_or_default().to_string())
    }));
    let output = advise(&url(&server), &["--for", "2s"]);
    assert_eq!(code(&output), 5, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("no job runs there"));
}

#[test]
fn whoever_does_not_answer_or_let_us_ask_is_named() {
    let nobody = advise("http://127.0.0.1:1", &[]);
    assert_eq!(code(&nobody), 4);
    assert!(text(&nobody.stderr).contains("nobody answers"), "{}", text(&nobody.stderr));
    let closed = Server::plain(Box::new(|_| answer("401 Unauthorized", "")));
    let closed = advise(&url(&closed), &[]);
    assert_eq!(code(&closed), 4);
    assert!(text(&closed.stderr).contains("401"), "{}", text(&closed.stderr));
    let other = Server::plain(Box::new(|_| answer("200 OK", "{}")));
    assert_eq!(code(&advise(&url(&other), &[])), 4);
}

#[test]
fn what_is_wrong_with_what_was_given_is_said_and_secrets_are_not_repeated() {
    let secret = advise("http://me:hunter2@127.0.0.1:1", &[]);
    assert_eq!(code(&secret), 1);
    assert!(!text(&secret.stderr).contains("hunter2"), "{}", text(&secret.stderr));
    for more in [
        ["--auth-file", "/nowhere/secret"],
        ["--ca-file", "/nowhere/ca.pem"],
        ["--settings", "/nowhere/config.yaml"],
        ["--set", "thalweg.metrics.min.coverage=7"],
        ["--record", "/nowhere/advice.jsonl"],
    ] {
        let server = Server::plain(jobmanager(true));
        let output = advise(&url(&server), &more);
        assert_eq!(code(&output), 1, "{more:?}: {}", text(&output.stderr));
    }
    assert_eq!(code(&thalweg(&["advise", "flink"])), 2);
    assert_eq!(code(&thalweg(&["advise", "flink", "http://jm", "--cert-file", "x"])), 2);
}

#[test]
fn credentials_that_go_over_a_network_unencrypted_are_named_once() {
    for (host, said) in [("0.0.0.0", 1), ("127.0.0.1", 0)] {
        let server = Server::plain(jobmanager(true));
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), "me:hunter2").unwrap();
        let url = format!("http://{host}:{}", server.port);
        let output = advise(&url, &["--for", "1s", "--auth-file", secret.path().to_str().unwrap()]);
        let told = text(&output.stderr);
        assert_eq!(told.matches("unencrypted").count(), said, "{host}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn behind_a_proxy_with_tls_a_path_and_a_password_it_is_the_same() {
    let certificates = Certificates::make();
    let inner = jobmanager(true);
    let proxy = Server::encrypted(
        &certificates,
        Box::new(move |asked| {
            let known = asked.iter().any(|line| line == "authorization: Basic bWU6b3Blbg==");
            let inside = vec![asked[0].replacen("/flink/prod", "", 1)];
            match known && asked[0].starts_with("GET /flink/prod/") {
                true => inner(&inside),
                false => answer("401 Unauthorized", ""),
            }
        }),
    );
    let file = |name: &str| certificates.file(name).display().to_string();
    let [ca, cert, key] = ["ca.pem", "client.pem", "client.key"].map(file);
    let url = format!("https://localhost:{}/flink/prod/", proxy.port);
    let guarded = ["--ca-file", &ca, "--cert-file", &cert, "--key-file", &key, "--for", "2s"];
    let stranger = advise(&url, &guarded);
    assert_eq!(code(&stranger), 4, "{}", text(&stranger.stderr));
    let known = Command::new(env!("CARGO_BIN_EXE_thalweg"))
        .args([&["advise", "flink", url.as_str(), "--json"], &guarded[..]].concat())
        .env("THALWEG_FLINK_AUTH", "me:open")
        .output()
        .unwrap();
    let seen = lines(&known);
    assert_eq!(seen[0]["name"], "words", "{}{seen:?}", text(&known.stderr));
}
