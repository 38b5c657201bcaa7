//! The JobManagers of a cluster: one, and where it is wanted another that takes over from it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;
use serde_json::{Map, Value, json};

use super::home::{Home, JOB_MANAGER_PORTS};
use super::rest::FlinkRest;
use crate::ports::Ports;
use crate::process::{Server, Site, signal};

const START_LIMIT: Duration = Duration::from_secs(90);
const STOP_LIMIT: Duration = Duration::from_secs(30);
const MAIN: &str = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint";

/// A JobManager, whether or not it runs.
#[derive(Debug)]
pub struct FlinkJobManager {
    name: String,
    server: Option<Server>,
    rest: FlinkRest,
    /// The keys that it alone reads.
    own: Map<String, Value>,
}

impl FlinkJobManager {
    /// The one of this number, counted from 0, which is not started yet.
    pub(super) fn new(number: u16, hub: &Site, ports: &Ports, keys: &Map<String, Value>) -> Self {
        let name = match number {
            0 => "jobmanager".to_owned(),
            _ => format!("jobmanager-{}", number + 1),
        };
        let at = |port: u16| ports.at(JOB_MANAGER_PORTS * number + port);
        let mut own = json!({
            "jobmanager.rpc.port": at(0),
            "high-availability.jobmanager.port": at(0).to_string(),
            "rest.port": at(1),
            "blob.server.port": at(2).to_string(),
        });
        let own = own.as_object_mut().map(std::mem::take).unwrap_or_default();
        let own = own.into_iter().chain(keys.clone()).collect();
        Self { name, server: None, rest: FlinkRest::new(&hub.host, at(1)), own }
    }

    pub(super) fn start(
        &mut self,
        home: &Home,
        hub: &Site,
        keys: &Map<String, Value>,
    ) -> Result<()> {
        self.kill();
        let all: Map<String, Value> = keys.clone().into_iter().chain(self.own.clone()).collect();
        home.write(&self.name, &all)?;
        let mut command = home.command(hub, &self.name, "320m", MAIN);
        command.arg("--configDir").arg(home.conf(&self.name));
        let mut server = Server::start(&self.name, command, &home.logs(), &[self.log(home)])?;
        server.wait_ready(START_LIMIT, || self.rest.answers())?;
        self.server = Some(server);
        Ok(())
    }

    pub(super) fn kill(&mut self) {
        self.server = None;
    }

    pub(super) fn stop(&mut self) -> Result<()> {
        let mut server = self.server.take().context("it does not run")?;
        server.stop(STOP_LIMIT)
    }

    /// Its REST interface; one that follows passes on what it is asked to the one that leads.
    pub fn rest(&self) -> &FlinkRest {
        &self.rest
    }

    /// Its process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Server::pid)
    }

    pub(super) fn log(&self, home: &Home) -> PathBuf {
        home.logs().join(format!("{}.log", self.name))
    }

    /// Stops it from running, without ending it.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pause(&self) -> Result<()> {
        signal(self.pid().context("it does not run")?, Signal::STOP)
    }

    /// Lets a paused one go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn resume(&self) -> Result<()> {
        signal(self.pid().context("it does not run")?, Signal::CONT)
    }
}
