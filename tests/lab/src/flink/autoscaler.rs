//! Flink's own autoscaler, driven beside a cluster.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::cluster::FlinkCluster;
use crate::dist::Dist;
use crate::java::class_path;
use crate::process::Server;

const MAIN: &str = "io.thalweg.lab.Autoscaler";
const NAME: &str = "autoscaler";

/// A running autoscaler; dropping it stops it.
#[derive(Debug)]
pub struct Autoscaler {
    _server: Server,
    out: PathBuf,
}

impl Autoscaler {
    /// Starts it over all jobs of a cluster, with these settings of its own.
    ///
    /// # Errors
    /// When it cannot be compiled or started.
    pub fn start(
        flink: &FlinkCluster,
        interval_ms: u32,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let java = &flink.home().java;
        let dist = Dist::open()?;
        let jars = dist.autoscaler()?.join("*");
        let classes = dist.program(NAME, java, &jars)?;
        let folder = flink.home().logs();
        let mut command = java.command(flink.hub(), "128m");
        command.arg("-cp").arg(class_path(&[classes.as_path(), &jars])).arg(MAIN);
        command.arg(&flink.hub().host).arg(flink.rest().port().to_string());
        command.arg(interval_ms.to_string());
        command.args(settings.iter().map(|(key, value)| format!("{key}={value}")));
        let server = Server::start(NAME, command, &folder, &[])?;
        Ok(Self { _server: server, out: folder.join(format!("{NAME}.out")) })
    }

    /// When it changed parallelism, in milliseconds since the epoch.
    ///
    /// # Errors
    /// When its output cannot be read.
    pub fn changes(&self) -> Result<Vec<u64>> {
        let text = fs::read_to_string(&self.out).with_context(|| self.out.display().to_string())?;
        let first = |line: &str| line.split(' ').next()?.parse().ok();
        Ok(text.lines().filter(|line| line.contains('=')).filter_map(first).collect())
    }
}
