//! Lines of Flink whose slots are assigned by other classes, at level 1: in the JobManager or from beside.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use thalweg_e2e::FlinkProduct;
use thalweg_e2e::beside::parallelism_follows;
use thalweg_e2e::flink::ORDERS_ONLY;
use thalweg_lab::flink::FlinkLine;
use thalweg_lab::load::Rate;

const LINES: f64 = 50.0;

#[test]
fn lines_before_those_whose_slots_are_known_are_led_at_level_one() -> Result<()> {
    for line in [FlinkLine::V2_1, FlinkLine::V2_0] {
        parallelism_alone_changes(line).with_context(|| line.version())?;
    }
    Ok(())
}

#[test]
fn parallelism_follows_on_the_line_before_the_one_that_is_kept() -> Result<()> {
    parallelism_follows(FlinkLine::V1_19)
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
