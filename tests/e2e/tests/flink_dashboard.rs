//! The dashboard in a real browser, over a real Storm and a real Flink at once.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use thalweg_e2e::product::{LIMIT, Product};
use thalweg_e2e::{FlinkProduct, THALWEG, pair};
use thalweg_lab::flink::FlinkJob;
use thalweg_lab::process::Server;
use thalweg_lab::wait::until;

/// More than one executor can do, which waits for each line.
const LINES: f64 = 125.0;
const WAIT_MS: f64 = 10.0;
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

#[test]
fn operators_see_both_engines_and_give_their_word_in_the_browser() -> Result<()> {
    let mut storm = Product::embedded(&[
        ("thalweg.mode", json!("confirm")),
        ("thalweg.headroom.components", json!(["split"])),
    ])?;
    let settings = [
        ("thalweg.mode", json!("confirm")),
        ("thalweg.policy", json!("ds2")),
        ("thalweg.ds2.headroom", json!(0.25)),
    ];
    // Behind a bottleneck, barriers of aligned checkpoints wait for longer than a step may take.
    let flink = FlinkProduct::without_kafka(&settings, |builder| {
        Ok(builder.set("execution.checkpointing.unaligned.enabled", true))
    })?;
    storm.run(&storm.word_count("words").set("workers", 2).set("splitWait", WAIT_MS), LINES)?;
    let flow =
        flink.submit(&FlinkJob::word_count("flow").set("rate", LINES).set("splitWait", WAIT_MS))?;

    let folder = tempfile::tempdir()?;
    let tokens = folder.path().join("tokens");
    let token = Command::new(THALWEG)
        .args(["serve", "token", "olga", "--roles", "reader,operator,approver", "--tokens"])
        .arg(&tokens)
        .output()?;
    ensure!(token.status.success(), "{token:?}");
    let (server, address) =
        serve(folder.path(), &tokens, &pair::folder(&storm, 0), &flink.store())?;
    let flows = Command::new("node")
        .args(["--test", "--test-reporter=tap", "test/clusters.mjs"])
        .env("THALWEG_ADDRESS", &address)
        .env("THALWEG_TOKEN", String::from_utf8(token.stdout)?.trim())
        .current_dir(Path::new(ROOT).join("dashboard"))
        .output()
        .context("no Node.js")?;
    drop(server);
    let said = String::from_utf8_lossy(&flows.stdout);
    ensure!(flows.status.success(), "{said}\n{}\n{}", storm.evidence(), flink.evidence());
    ensure!(storm.storm.control().info("words")?.of("split").count() > 1, "{said}");
    let grown = flink.flink.rest().job(&flow.id)?.vertex("split")?.parallelism;
    ensure!(grown > 1, "{grown} subtasks\n{said}");
    flink.stop()?;
    storm.stop()
}

/// `thalweg serve` over both engines, and its address.
fn serve(folder: &Path, tokens: &Path, storm: &Path, flink: &Path) -> Result<(Server, String)> {
    let mut command = Command::new(THALWEG);
    command.args(["serve", "--listen", "127.0.0.1:0", "--every", "1", "--tokens"]).arg(tokens);
    for (name, place) in [("storm", storm), ("flink", flink)] {
        command.arg("--engine").arg(format!("{name}={}", place.display()));
    }
    let server = Server::start("serve", command, folder, &[])?;
    let address = until("the dashboard's address", LIMIT, || {
        let out = fs::read_to_string(folder.join("serve.out"))?;
        let line = out.lines().find_map(|line| line.strip_prefix("listening at "));
        Ok(line.map(str::to_owned))
    })?;
    Ok((server, address))
}
