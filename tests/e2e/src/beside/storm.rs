//! Thalweg beside a Storm whose scheduler is Storm's own: executor counts follow the load.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;
use thalweg_lab::StormJob;
use thalweg_lab::control::TopologyInfo;
use thalweg_lab::process::{Server, tails};

use crate::product::{self, Product, read_status, text, wait_with};
use crate::{LIMIT, Status, THALWEG};

const NAME: &str = "beside";
/// What makes it act within seconds. Sources stand still for long enough to see it, and to kill it meanwhile.
const QUICK: [&str; 5] = [
    "monitor.interval.secs=2",
    "metrics.window.secs=10",
    "metrics.settle.secs=5",
    "me-stream.interval.secs=8",
    "action.rebalance.wait.secs=5",
];

/// Takes Thalweg out of Nimbus, and lets a topology of which one component is short get more of it by the command alone. Killed
/// while Nimbus is at a change, it takes that back as soon as it runs again.
///
/// # Errors
/// Names what did not come.
pub fn counts_follow(product: &mut Product, short: &StormJob, component: &str) -> Result<()> {
    // A Nimbus that was just started takes none for some time.
    product.storm.submit(short, LIMIT).with_context(|| product.evidence())?;
    let own = text("org.apache.storm.scheduler.DefaultScheduler");
    product
        .restart_nimbus(&[("storm.scheduler", own), ("nimbus.topology.validator", Value::Null)])?;
    let dir = product.storm.dir().join(NAME);
    let name = short.name();
    let beside = run(product, &dir)?;
    let grown = seen(product, &dir, "more executors", |product| {
        let info = product.storm.control().info(name)?;
        Ok(Some(count(&info, component)).filter(|now| *now > 1 && info.status == "ACTIVE"))
    })?;
    seen(product, &dir, "the end of the plan", |_| ended(&dir, None))?;
    let asked = grown + 1;
    seen(product, &dir, "an order that is taken", |_| {
        let mut scale = Command::new(THALWEG);
        scale.args(["scale", name, &format!("{component}={asked}"), "--why", "a test"]);
        Ok(scale.arg("--dir").arg(&dir).output()?.status.success().then_some(()))
    })?;
    seen(product, &dir, "a change under way", |product| {
        Ok((product.storm.control().info(name)?.status == "REBALANCING").then_some(()))
    })?;
    // As if power had failed. Nimbus goes on, and nobody knows whether that was wanted.
    drop(beside);
    let mut beside = run(product, &dir)?;
    seen(product, &dir, "the way back", |_| ended(&dir, Some("LEADER_CHANGED")))?;
    seen(product, &dir, "the former executors", |product| {
        let info = product.storm.control().info(name)?;
        Ok((count(&info, component) == grown && info.status == "ACTIVE").then_some(()))
    })?;
    beside.stop(LIMIT)
}

fn run(product: &Product, dir: &Path) -> Result<Server> {
    let storm = &product.storm;
    let mut command = Command::new(THALWEG);
    command.args(["run", "storm", "--mode", "act"]).arg("--dir").arg(dir);
    command.arg("--storm-home").arg(storm.home()).arg("--storm-conf").arg(storm.conf());
    command.arg("--jar").arg(product::jar()?);
    for quick in QUICK {
        command.args(["--set", &format!("thalweg.{quick}")]);
    }
    Server::start(NAME, command, storm.dir(), &[])
}

fn count(info: &TopologyInfo, component: &str) -> usize {
    info.of(component).count()
}

/// Whether a plan was carried out by Storm's rebalance, or given up with a code.
fn ended(dir: &Path, code: Option<&str>) -> Result<Option<()>> {
    let status: Status = read_status(&dir.join("status.json"))?;
    let is_it = status.ended.iter().any(|plan| match code {
        None => plan.code.is_none() && plan.how == "rebalance",
        Some(code) => plan.code.as_deref() == Some(code),
    });
    Ok(is_it.then_some(()))
}

/// Waits until something is there; fails with what the command said.
fn seen<T>(
    product: &Product,
    dir: &Path,
    what: &str,
    look: impl Fn(&Product) -> Result<Option<T>>,
) -> Result<T> {
    let said = || tails(&[dir.with_extension("out")]);
    wait_with(LIMIT, what, || look(product), said)
}
