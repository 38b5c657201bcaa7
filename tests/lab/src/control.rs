//! Questions and orders to Nimbus, through a small Java program that stays up.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::dist::Dist;
use crate::java::{Java, class_path};
use crate::process::Site;

const LIMIT: Duration = Duration::from_secs(20);

/// A supervisor as Nimbus sees it.
#[derive(Debug, Clone, Deserialize)]
pub struct SupervisorInfo {
    /// Storm's own name for it.
    pub id: String,
    /// The node's address.
    pub host: String,
    /// Slots it offers.
    pub slots: u32,
    /// Slots in use.
    pub used: u32,
    /// Age of the daemon.
    pub uptime_secs: u64,
}

/// A topology in brief.
#[derive(Debug, Clone, Deserialize)]
pub struct TopologySummary {
    /// Storm's own name for this submission.
    pub id: String,
    /// The name it was submitted under.
    pub name: String,
    /// ACTIVE, INACTIVE, REBALANCING or KILLED.
    pub status: String,
    /// Workers in use.
    pub workers: u32,
    /// Executors, ackers included.
    pub executors: u32,
    /// Tasks, ackers included.
    pub tasks: u32,
}

/// A topology with its executors.
#[derive(Debug, Clone, Deserialize)]
pub struct TopologyInfo {
    /// Storm's own name for this submission.
    pub id: String,
    /// The name it was submitted under.
    pub name: String,
    /// ACTIVE, INACTIVE, REBALANCING or KILLED.
    pub status: String,
    /// Age of the submission.
    pub uptime_secs: u64,
    /// All executors, ackers included.
    pub executors: Vec<Executor>,
}

impl TopologyInfo {
    /// Where each executor runs: component and task range to host and port.
    pub fn assignment(&self) -> BTreeMap<(String, u32, u32), (String, u16)> {
        let row = |e: &Executor| {
            ((e.component.clone(), e.first_task, e.last_task), (e.host.clone(), e.port))
        };
        self.executors.iter().map(row).collect()
    }

    /// Executors of one component.
    pub fn of<'a>(&'a self, component: &'a str) -> impl Iterator<Item = &'a Executor> {
        self.executors.iter().filter(move |executor| executor.component == component)
    }

    /// Whether there are executors and each has reported statistics.
    pub fn all_report(&self) -> bool {
        !self.executors.is_empty() && self.executors.iter().all(|executor| executor.stats.is_some())
    }
}

/// One executor and what it reported last.
#[derive(Debug, Clone, Deserialize)]
pub struct Executor {
    /// Its component.
    pub component: String,
    /// First of its tasks.
    pub first_task: u32,
    /// Last of its tasks.
    pub last_task: u32,
    /// The node's address.
    pub host: String,
    /// The slot's port.
    pub port: u16,
    /// Age, 0 when it has not reported.
    pub uptime_secs: u64,
    /// Counts since the worker's start; absent until the first report.
    pub stats: Option<Stats>,
}

/// Cumulative counts and latency means of an executor since its worker's start.
#[derive(Debug, Clone, Deserialize)]
pub struct Stats {
    /// Tuples emitted.
    pub emitted: u64,
    /// Tuples sent, counted per receiver.
    pub transferred: u64,
    /// Tuples executed; absent for spouts.
    pub executed: Option<u64>,
    /// Tuples acknowledged.
    pub acked: u64,
    /// Tuples failed.
    pub failed: u64,
    /// Mean time in `execute`; absent for spouts.
    pub execute_ms: Option<f64>,
    /// Mean time to acknowledgement; absent for spouts.
    pub process_ms: Option<f64>,
    /// Mean time until a tree is complete; absent for bolts.
    pub complete_ms: Option<f64>,
}

/// A connection to one cluster's Nimbus; every call has a time limit.
#[derive(Debug)]
pub struct Control {
    pipe: Mutex<Pipe>,
}

#[derive(Debug)]
struct Pipe {
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
    next: u64,
}

impl Control {
    /// Starts the Java program for the cluster whose `storm.yaml` is in `conf`.
    ///
    /// # Errors
    /// When it cannot be compiled or started.
    pub fn start(dist: &Dist, java: &Java, site: &Site, conf: &Path) -> Result<Self> {
        let worker_jars = dist.storm_worker()?.join("*");
        let classes = dist.program("control", java, &worker_jars)?;
        let mut child = java
            .command(site, "64m")
            // Where one is dead another may answer; Storm's client would try for ten seconds.
            .arg(
                "-Dstorm.options=storm.nimbus.retry.times=1,storm.nimbus.retry.interval.millis=200",
            )
            .args(["-Dstorm.conf.file=", "-Dlog4j2.level=error", "-cp"])
            .arg(class_path(&[worker_jars.as_path(), &classes, conf]))
            .arg("io.thalweg.lab.Control")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(conf.join("control.err"))?)
            .spawn()
            .context("cannot start java")?;
        let input = child.stdin.take().context("standard input was asked for")?;
        let output = child.stdout.take().context("standard output was asked for")?;
        let (send, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let pipe = Pipe { child, input, answers, next: 0 };
        Ok(Self { pipe: Mutex::new(pipe) })
    }

    /// The supervisors that Nimbus knows.
    ///
    /// # Errors
    /// Here and below: when Nimbus refuses, or does not answer in time.
    pub fn cluster(&self) -> Result<Vec<SupervisorInfo>> {
        self.call(json!({"do": "cluster"}))
    }

    /// All topologies.
    ///
    /// # Errors
    /// As for [`Control::cluster`].
    pub fn topologies(&self) -> Result<Vec<TopologySummary>> {
        self.call(json!({"do": "topologies"}))
    }

    /// One topology with its executors.
    ///
    /// # Errors
    /// As for [`Control::cluster`].
    pub fn info(&self, name: &str) -> Result<TopologyInfo> {
        self.call(json!({"do": "info", "name": name}))
    }

    /// Asks for other numbers of executors, by component, and of workers.
    ///
    /// # Errors
    /// As for [`Control::cluster`].
    pub fn rebalance(
        &self,
        name: &str,
        wait_secs: u32,
        executors: &BTreeMap<String, u32>,
        workers: Option<u32>,
    ) -> Result<()> {
        let request = json!({
            "do": "rebalance", "name": name, "waitSecs": wait_secs, "executors": executors, "workers": workers,
        });
        self.call::<bool>(request).map(drop)
    }

    /// Ends a topology.
    ///
    /// # Errors
    /// As for [`Control::cluster`].
    pub fn kill(&self, name: &str, wait_secs: u32) -> Result<()> {
        self.call::<bool>(json!({"do": "kill", "name": name, "waitSecs": wait_secs})).map(drop)
    }

    /// Lets the spouts emit.
    ///
    /// # Errors
    /// As for [`Control::cluster`].
    pub fn activate(&self, name: &str) -> Result<()> {
        self.call::<bool>(json!({"do": "activate", "name": name})).map(drop)
    }

    /// Stops the spouts from emitting.
    ///
    /// # Errors
    /// As for [`Control::cluster`].
    pub fn deactivate(&self, name: &str) -> Result<()> {
        self.call::<bool>(json!({"do": "deactivate", "name": name})).map(drop)
    }

    fn call<T: DeserializeOwned>(&self, request: Value) -> Result<T> {
        // A caller that panicked left whole lines behind, and late answers are told apart by their number.
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = pipe.ask(request)?;
        Ok(serde_json::from_value(answer)?)
    }
}

impl Pipe {
    fn ask(&mut self, mut request: Value) -> Result<Value> {
        self.next += 1;
        request["id"] = self.next.into();
        writeln!(self.input, "{request}").context("the control program has ended")?;
        let deadline = Instant::now() + LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self
                .answers
                .recv_timeout(left)
                .map_err(|e| anyhow!("no answer to {request}: {e}"))?;
            let mut answer: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
            if answer["id"] != self.next {
                continue; // late, to a request that was given up
            }
            if let Some(error) = answer["error"].as_str() {
                bail!("{request}: {error}");
            }
            return Ok(answer["ok"].take());
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
