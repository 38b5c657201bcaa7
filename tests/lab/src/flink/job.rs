//! The jobs of `topologies/flink`, as submitted by tests and benchmarks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::cluster::FlinkCluster;
use super::rest::JobInfo;
use crate::calibrate::{calibration, run};
use crate::process::tails;
use crate::wait::until;

const JAR: &str = "flink-topologies.jar";

/// A job to submit; `set` takes the arguments of its main class.
#[derive(Debug, Clone)]
pub struct FlinkJob {
    jar: PathBuf,
    main: String,
    name: String,
    arguments: BTreeMap<String, String>,
}

impl FlinkJob {
    /// A WordCount with this name.
    pub fn word_count(name: &str) -> Self {
        Self::of("WordCount", name)
    }

    /// Demand of taxi zones, with this name.
    pub fn taxi(name: &str) -> Self {
        Self::of("Taxi", name)
    }

    /// Demand of taxi zones of what the edge has summed before, with this name.
    pub fn taxi_cloud(name: &str) -> Self {
        Self::of("TaxiCloud", name)
    }

    /// A small job of the kind that its name says.
    pub fn zoo(name: &str) -> Self {
        Self::of("zoo.Zoo", name)
    }

    /// A query of Nexmark in SQL, which ends when it has read all events; its outcome is a file of its name.
    pub fn nexmark(name: &str, query: &str) -> Self {
        Self::of("nexmark.Nexmark", name).set("query", query)
    }

    fn of(class: &str, name: &str) -> Self {
        let libs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../topologies/flink/build/libs");
        Self {
            jar: Path::new(libs).join(JAR),
            main: format!("io.thalweg.topologies.flink.{class}"),
            name: name.to_owned(),
            arguments: BTreeMap::from([("name".to_owned(), name.to_owned())]),
        }
    }

    /// Reads this topic from Kafka at this address.
    #[must_use]
    pub fn kafka(self, bootstrap: &str, topic: &str) -> Self {
        self.set("bootstrap", bootstrap).set("topic", topic)
    }

    /// An argument: `split`, `splitCost` and so on, or a configuration key with a dot.
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

    /// What a program in the job's jar prints when it is given these arguments.
    ///
    /// # Errors
    /// With all it said when it fails.
    pub fn program(&self, flink: &FlinkCluster, class: &str, arguments: &[&str]) -> Result<String> {
        let mut command = flink.home().java.command(flink.hub(), "256m");
        command.arg("-cp").arg(&self.jar).arg(class).args(arguments);
        run(command)
    }

    /// The job's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FlinkCluster {
    /// Submits a job and waits until all of its subtasks run.
    ///
    /// # Errors
    /// With the ends of the logs, when it is refused or late.
    pub fn submit(&self, job: &FlinkJob, limit: Duration) -> Result<JobInfo> {
        let id = self.hand_in(job).with_context(|| tails(&self.logs()))?;
        until("all subtasks running", limit, || {
            let info = self.rest().job(&id)?;
            Ok(info.runs().then_some(info))
        })
        .with_context(|| tails(&self.logs()))
    }

    /// Submits a job and returns its id, whatever becomes of it.
    ///
    /// # Errors
    /// When it is refused.
    pub fn hand_in(&self, job: &FlinkJob) -> Result<String> {
        if !job.jar.exists() {
            bail!("no {}: run gradle :topologies:flink:jar", job.jar.display());
        }
        let mut arguments = job.arguments.clone();
        if let Some(out) = arguments.get("out") {
            fs::create_dir_all(out)?;
        }
        if arguments.keys().any(|key| key.ends_with("Cost")) {
            let iterations = calibration(self.hub(), &self.home().java, &job.jar)?;
            arguments.insert("iterationsPerMilli".to_owned(), iterations.to_string());
        }
        let uploaded = self.home().uploads().join(JAR);
        if !uploaded.exists() {
            fs::copy(&job.jar, &uploaded)?;
        }
        let words: Vec<String> = arguments.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let body = json!({ "entryClass": job.main, "programArgsList": words });
        let answer = self.rest().post(&format!("/jars/{JAR}/run"), &body)?;
        Ok(answer["jobid"].as_str().context("no job id")?.to_owned())
    }
}
