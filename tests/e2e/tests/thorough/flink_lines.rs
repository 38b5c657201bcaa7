//! Lines of Flink whose slots are assigned by other classes, at level 1: in the JobManager or from beside; and those that
//! are led from beside only, where the jar in `lib/` harms nobody.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use thalweg_e2e::beside::flink::parallelism_follows;
use thalweg_e2e::flink::{ORDERS_ONLY, jar};
use thalweg_e2e::{FlinkProduct, LIMIT};
use thalweg_lab::flink::FlinkLine;
use thalweg_lab::load::Rate;
use thalweg_lab::process::tails;
use thalweg_lab::wait::until_seen;
use thalweg_lab::{FlinkBuilder, FlinkJob};

const LINES: f64 = 50.0;

#[test]
fn lines_before_those_whose_slots_are_known_are_led_at_level_one() -> Result<()> {
    for line in [FlinkLine::V2_1, FlinkLine::V2_0] {
        parallelism_alone_changes(line).with_context(|| line.version())?;
    }
    Ok(())
}

#[test]
fn parallelism_follows_on_the_lines_before_the_one_that_is_kept() -> Result<()> {
    for line in [FlinkLine::V1_19, FlinkLine::V1_18] {
        parallelism_follows(line).with_context(|| line.version())?;
    }
    Ok(())
}

#[test]
fn a_line_that_is_led_from_beside_only_runs_its_jobs_whatever_lies_in_its_lib() -> Result<()> {
    for line in [FlinkLine::V1_20, FlinkLine::V1_19, FlinkLine::V1_18] {
        flinks_own_scheduler_runs(line).with_context(|| line.version())?;
    }
    Ok(())
}

/// The jar was put into `lib/`, where it can do nothing: jobs run and rescale as without it, and the log says why.
fn flinks_own_scheduler_runs(line: FlinkLine) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let flink = FlinkBuilder::new(folder.path()).line(line).library_jar(&jar()?).start()?;
    let job = FlinkJob::word_count("words").set("rate", LINES as u32);
    let job = flink.submit(&job, LIMIT).with_context(|| tails(&[flink.job_manager_log()]))?;
    flink.rest().bound(&job, "split", (1, 3))?;
    let split = || {
        let info = flink.rest().job(&job.id)?;
        Ok((info.runs(), info.vertex("split")?.parallelism))
    };
    until_seen("three subtasks", LIMIT, split, |seen| *seen == (true, 3))?;
    let log = fs::read_to_string(flink.job_manager_log())?;
    let told = log.matches("Thalweg does not run in this Flink").count();
    ensure!(told == 1, "told {told} times");
    flink.stop();
    Ok(())
}

fn parallelism_alone_changes(line: FlinkLine) -> Result<()> {
    let settings: Vec<_> = ORDERS_ONLY.map(|(key, value)| (key, json!(value))).into();
    let mut product = FlinkProduct::start(line, &settings, |builder| builder)?;
    let job = product.submit(&product.word_count("words").set("split", 1))?;
    let log = product.job_manager_log()?;
    ensure!(log.contains("thalweg.flink.level is 1 instead of 2"), "{}", product.evidence());
    product.load(Rate::Constant(LINES))?;
    product.recorded("a checkpoint", |job| job["checkpoint"]["duration"].as_f64() > Some(0.0))?;
    product.order("words", &[("split", 3)], &[])?;
    let plan = product.plan_after(None)?;
    ensure!(plan.how == "rest_rescale", "{plan:?}");
    product.wait("three subtasks", || {
        let split = product.flink.rest().job(&job.id)?.vertex("split")?.parallelism;
        ensure!(split == 3, "{split} subtasks");
        Ok(Some(()))
    })?;
    product.counts_exactly_once("words")?;
    product.stop()
}
