//! A Storm cluster on the command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use thalweg_connect::storm::{Beside, Client, StormError};

use crate::exit::Failure;

/// Where the jar lies beside the command: in a release, and where `make install` puts it.
const BESIDE: [&str; 2] = ["../lib", "../lib/thalweg"];

/// Storm's own client on this machine, which finds the cluster and logs in there.
#[derive(Debug, Args)]
pub struct ToStorm {
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
}

impl ToStorm {
    /// Starts the client, which asks Nimbus what it is and changes nothing.
    pub fn reach(&self) -> Result<Beside, Failure> {
        Beside::start(self.client(false)?, self.timeout()).map_err(failure)
    }

    /// How long to wait for an answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// The client, which may change the cluster or not.
    pub fn client(&self, may_change: bool) -> Result<Client> {
        let jar = self.jar.clone().map_or_else(installed, Ok)?;
        let java = self.java_home.as_ref().map(|home| home.join("bin").join("java"));
        Ok(Client {
            conf: self.storm_conf.clone().unwrap_or_else(|| self.storm_home.join("conf")),
            home: self.storm_home.clone(),
            jar,
            java: java.unwrap_or_else(|| "java".into()),
            may_change,
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
