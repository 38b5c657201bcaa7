//! `thalweg advise storm`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Map, Value};
use thalweg_connect::Look;
use thalweg_connect::storm::{Beside, Client, Cluster, StormError};
use thalweg_shell::{Eyes, Unseen};

use super::watch::{Place, Watching};
use super::words::STORM;
use crate::exit::Failure;

/// Where the jar lies beside the command: in a release, and where `make install` puts it.
const BESIDE: [&str; 2] = ["../lib", "../lib/thalweg"];

/// The longest window that can be set.
const LONGEST_WINDOW_SECS: f64 = 3_600.0;

/// Watches a Storm cluster through Storm's own client on this machine: only asks, changes nothing
#[derive(Debug, Args)]
pub struct Storm {
    /// Storm's folder on this machine, which has `lib`
    #[arg(long, value_name = "FOLDER", env = "STORM_HOME")]
    storm_home: PathBuf,
    /// The folder with the `storm.yaml` that says where Nimbus is and how to log in there; `conf` in Storm's folder if absent
    #[arg(long, value_name = "FOLDER", env = "STORM_CONF_DIR")]
    storm_conf: Option<PathBuf>,
    /// The Java for Storm's client, 17 or newer; the one on the path if absent
    #[arg(long, value_name = "FOLDER", env = "JAVA_HOME")]
    java_home: Option<PathBuf>,
    /// Thalweg's jar for Storm; the one that was installed with this command if absent
    #[arg(long, value_name = "FILE", env = "THALWEG_STORM_JAR")]
    jar: Option<PathBuf>,
    /// How long to wait for an answer, which takes a call for each topology
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
    #[command(flatten)]
    watching: Watching,
}

impl Storm {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        // What is wrong with it need not wait for an answer.
        self.watching.given()?;
        let client = self.client()?;
        let beside = Beside::start(client, Duration::from_secs(self.timeout)).map_err(failure)?;
        let cluster = beside.cluster().clone();
        let settings = defaults(&cluster);
        let place = Place { name: cluster.place, version: cluster.version };
        self.watching.watch(Nimbus(beside), place, STORM, settings)
    }

    fn client(&self) -> Result<Client> {
        let jar = self.jar.clone().map_or_else(installed, Ok)?;
        let java = self.java_home.as_ref().map(|home| home.join("bin").join("java"));
        Ok(Client {
            conf: self.storm_conf.clone().unwrap_or_else(|| self.storm_home.join("conf")),
            home: self.storm_home.clone(),
            jar,
            java: java.unwrap_or_else(|| "java".into()),
        })
    }
}

/// The jar of the release that this command is of.
fn installed() -> Result<PathBuf> {
    let command = std::env::current_exe().and_then(std::fs::canonicalize);
    let command = command.context("nobody knows where this command lies")?;
    let folder = command.parent().unwrap_or(Path::new("."));
    let name = format!("thalweg-storm-{}.jar", env!("CARGO_PKG_VERSION"));
    let mut places = BESIDE.iter().map(|place| folder.join(place).join(&name));
    places.find(|place| place.is_file()).with_context(|| {
        let places = BESIDE.map(|place| format!("{}/{place}", folder.display()));
        format!("{name} lies neither in {}: name it with --jar", places.join(" nor in "))
    })
}

/// What is set for a cluster in which nothing is installed. Storm has put sources into workers with operators there, and an
/// advice says what it costs to part them instead of waiting for a word.
fn defaults(cluster: &Cluster) -> Map<String, Value> {
    let mut all = cluster.settings.clone();
    all.insert("thalweg.adopt".to_owned(), "on-next-action".into());
    let shipped = thalweg_core::settings::Settings::default().window.get() / 1_000.0;
    let window = cluster.least_window_secs().clamp(shipped, LONGEST_WINDOW_SECS);
    all.insert("thalweg.metrics.window.secs".to_owned(), window.into());
    all
}

/// A Nimbus that is asked.
struct Nimbus(Beside);

impl Eyes for Nimbus {
    fn look(&mut self, _: Duration) -> Result<Look, Unseen> {
        self.0.look().map_err(|error| Unseen(error.to_string()))
    }
}

/// Without an answer nobody is there, or nobody may ask; what is wrong here is ours.
fn failure(error: StormError) -> Failure {
    match error {
        StormError::Unreachable(_)
        | StormError::Refused(_)
        | StormError::Unreadable(_)
        | StormError::Silent { .. } => Failure::Unreachable(error.to_string()),
        other => Failure::Failed(other.into()),
    }
}
