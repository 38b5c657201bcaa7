//! The command as its users meet it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sim/scenarios").join(name)
}

fn thalweg(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thalweg")).args(arguments).output().expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// All that is printed, as JSON, where the command ends with this code.
fn in_json(arguments: &[&str], code: i32) -> serde_json::Value {
    let output = thalweg(arguments);
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON and nothing else")
}

#[test]
fn a_fit_is_told_as_json() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let lab = scenario("lab-storm.toml");
    let recording = root.join("data/recordings/storm-g-default-1.csv");
    let recording = recording.to_str().expect("a plain path");
    let lab = lab.to_str().expect("a plain path");
    let told = in_json(&["calibrate", lab, recording, "--test", recording, "--json"], 0);
    assert!(told["distance"].is_f64() && told["factors"]["work"].as_f64() > Some(0.0), "{told}");
    let runs = told["runs"].as_array().expect("runs");
    let fitted: Vec<_> = runs.iter().map(|run| run["fitted_on"].as_bool()).collect();
    assert_eq!(fitted, [Some(true), Some(false)], "{told}");
    assert_eq!(runs[0]["errors"], runs[1]["errors"], "the same recording: {told}");
    assert!(runs[0]["errors"]["throughput"].is_f64(), "{told}");
}

#[test]
fn a_recorded_run_is_replayed_to_the_same_bytes() {
    let dir = tempfile::tempdir().expect("a folder");
    let (json, record) = (dir.path().join("run.json"), dir.path().join("run.jsonl"));
    let wordcount = scenario("wordcount.toml");
    let simulated = thalweg(&[
        "simulate",
        wordcount.to_str().expect("a plain path"),
        "--seed",
        "4",
        "--json",
        json.to_str().expect("a plain path"),
        "--record",
        record.to_str().expect("a plain path"),
    ]);
    assert!(simulated.status.success(), "{}", text(&simulated.stderr));
    assert!(text(&simulated.stdout).contains("reconfigurations"));
    let result: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&json).expect("written")).expect("JSON");
    assert_eq!(result["seed"], 4);
    let record = record.to_str().expect("a plain path");
    let replayed = thalweg(&["replay", record]);
    assert!(replayed.status.success(), "{}", text(&replayed.stderr));
    let said = text(&replayed.stdout);
    assert!(said.contains(" 0 did not") && !said.contains(" 0 decisions to act"), "{said}");
    let told = in_json(&["replay", record, "--json"], 0);
    assert_eq!((&told["same"], &told["different"]), (&told["observations"], &0.into()), "{told}");
    assert!(told["acts"].as_u64() > Some(0) && told["first_difference_at"].is_null(), "{told}");
    let told = in_json(&["replay", record, "--json", "--policy", "ds2"], 0);
    assert!(told["recorded"]["executor_hours"].as_f64() > Some(0.0), "{told}");
    assert!(told["would_be"]["actions"].is_array(), "{told}");
    let others = thalweg(&["replay", record, "--set", "thalweg.me-stream.capacity.limit=1"]);
    assert!(others.status.success(), "{}", text(&others.stderr));
    assert!(text(&others.stdout).contains("difference: "), "{}", text(&others.stdout));
}

#[test]
fn what_others_would_have_done_is_told_of_a_recording_that_only_observed() {
    let dir = tempfile::tempdir().expect("a folder");
    let record = dir.path().join("run.jsonl");
    let record = record.to_str().expect("a plain path");
    let wordcount = scenario("wordcount.toml");
    let wordcount = wordcount.to_str().expect("a plain path");
    let observed =
        thalweg(&["simulate", wordcount, "--set", "thalweg.mode=observe", "--record", record]);
    assert!(observed.status.success(), "{}", text(&observed.stderr));
    let actions = |arguments: &[&str]| {
        let replayed = thalweg(&[&["replay", record], arguments].concat());
        let said = text(&replayed.stdout);
        assert!(said.contains("recorded: 0 actions"), "{said}{}", text(&replayed.stderr));
        let others = said.lines().find_map(|line| line.strip_prefix("would be: ")).expect("told");
        others.split(' ').next().and_then(|number| number.parse::<u32>().ok()).expect("a number")
    };
    assert!(actions(&["--policy", "ds2"]) > 0);
    assert_eq!(actions(&["--policy", "ds2", "--set", "thalweg.mode=observe"]), 0);
}

#[test]
fn a_changed_recording_is_told_from_its_replay() {
    let dir = tempfile::tempdir().expect("a folder");
    let record = dir.path().join("run.jsonl");
    let record = record.to_str().expect("a plain path");
    let wordcount = scenario("wordcount.toml");
    let simulated =
        thalweg(&["simulate", wordcount.to_str().expect("a plain path"), "--record", record]);
    assert!(simulated.status.success(), "{}", text(&simulated.stderr));
    let honest = std::fs::read_to_string(record).expect("written");
    std::fs::write(record, honest.replacen("\"verdict\":\"act\"", "\"verdict\":\"hold\"", 1))
        .expect("written");
    let replayed = thalweg(&["replay", record]);
    assert_eq!(replayed.status.code(), Some(1));
    assert!(text(&replayed.stderr).contains("the first difference"), "{}", text(&replayed.stderr));
    let told = in_json(&["replay", record, "--json"], 1);
    assert_eq!(told["different"], 1, "{told}");
    assert!(told["first_difference_at"].is_u64(), "{told}");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let dir = tempfile::tempdir().expect("a folder");
    let broken = dir.path().join("broken.toml");
    let whole = std::fs::read_to_string(scenario("wordcount.toml")).expect("shipped");
    std::fs::write(&broken, whole.replace("tasks = 16", "tasks = \"many\"")).expect("written");
    let failed = thalweg(&["simulate", broken.to_str().expect("a plain path")]);
    assert_eq!(failed.status.code(), Some(1));
    let said = text(&failed.stderr);
    assert!(said.contains("broken.toml:") && said.contains("expected u32"), "{said}");
    let wordcount = scenario("wordcount.toml");
    let unset =
        thalweg(&["simulate", wordcount.to_str().expect("a plain path"), "--set", "thalweg.no=1"]);
    assert!(text(&unset.stderr).contains("thalweg.no"), "{}", text(&unset.stderr));
    assert_eq!(thalweg(&["simulate"]).status.code(), Some(2));
}

#[test]
fn every_shipped_scenario_is_whole() {
    let dir = scenario("");
    let mut seen = 0;
    for file in std::fs::read_dir(dir).expect("a folder") {
        let path = file.expect("a file").path();
        let parsed = thalweg_sim::scenario::read(
            &path.display().to_string(),
            &std::fs::read_to_string(&path).expect("readable"),
            |series| Err(format!("no {series}")),
        );
        assert!(parsed.is_ok(), "{:?}", parsed.err());
        seen += 1;
    }
    assert!(seen >= 8, "{seen}");
}

/// A container's first process hears of no signal that it does not listen for, and would be killed after half a minute.
#[test]
fn a_server_ends_well_when_it_is_told_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = format!("a={}", folder.path().display());
    let mut serve = Command::new(env!("CARGO_BIN_EXE_thalweg"));
    serve.args(["serve", "--engine", &engine, "--listen", "127.0.0.1:0"]);
    let mut serve = serve.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut said = String::new();
    let out = serve.stdout.take().expect("it is piped");
    BufReader::new(out).read_line(&mut said).expect("it says where it listens");
    assert!(said.starts_with("listening at http://127.0.0.1:"), "{said}");
    let told = Command::new("kill").args(["-TERM", &serve.id().to_string()]).status();
    assert!(told.expect("there is a kill").success());
    assert_eq!(serve.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_lag_that_cannot_be_counted_is_told_with_what_is_wrong_and_without_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("client.properties");
    let file = file.to_str().expect("a plain path");
    let by_hand = ["lag", "--once", "--group", "g", "--topic", "t", "--properties", file];
    let write = |text: &str| std::fs::write(file, text).expect("written");
    let said = |output: &Output| (output.status.code(), text(&output.stderr));

    write(
        "bootstrap.servers=0.0.0.0:1\nsecurity.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n\
           sasl.jaas.config=PlainLoginModule required username='u' password='hunter2';\ngroup.id=x\n",
    );
    let (code, told) = said(&thalweg(&by_hand));
    assert_eq!(code, Some(4), "{told}");
    assert_eq!(told.matches("go over the network unencrypted").count(), 1, "{told}");
    assert!(told.contains("group.id") && told.contains("UNREACHABLE"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");

    write("a=b\nssl.truststore.location=/hunter2.jks\n");
    let (code, told) = said(&thalweg(&by_hand));
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("line 2") && told.contains("keytool") && !told.contains("hunter2"),
        "{told}"
    );

    let nobody = ["lag", "--found", "--once", "--dir", "/nowhere"];
    assert_eq!(said(&thalweg(&nobody)).0, Some(4));
    for wrong in [vec!["lag"], vec!["lag", "--group", "g"], vec!["lag", "--dry-run"]] {
        assert_eq!(said(&thalweg(&wrong)).0, Some(2), "{wrong:?}");
    }
    assert_eq!(said(&thalweg(&[&nobody[..], &["--group", "g"]].concat())).0, Some(2));
}
