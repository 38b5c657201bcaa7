//! The topologies of `topologies/storm`, as submitted by tests and benchmarks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use super::cluster::StormCluster;
use crate::calibrate::{calibration, run};
use crate::control::TopologyInfo;
use crate::dist::Dist;
use crate::java::{Java, class_path};
use crate::process::Site;
use crate::wait::until;

/// Where Gradle puts jars of topologies.
const LIBS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../topologies/storm/build/libs");

/// A topology to submit; `set` takes the arguments of its main class.
#[derive(Debug, Clone)]
pub struct StormJob {
    jar: PathBuf,
    main: String,
    name: String,
    arguments: BTreeMap<String, String>,
}

impl StormJob {
    /// A WordCount with this name that reads `topic` from Kafka at `bootstrap`.
    pub fn word_count(name: &str, bootstrap: &str, topic: &str) -> Self {
        Self::of("wordcount.WordCount", name)
            .set("bootstrap", bootstrap)
            .set("topic", topic)
            .set("group", name)
    }

    /// Demand of taxi zones, with this name.
    pub fn taxi(name: &str) -> Self {
        Self::of("taxi.storm.Taxi", name)
    }

    /// Small topologies of many kinds, each under its own name; [`StormCluster::hand_in`] submits them all.
    pub fn zoo(members: &[&str]) -> Self {
        Self::of("zoo.Zoo", "zoo")
            .jar(&Path::new(LIBS).join("storm-zoo.jar"))
            .set("members", members.join(","))
    }

    fn of(class: &str, name: &str) -> Self {
        Self {
            jar: Path::new(LIBS).join("storm-topologies.jar"),
            main: format!("io.thalweg.topologies.{class}"),
            name: name.to_owned(),
            arguments: BTreeMap::from([("name".to_owned(), name.to_owned())]),
        }
    }

    /// Another jar than the one Gradle builds.
    #[must_use]
    pub fn jar(mut self, jar: &Path) -> Self {
        jar.clone_into(&mut self.jar);
        self
    }

    /// An argument: `workers`, `spouts`, `split`, `splitTasks`, `splitCost` and so on, or a configuration key with a dot.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl ToString) -> Self {
        self.arguments.insert(key.to_owned(), value.to_string());
        self
    }

    /// The folder for the journals that [`crate::counts`] reads.
    #[must_use]
    pub fn out(self, folder: &Path) -> Self {
        let folder = folder.display().to_string();
        self.set("out", folder)
    }

    /// What a program in the topology's jar prints.
    ///
    /// # Errors
    /// With all it said when it fails.
    pub fn program(&self, storm: &StormCluster, class: &str) -> Result<String> {
        let (dist, java) = storm.tools();
        let mut command = java.command(storm.hub(), "256m");
        let worker_jars = dist.storm_worker()?.join("*");
        command.arg("-cp").arg(class_path(&[worker_jars.as_path(), &self.jar])).arg(class);
        run(command)
    }

    /// The topology's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Submits it through Storm's own client and returns once Nimbus has it.
    ///
    /// # Errors
    /// With the client's words when it is refused.
    pub fn submit(&self, site: &Site, dist: &Dist, java: &Java, conf: &Path) -> Result<()> {
        if !self.jar.exists() {
            bail!("no {}: run gradle :topologies:storm:assemble", self.jar.display());
        }
        let mut arguments = self.arguments.clone();
        if let Some(out) = arguments.get("out") {
            fs::create_dir_all(out)?;
        }
        let burns = arguments.keys().any(|key| key.ends_with("Cost"));
        if burns && !arguments.contains_key("iterationsPerMilli") {
            let iterations = calibration(site, java, &self.jar)?;
            arguments.insert("iterationsPerMilli".to_owned(), iterations.to_string());
        }
        let worker_jars = dist.storm_worker()?.join("*");
        let mut command = java.command(site, "128m");
        command
            .args(["-Dstorm.options=", "-Dstorm.conf.file=", "-Dlog4j2.level=warn"])
            .arg(format!("-Dstorm.jar={}", self.jar.display()))
            .arg("-cp")
            .arg(class_path(&[worker_jars.as_path(), &self.jar, conf]))
            .arg(&self.main)
            .args(arguments.iter().map(|(key, value)| format!("{key}={value}")));
        run(command).map(drop)
    }
}

impl StormCluster {
    /// Submits a topology and waits until each of its executors reports.
    ///
    /// # Errors
    /// When it is refused, or some executor has not reported within `limit`.
    pub fn submit(&self, topology: &StormJob, limit: Duration) -> Result<TopologyInfo> {
        self.hand_in(topology)?;
        until("a report of every executor", limit, || {
            let info = self.control().info(topology.name())?;
            Ok(info.all_report().then_some(info))
        })
    }

    /// Submits a topology and returns once Nimbus has it.
    ///
    /// # Errors
    /// When it is refused.
    pub fn hand_in(&self, topology: &StormJob) -> Result<()> {
        let (dist, java) = self.tools();
        topology.submit(self.hub(), dist, java, &self.conf())
    }
}
