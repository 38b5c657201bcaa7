//! Jobs of many kinds on one Flink cluster, and what is right for each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use thalweg_lab::FlinkJob;

use crate::doctor::{finding, finds};
use crate::flink::FlinkProduct;
use crate::status::CALM;

/// The setting with the file that says how many milliseconds a record takes.
const COST: &str = "cost";
/// Plans of one job until it has grown.
const MOST_PLANS: usize = 3;
/// More than two subtasks can do of any.
const TOO_MUCH: &str = "60";
/// The one that would lose its state if it were restarted.
const FRAGILE: &str = "fragile";
const NODES: usize = 2;
const INTERVAL: &str = "execution.checkpointing.interval";
const CHECKPOINTS: &str = "execution.checkpointing.interval=2s";

/// One of the zoo's jobs, and what is right for it.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// The slots that it takes.
    pub slots: usize,
    /// The vertex whose input is its result; none where Flink counts none, or nothing ever comes.
    pub result: Option<&'static str>,
    /// Settings of its own, as `key=value`.
    pub settings: &'static [&'static str],
    /// Whether it ends by itself.
    pub ends: bool,
    /// Whether it starts again by itself.
    pub restarts: bool,
    /// The source that ends while the others go on.
    pub ending: Option<&'static str>,
    /// What is to be said of it.
    pub says: &'static [&'static str],
    /// What the doctor is to find.
    pub ails: &'static [&'static str],
}

/// What the policy says while demand and capacity fit.
const FITS: &[&str] = &["DEMAND_MET", "DEMAND_BELOW_CAPACITY"];
/// Subtasks that have little to do are not taken away meanwhile.
const PATIENT: (&str, u32) = ("thalweg.scaling.down.window.secs", 3600);

/// Until no measured second is left in which a source had not ended yet, in ms.
///
/// On a busy machine one TaskManager tells its counters a second or two later than the other, and where a rate has just
/// changed by half, what one sends and the other takes in do not fit then.
const RESTS_MS: i64 = 8_000;

/// What is wrong with the Redis of tests: it has no password, and keeps nothing.
const STORE: [&str; 2] = ["STORE_OPEN", "STORE_FORGETS"];

const fn member(name: &'static str, slots: usize, says: &'static [&'static str]) -> Member {
    let settings = &[CHECKPOINTS];
    let (result, ends, restarts, ending) = (Some("sink: Writer"), false, false, None);
    Member { name, slots, result, settings, ends, restarts, ending, says, ails: &[] }
}

/// All of them.
pub const MEMBERS: &[Member] = &[
    member("plain", 1, &[]),
    Member { result: None, ..member("single", 1, &[]) },
    Member { result: Some("most: Writer"), ..member("sides", 2, &[]) },
    member("rules", 4, &[]),
    Member { ending: Some("Source: history"), ..member("mixed", 2, &[]) },
    member("groups", 3, &[]),
    member("asking", 2, &[]),
    member("windowed", 1, &[]),
    member("timed", 2, &[]),
    member("joined", 2, &[]),
    Member { ails: &["NOT_TIMED"], ..member("legacy", 2, &["NOT_TIMED"]) },
    Member { result: None, ..member("silent", 2, &[]) },
    Member { settings: &[], ails: &["CHECKPOINTS_MISSING"], ..member(FRAGILE, 1, &[]) },
    Member {
        settings: &["execution.runtime-mode=BATCH"],
        result: None,
        ..member("nightly", 1, &["LEFT_ALONE"])
    },
    Member { ends: true, ..member("ending", 1, &[]) },
    Member { restarts: true, result: None, ..member("failing", 1, &[]) },
    Member { result: None, ails: &["NOT_TIMED"], ..member("sql", 1, &["NOT_TIMED"]) },
    member("busy", 1, &[]),
];

/// The members of these names, in the order of the list.
pub fn named(names: &[&str]) -> Vec<Member> {
    MEMBERS.iter().filter(|member| names.contains(&member.name)).copied().collect()
}

/// A cluster with some of the zoo on it.
pub struct Zoo {
    product: FlinkProduct,
    members: Vec<Member>,
    /// The jobs' ids.
    ids: BTreeMap<&'static str, String>,
}

/// What a job is like at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    state: String,
    /// Of each vertex its subtasks and when they started.
    vertices: BTreeMap<String, (u64, u64)>,
}

impl Zoo {
    /// Submits the members to a cluster with the slots that they take, and a few more.
    ///
    /// # Errors
    /// Here and below: names what is not as it should be, with the ends of the logs.
    pub fn open(members: Vec<Member>, more: usize, settings: &[(&str, Value)]) -> Result<Self> {
        let wanted: usize = members.iter().map(|member| member.slots).sum();
        let slots = u16::try_from((wanted + more).div_ceil(NODES))?;
        let sql = members.iter().any(|member| member.name == "sql");
        let patient = (PATIENT.0, json!(PATIENT.1));
        let settings: Vec<_> = settings.iter().cloned().chain([patient]).collect();
        let product = FlinkProduct::without_kafka(&settings, |builder| {
            let builder = builder.slots(slots).set(INTERVAL, Value::Null);
            // Or one would wait behind all that is buffered before the one that grows.
            let builder = builder.set("execution.checkpointing.unaligned.enabled", true);
            if sql { builder.with_sql() } else { Ok(builder) }
        })?;
        let mut zoo = Self { product, members, ids: BTreeMap::new() };
        for member in zoo.members.clone() {
            let mut job = FlinkJob::zoo(member.name).set(COST, zoo.cost(member.name).display());
            for (key, value) in member.settings.iter().filter_map(|text| text.split_once('=')) {
                job = job.set(key, value);
            }
            let id = zoo.product.flink.hand_in(&job).with_context(|| zoo.product.evidence())?;
            zoo.ids.insert(member.name, id);
        }
        for member in &zoo.members {
            zoo.product.wait(&format!("all subtasks of {}", member.name), || {
                let seen = zoo.seen(member)?;
                Ok((seen.state == "RUNNING" || member.ends).then_some(()))
            })?;
        }
        Ok(zoo)
    }

    fn seen(&self, member: &Member) -> Result<Seen> {
        let job = self.product.flink.rest().get(&format!("/jobs/{}", self.ids[member.name]))?;
        let mut vertices = BTreeMap::new();
        let mut whole = true;
        for vertex in job["vertices"].as_array().context("no vertices")? {
            let name = vertex["name"].as_str().context("no name")?.to_owned();
            let subtasks = vertex["parallelism"].as_u64().context("no parallelism")?;
            let of = |state: &str| vertex["tasks"][state].as_u64().unwrap_or(0);
            whole &= of("RUNNING") + of("FINISHED") == subtasks;
            vertices.insert(name, (subtasks, vertex["start-time"].as_u64().unwrap_or(0)));
        }
        let state = job["state"].as_str().context("no state")?;
        let state = if whole { state } else { "INCOMPLETE" };
        Ok(Seen { state: state.to_owned(), vertices })
    }

    /// Waits until each member can be judged, and the sources that end have ended a while ago.
    ///
    /// # Errors
    /// As for [`Zoo::open`].
    pub fn settles(&self) -> Result<()> {
        self.product.wait("the judgement of all jobs", || {
            let status = self.product.status()?;
            for member in self.members.iter().filter(|member| !member.ends && !member.restarts) {
                let decision = status.decision(member.name).context(member.name)?;
                let early = decision.early();
                ensure!(early.is_none(), "{}: {early:?}", member.name);
            }
            Ok(Some(()))
        })?;
        self.product.wait("the rest of sources that end", || {
            for member in &self.members {
                self.ending_rests(member)?;
            }
            Ok(Some(()))
        })
    }

    fn ending_rests(&self, member: &Member) -> Result<()> {
        let Some(ending) = member.ending else { return Ok(()) };
        let job = self.product.flink.rest().get(&format!("/jobs/{}", self.ids[member.name]))?;
        let mut vertices = job["vertices"].as_array().context("no vertices")?.iter();
        let source = vertices.find(|vertex| vertex["name"] == ending).context(ending)?;
        let rests =
            job["now"].as_i64().zip(source["end-time"].as_i64()).map(|(now, end)| now - end);
        let rests = rests.filter(|_| source["status"] == "FINISHED");
        ensure!(rests >= Some(RESTS_MS), "{ending} of {} rests for {rests:?} ms", member.name);
        Ok(())
    }

    /// Sees to it that each member runs on for a while as it is, works, and is told of what is right.
    ///
    /// # Errors
    /// As for [`Zoo::open`].
    pub fn all_is_well(&self, span: Duration) -> Result<()> {
        let calm = self.members.iter().filter(|member| !member.ends && !member.restarts);
        let calm: Vec<&Member> = calm.collect();
        let before = self.worked(&calm)?;
        let were: Vec<Seen> = calm.iter().map(|member| self.seen(member)).collect::<Result<_>>()?;
        let mut said: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        let end = Instant::now() + span;
        while Instant::now() < end {
            let status = self.product.status()?;
            for member in &self.members {
                let decision = match status.decision(member.name) {
                    None if member.ends => continue,
                    found => found.context(member.name)?,
                };
                ensure!(decision.verdict == "hold", "{decision:?}\n{}", self.product.evidence());
                let codes = decision.reasons.iter().map(|reason| reason.code.clone());
                for reason in &decision.reasons {
                    texts.insert(format!("{} {}", member.name, reason.code), format!("{reason:?}"));
                }
                said.entry(member.name).or_default().extend(codes);
            }
            for (member, was) in calm.iter().zip(&were) {
                let is = self.seen(member)?;
                ensure!(is == *was, "{}: {was:?} became {is:?}", member.name);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        eprintln!("said: {said:?}");
        for member in &calm {
            let said = &said[member.name];
            let fits = |code: &String| [CALM, FITS, member.says].concat().contains(&code.as_str());
            let lacks = member.says.iter().find(|code| !said.contains(**code));
            ensure!(lacks.is_none(), "of {}: {said:?} without {lacks:?}", member.name);
            let odd = said.iter().find(|code| !fits(code));
            let text = odd.map(|code| &texts[&format!("{} {code}", member.name)]);
            ensure!(odd.is_none(), "of {}: {said:?}, the last {text:?}", member.name);
        }
        let after = self.worked(&calm)?;
        for (name, count) in &before {
            ensure!(after[name] > *count, "{name} stands still\n{}", self.product.evidence());
        }
        Ok(())
    }

    /// Sees to it that the doctor finds what is wrong with each member and with the store, and nothing else.
    ///
    /// # Errors
    /// As for [`Zoo::open`], and as [`finds`].
    pub fn the_doctor_is_right(&self) -> Result<()> {
        let ails = |member: &Member| member.ails.iter().map(|code| finding(member.name, code));
        let of_store = STORE.iter().map(|code| finding("", code));
        let expected = self.members.iter().flat_map(ails).chain(of_store).collect();
        // None has a source that tells its lag, which is said once something has come. Of one that starts again and again
        // it depends on the moment.
        let restarts = self.members.iter().any(|member| member.restarts);
        let may_be = ["SOURCES_WITHOUT_LAG", "METRICS_MISSING"];
        finds(&self.product.store(), &expected, if restarts { &may_be } else { &may_be[..1] })
    }

    /// Makes records of one of them dear, and sees to it that it gets more subtasks while nobody else is touched.
    ///
    /// # Errors
    /// As for [`Zoo::open`].
    pub fn one_grows(&self, name: &str) -> Result<()> {
        let others = self.members.iter().filter(|m| !m.ends && !m.restarts && m.name != name);
        let others: Vec<&Member> = others.collect();
        let look = || others.iter().map(|m| self.seen(m)).collect::<Result<Vec<_>>>();
        let before = look()?;
        let last = self.product.last_plan()?;
        fs::write(self.cost(name), TOO_MUCH)?;
        let heavy = self.growth(name, last)?;
        self.product.wait(&format!("the new subtasks of {name}"), || {
            let seen = self.product.flink.rest().job(&self.ids[name])?;
            ensure!(seen.runs() && seen.vertex("heavy")?.parallelism as usize == heavy, "{seen:?}");
            Ok(Some(()))
        })?;
        let after = look()?;
        ensure!(after == before, "{before:?} became {after:?}\n{}", self.product.evidence());
        Ok(())
    }

    /// How many subtasks the dear vertex of one of them is given. It may be placed elsewhere first: where it has a node to
    /// itself, it may need no more.
    fn growth(&self, name: &str, mut last: Option<String>) -> Result<usize> {
        for _ in 0..MOST_PLANS {
            let ended = self.product.plan_after(last.as_deref())?;
            ensure!(ended.plan.name == name && ended.code.is_none(), "{ended:?}");
            if let Some(heavy) = ended.plan.counts.get("heavy") {
                ensure!(*heavy > 1, "{ended:?}");
                return Ok(*heavy);
            }
            last = Some(ended.plan.id);
        }
        bail!("{name} did not grow within {MOST_PLANS} plans\n{}", self.product.evidence())
    }

    /// Makes records of the one without checkpoints dear, and sees to it that it is told so and runs on as it was.
    ///
    /// # Errors
    /// As for [`Zoo::open`].
    pub fn what_cannot_be_restored_stays(&self) -> Result<()> {
        let fragile = self.members.iter().find(|member| member.name == FRAGILE);
        let fragile = fragile.context("it is not among them")?;
        let before = self.seen(fragile)?;
        fs::write(self.cost(FRAGILE), TOO_MUCH)?;
        self.product.wait("word of missing checkpoints", || {
            let status = self.product.status()?;
            let decision = status.decision(FRAGILE).context(FRAGILE)?;
            let told = |code: &str| decision.reasons.iter().any(|reason| reason.code == code);
            ensure!(told("CHECKPOINTS_MISSING") && told("DEMAND_ABOVE_CAPACITY"), "{decision:?}");
            Ok(Some(()))
        })?;
        let after = self.seen(fragile)?;
        ensure!(before == after, "{before:?} became {after:?}");
        Ok(())
    }

    /// Stops everything.
    ///
    /// # Errors
    /// As [`FlinkProduct::stop`], and for what is counted as a failure of Thalweg's own.
    pub fn close(self) -> Result<()> {
        let status = self.product.status()?;
        let bad = ["HOOK_FAILED", "MONITOR_ERROR"].map(|event| status.counters.get(event));
        ensure!(bad == [None, None], "{:?}\n{}", status.counters, self.product.evidence());
        self.product.stop()
    }

    fn cost(&self, name: &str) -> PathBuf {
        self.product.flink.dir().join(format!("{COST}-{name}"))
    }

    /// What came to each member's result.
    fn worked(&self, members: &[&Member]) -> Result<BTreeMap<&'static str, u64>> {
        let mut counts = BTreeMap::new();
        for member in members {
            let Some(result) = member.result else { continue };
            let job = self.product.flink.rest().get(&format!("/jobs/{}", self.ids[member.name]))?;
            let vertices = job["vertices"].as_array().context("no vertices")?;
            let vertex = vertices.iter().find(|vertex| vertex["name"] == result);
            let vertex =
                vertex.with_context(|| format!("no {result} of {}: {job}", member.name))?;
            let read = vertex["metrics"]["read-records"].as_u64().context("no count")?;
            counts.insert(member.name, read);
        }
        Ok(counts)
    }
}
