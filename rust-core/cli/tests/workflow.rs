//! `thalweg workflow` as its users meet it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn two_dags() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/workflow/two-dags.yaml")
}

fn workflow(what: &str, file: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg"));
    command.args(["workflow", what]).arg(file).args(more).output().expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn in_json(more: &[&str]) -> Value {
    let output = workflow("plan", &two_dags(), &[more, &["--json"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON and nothing else")
}

#[test]
fn the_same_steps_have_the_same_plan_and_a_goal_may_be_told() {
    let plan = in_json(&[]);
    assert_eq!(plan, in_json(&[]));
    assert_eq!(plan["proved_best"], true);
    let (fast, cheap) = (in_json(&["--alpha", "1"]), in_json(&["--alpha", "0"]));
    let planned = |plan: &Value, what: &str| plan[what]["planned"].as_f64().expect("a number");
    assert!(planned(&fast, "makespan_secs") < planned(&plan, "makespan_secs"));
    assert!(planned(&cheap, "cost") < planned(&plan, "cost"));
}

#[test]
fn people_are_told_how_good_a_plan_is_and_why_each_choice() {
    let output = text(&workflow("plan", &two_dags(), &[]).stdout);
    for said in [
        "there is no better plan by these figures",
        "first.ingest starts at once, in c5x4: 275.7 s for 0.2083 (median of 3 runs)",
        "  not m5x4, its default: all would end after",
        "second.load starts at once",
    ] {
        assert!(output.contains(said), "{said}\n{output}");
    }
    assert!(!output.contains("not r5x8"), "{output}");
    let every = text(&workflow("plan", &two_dags(), &["--why-not"]).stdout);
    assert!(every.contains("not r5x8"), "{every}");
    let hasty = text(&workflow("plan", &two_dags(), &["--steps", "100"]).stdout);
    assert!(hasty.contains("% of the lower bound"), "{hasty}");
}

#[test]
fn a_plan_is_written_for_an_orchestrator() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("planned.py");
    let to = path.to_str().expect("a plain path");
    let options = ["--to", "airflow", "--name", "month-end", "--output", to];
    let output = workflow("render", &two_dags(), &options);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let written = std::fs::read_to_string(&path).expect("written");
    assert!(written.contains("\"month_end_planned\""), "{written}");
    let output = workflow("render", &two_dags(), &["--to", "dagster"]);
    assert!(text(&output.stdout).contains("two_dags_planned"));
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_line_and_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("w.yaml");
    std::fs::write(&path, "resources: {cores: 4}\ndag: {}\n").expect("written");
    let output = workflow("plan", &path, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("w.yaml:2: the file has no key dag; expected alpha"), "{said}");
    assert!(said.contains("(WORKFLOW_KEY)"), "{said}");
}
