//! A lab that outlives the command that started it.
//!
//! A holder process keeps the cluster's ports reserved; every other command finds what it needs in `<dir>/lab.json`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use thalweg_lab::counts::{Output, Spouts};
use thalweg_lab::dist::Dist;
use thalweg_lab::java::Java;
use thalweg_lab::process::{Server, Site, sweep};
use thalweg_lab::{Control, Kafka, Redis, StormBuilder, StormCluster, StormJob};

const START_LIMIT: Duration = Duration::from_secs(300);
const FILE: &str = "lab.json";

/// Where the servers of a running lab are.
#[derive(Debug, Serialize, Deserialize)]
pub struct Lab {
    /// The work folder.
    pub dir: PathBuf,
    /// Nimbus's address.
    pub nimbus: String,
    /// Kafka's address.
    pub kafka: String,
    /// Redis's address, if it was asked for.
    pub redis: Option<String>,
    /// The folder of Storm's client configuration.
    pub conf: PathBuf,
}

impl Lab {
    /// Starts a holder in the background and waits until it has started everything.
    pub fn spawn_holder(dir: &Path, arguments: &[OsString]) -> Result<Self> {
        let site = Site::loopback(dir)?;
        Self::down(dir)?;
        let mut command = site.command(std::env::current_exe()?);
        command.arg("hold").args(arguments);
        let mut holder = Server::start("holder", command, &site.lab, &[])?;
        holder.wait_ready(START_LIMIT, || site.lab.join(FILE).exists())?;
        // From here on the holder goes on alone.
        std::mem::forget(holder);
        Self::open(dir)
    }

    /// Starts everything and stays.
    pub fn hold(builder: &StormBuilder, redis: bool) -> Result<()> {
        let storm = builder.start()?;
        let kafka = Kafka::start(storm.hub())?;
        let redis = if redis { Some(Redis::start(storm.hub(), &[])?) } else { None };
        let lab = Self {
            dir: storm.dir().to_owned(),
            nimbus: format!("{}:{}", storm.hub().host, storm.nimbus_port()),
            kafka: kafka.bootstrap().to_owned(),
            redis: redis.as_ref().map(Redis::url),
            conf: storm.conf(),
        };
        let draft = lab.dir.join("lab.json.draft");
        fs::write(&draft, serde_json::to_string_pretty(&lab)?)?;
        fs::rename(draft, lab.dir.join(FILE))?;
        loop {
            std::thread::park();
        }
    }

    /// The lab that runs in this work folder.
    pub fn open(dir: &Path) -> Result<Self> {
        let file = dir.join(FILE);
        let text = fs::read_to_string(&file)
            .with_context(|| format!("no lab is up in {}", dir.display()))?;
        serde_json::from_str(&text).with_context(|| file.display().to_string())
    }

    /// Stops whatever was started in this work folder; its logs stay.
    pub fn down(dir: &Path) -> Result<()> {
        let site = Site::loopback(dir)?;
        let stopped = sweep(&site.lab, |_| true)?;
        StormCluster::remove_traces(&site.lab)?;
        if Self::open(dir).is_ok() {
            fs::remove_file(dir.join(FILE))?;
        }
        if stopped > 0 {
            println!("stopped {stopped} processes");
        }
        Ok(())
    }

    /// Submits a WordCount with journals in `<dir>/out`.
    pub fn submit(&self, name: &str, topic: &str, settings: &[String]) -> Result<()> {
        let mut topology =
            StormJob::word_count(name, &self.kafka, topic).out(&self.dir.join("out"));
        for setting in settings {
            let (key, value) =
                setting.split_once('=').with_context(|| format!("not key=value: {setting}"))?;
            topology = topology.set(key, value);
        }
        topology.submit(&self.site()?, &Dist::open()?, &Java::new(None), &self.conf)
    }

    /// Prints supervisors, topologies, and each executor's place and counts.
    pub fn print_status(&self) -> Result<()> {
        let control = Control::start(&Dist::open()?, &Java::new(None), &self.site()?, &self.conf)?;
        for supervisor in control.cluster()? {
            println!(
                "supervisor {} uses {} of {} slots",
                supervisor.host, supervisor.used, supervisor.slots
            );
        }
        for topology in control.topologies()? {
            println!(
                "topology {} {} with {} workers",
                topology.name, topology.status, topology.workers
            );
            let mut executors = control.info(&topology.name)?.executors;
            executors.sort_by_key(|executor| executor.first_task);
            for executor in executors {
                let acked = executor
                    .stats
                    .map_or("no report".to_owned(), |stats| format!("{} acked", stats.acked));
                println!(
                    "  {} [{}-{}] at {}:{} {acked}",
                    executor.component,
                    executor.first_task,
                    executor.last_task,
                    executor.host,
                    executor.port
                );
            }
        }
        Ok(())
    }

    /// Prints what the journals say of the last seconds.
    pub fn print_counts(&self, back: Duration) -> Result<()> {
        let out = self.dir.join("out");
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let now = millis(SystemTime::now().duration_since(UNIX_EPOCH)?);
        let window = now.saturating_sub(millis(back))..now;
        let output = Output::read(&out)?;
        println!(
            "output {:.1}/s, longest gap {} ms",
            output.rate(&window),
            output.longest_gap_ms(&window)
        );
        let spouts = Spouts::read(&out)?.within(&window);
        println!(
            "emitted {} acked {} failed {}, complete latency mean {:.1} ms, p99 {} ms",
            spouts.emitted, spouts.acked, spouts.failed, spouts.mean_ms, spouts.p99_ms
        );
        Ok(())
    }

    /// A site for programs that speak to this lab from outside its namespaces.
    fn site(&self) -> Result<Site> {
        Site::loopback(&self.dir)
    }
}
