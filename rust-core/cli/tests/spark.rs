//! `thalweg advise spark` as a process of its own, before an agent that is none.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "another test has it change")]
mod driver;
#[allow(dead_code, reason = "it is the server of the crate that asks, which tests more")]
#[path = "../../connect/tests/answers/server.rs"]
mod server;

use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use driver::{TOKEN, agent, driver};
use serde_json::{Value, json};
use server::Server;

/// Windows of a test that has no minutes.
const QUICK: [&str; 6] = [
    "--set",
    "thalweg.metrics.window.secs=3",
    "--set",
    "thalweg.metrics.settle.secs=1",
    "--set",
    "thalweg.monitor.interval.secs=1",
];

fn advise(server: &Server, token: &str, more: &[&str]) -> Output {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, format!("{token}\n")).unwrap();
    let url = format!("http://127.0.0.1:{}", server.port);
    let own = ["advise", "spark", &url, "--token-file", file.path().to_str().unwrap()];
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
    command.env_remove("THALWEG_SPARK_TOKEN_FILE");
    command.args([&own, more, &QUICK].concat()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_query_that_is_behind_would_get_executors_and_nothing_is_touched() {
    let server = Server::plain(agent(|| driver(500)));
    let begun = Instant::now();
    let output = advise(&server, TOKEN, &["--once-settled", "--for", "120s"]);
    let (said, warned) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{warned}{said}");
    for part in [
        "words (r): advise",
        "COMPONENT  EXECUTORS",
        "+ query: 2 → ",
        "cost: batches run on",
        "because DEMAND_ABOVE_CAPACITY",
        "summary Spark 4.2.1",
        "words: would get query 2 → ",
        "nothing was touched",
    ] {
        assert!(said.contains(part), "{part} after {:?}:\n{said}", begun.elapsed());
    }
    for asked in server.asked() {
        assert!(asked[0].starts_with("GET /v1/queries"), "{asked:?}");
    }
}

#[test]
fn a_query_that_falls_behind_is_judged_without_an_interval_too() {
    let server = Server::plain(agent(|| driver(0)));
    let output = advise(&server, TOKEN, &["--once-settled", "--for", "120s", "--json"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}{said}", text(&output.stderr));
    let last: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(last["summary"]["queries"][0]["changes"][0]["component"], "query", "{said}");
}

#[test]
fn queries_that_share_executors_are_left_alone_and_named() {
    let server = Server::plain(agent(|| {
        let mut told = driver(500);
        let mut other = told["queries"][0].clone();
        (other["run_id"], other["name"]) = (json!("s"), json!("lines"));
        told["queries"].as_array_mut().unwrap().push(other);
        told
    }));
    let output = advise(&server, TOKEN, &["--for", "4s"]);
    let (said, warned) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(6), "{warned}{said}");
    for query in ["r", "s"] {
        let part = format!("thalweg: query {query}: shares its executors with other queries");
        assert!(warned.contains(&part), "{warned}");
    }
    assert!(said.contains("lines: stays as it is"), "{said}");
}

#[test]
fn a_query_that_comes_later_with_rare_batches_is_told_what_to_set() {
    let asked = AtomicU32::new(0);
    let server = Server::plain(agent(move || {
        // What ran at first has batches of half a second.
        driver(if asked.fetch_add(1, Ordering::Relaxed) == 0 { 500 } else { 600_000 })
    }));
    let output = advise(&server, TOKEN, &["--for", "3s"]);
    let warned = text(&output.stderr);
    for part in
        ["query r: a batch each 600 s", "window of 3 s", "thalweg.metrics.window.secs: 2400"]
    {
        assert!(warned.contains(part), "{warned}");
    }
}

#[test]
fn who_does_not_answer_or_is_another_is_named() {
    let server = Server::plain(agent(|| driver(500)));
    let other = advise(&server, "another-token-of-a-test", &["--for", "2s"]);
    assert_eq!(other.status.code(), Some(4), "{}", text(&other.stderr));
    assert!(text(&other.stderr).contains("401"), "{}", text(&other.stderr));
    let newer = Server::plain(agent(|| json!({ "form": 2 })));
    let newer = advise(&newer, TOKEN, &["--for", "2s"]);
    assert_eq!(newer.status.code(), Some(4));
    assert!(text(&newer.stderr).contains("its answer has form 2"), "{}", text(&newer.stderr));
    let none = advise(&server, "", &["--for", "2s"]);
    assert_eq!(none.status.code(), Some(1), "{}", text(&none.stderr));
    assert!(text(&none.stderr).contains("expected a token"), "{}", text(&none.stderr));
}
