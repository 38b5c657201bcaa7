//! What is not Thalweg's to change stays as it is, is named with the reason, and stops nothing else.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thalweg_e2e::FlinkProduct;
use thalweg_lab::FlinkJob;
use thalweg_lab::flink::{FlinkLine, JobInfo};

/// What three subtasks can do and one cannot.
const WAIT_MS: f64 = 12.0;
const LINES: u32 = 150;
/// Without it a job takes no checkpoints.
const INTERVAL: &str = "execution.checkpointing.interval";
/// For so long nothing happens that must not; the policy looks each second.
const CALM: Duration = Duration::from_secs(8);

#[test]
fn jobs_that_must_not_be_changed_are_named_and_others_go_on() -> Result<()> {
    let settings = [("thalweg.policy", json!("ds2")), ("thalweg.ds2.headroom", json!(0.25))];
    let product = FlinkProduct::start(FlinkLine::V2_3, &settings, |builder| {
        builder.set(INTERVAL, Value::Null)
    })?;
    a_job_without_checkpoints_is_not_restarted(&product)?;
    a_batch_job_is_left_alone(&product)?;
    what_cannot_be_rescaled_runs_on_as_it_was(&product)?;
    bounds_of_a_user_hold(&product)?;
    product.stop()
}

/// A job that makes more lines than one subtask can split.
fn saturated(name: &str) -> FlinkJob {
    FlinkJob::word_count(name).set("rate", LINES).set("splitWait", WAIT_MS)
}

fn a_batch_job_is_left_alone(product: &FlinkProduct) -> Result<()> {
    product.flink.hand_in(&saturated("nightly").set("execution.runtime-mode", "BATCH"))?;
    says(product, "nightly", &["LEFT_ALONE"])?;
    let refusal =
        product.order("nightly", &[("split", 2)], &[]).err().context("it was accepted")?;
    ensure!(format!("{refusal:#}").contains("nightly is left alone"), "{refusal:#}");
    Ok(())
}

fn a_job_without_checkpoints_is_not_restarted(product: &FlinkProduct) -> Result<()> {
    let job = product.submit(&saturated("fragile"))?;
    says(product, "fragile", &["CHECKPOINTS_MISSING", "DEMAND_ABOVE_CAPACITY"])?;
    let decision = product.status()?.decision("fragile").cloned().context("no decision")?;
    let text = &decision.reasons[0].text;
    ensure!(text.contains("takes no checkpoints"), "{text}");
    product.order("fragile", &[("split", 3)], &[])?;
    says(product, "fragile", &["CHECKPOINTS_MISSING", "ORDERED"])?;
    stays(product, &job, 1)
}

fn what_cannot_be_rescaled_runs_on_as_it_was(product: &FlinkProduct) -> Result<()> {
    let job = product.submit(&saturated("rigid").set("rigid", true).set(INTERVAL, "2s"))?;
    let plan = product.wait("the end of a plan", || {
        let ended = product.status()?.ended.into_iter().next();
        Ok(ended.filter(|ended| ended.plan.name == "rigid"))
    })?;
    ensure!(plan.code.as_deref() == Some("RESTARTS_AGAIN"), "{plan:?}");
    ensure!(plan.how.contains("IllegalStateException"), "{plan:?}");
    scaled(product, &job, |split| split == 1)?;
    says(product, "rigid", &["RESCALE_FAILED"])?;
    product.flink.rest().cancel(&job.id)
}

fn bounds_of_a_user_hold(product: &FlinkProduct) -> Result<()> {
    let job = product.submit(&saturated("words").set(INTERVAL, "2s"))?;
    // Out, beside the batch job and the other; then by hand in again, where it stays.
    scaled(product, &job, |split| split >= 2)?;
    product.flink.rest().bound(&job, "split", (1, 1))?;
    scaled(product, &job, |split| split == 1)?;
    product.wait("the slots of the other subtasks to be given back", || {
        let used = product.slots_in_use()?;
        // One of each job: what the policy desired beyond that holds none any more.
        ensure!(used == 3, "{used} slots are in use");
        Ok(Some(()))
    })?;
    says(product, "words", &["BOUNDS_LIMITED"])?;
    stays(product, &job, 1)?;
    // Within other bounds the policy is free.
    product.flink.rest().bound(&job, "split", (1, 2))?;
    scaled(product, &job, |split| split == 2)?;
    stays(product, &job, 2)?;
    // It would take a third: two do the work, but without the room that is asked for.
    says(product, "words", &["BOUNDS_LIMITED"])?;
    let bounds = product.flink.rest().get(&format!("/jobs/{}/resource-requirements", job.id))?;
    let split = &bounds[&job.vertex("split")?.id]["parallelism"];
    ensure!(split["lowerBound"] == json!(1) && split["upperBound"] == json!(2), "{bounds}");
    Ok(())
}

/// Waits until the decision about a job has at least these reasons.
fn says(product: &FlinkProduct, job: &str, codes: &[&str]) -> Result<()> {
    product.wait(&format!("{job}: {codes:?}"), || {
        let status = product.status()?;
        let decision = status.decision(job).context("no decision")?;
        let said: Vec<&str> = decision.reasons.iter().map(|reason| reason.code.as_str()).collect();
        ensure!(codes.iter().all(|code| said.contains(code)), "{said:?}");
        Ok(Some(()))
    })
}

fn split(product: &FlinkProduct, job: &JobInfo) -> Result<Option<u32>> {
    let info = product.flink.rest().job(&job.id)?;
    Ok(if info.runs() { Some(info.vertex("split")?.parallelism) } else { None })
}

fn scaled(product: &FlinkProduct, job: &JobInfo, desired: impl Fn(u32) -> bool) -> Result<u32> {
    product.wait("another parallelism", || {
        let found = split(product, job)?.context("it does not run")?;
        ensure!(desired(found), "{found} subtasks");
        Ok(Some(found))
    })
}

fn stays(product: &FlinkProduct, job: &JobInfo, subtasks: u32) -> Result<()> {
    std::thread::sleep(CALM);
    let found = split(product, job)?;
    ensure!(found == Some(subtasks), "{found:?} subtasks\n{}", product.evidence());
    Ok(())
}
