//! One jar for every line of Storm that has what it uses, and no harm to the Nimbus of an older one.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use thalweg_e2e::product::{Product, WORDS_PER_LINE};

const LINES: f64 = 40.0;
const FLOWS: f64 = 0.6 * LINES * WORDS_PER_LINE;
/// Source, counter and acker.
const OTHERS: usize = 3;
/// Two scheduling rounds, and looks beyond the first.
const CALM: Duration = Duration::from_secs(25);

/// The oldest line that is promised, and the one between it and the newest.
#[test]
fn older_lines_are_led_as_the_newest_is() -> Result<()> {
    for version in ["2.6.4", "2.7.1"] {
        changes_while_it_runs(version).with_context(|| format!("on Storm {version}"))?;
    }
    Ok(())
}

/// An order for another executor is carried out, beside the running workers where that can be.
fn changes_while_it_runs(version: &str) -> Result<()> {
    let settings =
        [("thalweg.policy", json!("static")), ("thalweg.headroom.components", json!(["split"]))];
    let mut product = Product::on_storm(version, &settings)?;
    let words = product.word_count("words").set("workers", 2);
    let before = product.run(&words, LINES)?;
    product.wait_output("words", FLOWS)?;
    let split = before.of("split").count() + 1;
    product.order(&json!({ "topology": "words", "counts": { "split": split } }))?;
    let ended = product.wait("the end of the plan", || Ok(product.status()?.ended.pop()))?;
    ensure!(ended.code.is_none(), "given up: {ended:?}\n{}", product.evidence());
    // Where an executor would run twice on its node meanwhile, the topology is drained instead.
    let ways = ["make_before_break", "drain_and_restart"];
    ensure!(ways.contains(&ended.how.as_str()), "{ended:?}");
    product.wait_assigned("words", OTHERS + split)?;
    product.wait_output("words", FLOWS)?;
    product.stop()
}

/// Nimbus lives and can be measured. No topology runs, as the samples are written for newer lines.
#[test]
fn nimbus_lives_on_a_line_before_those() -> Result<()> {
    let product = Product::on_storm("2.5.0", &[])?;
    product.wait("statistics", || {
        Ok(product.nimbus_log()?.contains("statistics can be read").then_some(()))
    })?;
    product.stays(CALM, || {
        ensure!(product.storm.control().topologies()?.is_empty(), "a topology");
        Ok(())
    })?;
    product.stop()
}
