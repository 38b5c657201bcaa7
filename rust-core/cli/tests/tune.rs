//! `thalweg tune` as its users meet it.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A limit of capacity by which far too many executors run.
const WASTEFUL: [&str; 2] = ["--set", "thalweg.me-stream.capacity.limit=0.15"];
const LIMIT: [&str; 2] = ["--search", "thalweg.me-stream.capacity.limit=0.15..0.9"];

/// A job that is soon simulated.
fn scenario(folder: &Path) -> PathBuf {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sim/scenarios/wordcount.toml");
    let text = fs::read_to_string(shipped).unwrap();
    let short = text.replace("duration_secs = 1800", "duration_secs = 900");
    assert_ne!(text, short);
    let path = folder.join("short.toml");
    fs::write(&path, short).unwrap();
    path
}

fn tune(scenario: &Path, arguments: &[&[&str]]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
    command.arg("tune").arg(scenario).args(["--draws", "6", "--fresh-seeds", "6"]);
    command.args(arguments.concat());
    command
}

/// What it says where it ends well.
fn says(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn a_search_that_is_killed_goes_on_where_it_was_and_comes_to_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario(folder.path());
    let of =
        |state: &Path| tune(&scenario, &[&LIMIT, &WASTEFUL, &["--state", state.to_str().unwrap()]]);
    let (whole, ended) = (folder.path().join("whole"), folder.path().join("ended"));
    let told = says(&mut of(&whole));
    let lines = |path: &Path| fs::read_to_string(path).unwrap_or_default().lines().count();

    let mut before = 0;
    for _ in 0..3 {
        let mut killed = of(&ended).stdout(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        while lines(&ended) < before + 5 && killed.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "nothing is kept");
            std::thread::yield_now();
        }
        killed.kill().unwrap();
        killed.wait().unwrap();
        before = lines(&ended);
    }
    let known = before - 1;
    let went_on = says(&mut of(&ended));
    let (first, rest) = went_on.split_once('\n').unwrap();
    let kept = first.strip_prefix("going on, ").and_then(|rest| rest.split(' ').next()).unwrap();
    // The last line may have been cut off in the middle.
    assert!(kept.parse::<usize>().unwrap().abs_diff(known) <= 1, "{first}, {known}");
    assert_eq!(rest, told, "as if it had never been ended");
    let sorted = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&ended), sorted(&whole), "each run once");
    // Once it is over, nothing is run again.
    assert!(says(&mut of(&ended)).ends_with(&told));

    let other = tune(&scenario, &[&LIMIT, &["--state", ended.to_str().unwrap()]]).output().unwrap();
    assert_eq!(other.status.code(), Some(1));
    let said = String::from_utf8(other.stderr).unwrap();
    assert!(said.contains("of another search: set was"), "{said}");
}

#[test]
fn what_gains_more_than_its_spread_is_advised_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario(folder.path());
    let told = says(&mut tune(&scenario, &[&LIMIT, &WASTEFUL]));
    assert!(told.contains("the gain exceeds its spread"), "{told}");
    assert!(told.contains("  --set thalweg.me-stream.capacity.limit=0."), "{told}");
    let json = says(&mut tune(&scenario, &[&LIMIT, &WASTEFUL, &["--json"]]));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON and nothing else");
    assert_eq!((&json["advised"], &json["runs"]), (&true.into(), &6.into()), "{json}");
    assert_eq!(json["rounds"].as_array().map(Vec::len), Some(4), "{json}");
    assert!(told.contains(json["set"][0].as_str().unwrap()), "{json}");
    assert!(json["gain"]["median"].as_f64() > Some(0.0), "{json}");
    // A setting of a policy that is not asked changes nothing.
    let idle = ["--search", "thalweg.threshold.target=0.2..0.9"];
    let told = says(&mut tune(&scenario, &[&idle]));
    assert!(told.contains("no advice: the gain does not exceed its spread of 0.00"), "{told}");
    assert!(!told.contains("--set"), "{told}");
    assert!(told.contains("median and quartiles of 6 runs each"), "{told}");
}

#[test]
fn a_recorded_load_is_tuned_on() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let lab = root.join("rust-core/sim/scenarios/lab-storm.toml");
    let recording = root.join("data/recordings/storm-g-default-1.csv");
    let recording = ["--recording", recording.to_str().unwrap()];
    let told = says(&mut tune(&lab, &[&LIMIT, &recording]));
    assert!(told.contains("median and quartiles"), "{told}");
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.csv");
    fs::write(&broken, "secs,throughput_per_s\n0,many\n").unwrap();
    let failed =
        tune(&lab, &[&LIMIT, &["--recording", broken.to_str().unwrap()]]).output().unwrap();
    assert_eq!(failed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&failed.stderr).contains("broken.csv"));
}
