//! A Flink cluster under Thalweg, with Kafka, load, and Redis.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use thalweg_lab::counts::{Output, Totals};
use thalweg_lab::flink::{FlinkLine, JobInfo};
use thalweg_lab::load::{Generator, Load, Rate};
use thalweg_lab::process::{Site, marked, tails};
use thalweg_lab::{FlinkBuilder, FlinkCluster, FlinkJob, Kafka, Redis};

use crate::product::{
    LIMIT, TOPIC, WORDS_PER_LINE, give_order, now_ms, remove_if_there, spoken, wait_with,
};
use crate::routes::{Table, connect, table};
use crate::status::{EndedPlan, Status};

/// What makes Thalweg settle and act within few seconds.
const QUICK: [(&str, u64); 4] = [
    ("thalweg.metrics.window.secs", 3),
    ("thalweg.metrics.settle.secs", 1),
    ("thalweg.me-stream.interval.secs", 2),
    ("thalweg.action.cool.down.secs", 5),
];

/// What keeps the policy from acting by itself.
pub const ORDERS_ONLY: [(&str, &str); 1] = [("thalweg.policy", "static")];

/// A running product; dropping it stops every process.
pub struct FlinkProduct {
    // Fields are dropped in this order: who uses goes before what is used.
    load: Option<Generator>,
    /// The cluster.
    pub flink: FlinkCluster,
    kafka: Option<Kafka>,
    redis: Redis,
    folder: TempDir,
}

impl FlinkProduct {
    /// A cluster of two nodes with four slots each and Thalweg's jar in `lib/`, which keeps its tables in Redis.
    ///
    /// # Errors
    /// Here and below: with the ends of the logs, when a process fails or is late.
    pub fn start(
        line: FlinkLine,
        settings: &[(&str, Value)],
        build: impl FnOnce(FlinkBuilder) -> FlinkBuilder,
    ) -> Result<Self> {
        Self::make(line, &jar()?, settings, |builder, _| Ok(build(builder)))?.with_topic()
    }

    /// The same with a second JobManager that takes over from the first, each with a folder of its own, and with this jar.
    ///
    /// # Errors
    /// As for [`FlinkProduct::start`].
    pub fn with_standby(settings: &[(&str, Value)], jar: &Path) -> Result<Self> {
        Self::make(FlinkLine::V2_3, jar, settings, |builder, folder| {
            let of_standby = |file: PathBuf| json!(file.display().to_string());
            let keys = [
                ("thalweg.store.dir", of_standby(store(folder, 1))),
                ("thalweg.recording.file", of_standby(folder.join("recording-2.jsonl"))),
            ];
            Ok(builder
                .standby(keys.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()))
        })?
        .with_topic()
    }

    /// The same for jobs that make their own load.
    ///
    /// # Errors
    /// As for [`FlinkProduct::start`].
    pub fn without_kafka(
        settings: &[(&str, Value)],
        build: impl FnOnce(FlinkBuilder) -> Result<FlinkBuilder>,
    ) -> Result<Self> {
        Self::make(FlinkLine::V2_3, &jar()?, settings, |builder, _| build(builder))
    }

    fn with_topic(mut self) -> Result<Self> {
        let kafka = Kafka::start(self.flink.hub())?;
        kafka.create_topic(TOPIC, 2)?;
        self.kafka = Some(kafka);
        Ok(self)
    }

    fn bootstrap(&self) -> &str {
        self.kafka.as_ref().map_or("none", Kafka::bootstrap)
    }

    fn make(
        line: FlinkLine,
        jar: &Path,
        settings: &[(&str, Value)],
        build: impl FnOnce(FlinkBuilder, &Path) -> Result<FlinkBuilder>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let redis = Redis::start(&Site::loopback(folder.path())?, &[])?;
        let mut builder = FlinkBuilder::new(folder.path())
            .line(line)
            .library_jar(jar)
            .set("execution.checkpointing.interval", "5s")
            .set("thalweg.mode", "act")
            .set("thalweg.store.dir", store(folder.path(), 0).display().to_string())
            .set("thalweg.recording.file", recording(folder.path()).display().to_string())
            .set("thalweg.store.kind", "redis")
            .set("thalweg.store.redis.url", redis.url());
        for (key, seconds) in QUICK {
            builder = builder.set(key, seconds);
        }
        for (key, value) in settings {
            builder = builder.set(key, value.clone());
        }
        let flink = build(builder, folder.path())?.start()?;
        Ok(Self { load: None, flink, kafka: None, redis, folder })
    }

    /// A WordCount that reads the topic and keeps journals of its own.
    pub fn word_count(&self, name: &str) -> FlinkJob {
        FlinkJob::word_count(name)
            .kafka(self.bootstrap(), TOPIC)
            .set("group", name)
            .out(&self.journals(name))
    }

    /// Submits a job and waits until all of its subtasks run.
    ///
    /// # Errors
    /// As for [`FlinkProduct::start`].
    pub fn submit(&self, job: &FlinkJob) -> Result<JobInfo> {
        self.flink.submit(job, LIMIT).with_context(|| self.evidence())
    }

    /// Lets lines flow.
    ///
    /// # Errors
    /// When Kafka does not answer.
    pub fn load(&mut self, rate: Rate) -> Result<()> {
        let load = Load::new(self.bootstrap(), TOPIC, rate);
        self.load = Some(Generator::start(&load)?);
        Ok(())
    }

    /// Waits until a job was recorded that fulfils a condition.
    ///
    /// # Errors
    /// When none do in time.
    pub fn recorded(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Result<()> {
        self.wait(what, || {
            let lines = fs::read_to_string(recording(self.folder.path()))?;
            let found = lines
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .any(|entry| {
                    let topologies = entry["observed"]["observation"]["topologies"].as_array();
                    topologies.into_iter().flatten().any(&holds)
                });
            Ok(found.then_some(()))
        })
    }

    /// Ends the flow, and waits until a job has counted each word of all lines once.
    ///
    /// # Errors
    /// When a word was counted twice, or words are missing after a while.
    pub fn counts_exactly_once(&mut self, job: &str) -> Result<u64> {
        let lines = self.load.take().context("nothing flows")?.stop()?.records;
        let words = lines * WORDS_PER_LINE as u64;
        self.wait(&format!("the count of {words} words"), || {
            let counted = Totals::read(&self.journals(job))?.sum();
            ensure!(counted <= words, "{counted} words counted of {words}");
            Ok((counted == words).then_some(lines))
        })
    }

    /// Gives an operator's order, and tells its id.
    ///
    /// # Errors
    /// As [`give_order`].
    pub fn order(&self, job: &str, counts: &[(&str, u32)], leave: &[&str]) -> Result<String> {
        let counts: BTreeMap<_, _> = counts.iter().copied().collect();
        give_order(&self.store(), &json!({ "topology": job, "counts": counts, "leave": leave }))
    }

    /// Gives an operator's order for the managed memory of vertices' subtasks, in MiB.
    ///
    /// # Errors
    /// As [`give_order`].
    pub fn order_memory(&self, job: &str, memory_mib: &[(&str, u64)]) -> Result<String> {
        let memory_mib: BTreeMap<_, _> = memory_mib.iter().copied().collect();
        give_order(&self.store(), &json!({ "topology": job, "memory_mib": memory_mib }))
    }

    /// The plan that ended last.
    ///
    /// # Errors
    /// When the status cannot be read.
    pub fn last_plan(&self) -> Result<Option<String>> {
        Ok(self.status()?.ended.first().map(|ended| ended.plan.id.clone()))
    }

    /// Waits for the end of another plan than `last`; it must not have been given up.
    ///
    /// # Errors
    /// When it was.
    pub fn plan_after(&self, last: Option<&str>) -> Result<EndedPlan> {
        let plan = self.wait("the end of a plan", || {
            let ended = self.status()?.ended.into_iter().next();
            Ok(ended.filter(|ended| Some(ended.plan.id.as_str()) != last))
        })?;
        ensure!(plan.code.is_none(), "given up: {plan:?}\n{}", self.evidence());
        Ok(plan)
    }

    /// Waits until a job's subtasks run where its routing table says, and returns the table.
    ///
    /// # Errors
    /// As for [`FlinkProduct::wait`].
    pub fn table_is_the_truth(&self, job: &str) -> Result<Table> {
        let mut redis = connect(&self.redis.url())?;
        self.wait("the job's subtasks where its table says", || {
            let table = table(&mut redis, job)?.context("no table")?;
            let truth = self.truth(job)?;
            let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (component, node, _) in in_order(&table) {
                rows.entry(component).or_default().push(node);
            }
            ensure!(rows == truth, "table {rows:?} but truth {truth:?}");
            Ok(Some(table))
        })
    }

    /// The nodes of each vertex's subtasks, by vertex name and subtask index.
    ///
    /// # Errors
    /// When the JobManager does not answer, or not all subtasks run.
    pub fn truth(&self, job: &str) -> Result<BTreeMap<String, Vec<String>>> {
        let info = self.flink.rest().job(job)?;
        ensure!(info.runs(), "{info:?}");
        let nodes = |id: &str| -> Result<Vec<String>> {
            let subtasks = self.flink.rest().subtasks(job, id)?;
            ensure!(subtasks.iter().all(|subtask| subtask.status == "RUNNING"), "{subtasks:?}");
            Ok(subtasks.into_iter().map(|subtask| subtask.node).collect())
        };
        info.vertices.iter().map(|v| Ok((v.name.clone(), nodes(&v.id)?))).collect()
    }

    /// Waits until the cluster's slots in use have this managed memory in MiB, in ascending order.
    ///
    /// # Errors
    /// As for [`FlinkProduct::wait`].
    pub fn slots_have(&self, managed_mib: &[u64]) -> Result<()> {
        self.wait(&format!("slots of {managed_mib:?} MiB"), || {
            let rest = self.flink.rest();
            let mut found = Vec::new();
            for id in rest.task_managers()? {
                let slots = rest.get(&format!("/taskmanagers/{id}"))?["allocatedSlots"].take();
                let slots = slots.as_array().context("no allocated slots")?.clone();
                found.extend(slots.iter().map(|slot| slot["resource"]["managedMemory"].as_u64()));
            }
            let mut found: Vec<u64> =
                found.into_iter().collect::<Option<_>>().context("no size")?;
            found.sort_unstable();
            ensure!(found == managed_mib, "{found:?}");
            Ok(Some(()))
        })
    }

    /// How many slots of the whole cluster a job holds.
    ///
    /// # Errors
    /// When the JobManager does not answer.
    pub fn slots_in_use(&self) -> Result<u64> {
        let nodes = self.flink.rest().get("/taskmanagers")?["taskmanagers"].take();
        let used =
            |node: &Value| node["slotsNumber"].as_u64()?.checked_sub(node["freeSlots"].as_u64()?);
        let used = nodes.as_array().context("no list of TaskManagers")?.iter().map(used);
        used.sum::<Option<u64>>().context("no count of slots")
    }

    /// A connection to the store of tables.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub fn tables(&self) -> Result<redis::Connection> {
        connect(&self.redis.url())
    }

    /// The Redis server.
    pub fn redis(&mut self) -> &mut Redis {
        &mut self.redis
    }

    /// What Thalweg says of itself.
    ///
    /// # Errors
    /// When it has written nothing yet, or something else than its status.
    pub fn status(&self) -> Result<Status> {
        self.status_of(self.flink.spoken_to())
    }

    /// The same of the one in the JobManager of this number.
    ///
    /// # Errors
    /// As for [`FlinkProduct::status`].
    pub fn status_of(&self, which: usize) -> Result<Status> {
        let file = status_file(self.folder.path(), which);
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        serde_json::from_str(&text).with_context(|| text.clone())
    }

    /// Kills the JobManager and starts it again. What the killed one said of itself is put away, so that nobody takes it
    /// for the new one's word.
    ///
    /// # Errors
    /// As for [`FlinkProduct::start`].
    pub fn restart_job_manager(&mut self) -> Result<()> {
        self.flink.kill_job_manager();
        self.start_job_manager_of(0)
    }

    /// Starts the JobManager of this number, which has ended, and puts away what it said of itself.
    ///
    /// # Errors
    /// As for [`FlinkProduct::start`].
    pub fn start_job_manager_of(&mut self, which: usize) -> Result<()> {
        remove_if_there(&status_file(self.folder.path(), which))?;
        self.flink.start_job_manager_of(which)
    }

    /// The folder of the Thalweg in the JobManager of this number.
    pub fn store_of(&self, which: usize) -> PathBuf {
        store(self.folder.path(), which)
    }

    /// All of the JobManager's log since it last started.
    ///
    /// # Errors
    /// When there is none.
    pub fn job_manager_log(&self) -> Result<String> {
        let file = self.flink.job_manager_log();
        fs::read_to_string(&file).with_context(|| file.display().to_string())
    }

    /// Words counted per second in the last three seconds.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub fn rate(&self, job: &str) -> Result<f64> {
        let now = now_ms();
        Ok(Output::read(&self.journals(job))?.rate(&(now.saturating_sub(3_000)..now)))
    }

    /// Waits for a condition. Its errors count as "not yet".
    ///
    /// # Errors
    /// After the limit, with the condition's last error, the ends of the logs and the status.
    pub fn wait<T>(&self, what: &str, condition: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        wait_with(LIMIT, what, condition, || self.evidence())
    }

    /// Stops everything and sees to it that nothing is left.
    ///
    /// # Errors
    /// Names processes that live on.
    pub fn stop(self) -> Result<()> {
        let Self { load, flink, kafka, redis, folder } = self;
        drop(load);
        let lab = flink.dir().to_owned();
        flink.stop();
        drop((kafka, redis));
        let left = marked(&lab);
        if !left.is_empty() {
            bail!("still running: {left:?}");
        }
        Ok(folder.close()?)
    }

    /// The ends of the logs, and what Thalweg says of itself, for people who look for the cause of a failure.
    pub fn evidence(&self) -> String {
        let log = self.job_manager_log().unwrap_or_default();
        tails(&self.flink.logs()) + &spoken("the JobManager", &log, self.status())
    }

    fn journals(&self, job: &str) -> PathBuf {
        self.flink.dir().join("out").join(job)
    }

    /// The folder that Thalweg keeps in the JobManager that is spoken to.
    pub fn store(&self) -> PathBuf {
        store(self.folder.path(), self.flink.spoken_to())
    }
}

/// The store's folder of the JobManager of this number.
fn store(folder: &Path, which: usize) -> PathBuf {
    match which {
        0 => folder.join("thalweg"),
        _ => folder.join(format!("thalweg-{}", which + 1)),
    }
}

fn status_file(folder: &Path, which: usize) -> PathBuf {
    store(folder, which).join("status.json")
}

fn recording(folder: &Path) -> PathBuf {
    folder.join("recording.jsonl")
}

/// Rows in the order of their task ranges, which is that of subtasks.
fn in_order(table: &Table) -> Vec<(String, String, u16)> {
    let first = |name: &str| -> u32 {
        let digits = name.trim_start_matches('[').split('-').next().unwrap_or_default();
        digits.parse().unwrap_or(u32::MAX)
    };
    let mut rows: Vec<_> = table.places.iter().collect();
    rows.sort_by_key(|(name, _)| first(name));
    rows.into_iter().map(|(_, row)| row.clone()).collect()
}

/// The jar that users drop into Flink's `lib/`.
///
/// # Errors
/// When it was not built.
pub fn jar() -> Result<PathBuf> {
    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../jvm-adapter/flink/build/libs");
    let name = format!("thalweg-flink-{}.jar", env!("CARGO_PKG_VERSION"));
    let jar = Path::new(FOLDER).join(name);
    if !jar.exists() {
        bail!("no {}: run gradle :jvm-adapter:flink:assemble", jar.display());
    }
    Ok(jar)
}
