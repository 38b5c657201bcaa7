//! Queries of Nexmark in SQL, whose jobs end when all events are read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thalweg_e2e::FlinkProduct;
use thalweg_e2e::flink::ORDERS_ONLY;
use thalweg_e2e::product::wait_with;
use thalweg_e2e::status::EndedPlan;
use thalweg_lab::FlinkJob;

/// A query, and where it is short: milliseconds for each event that is read, or for each pair that is joined.
const QUERIES: [(&str, &str, f64); 4] = [
    ("q4", "joinWait", 9.0),
    ("q5", "readWait", 7.0),
    ("q8", "readWait", 7.0),
    ("q9", "joinWait", 9.0),
];
/// A hundred seconds of event time.
const EVENTS: u32 = 10_000;
/// More than one subtask can do of what a query waits for, and two or three can.
const RATE: u32 = 250;
/// Those that are left as they are have this before their names.
const ALONE: &str = "alone-";
/// Room for all of them with three subtasks each.
const SLOTS: u16 = 10;
/// For all events at the speed of one subtask, and for some restarts.
const END: Duration = Duration::from_secs(240);

/// Each query is given more subtasks while it runs, and comes to what it comes to when it is left alone.
#[test]
fn queries_in_sql_grow_and_come_to_the_same() -> Result<()> {
    let bench = Bench::open(&[
        ("thalweg.policy", json!("thalweg")),
        ("thalweg.mode.rules", json!([format!("{ALONE}*=observe")])),
        // Looks at eight jobs take many calls, and would come each eight seconds.
        ("thalweg.monitor.max.cpu.percent", json!(50)),
    ])?;
    let mut jobs = BTreeMap::new();
    for (query, place, wait) in QUERIES {
        for name in [format!("{ALONE}{query}"), query.to_owned()] {
            let job = bench.job(&name, query, EVENTS).set(place, wait);
            // One has names of several hundred characters, as on older lines all have.
            let job = job.set("table.exec.simplify-operator-name-enabled", query != "q9");
            let id = bench.product.flink.hand_in(&job);
            jobs.insert(id.with_context(|| bench.product.evidence())?, name);
        }
    }
    let plans = bench.until_all_end(&jobs)?;
    let alone = plans.values().find(|ended| ended.plan.name.starts_with(ALONE));
    ensure!(alone.is_none(), "{alone:?}");
    for (query, ..) in QUERIES {
        bench.grew(query, &plans)?;
        let expected = bench.expected(query, EVENTS)?;
        bench.came_to(&format!("{ALONE}{query}"), &expected)?;
        bench.came_to(query, &expected)?;
    }
    bench.product.stop()
}

const FEW_EVENTS: u32 = 2_000;
/// Some time before all of these are read.
const NEAR_THE_END: Duration = Duration::from_millis(5_600);
const LATER_EACH_TIME: Duration = Duration::from_millis(300);
const ROUNDS: u32 = 6;
/// Less than a single call to a job that does not answer would take.
const SOON: Duration = Duration::from_secs(10);

/// A plan is ordered for jobs that are about to end, each time a little later: so it ends in each of the plan's steps.
#[test]
fn a_plan_for_a_job_that_ends_holds_nobody_up() -> Result<()> {
    let bench = Bench::open(&ORDERS_ONLY.map(|(key, value)| (key, json!(value))))?;
    let mut accepted = 0;
    for round in 0..ROUNDS {
        let name = format!("q8-{round}");
        let job = bench.product.submit(&bench.job(&name, "q8", FEW_EVENTS))?;
        let begun = Instant::now();
        let events = job.vertices.iter().find(|vertex| vertex.name.starts_with("events"));
        let events = &events.with_context(|| format!("{job:?}"))?.name;
        let when = NEAR_THE_END + LATER_EACH_TIME * round;
        std::thread::sleep(when.saturating_sub(begun.elapsed()));
        // It may have ended by now.
        accepted += u32::from(bench.product.order(&name, &[(events, 3)], &[]).is_ok());
        bench.until_all_end(&[(job.id, name.clone())].into())?;
        let ended = Instant::now();
        bench.product.wait("the end of its plan", || {
            let plan = bench.product.status()?.plan;
            ensure!(plan.is_none(), "{plan:?}");
            Ok(Some(()))
        })?;
        ensure!(ended.elapsed() < SOON, "{:?}\n{}", ended.elapsed(), bench.product.evidence());
        bench.came_to(&name, &bench.expected("q8", FEW_EVENTS)?)?;
    }
    ensure!(accepted > 0, "all orders came too late");
    for ended in bench.product.status()?.ended {
        eprintln!("{}: {} {:?} {:?}", ended.plan.name, ended.how, ended.code, ended.steps);
    }
    bench.product.stop()
}

struct Bench {
    product: FlinkProduct,
}

impl Bench {
    fn open(settings: &[(&str, Value)]) -> Result<Self> {
        let product = FlinkProduct::without_kafka(settings, |builder| {
            // Or a checkpoint would wait behind all that is buffered before who is short.
            let builder = builder.set("execution.checkpointing.unaligned.enabled", true);
            let builder = builder.set("taskmanager.network.memory.buffer-debloat.enabled", true);
            builder.slots(SLOTS).with_sql()
        })?;
        Ok(Self { product })
    }

    fn job(&self, name: &str, query: &str, events: u32) -> FlinkJob {
        let job = FlinkJob::nexmark(name, query).set("events", events).set("rate", RATE);
        job.out(&self.outcomes())
    }

    /// Waits until all jobs have ended well, and tells what plans there were.
    fn until_all_end(
        &self,
        jobs: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, EndedPlan>> {
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
    fn expected(&self, query: &str, events: u32) -> Result<String> {
        let class = "io.thalweg.topologies.flink.nexmark.Expected";
        let job = FlinkJob::nexmark(query, query);
        let expected = job.program(&self.product.flink, class, &[query, &events.to_string()])?;
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
