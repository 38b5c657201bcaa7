//! All of the zoo on one Storm cluster.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use thalweg_e2e::zoo::{MEMBERS, Zoo};

/// Slots for the new workers of the one that grows.
const MORE: usize = 2;
const LONG: Duration = Duration::from_secs(60);
/// Several windows in which fewer executors have been enough.
const SAVING: Duration = Duration::from_secs(150);

#[test]
fn topologies_of_all_kinds_run_on_while_one_grows() -> Result<()> {
    let mut zoo = Zoo::open(MEMBERS.to_vec(), MORE, &[])?;
    zoo.settles()?;
    zoo.all_is_well(LONG)?;
    zoo.one_grows()?;
    zoo.close()
}

#[test]
fn what_a_policy_that_saves_takes_from_each() -> Result<()> {
    let settings = [
        ("thalweg.policy", json!("thalweg")),
        ("thalweg.scaling.down.window.secs", json!(20)),
        ("thalweg.scaling.up.delay.secs", json!(5)),
        ("thalweg.scaling.disruption", json!(0)),
        ("thalweg.action.cool.down.secs", json!(20)),
    ];
    let zoo = Zoo::open(MEMBERS.to_vec(), MORE, &settings)?;
    let before = zoo.counts()?;
    zoo.settles()?;
    for _ in 0..5 {
        std::thread::sleep(SAVING / 5);
        let status = zoo.product().status()?;
        for decision in &status.decisions {
            eprintln!("{} {} {:?}", decision.name, decision.verdict, decision.reasons);
        }
    }
    let status = zoo.product().status()?;
    for ended in &status.ended {
        eprintln!("{} {:?} {} {:?}", ended.plan.name, ended.plan.counts, ended.how, ended.code);
    }
    for (name, counts) in zoo.counts()? {
        eprintln!("{name}: {:?} became {counts:?}", before[name]);
    }
    zoo.close()
}
