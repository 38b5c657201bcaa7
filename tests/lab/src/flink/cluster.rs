//! A running cluster, and what can be done to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use super::builder::FlinkBuilder;
use super::home::{self, Home};
use super::job_manager::FlinkJobManager;
use super::rest::FlinkRest;
use crate::cpu::{CpuGroups, CpuLimit, group_name};
use crate::dist::Dist;
use crate::network::{Network, Sites};
use crate::ports::Ports;
use crate::process::{Server, Site, signal, tails};
use crate::wait::{accepts, until};
use rustix::process::Signal;

const START_LIMIT: Duration = Duration::from_secs(90);

/// A running cluster; dropping it stops all of its processes.
#[derive(Debug)]
pub struct FlinkCluster {
    // Fields are dropped in this order: processes first, then what they run in.
    nodes: Vec<FlinkNode>,
    job_managers: Vec<FlinkJobManager>,
    zookeeper: Option<Server>,
    home: Home,
    /// The JobManager that is spoken to.
    front: usize,
    keys: Map<String, Value>,
    /// How many slots of each node can be asked for from it alone.
    pinned: u16,
    cpu: CpuGroups,
    sites: Sites,
    ports: Ports,
}

/// One machine of the cluster, as far as Flink can tell: a TaskManager.
#[derive(Debug)]
pub struct FlinkNode {
    /// Where it runs; its name is the TaskManager's id.
    pub site: Site,
    server: Option<Server>,
}

impl FlinkBuilder {
    /// Starts the cluster and waits until every TaskManager has offered its slots.
    ///
    /// # Errors
    /// With the ends of the logs, when a process fails or is late.
    pub fn start(&self) -> Result<FlinkCluster> {
        FlinkCluster::start(self)
    }
}

impl FlinkCluster {
    pub(super) fn start(builder: &FlinkBuilder) -> Result<Self> {
        let base = Site::loopback(&builder.dir)?;
        let dir = base.lab.join("flink");
        let ports = Ports::take(home::PORTS)?;
        let sites = Sites::create(Network::Loopback, &base, builder.nodes, ports.block())?;
        let lib = Dist::open()?.flink(builder.line.version())?;
        let home = Home::make(&dir, &lib, builder)?;
        let keys = home::common(builder, &sites.hub, &dir, &ports);
        let mut cluster = Self {
            nodes: Vec::new(),
            job_managers: Vec::new(),
            zookeeper: None,
            front: 0,
            cpu: CpuGroups::create(&group_name(ports.block())),
            home,
            keys,
            pinned: if builder.pins { builder.slots } else { 0 },
            sites,
            ports,
        };
        if builder.survives {
            cluster.start_zookeeper()?;
        }
        let own = [Map::new()].into_iter().chain(builder.standby.clone());
        for (number, own) in (0..).zip(own) {
            let job_manager =
                FlinkJobManager::new(number, &cluster.sites.hub, &cluster.ports, &own);
            cluster.job_managers.push(job_manager);
            // TaskManagers that come before the first lose ten seconds.
            cluster.start_job_manager_of(usize::from(number))?;
        }
        for site in cluster.sites.nodes.clone() {
            let node = cluster.start_task_manager(site)?;
            cluster.nodes.push(node);
        }
        cluster.wait_registered(builder.nodes, START_LIMIT)?;
        Ok(cluster)
    }

    /// Waits until this many TaskManagers have offered their slots.
    ///
    /// # Errors
    /// With the ends of all logs.
    pub fn wait_registered(&self, nodes: usize, limit: Duration) -> Result<()> {
        until("registration of all TaskManagers", limit, || {
            let registered = self.rest().task_managers().unwrap_or_default();
            Ok((registered.len() == nodes).then_some(()))
        })
        .with_context(|| tails(&self.logs()))
    }

    /// The work folder.
    pub fn dir(&self) -> &Path {
        &self.sites.hub.lab
    }

    /// Where JobManagers run, and where Kafka and Redis should.
    pub fn hub(&self) -> &Site {
        &self.sites.hub
    }

    /// Questions and orders to the JobManager, of several the one that [`FlinkCluster::speak_to`] says.
    pub fn rest(&self) -> &FlinkRest {
        self.job_managers[self.front].rest()
    }

    /// The nodes; methods count them from 1, as their names n1, n2, ... do.
    pub fn nodes(&self) -> &[FlinkNode] {
        &self.nodes
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    /// A Java program beside the cluster, with this jar and Flink's own on its class path; its log is `<name>.log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn beside(
        &self,
        name: &str,
        jar: &Path,
        class: &str,
        arguments: &[String],
    ) -> Result<Server> {
        self.home.write(name, &self.keys)?;
        let mut command = self.home.beside(&self.sites.hub, name, jar, class);
        command.args(arguments);
        let log = self.home.logs().join(format!("{name}.log"));
        Server::start(name, command, &self.home.logs(), &[log])
    }

    /// The log of the JobManager that is spoken to.
    pub fn job_manager_log(&self) -> PathBuf {
        self.job_managers[self.front].log(&self.home)
    }

    /// The logs of each JobManager and of each TaskManager.
    pub fn logs(&self) -> Vec<PathBuf> {
        let nodes =
            self.sites.nodes.iter().map(|s| self.home.logs().join(format!("{}.log", s.node)));
        self.job_managers.iter().map(|one| one.log(&self.home)).chain(nodes).collect()
    }

    /// Changes the configuration that processes read when they start from now on; `null` takes a key away.
    pub fn configure(&mut self, key: &str, value: Value) {
        match value {
            Value::Null => drop(self.keys.remove(key)),
            value => drop(self.keys.insert(key.to_owned(), value)),
        }
    }

    /// Puts this jar in the place of those of [`FlinkBuilder::library_jar`]; processes that start from now on run with it.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn exchange_library_jars(&mut self, jar: &Path) -> Result<()> {
        self.home.exchange_library_jars(jar)
    }

    /// Takes the jars of [`FlinkBuilder::library_jar`] out of `lib/`; processes that start from now on run without.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn remove_library_jars(&mut self) -> Result<()> {
        self.home.remove_library_jars()
    }

    /// Kills a node's TaskManager at once.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn kill_node(&mut self, n: usize) -> Result<()> {
        self.node(n)?;
        self.nodes[n - 1].server = None;
        Ok(())
    }

    /// Starts a killed node's TaskManager again, and waits until it has offered its slots.
    ///
    /// # Errors
    /// When it is late.
    pub fn start_node(&mut self, n: usize) -> Result<()> {
        self.kill_node(n)?;
        let started = self.start_task_manager(self.nodes[n - 1].site.clone())?;
        self.nodes[n - 1] = started;
        let running = self.nodes.iter().filter(|node| node.server.is_some()).count();
        self.wait_registered(running, START_LIMIT)
    }

    /// Stops a node's TaskManager from running, without ending it.
    ///
    /// # Errors
    /// When there is no such node, or it was killed.
    pub fn pause_node(&self, n: usize) -> Result<()> {
        signal(self.node_pid(n)?, Signal::STOP)
    }

    /// Lets a paused node go on.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn resume_node(&self, n: usize) -> Result<()> {
        signal(self.node_pid(n)?, Signal::CONT)
    }

    /// Gives a node this many cores' worth of time, or lifts the limit.
    ///
    /// # Errors
    /// When there is no such node, or the machine allows limits but this one fails.
    pub fn limit_cpu(&self, n: usize, cores: Option<f64>) -> Result<CpuLimit> {
        self.cpu.limit(&self.node(n)?.site.node, cores)
    }

    /// As [`FlinkCluster::limit_cpu`], for whoever cannot do without the limit.
    ///
    /// # Errors
    /// Also when the machine allows no limits.
    pub fn require_cpu(&self, n: usize, cores: f64) -> Result<()> {
        match self.limit_cpu(n, Some(cores))? {
            CpuLimit::Applied => Ok(()),
            CpuLimit::NotAvailable(why) => {
                bail!("nodes cannot be given shares of the processor here: {why}")
            }
        }
    }

    /// Stops all of its processes.
    pub fn stop(mut self) {
        self.nodes.clear();
        self.job_managers.clear();
        self.zookeeper = None;
    }

    fn start_zookeeper(&mut self) -> Result<()> {
        let class =
            "org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.server.ZooKeeperServerMain";
        self.home.write("zookeeper", &self.keys)?;
        let mut command = self.home.command(&self.sites.hub, "zookeeper", "64m", class);
        let port = self.ports.at(home::ZOOKEEPER);
        command.arg(port.to_string()).arg(self.home.dir.join("zookeeper"));
        let mut server = Server::start("zookeeper", command, &self.home.logs(), &[])?;
        let host = self.sites.hub.host.clone();
        server.wait_ready(START_LIMIT, || accepts(&host, port))?;
        self.zookeeper = Some(server);
        Ok(())
    }

    fn start_task_manager(&self, site: Site) -> Result<FlinkNode> {
        let class = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner";
        let name = site.node.clone();
        self.home.write(&name, &home::of_node(&self.keys, &site, self.pinned))?;
        let mut command = self.home.command(&site, &name, "192m", class);
        command.arg("--configDir").arg(self.home.conf(&name));
        let logs = self.home.logs();
        let log = logs.join(format!("{name}.log"));
        let server = Server::start(&name, command, &logs, &[log])?;
        if let Some(group) = self.cpu.group(&name)? {
            fs::write(group.join("cgroup.procs"), server.pid().to_string())
                .with_context(|| group.display().to_string())?;
        }
        Ok(FlinkNode { site, server: Some(server) })
    }

    fn node(&self, n: usize) -> Result<&FlinkNode> {
        n.checked_sub(1).and_then(|i| self.nodes.get(i)).with_context(|| format!("no node {n}"))
    }

    fn node_pid(&self, n: usize) -> Result<u32> {
        Ok(self.node(n)?.server.as_ref().context("the node was killed")?.pid())
    }
}

impl FlinkCluster {
    /// The JobManagers.
    pub fn job_managers(&self) -> &[FlinkJobManager] {
        &self.job_managers
    }

    /// The JobManager's process, while it runs.
    pub fn job_manager_pid(&self) -> Option<u32> {
        self.job_managers[0].pid()
    }

    /// Kills the JobManager at once, as a power cut would.
    pub fn kill_job_manager(&mut self) {
        self.kill_job_manager_of(0);
    }

    /// The same for the one of this number, counted from 0.
    ///
    /// # Panics
    /// When there is none of this number, here and below.
    pub fn kill_job_manager_of(&mut self, which: usize) {
        self.job_managers[which].kill();
    }

    /// Ends a JobManager as the stop of its service does.
    ///
    /// # Errors
    /// When it does not run, or does not end.
    pub fn stop_job_manager_of(&mut self, which: usize) -> Result<()> {
        self.job_managers[which].stop()
    }

    /// Starts the JobManager and waits until it answers.
    ///
    /// # Errors
    /// With the end of its log when it does not.
    pub fn start_job_manager(&mut self) -> Result<()> {
        self.start_job_manager_of(0)
    }

    /// The same for the one of this number.
    ///
    /// # Errors
    /// With the end of its log when it does not answer.
    pub fn start_job_manager_of(&mut self, which: usize) -> Result<()> {
        self.job_managers[which].start(&self.home, &self.sites.hub, &self.keys)
    }

    /// The number of the JobManager that is spoken to.
    pub fn spoken_to(&self) -> usize {
        self.front
    }

    /// Has [`FlinkCluster::rest`] speak to the JobManager of this number from now on.
    pub fn speak_to(&mut self, which: usize) {
        self.front = which;
    }
}
