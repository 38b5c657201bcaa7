//! Queries of Nexmark in SQL: each is given more subtasks while it runs, and comes to what it comes to when left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use thalweg_e2e::FlinkProduct;
use thalweg_e2e::product::wait_with;
use thalweg_e2e::status::EndedPlan;
use thalweg_lab::FlinkJob;

/// A query, and where it is short: milliseconds for each event that is read, or for each pair that is joined.
const QUERIES: [(&str, &str, f64); 4] =
    [("q4", "joinWait", 9.0), ("q5", "readWait", 7.0), ("q8", "readWait", 7.0), ("q9", "joinWait", 9.0)];
/// A hundred seconds of event time.
const EVENTS: &str = "10000";
/// More than one subtask can do of what a query waits for, and two or three can.
const RATE: f64 = 250.0;
/// Those that are left as they are have this before their names.
const ALONE: &str = "alone-";
/// Room for all of them with three subtasks each.
const SLOTS: u16 = 10;
/// For all events at the speed of one subtask, and for some restarts.
const END: Duration = Duration::from_secs(240);

#[test]
fn nexmark_in_sql_grows_and_comes_to_the_same() -> Result<()> {
    let settings = [
        ("thalweg.policy", json!("thalweg")),
        ("thalweg.mode.rules", json!([format!("{ALONE}*=observe")])),
        // Or a checkpoint would wait behind all that is buffered before who is short.
        ("execution.checkpointing.unaligned.enabled", json!(true)),
        ("taskmanager.network.memory.buffer-debloat.enabled", json!(true)),
    ];
    let product =
        FlinkProduct::without_kafka(&settings, |builder| builder.slots(SLOTS).with_sql())?;
    let bench = Bench { product };
    let mut jobs = BTreeMap::new();
    for (query, place, wait) in QUERIES {
        for name in [format!("{ALONE}{query}"), query.to_owned()] {
            jobs.insert(bench.start(&name, query, place, wait)?, name);
        }
    }
    let plans = bench.until_all_end(&jobs)?;
    for (query, ..) in QUERIES {
        bench.grew(query, &plans)?;
        let expected = bench.expected(query)?;
        bench.came_to(&format!("{ALONE}{query}"), &expected)?;
        bench.came_to(query, &expected)?;
    }
    bench.product.stop()
}

struct Bench {
    product: FlinkProduct,
}

impl Bench {
    /// Submits a query under a name, and tells the job's id.
    fn start(&self, name: &str, query: &str, place: &str, wait: f64) -> Result<String> {
        let job = FlinkJob::nexmark(name, query)
            .set("events", EVENTS)
            .set("rate", RATE)
            .set(place, wait)
            .set("table.exec.simplify-operator-name-enabled", query != "q9")
            .out(&self.outcomes());
        self.product.flink.hand_in(&job).with_context(|| self.product.evidence())
    }

    /// Waits until all jobs have ended well, and tells what plans there were.
    fn until_all_end(&self, jobs: &BTreeMap<String, String>) -> Result<BTreeMap<String, EndedPlan>> {
        let mut plans = BTreeMap::new();
        let mut running: BTreeSet<&String> = jobs.keys().collect();
        let look = || {
            // The status remembers the last few alone.
            plans.extend(self.product.status()?.ended.into_iter().map(|p| (p.plan.id.clone(), p)));
            for id in running.clone() {
                if self.product.flink.rest().job(id)?.state == "FINISHED" {
                    running.remove(id);
                }
            }
            let left: Vec<_> = running.iter().map(|id| &jobs[*id]).collect();
            ensure!(left.is_empty(), "still running: {left:?}");
            Ok(Some(()))
        };
        wait_with(END, "the end of all queries", look, || self.product.evidence())?;
        Ok(plans)
    }

    /// A plan that gave it more subtasks was carried out.
    fn grew(&self, name: &str, plans: &BTreeMap<String, EndedPlan>) -> Result<()> {
        let own: Vec<_> = plans.values().filter(|ended| ended.plan.name == name).collect();
        for ended in &own {
            eprintln!("{name}: {:?} by {} {:?}", ended.plan.counts, ended.how, ended.code);
        }
        let grew = own.iter().any(|ended| {
            ended.code.is_none() && ended.plan.counts.values().any(|subtasks| *subtasks > 1)
        });
        ensure!(grew, "{name} did not grow\n{}", self.product.evidence());
        Ok(())
    }

    /// What a query comes to, by a program that knows nothing of Flink.
    fn expected(&self, query: &str) -> Result<String> {
        let class = "io.thalweg.topologies.flink.nexmark.Expected";
        let job = FlinkJob::nexmark(query, query);
        let expected = job.program(&self.product.flink, class, &[query, EVENTS])?;
        ensure!(expected.lines().count() > 1, "{query}: {expected:?}");
        Ok(expected)
    }

    fn came_to(&self, name: &str, expected: &str) -> Result<()> {
        let file = self.outcomes().join(name);
        let rows = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let wrong = rows.lines().zip(expected.lines()).find(|(row, expected)| row != expected);
        let counts = (rows.lines().count(), expected.lines().count());
        ensure!(rows == expected, "{name}: {wrong:?} first, {counts:?} rows");
        Ok(())
    }

    fn outcomes(&self) -> PathBuf {
        self.product.flink.dir().join("outcomes")
    }
}
