//! `thalweg advise` before a real Flink in which nothing is installed, and before a real Storm in which nothing of it runs.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thalweg_lab::FlinkCluster;
use thalweg_lab::flink::JobInfo;

use crate::THALWEG;
use crate::product::{self, Product};
use crate::workers::pids;

/// Fails unless the command says that a vertex would get more subtasks, and why, and leaves all as it is. What goes into the
/// advice is recorded.
///
/// # Errors
/// Names what was said instead, or what was changed.
pub fn grows(flink: &FlinkCluster, job: &JobInfo, vertex: &str, recording: &Path) -> Result<()> {
    let before = arrangement(flink, job)?;
    let mut command = Command::new(THALWEG);
    command.args(["advise", "flink", flink.rest().url(), "--once-settled", "--for", "60s"]);
    advises_more(&mut command, "jobs", (&job.name, vertex), recording)?;
    let after = arrangement(flink, job)?;
    ensure!(before == after, "before {before}\nafter {after}");
    Ok(())
}

/// The same of a component of a topology on Storm.
///
/// # Errors
/// Names what was said instead, or what was changed.
pub fn storm_grows(product: &Product, topology: &str, component: &str) -> Result<()> {
    let storm = &product.storm;
    let placed = || {
        Ok::<_, anyhow::Error>((storm.control().info(topology)?.assignment(), pids(storm.dir())))
    };
    let before = placed()?;
    let mut command = Command::new(THALWEG);
    command.args(["advise", "storm", "--once-settled", "--for", "120s"]);
    command.arg("--storm-home").arg(storm.home()).arg("--storm-conf").arg(storm.conf());
    command.arg("--jar").arg(product::jar()?);
    for quick in ["monitor.interval.secs=2", "metrics.window.secs=10", "metrics.settle.secs=5"] {
        command.args(["--set", &format!("thalweg.{quick}")]);
    }
    let recording = storm.dir().join("advice.jsonl");
    advises_more(&mut command, "topologies", (topology, component), &recording)?;
    let after = placed()?;
    ensure!(before == after, "before {before:?}\nafter {after:?}");
    Ok(())
}

/// Fails unless the command says that a component of something that runs would get more, with what was measured, and says the
/// same again from what it recorded.
fn advises_more(
    command: &mut Command,
    all: &str,
    (name, component): (&str, &str),
    recording: &Path,
) -> Result<()> {
    let told = command.args(["--json", "--record"]).arg(recording).output().context(THALWEG)?;
    let said = String::from_utf8_lossy(&told.stdout);
    let evidence = || format!("{said}\n{}", String::from_utf8_lossy(&told.stderr));
    ensure!(told.status.success(), "{}", evidence());
    let last = said.lines().last().context("nothing was said")?;
    let summary: Value = serde_json::from_str(last)?;
    let mut seen = summary["summary"][all].as_array().into_iter().flatten();
    let advised = seen.find(|one| one["name"] == name).with_context(evidence)?;
    ensure!(advised["verdict"] == "advise", "{}", evidence());
    let mut changes = advised["changes"].as_array().into_iter().flatten();
    let grows = |change: &Value| {
        change["component"] == component
            && change["desired"].as_f64() > change["executors"].as_f64()
    };
    ensure!(changes.any(grows), "{}", evidence());
    ensure!(advised["reasons"][0]["measured"].is_f64(), "{}", evidence());
    let replayed = Command::new(THALWEG).arg("replay").arg(recording).output()?;
    ensure!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    Ok(())
}

/// All of a job that anybody could have changed: how often it was started, with how many subtasks, where, and what is asked
/// for.
fn arrangement(flink: &FlinkCluster, job: &JobInfo) -> Result<Value> {
    let path = format!("/jobs/{}", job.id);
    let seen = flink.rest().get(&path)?;
    let mut vertices = Vec::new();
    for vertex in &job.vertices {
        let told = flink.rest().get(&format!("{path}/vertices/{}", vertex.id))?;
        let subtasks = told["subtasks"].as_array().cloned().unwrap_or_default();
        let of = |subtask: &Value| {
            json!([subtask["attempt"], subtask["taskmanager-id"], subtask["start-time"]])
        };
        vertices.push(subtasks.iter().map(of).collect::<Value>());
    }
    Ok(json!({
        "started": [seen["start-time"], seen["timestamps"]["RUNNING"]],
        "vertices": vertices,
        "bounds": flink.rest().get(&format!("{path}/resource-requirements"))?,
    }))
}

/// The shape in which a recording first saw a job with all of its subtasks: names, kinds, tasks, slots that are shared, bounds,
/// streams and executors. What was measured is left out.
///
/// # Errors
/// When there is none yet.
pub fn shape(recording: &Path, job: &str) -> Result<Value> {
    let text = fs::read_to_string(recording)?;
    let topologies = text.lines().filter_map(|line| {
        let entry: Value = serde_json::from_str(line).ok()?;
        let all = entry["observed"]["observation"]["topologies"].as_array().cloned();
        all?.into_iter().find(|topology| topology["name"] == job)
    });
    let seen = topologies.into_iter().find(|topology| {
        let executors = topology["executors"].as_array();
        executors.is_some_and(|all| !all.is_empty() && all.iter().all(|e| !e["slot"].is_null()))
    });
    let seen = seen.with_context(|| format!("{} has no {job} yet", recording.display()))?;
    Ok(json!({
        "id": seen["id"],
        "status": seen["status"],
        "desired_workers": seen["desired_workers"],
        "components": parts(&seen["components"],
            &["id", "kind", "tasks", "partitions", "least_executors", "most_executors", "slot_group"]),
        "edges": parts(&seen["edges"], &["from", "to", "grouping", "sent"]),
        "executors": parts(&seen["executors"], &["component", "tasks"]),
    }))
}

fn parts(list: &Value, fields: &[&str]) -> Value {
    let part = |one: &Value| fields.iter().map(|field| one[*field].clone()).collect::<Value>();
    list.as_array().into_iter().flatten().map(part).collect()
}
