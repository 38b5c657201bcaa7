//! `thalweg nodes`: what Prometheus knows of nodes, or what it would read there.

mod columns;
mod told;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::{Args, value_parser};
use thalweg_connect::flink::{Cluster, Reader, Rest};
use thalweg_connect::http::Address;
use thalweg_connect::prometheus::{
    Known, Moments, Scrapes, Server, Span, Target, Telemetry, history, read,
};
use thalweg_control::{now_millis, visible};
use thalweg_core::units::{Millis, Timestamp};

use crate::exit::Failure;
use crate::files;
use crate::live::moments::seconds;
use crate::speaking::{Speaking, SpeakingToPrometheus};

/// Shows what Prometheus knows of the nodes of a cluster: processor, memory, disks, network, JVMs; what is missing, and why
#[derive(Debug, Args)]
pub struct Nodes {
    /// The Prometheus, as `http://prometheus:9090`, with the path that a proxy has for it
    #[arg(long, value_name = "URL", required_unless_present = "targets")]
    prometheus: Option<String>,
    /// Scrapes this target itself, as `http://node1:9100/metrics`, instead of asking a Prometheus; may be given several times
    #[arg(long = "scrape", value_name = "URL", conflicts_with_all = ["prometheus", "parquet"])]
    targets: Vec<String>,
    /// Only of what fits these matchers, as `job="node",cluster="a"`
    #[arg(long, value_name = "MATCHERS", requires = "prometheus", default_value = "")]
    matchers: String,
    /// Only of this host; may be given several times. Without it and without a cluster, of all machines
    #[arg(long = "host", value_name = "HOST", conflicts_with = "flink")]
    hosts: Vec<String>,
    /// Of the TaskManagers of this cluster: the JobManager's REST interface
    #[arg(long, value_name = "URL")]
    flink: Option<String>,
    /// Over what time rates are taken, as `150s`; what is older than half of it is too old. At least twice the time between
    /// two scrapes
    #[arg(long, value_name = "DURATION", default_value = "150s", value_parser = seconds)]
    window: u32,
    /// With `--scrape`: the time between the two scrapes that rates take
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = value_parser!(u32).range(1..=300))]
    every: u32,
    /// Writes what was known over a time as a table in Parquet
    #[arg(long, value_name = "FILE")]
    parquet: Option<PathBuf>,
    /// With `--parquet`: over what time, up to now
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = seconds, requires = "parquet")]
    since: u32,
    /// With `--parquet`: the time between two rows of a node, several times that between two scrapes, or rates show where scrapes fell
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = seconds, requires = "parquet")]
    step: u32,
    /// Prints the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    speaking: Speaking,
    #[command(flatten)]
    speaking_to_prometheus: SpeakingToPrometheus,
}

impl Nodes {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let known = self.known()?;
        if let Some(path) = &self.parquet {
            return self.write(path, known.as_deref());
        }
        let telemetry = if self.targets.is_empty() {
            let long = Millis::saturating(f64::from(self.window) * 1000.0);
            let span = Span { until: now(), long };
            read(&self.server()?.nodes(span)?, known.as_deref(), span)
        } else {
            self.scrape(known.as_deref())?
        };
        told::tell(&telemetry, self.json);
        ending(&telemetry)
    }

    /// The nodes that are wanted; all machines if none are named.
    fn known(&self) -> Result<Option<Vec<Known>>, Failure> {
        if let Some(url) = &self.flink {
            let address = Address::parse(url).context("the address of the JobManager")?;
            let place = address.to_string();
            let rest = Rest::new(self.speaking.to(address, &Default::default()))?;
            let cluster = Cluster::read(&rest, &place)?;
            let look = Reader::new(&cluster).look(&rest, now())?;
            let nodes = look.observation.nodes.into_iter();
            return Ok(Some(nodes.map(|node| Known { id: node.id, host: node.host }).collect()));
        }
        let named = self.hosts.iter().map(|host| Known { id: host.clone(), host: host.clone() });
        Ok((!self.hosts.is_empty()).then(|| named.collect()))
    }

    fn server(&self) -> Result<Server, Failure> {
        let url = self.prometheus.as_deref().unwrap_or_default();
        let address = Address::parse(url).context("the address of the Prometheus")?;
        let access = self.speaking_to_prometheus.to(address, self.speaking.timeout());
        Ok(Server::new(access, &self.matchers)?)
    }

    /// Scrapes all targets twice. One that does not answer is named, and the others are read.
    fn scrape(&self, known: Option<&[Known]>) -> Result<Telemetry, Failure> {
        let mut targets = Vec::new();
        for (number, url) in (1..).zip(&self.targets) {
            // An address that is none may hold a password, so it is not repeated.
            let place = || format!("target {number} of --scrape");
            let address = Address::parse(url).with_context(place)?;
            targets.push(Target::new(
                self.speaking_to_prometheus.to(address, self.speaking.timeout()),
            )?);
        }
        let begun = Instant::now();
        let mut scrapes = Scrapes::default();
        let every = Duration::from_secs(self.every.into());
        let mut failed: Vec<Failure> = Vec::new();
        for pause in [Duration::ZERO, every] {
            std::thread::sleep(pause);
            failed.clear();
            for target in &targets {
                match target.scrape(now()) {
                    Ok(series) => scrapes.take(series),
                    Err(error) => failed.push(error.into()),
                }
            }
        }
        if failed.len() == targets.len()
            && let Some(first) = failed.pop()
        {
            return Err(first);
        }
        for failure in failed {
            eprintln!("thalweg: {}", visible(&failure.to_string()));
        }
        // Twice as long as it took, so that what was scraped last is not too old.
        let long = Millis::saturating(begun.elapsed().as_secs_f64() * 2000.0 + 1000.0);
        Ok(read(&scrapes.series(), known, Span { until: now(), long }))
    }

    /// Writes what was known at each step.
    fn write(&self, path: &std::path::Path, known: Option<&[Known]>) -> Result<(), Failure> {
        let moments = Moments::of(now(), self.since, self.step).ok_or_else(|| {
            anyhow!("--since and --step: expected between 1 and 10,999 steps of at least a second")
        })?;
        let series = self.server()?.nodes_over(moments.span(), moments.step())?;
        let rows = files::whole(path, |file| {
            let mut table = columns::table(file)?;
            for telemetry in history(&series, known, moments) {
                columns::write(&mut table, &telemetry)?;
            }
            table.end()
        })?;
        println!("{rows} rows in {}", path.display());
        match rows {
            0 => Err(Failure::NotYet("nothing is known of any node in this time".to_owned())),
            _ => Ok(()),
        }
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(now_millis())
}

/// Whether anything is known.
fn ending(telemetry: &Telemetry) -> Result<(), Failure> {
    let known = |node: &thalweg_connect::prometheus::NodeTelemetry| {
        node.readings.values().any(Result::is_ok)
    };
    match telemetry.nodes.iter().any(known) {
        true => Ok(()),
        false => Err(Failure::NotYet("nothing is known of any node".to_owned())),
    }
}
