//! Thalweg beside a Flink in which nothing is installed: parallelism follows the load.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use thalweg_lab::flink::FlinkLine;
use thalweg_lab::process::{Server, tails};
use thalweg_lab::wait::until_seen;
use thalweg_lab::{FlinkBuilder, FlinkCluster, FlinkJob};

use crate::flink::jar;
use crate::{LIMIT, Status, THALWEG, advice};

/// What two subtasks can do and one cannot.
const WAIT_MS: f64 = 15.0;
const LINES: u32 = 100;

/// Lets a job on a cluster of a line get what it needs, by asking its REST interface alone. Before that the command is asked
/// what it would change, which sees the job as the shell does.
///
/// # Errors
/// Names what did not come.
pub fn parallelism_follows(line: FlinkLine) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let flink = FlinkBuilder::new(folder.path())
        .line(line)
        .set("execution.checkpointing.interval", "2s")
        .set("jobmanager.adaptive-scheduler.scaling-interval.min", "1s")
        .start()?;
    let job = FlinkJob::word_count("words").set("rate", LINES).set("splitWait", WAIT_MS);
    let job = flink.submit(&job, LIMIT)?;
    let advice = folder.path().join("advice.jsonl");
    advice::grows(&flink, &job, "split", &advice)?;
    let store = folder.path().join("thalweg");
    let recording = folder.path().join("recording.jsonl");
    let arguments = [
        format!("thalweg.flink.rest.url={}", flink.rest().url()),
        format!("thalweg.store.dir={}", store.display()),
        format!("thalweg.recording.file={}", recording.display()),
        "thalweg.flink.level=1".to_owned(),
        "thalweg.mode=act".to_owned(),
        "thalweg.policy=ds2".to_owned(),
    ];
    let class = "io.thalweg.flink.Standalone";
    let beside = flink.beside("thalweg", &jar()?, class, &arguments)?;
    let log = folder.path().join("flink/logs/thalweg.log");
    let split = || {
        let info = flink.rest().job(&job.id)?;
        Ok((info.runs(), info.vertex("split")?.parallelism))
    };
    until_seen("a rescale", LIMIT, split, |(runs, parallelism)| *runs && *parallelism >= 2)
        .with_context(|| tails(std::slice::from_ref(&log)))?;
    let (told, seen) = (advice::shape(&advice, "words")?, advice::shape(&recording, "words")?);
    ensure!(told == seen, "the command saw {told}\nthe shell {seen}");
    let status = || {
        let text = fs::read_to_string(store.join("status.json"))?;
        Ok(serde_json::from_str::<Status>(&text)?)
    };
    let status = until_seen("the end of the plan", LIMIT, status, |s| !s.ended.is_empty())?;
    let plan = status.ended.last().context("no plan")?;
    ensure!(plan.code.is_none() && plan.how == "rest_rescale", "{plan:?}");
    let bounds = flink.rest().get(&format!("/jobs/{}/resource-requirements", job.id))?;
    let split = &bounds[&job.vertex("split")?.id]["parallelism"];
    ensure!(split["lowerBound"] == json!(1) && split["upperBound"].as_u64() >= Some(2), "{bounds}");
    drop(beside);
    flink.rest().cancel(&job.id)?;
    the_command_follows_too(&flink, folder.path())?;
    flink.stop();
    Ok(())
}

/// The same by the command alone. Killed on the way, it goes on where it was: what it has asked for is not taken for its
/// user's word.
fn the_command_follows_too(flink: &FlinkCluster, folder: &Path) -> Result<()> {
    let dir = folder.join("run");
    let log = folder.join("run.out");
    // A source that is chained to the work is measured by its own counters, and gets more subtasks.
    let chained = FlinkJob::word_count("chained").set("rate", LINES).set("splitWait", WAIT_MS);
    let chained = flink.submit(&chained.set("chained", true), LIMIT)?;
    let beside = run(flink, folder, &dir)?;
    let source = || Ok(flink.rest().job(&chained.id)?.vertex("source -> split")?.parallelism);
    until_seen("more sources", LIMIT, source, |parallelism| *parallelism >= 2)
        .with_context(|| tails(std::slice::from_ref(&log)))?;
    // As if power had failed.
    drop(beside);
    let mut beside = run(flink, folder, &dir)?;
    let four = ["chained", "Source: source -> split=4", "--why", "a test"];
    let scaled = || {
        let asked =
            Command::new(THALWEG).arg("scale").args(four).arg("--dir").arg(&dir).output()?;
        let said = String::from_utf8_lossy(&[asked.stdout, asked.stderr].concat()).into_owned();
        Ok((asked.status.success(), said))
    };
    // Until it has looked, it knows no topology of that name.
    let (_, said) = until_seen("an order that is taken", LIMIT, scaled, |(taken, _)| *taken)
        .with_context(|| tails(std::slice::from_ref(&log)))?;
    until_seen("four sources", LIMIT, source, |parallelism| *parallelism == 4)
        .with_context(|| format!("{said}\n{}", tails(std::slice::from_ref(&log))))?;
    let status = || {
        let text = fs::read_to_string(dir.join("status.json"))?;
        Ok(serde_json::from_str::<Status>(&text)?)
    };
    let is_over = |status: &Status| {
        status.ended.iter().any(|plan| plan.code.is_none() && plan.how == "rest_rescale")
    };
    until_seen("the end of the order", LIMIT, status, is_over)?;
    beside.stop(LIMIT)
}

fn run(flink: &FlinkCluster, folder: &Path, dir: &Path) -> Result<Server> {
    let mut command = Command::new(THALWEG);
    command.args(["run", "flink", flink.rest().url(), "--mode", "act", "--policy", "ds2"]);
    command.arg("--dir").arg(dir);
    Server::start("run", command, folder, &[])
}
