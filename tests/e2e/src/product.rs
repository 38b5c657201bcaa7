//! A cluster under Thalweg, with Kafka, load, and Redis where it is wanted.

use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use thalweg_control::socket::NAME;
use thalweg_control::{CallError, Command, Request, Scale, call};
use thalweg_lab::control::TopologyInfo;
use thalweg_lab::counts::Output;
use thalweg_lab::dist::STORM;
use thalweg_lab::load::{Generator, Load, Rate};
use thalweg_lab::network::Network;
use thalweg_lab::process::{Site, marked, tails};
use thalweg_lab::wait::until;
use thalweg_lab::{Kafka, Redis, StormBuilder, StormCluster, StormJob};

use crate::status::Status;

/// The longest that anything may take; a busy machine needs most of it.
pub const LIMIT: Duration = Duration::from_secs(120);
/// The topic that every topology here reads.
pub const TOPIC: &str = "lines";
/// Words in a line of the load.
pub const WORDS_PER_LINE: f64 = 7.0;

/// Where Thalweg keeps its files, below what a Nimbus keeps.
pub const FOLDER: &str = "thalweg";
const STATUS: &str = "thalweg/status.json";

const NODES: usize = 2;
const SLOTS: u16 = 4;
/// What a node's workers have of the processor, so that one executor can be too few.
const CORES: f64 = 0.8;

/// What makes Thalweg act within seconds instead of minutes.
const QUICK: [(&str, u64); 5] = [
    ("thalweg.monitor.interval.secs", 2),
    ("thalweg.metrics.window.secs", 10),
    ("thalweg.metrics.settle.secs", 15),
    ("thalweg.me-stream.interval.secs", 8),
    ("thalweg.action.cool.down.secs", 60),
];

/// What makes Storm notice losses within seconds instead of minutes. Shorter ones would have a busy machine give up
/// workers that are about to start.
const ALERT: [(&str, u64); 4] = [
    ("nimbus.task.launch.secs", 60),
    ("nimbus.task.timeout.secs", 15),
    ("nimbus.supervisor.timeout.secs", 15),
    ("supervisor.worker.heartbeats.max.timeout.secs", 15),
];

/// What keeps a new leader from taking workers for lost whose supervisors still wait for the former one.
const PATIENT: [(&str, u64); 2] =
    [("nimbus.task.timeout.secs", 60), ("nimbus.supervisor.timeout.secs", 60)];

/// Where tables, and what was learned, are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In files, each Nimbus its own.
    InFiles,
    /// In one Redis.
    InRedis,
}

/// What a product's cluster looks like.
struct Shape<'a> {
    kept: Kept,
    standby: bool,
    nodes: usize,
    slots: u16,
    storm: &'a str,
    /// Whether there is a Kafka, with the topic.
    reads: bool,
    /// By how many seconds the second node's clock is ahead.
    ahead: i32,
}

impl Default for Shape<'_> {
    fn default() -> Self {
        Self {
            kept: Kept::InFiles,
            standby: false,
            nodes: NODES,
            slots: SLOTS,
            storm: STORM,
            reads: true,
            ahead: 0,
        }
    }
}

/// What drains a topology for each order that changes the count of `split`, and for nothing else.
pub fn draining_by_order() -> [(&'static str, Value); 3] {
    [
        ("thalweg.action.method", text("drain")),
        ("thalweg.policy", text("static")),
        ("thalweg.headroom.components", json!(["split"])),
    ]
}

/// A running product; dropping it stops every process.
pub struct Product {
    // Fields are dropped in this order: who uses goes before what is used.
    load: Option<Generator>,
    /// The cluster.
    pub storm: StormCluster,
    kafka: Option<Kafka>,
    redis: Option<Redis>,
    folder: TempDir,
}

impl Product {
    /// A cluster of two nodes with Thalweg as its scheduler, which keeps its tables in Redis.
    ///
    /// # Errors
    /// Here and below: with the ends of the logs, when a process fails or is late.
    pub fn with_redis(settings: &[(&str, Value)]) -> Result<Self> {
        Self::start(&Shape { kept: Kept::InRedis, ..Shape::default() }, settings)
    }

    /// The same with the embedded store.
    ///
    /// # Errors
    /// As for [`Product::with_redis`].
    pub fn embedded(settings: &[(&str, Value)]) -> Result<Self> {
        Self::start(&Shape::default(), settings)
    }

    /// The same with room for several topologies, and for the new workers of one of them.
    ///
    /// # Errors
    /// As for [`Product::with_redis`].
    pub fn roomy(settings: &[(&str, Value)]) -> Result<Self> {
        Self::start(&Shape { slots: 2 * SLOTS, ..Shape::default() }, settings)
    }

    /// The same with a second Nimbus, each on a machine of its own; needs network namespaces.
    ///
    /// # Errors
    /// As for [`Product::with_redis`].
    pub fn with_standby(kept: Kept, settings: &[(&str, Value)]) -> Result<Self> {
        let mut product =
            Self::start(&Shape { standby: true, slots: 2 * SLOTS, ..Shape::default() }, settings)?;
        if kept == Kept::InRedis {
            // Only now the machine is there that both can reach it on.
            let redis = Redis::start(product.storm.hub(), &[])?;
            let keys = [
                ("thalweg.store.kind", text("redis")),
                ("thalweg.store.redis.url", text(&redis.url())),
            ];
            product.redis = Some(redis);
            product.restart_nimbuses(&keys)?;
        }
        Ok(product)
    }

    /// The same on this version of Storm.
    ///
    /// # Errors
    /// As for [`Product::with_redis`].
    pub fn on_storm(version: &str, settings: &[(&str, Value)]) -> Result<Self> {
        Self::start(&Shape { storm: version, ..Shape::default() }, settings)
    }

    /// The same with so many slots on each node, for topologies that make their own load.
    ///
    /// # Errors
    /// As for [`Product::with_redis`].
    pub fn with_slots(slots: u16, settings: &[(&str, Value)]) -> Result<Self> {
        Self::start(&Shape { slots, reads: false, ..Shape::default() }, settings)
    }

    /// The same with so many nodes of one slot each, for topologies that make their own load.
    ///
    /// # Errors
    /// As for [`Product::with_redis`].
    pub fn with_nodes(nodes: usize, settings: &[(&str, Value)]) -> Result<Self> {
        Self::start(&Shape { nodes, slots: 1, reads: false, ..Shape::default() }, settings)
    }

    /// The same with a second node whose clock is this many seconds ahead, and no Kafka.
    ///
    /// # Errors
    /// As for [`Product::with_redis`].
    pub fn with_wrong_clock(ahead: i32, settings: &[(&str, Value)]) -> Result<Self> {
        Self::start(&Shape { ahead, reads: false, ..Shape::default() }, settings)
    }

    fn start(shape: &Shape, settings: &[(&str, Value)]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let redis = match shape.kept {
            Kept::InRedis => Some(Redis::start(&Site::loopback(folder.path())?, &[])?),
            Kept::InFiles => None,
        };
        let mut builder = StormBuilder::new(folder.path())
            .version(shape.storm)
            .nodes(shape.nodes)
            .slots(shape.slots)
            .scheduler("io.thalweg.storm.ThalwegScheduler")
            .daemon_jar(&jar()?)
            .set("nimbus.topology.validator", "io.thalweg.storm.TaskHeadroom")
            .set("thalweg.mode", "act")
            .set("thalweg.placement.workers", "free");
        for (key, seconds) in QUICK.into_iter().chain(ALERT) {
            builder = builder.set(key, seconds);
        }
        if shape.standby {
            builder = builder.network(Network::Namespaces).standby();
            for (key, seconds) in PATIENT {
                builder = builder.set(key, seconds);
            }
        }
        if shape.ahead != 0 {
            builder = builder.clock_ahead(NODES, shape.ahead);
        }
        if let Some(redis) = &redis {
            builder = builder
                .set("thalweg.store.kind", "redis")
                .set("thalweg.store.redis.url", redis.url());
        }
        for (key, value) in settings {
            builder = builder.set(key, value.clone());
        }
        let storm = builder.start()?;
        let kafka = match shape.reads {
            true => Some(Kafka::start(storm.hub())?),
            false => None,
        };
        kafka.iter().try_for_each(|kafka| kafka.create_topic(TOPIC, 2))?;
        Ok(Self { load: None, storm, kafka, redis, folder })
    }

    /// A WordCount that reads the topic and keeps journals of its own.
    pub fn word_count(&self, name: &str) -> StormJob {
        StormJob::word_count(name, self.bootstrap(), TOPIC)
            .set("timeout", 10)
            .out(&self.journals(name))
    }

    /// Submits a topology, lets lines flow, and waits until every executor reports.
    ///
    /// # Errors
    /// As for [`Product::with_redis`].
    pub fn run(&mut self, topology: &StormJob, lines_per_second: f64) -> Result<TopologyInfo> {
        let info = self.storm.submit(topology, LIMIT).with_context(|| self.evidence())?;
        for n in 1..=self.storm.nodes().len() {
            self.storm.require_cpu(n, CORES)?;
        }
        let load = Load::new(self.bootstrap(), TOPIC, Rate::Constant(lines_per_second));
        self.load = Some(Generator::start(&load)?);
        Ok(info)
    }

    /// The Redis server.
    ///
    /// # Errors
    /// When this product was started without.
    pub fn redis(&mut self) -> Result<&mut Redis> {
        self.redis.as_mut().context("started without Redis")
    }

    /// Redis's address.
    ///
    /// # Errors
    /// When this product was started without.
    pub fn redis_url(&self) -> Result<String> {
        Ok(self.redis.as_ref().context("started without Redis")?.url())
    }

    /// What Thalweg says of itself.
    ///
    /// # Errors
    /// When it has written nothing yet, or something else than its status.
    pub fn status(&self) -> Result<Status> {
        read_status(&self.status_file())
    }

    /// All of Nimbus's log, from its first start on.
    ///
    /// # Errors
    /// When there is none.
    pub fn nimbus_log(&self) -> Result<String> {
        let file = self.storm.nimbuses()[0].log();
        fs::read_to_string(&file).with_context(|| file.display().to_string())
    }

    /// Kills Nimbus, changes its configuration, and starts it again; `null` takes a key away. What the killed one said of
    /// itself is put away, so that nobody takes it for the new one's word.
    ///
    /// # Errors
    /// As for [`Product::with_redis`].
    pub fn restart_nimbus(&mut self, changes: &[(&str, Value)]) -> Result<()> {
        self.storm.kill_nimbus();
        remove_if_there(&self.status_file())?;
        self.configure(changes)?;
        self.storm.start_nimbus()
    }

    /// Restarts both Nimbuses with another version of the jar.
    ///
    /// # Errors
    /// As for [`Product::with_redis`].
    pub fn restart_with(&mut self, jar: &Path) -> Result<()> {
        self.storm.exchange_daemon_jars(jar)?;
        self.restart_nimbuses(&[])
    }

    /// The same with all of several.
    fn restart_nimbuses(&mut self, changes: &[(&str, Value)]) -> Result<()> {
        let all = 0..self.storm.nimbuses().len();
        for which in all.clone() {
            // Cleanly, as ZooKeeper names who was killed as the leader until its session ends.
            self.storm.stop_nimbus_of(which)?;
            remove_if_there(&self.storm.nimbuses()[which].local_dir().join(STATUS))?;
        }
        self.configure(changes)?;
        for which in all {
            self.storm.start_nimbus_of(which)?;
        }
        self.storm.wait_registered(self.storm.nodes().len(), LIMIT)
    }

    /// Changes the configuration that each next Nimbus reads; `null` takes a key away.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn configure(&self, changes: &[(&str, Value)]) -> Result<()> {
        for nimbus in self.storm.nimbuses() {
            let file = nimbus.conf_file();
            let mut keys: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
            for (key, value) in changes {
                match value {
                    Value::Null => drop(keys.as_object_mut().and_then(|keys| keys.remove(*key))),
                    value => keys[*key] = value.clone(),
                }
            }
            fs::write(file, serde_json::to_string_pretty(&keys)?)?;
        }
        Ok(())
    }

    /// Gives an operator's order, and tells its id.
    ///
    /// # Errors
    /// As [`give_order`].
    pub fn order(&self, order: &Value) -> Result<String> {
        give_order(&self.folder(), order)
    }

    /// The folder that Thalweg keeps on Nimbus's machine.
    pub fn folder(&self) -> PathBuf {
        self.storm.nimbuses()[0].local_dir().join(FOLDER)
    }

    /// Words counted per second in a window.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub fn rate(&self, topology: &str, window: &Range<u64>) -> Result<f64> {
        Ok(Output::read(&self.journals(topology))?.rate(window))
    }

    /// Waits until a topology has counted at least this many words per second for the last three seconds.
    ///
    /// # Errors
    /// As for [`Product::wait`].
    pub fn wait_output(&self, topology: &str, words_per_second: f64) -> Result<()> {
        self.wait(&format!("{words_per_second} words/s of {topology}"), || {
            let now = now_ms();
            let rate = self.rate(topology, &(now.saturating_sub(3_000)..now))?;
            Ok((rate >= words_per_second).then_some(()))
        })
    }

    /// Waits until a topology is active, and each of its executors runs and reports.
    ///
    /// # Errors
    /// As for [`Product::wait`].
    pub fn wait_assigned(&self, topology: &str, executors: usize) -> Result<TopologyInfo> {
        self.wait(&format!("{executors} reporting executors of {topology}"), || {
            let info = self.storm.control().info(topology)?;
            let whole = info.status == "ACTIVE" && info.executors.len() == executors;
            Ok((whole && info.all_report()).then_some(info))
        })
    }

    /// Waits for a condition. Its errors count as "not yet": files come late, and Nimbus may just be starting.
    ///
    /// # Errors
    /// After the limit, with the condition's last error, the ends of the logs and the status.
    pub fn wait<T>(&self, what: &str, condition: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        self.wait_within(LIMIT, what, condition)
    }

    /// As [`Product::wait`], with a limit of its own.
    ///
    /// # Errors
    /// As for [`Product::wait`].
    pub fn wait_within<T>(
        &self,
        limit: Duration,
        what: &str,
        condition: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        wait_with(limit, what, condition, || self.evidence())
    }

    /// Sees to it that something stays true for a while.
    ///
    /// # Errors
    /// With the condition's own words as soon as it fails, and the ends of the logs.
    pub fn stays(&self, span: Duration, mut condition: impl FnMut() -> Result<()>) -> Result<()> {
        let end = Instant::now() + span;
        while Instant::now() < end {
            condition().with_context(|| self.evidence())?;
            std::thread::sleep(Duration::from_millis(500));
        }
        Ok(())
    }

    /// Stops everything and sees to it that nothing is left.
    ///
    /// # Errors
    /// Names processes that live on.
    pub fn stop(self) -> Result<()> {
        let Self { load, storm, kafka, redis, folder } = self;
        drop(load);
        let lab = storm.dir().to_owned();
        storm.stop()?;
        drop((kafka, redis));
        let left = marked(&lab);
        if !left.is_empty() {
            bail!("still running: {left:?}");
        }
        Ok(folder.close()?)
    }

    /// What became of the processes, the ends of the logs, and what Thalweg says of itself, for people who look for the
    /// cause of a failure.
    pub fn evidence(&self) -> String {
        let mut text = self.storm.processes() + &tails(&self.storm.logs());
        for nimbus in self.storm.nimbuses() {
            let log = fs::read_to_string(nimbus.log()).unwrap_or_default();
            let status = read_status(&nimbus.local_dir().join(STATUS));
            text += &spoken(&nimbus.site.node, &log, status);
        }
        text
    }

    /// Where Kafka is.
    pub fn bootstrap(&self) -> &str {
        self.kafka.as_ref().map_or("none", Kafka::bootstrap)
    }

    fn journals(&self, topology: &str) -> PathBuf {
        self.storm.dir().join("out").join(topology)
    }

    fn status_file(&self) -> PathBuf {
        self.storm.nimbuses()[0].local_dir().join(STATUS)
    }
}

/// What a status file says.
///
/// # Errors
/// When there is none yet, or it holds something else.
pub fn read_status(file: &Path) -> Result<Status> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    serde_json::from_str(&text).with_context(|| text.clone())
}

/// The jar that users drop into Storm.
///
/// # Errors
/// When it was not built.
pub fn jar() -> Result<PathBuf> {
    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../jvm-adapter/storm/build/libs");
    let jar = Path::new(FOLDER).join(format!("thalweg-storm-{}.jar", env!("CARGO_PKG_VERSION")));
    if !jar.exists() {
        bail!("no {}: run gradle :jvm-adapter:storm:jar", jar.display());
    }
    Ok(jar)
}

/// Removes a file that may not have been written yet.
pub(crate) fn remove_if_there(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| file.display().to_string())
        }
        _ => Ok(()),
    }
}

/// Milliseconds since the epoch.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Waits for a condition, whose errors count as "not yet".
///
/// # Errors
/// After the limit, with the condition's last error and the evidence.
pub fn wait_with<T>(
    limit: Duration,
    what: &str,
    mut condition: impl FnMut() -> Result<Option<T>>,
    evidence: impl Fn() -> String,
) -> Result<T> {
    let mut last = None;
    let begun = Instant::now();
    let outcome = until(what, limit, || {
        Ok(condition().unwrap_or_else(|error| {
            last = Some(format!("{error:#}"));
            None
        }))
    });
    // Shown where the test fails: which of its steps had been slow.
    eprintln!("{:6.1} s for {what}", begun.elapsed().as_secs_f64());
    outcome.with_context(|| format!("{}\n{}", last.unwrap_or_default(), evidence()))
}

/// Gives an operator's order at the socket in an engine's folder, and tells the order's id. Whoever has not seen the
/// cluster yet, or does not lead yet, is asked again.
///
/// # Errors
/// When it is refused, or nobody answers in time.
pub fn give_order(folder: &Path, order: &Value) -> Result<String> {
    let scale: Scale = serde_json::from_value(order.clone())?;
    let request = Request::of(Command::Scale(scale));
    let socket = folder.join(NAME);
    let mut last = None;
    let accepted = until(&format!("somebody who takes the order {order}"), LIMIT, || {
        match call(&socket, &request, LIMIT) {
            Ok(accepted) => Ok(Some(Ok(accepted))),
            Err(CallError::Refused(refusal)) if !refusal.code.is_passing() => {
                Ok(Some(Err(refusal)))
            }
            Err(error) => {
                last = Some(error.to_string());
                Ok(None)
            }
        }
    });
    let accepted = accepted.with_context(|| format!("{}: {last:?}", socket.display()))??;
    accepted["order"].as_str().map(str::to_owned).with_context(|| accepted.to_string())
}

/// What Thalweg itself said last in a master's log (loggers are abbreviated there), and its status.
pub fn spoken(master: &str, log: &str, status: Result<Status>) -> String {
    // All of Storm's configuration is in one line, with our keys in it.
    let own = |line: &&str| line.contains(" i.t.") && line.len() < 1000;
    let ours: Vec<&str> = log.lines().filter(own).collect();
    let ours = ours[ours.len().saturating_sub(40)..].join("\n");
    let status = status.map_or_else(|error| format!("{error:#}"), |status| format!("{status:#?}"));
    format!("--- Thalweg's own lines on {master}\n{ours}\n--- its status\n{status}\n")
}

/// A setting's value, for lists of settings.
pub fn text(value: &str) -> Value {
    json!(value)
}
