//! Where Thalweg may not or cannot act on Flink, Flink's own adaptive scheduler does all the work.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use thalweg_e2e::FlinkProduct;
use thalweg_e2e::flink::ORDERS_ONLY;
use thalweg_lab::flink::{FlinkLine, JobInfo};
use thalweg_lab::load::Rate;

const LINES: f64 = 50.0;
const CALM: Duration = Duration::from_secs(5);

#[test]
fn flinks_own_scheduler_takes_over() -> Result<()> {
    let mut settings = vec![("thalweg.native.library", json!("/nowhere/libthalweg_jni.so"))];
    settings.extend(ORDERS_ONLY.map(|(key, value)| (key, json!(value))));
    let mut product = FlinkProduct::start(FlinkLine::V2_3, &settings, |builder| builder)?;
    product.load(Rate::Constant(LINES))?;
    without_the_library_jobs_run(&product)?;
    a_bad_setting_is_named_and_nothing_is_touched(&mut product)?;
    at_level_one_parallelism_alone_changes(&mut product)?;
    without_the_jar_the_cluster_is_as_before(&mut product)?;
    product.stop()
}

fn without_the_library_jobs_run(product: &FlinkProduct) -> Result<()> {
    let job = product.submit(&product.word_count("first").set("split", 2))?;
    let log = product.job_manager_log()?;
    ensure!(log.contains("Thalweg cannot start (NATIVE_MISSING)"), "{}", product.evidence());
    ensure!(log.contains("/nowhere/libthalweg_jni.so"), "the cause is not named");
    rescales_as_flink_does(product, &job, 3)
}

fn a_bad_setting_is_named_and_nothing_is_touched(product: &mut FlinkProduct) -> Result<()> {
    product.flink.configure("thalweg.native.library", Value::Null);
    product.flink.configure("thalweg.mode", json!("nonsense"));
    let job = restarted(product, "second")?;
    let status = product.wait("a decision", || {
        Ok(Some(product.status()?).filter(|status| status.decision("second").is_some()))
    })?;
    ensure!(status.mode == "observe", "{status:?}");
    let named = |line: &str| line.contains("thalweg.mode") && line.contains("nonsense");
    ensure!(status.problems.iter().any(|problem| named(problem)), "{status:?}");
    // An order is refused, and not carried out.
    let before = product.truth(&job.id)?;
    let refused = product.order("second", &[("split", 3)], &[]);
    let text = refused.map_or_else(|error| format!("{error:#}"), |id| format!("accepted: {id}"));
    ensure!(text.contains("the mode is observe"), "{text}");
    std::thread::sleep(CALM);
    ensure!(product.truth(&job.id)? == before, "something was changed");
    Ok(())
}

fn at_level_one_parallelism_alone_changes(product: &mut FlinkProduct) -> Result<()> {
    product.flink.configure("thalweg.mode", json!("act"));
    product.flink.configure("thalweg.flink.level", json!(1));
    let job = restarted(product, "third")?;
    let last = product.last_plan()?;
    product.order("third", &[("split", 3)], &[])?;
    let plan = product.plan_after(last.as_deref())?;
    ensure!(plan.how == "rest_rescale", "{plan:?}");
    // REST answers from what it has fetched some time ago.
    product.wait("three subtasks", || {
        let split = product.flink.rest().job(&job.id)?.vertex("split")?.parallelism;
        ensure!(split == 3, "{split} subtasks");
        Ok(Some(()))
    })
}

fn without_the_jar_the_cluster_is_as_before(product: &mut FlinkProduct) -> Result<()> {
    product.flink.remove_library_jars()?;
    let job = restarted(product, "fourth")?;
    let log = product.job_manager_log()?;
    let last_start = log.rsplit("Starting StandaloneSessionClusterEntrypoint").next();
    ensure!(last_start.is_some_and(|log| !log.contains("thalweg.flink")), "traces of Thalweg");
    rescales_as_flink_does(product, &job, 3)
}

/// A new JobManager, and a job on it.
fn restarted(product: &mut FlinkProduct, name: &str) -> Result<JobInfo> {
    product.restart_job_manager()?;
    let nodes = product.flink.nodes().len();
    product.flink.wait_registered(nodes, thalweg_e2e::LIMIT)?;
    product.submit(&product.word_count(name).set("split", 2))
}

fn rescales_as_flink_does(product: &FlinkProduct, job: &JobInfo, split: u32) -> Result<()> {
    product.flink.rest().bound(job, "split", (1, split))?;
    product.wait("Flink's own rescale", || {
        let info = product.flink.rest().job(&job.id)?;
        Ok((info.runs() && info.vertex("split")?.parallelism == split).then_some(()))
    })
}
