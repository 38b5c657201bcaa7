//! Two Nimbuses, each with a store of its own: whoever leads next goes on from what the other left.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use thalweg_e2e::Status;
use thalweg_e2e::product::{Product, WORDS_PER_LINE, draining_by_order, give_order, read_status};
use thalweg_lab::network::Network;
use thalweg_lab::skipped;

const LINES: f64 = 40.0;
const FLOWS: f64 = 0.6 * LINES * WORDS_PER_LINE;
/// Source, counter and acker.
const OTHERS: u32 = 3;
/// As long as a full collection of garbage, or a machine that swaps.
const PAUSE: Duration = Duration::from_secs(45);
/// Several rounds, and looks of a leader that is back.
const CALM: Duration = Duration::from_secs(20);

/// What becomes of the leader.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It ends at once.
    Killed,
    /// It stands still, and goes on when another leads.
    Paused,
    /// Its machine is cut off, and comes back when another leads.
    CutOff,
}

#[test]
fn whoever_leads_next_goes_on_from_what_the_other_left() -> Result<()> {
    if let Err(error) = Network::Namespaces.available() {
        skipped("two Nimbuses", &format!("{error:#}"));
        return Ok(());
    }
    let mut product = Product::with_standby(&draining_by_order())?;
    let words = product.word_count("words").set("workers", 2);
    let info = product.run(&words, LINES)?;
    product.wait_output("words", FLOWS)?;
    let mut split = info.of("split").count() as u32;
    for (state, fault) in [
        ("preparing", Fault::Killed),
        ("committed", Fault::Paused),
        ("preparing", Fault::Paused),
        ("committed", Fault::Killed),
        ("preparing", Fault::CutOff),
    ] {
        let ordered = if split == 1 { 2 } else { 1 };
        let ends = matters(&mut product, state, fault, ordered)
            .with_context(|| format!("{fault:?} while {state}\n{}", product.evidence()))?;
        split = if ends { ordered } else { split };
    }
    product.stop()
}

/// Orders a plan, lets the leader fail while the topology is stopped for it, and tells whether the plan was carried out.
fn matters(product: &mut Product, state: &str, fault: Fault, split: u32) -> Result<bool> {
    if matches!(fault, Fault::CutOff) && leader(product)? == 0 {
        // Only the standby's machine has a plug that nobody else hangs on.
        fails(product, 0, Fault::Killed)?;
        returns(product, 0, Fault::Killed)?;
    }
    let old = leader(product)?;
    let before = product.storm.control().info("words")?;
    let order = json!({ "topology": "words", "counts": { "split": split } });
    give_order(&folder(product, old), &order)?;
    let plan = product.wait("a topology stopped for a plan", || {
        let plan = status(product, old)?.plan.filter(|plan| plan.state == state);
        let stopped = product.storm.control().info("words")?.status == "INACTIVE";
        Ok(plan.filter(|_| stopped))
    })?;
    fails(product, old, fault)?;
    let new = leader(product)?;
    let runs = |product: &Product| -> Result<bool> {
        Ok(product.storm.control().info("words")?.status == "ACTIVE")
    };
    product.wait("the topology to run again", || Ok(runs(product)?.then_some(())))?;
    product
        .wait("the end of the plan", || Ok(status(product, new)?.plan.is_none().then_some(())))?;
    // Supervisors wait for a Nimbus that stands still, so executors report only when it is back.
    returns(product, old, fault)?;
    // A leader that commits may fail before the other can see that it did: then the plan is taken back.
    let carried_out = OTHERS as usize + split as usize;
    let allowed = match state {
        "committed" => vec![before.executors.len(), carried_out],
        _ => vec![before.executors.len()],
    };
    let settled = product.wait("a whole topology", || {
        let info = product.storm.control().info("words")?;
        let whole = info.status == "ACTIVE" && info.all_report();
        Ok((whole && allowed.contains(&info.executors.len())).then_some(info))
    })?;
    if !matches!(fault, Fault::Killed) {
        product.wait("a former leader that says so", || {
            Ok((!status(product, old)?.leads).then_some(()))
        })?;
    }
    product.stays(CALM, || {
        let now = product.storm.control().info("words")?;
        ensure!(now.status == "ACTIVE", "stopped: {now:?}");
        ensure!(now.assignment() == settled.assignment(), "an old plan ran again: {now:?}");
        let anew = [old, new].map(|which| status(product, which).ok().and_then(|s| s.plan));
        ensure!(anew.iter().all(Option::is_none), "of {}: {anew:?}", plan.plan.id);
        Ok(())
    })?;
    product.wait_output("words", FLOWS)?;
    Ok(settled.executors.len() == carried_out)
}

/// Something happens to a Nimbus, and the other one leads.
fn fails(product: &mut Product, old: usize, fault: Fault) -> Result<()> {
    let term = status(product, old)?.term;
    match fault {
        Fault::Killed => product.storm.kill_nimbus_of(old),
        Fault::Paused => product.storm.nimbuses()[old].pause()?,
        Fault::CutOff => product.storm.plug_standby(false)?,
    }
    product.wait("another leader", || {
        let now = status(product, 1 - old)?;
        Ok((now.leads && now.term > term).then_some(()))
    })
}

/// What happened to a Nimbus is over, and it knows that it does not lead.
fn returns(product: &mut Product, old: usize, fault: Fault) -> Result<()> {
    match fault {
        Fault::Killed => {
            let file = folder(product, old).join("status.json");
            let _ = std::fs::remove_file(file);
            product.storm.start_nimbus_of(old)?;
            return Ok(());
        }
        Fault::Paused => {
            // The pause itself, not a wait for anything.
            std::thread::sleep(PAUSE);
            product.storm.nimbuses()[old].resume()?;
        }
        Fault::CutOff => product.storm.plug_standby(true)?,
    }
    Ok(())
}

/// Which of both leads.
fn leader(product: &Product) -> Result<usize> {
    product.wait("a leader", || {
        let leads = |which: &usize| {
            let term = |which| status(product, which).map_or(0, |status: Status| status.term);
            status(product, *which)
                .is_ok_and(|status| status.leads && status.term >= term(1 - which))
        };
        Ok([0, 1].iter().find(|which| leads(which)).copied())
    })
}

fn status(product: &Product, which: usize) -> Result<Status> {
    read_status(&folder(product, which).join("status.json"))
}

fn folder(product: &Product, which: usize) -> PathBuf {
    product.storm.nimbuses()[which].local_dir().join("thalweg")
}
