//! A running cluster, and what can be done to it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::builder::StormBuilder;
use super::home::{Common, DaemonDir, exchange_daemon_jars, make_home, ports_needed};
use crate::clock::set_clock;
use crate::control::Control;
use crate::cpu::{CpuGroups, CpuLimit, group_name};
use crate::dist::Dist;
use crate::java::{Java, class_path};
use crate::network::{Sites, node_name, remove_namespaces};
use crate::ports::Ports;
use crate::process::{Marked, Server, Site, marked, signal, sweep, tails};
use crate::wait::{accepts, until};

const START_LIMIT: Duration = Duration::from_secs(60);

/// A running cluster; dropping it stops all of its processes.
#[derive(Debug)]
pub struct StormCluster {
    // Fields are dropped in this order: processes first, then what they run in.
    control: Control,
    nimbuses: Vec<Nimbus>,
    nodes: Vec<Node>,
    zookeeper: Server,
    daemons: Daemons,
    cpu: CpuGroups,
    sites: Sites,
    ports: Ports,
}

/// One machine of the cluster, as far as Storm can tell.
#[derive(Debug)]
pub struct Node {
    /// Where it runs.
    pub site: Site,
    supervisor: Option<Server>,
    dir: DaemonDir,
}

/// One master of the cluster.
#[derive(Debug)]
pub struct Nimbus {
    /// Where it runs.
    pub site: Site,
    server: Option<Server>,
    dir: DaemonDir,
}

/// How this cluster's daemons are started.
#[derive(Debug)]
struct Daemons {
    dist: Dist,
    java: Java,
    home: PathBuf,
    nimbus_options: Vec<String>,
    /// By how many seconds clocks of nodes are ahead.
    clocks: BTreeMap<String, i32>,
}

impl StormBuilder {
    /// Starts the cluster and waits until Nimbus has heard of every supervisor.
    ///
    /// # Errors
    /// With the ends of the logs, when a daemon fails or is late.
    pub fn start(&self) -> Result<StormCluster> {
        StormCluster::start(self)
    }
}

impl StormCluster {
    pub(super) fn start(builder: &StormBuilder) -> Result<Self> {
        let base = Site::loopback(&builder.dir)?;
        let dir = base.lab.join("storm");
        let ports = Ports::take(ports_needed(builder)?)?;
        // The second Nimbus has a machine of its own, behind the nodes'.
        let machines = builder.nodes + usize::from(builder.standby);
        let trace = Trace { id: ports.block(), nodes: machines };
        trace.write(&dir)?;
        let sites = Sites::create(builder.network, &base, machines, ports.block())?;
        let cpu = CpuGroups::create(&group_name(ports.block()));
        let daemons = Daemons {
            dist: Dist::open()?.with_storm(&builder.version),
            java: Java::new(builder.java_home.as_deref()),
            home: dir.join("home"),
            nimbus_options: builder.daemon_options.clone(),
            clocks: builder.clocks.iter().map(|(&n, &secs)| (node_name(n), secs)).collect(),
        };
        make_home(&daemons.home, &daemons.dist, &builder.daemon_jars)?;
        let (hub, standby) = (&sites.hub, sites.nodes.get(builder.nodes));
        let common = Common { home: &daemons.home, hub, standby, ports: &ports, builder };
        let mut nimbuses = vec![Nimbus::new(hub, dir.join("master"))];
        nimbuses.extend(standby.map(|site| Nimbus::new(site, dir.join("standby"))));
        for nimbus in &nimbuses {
            common.write_master(&nimbus.dir, &nimbus.site)?;
        }
        let master = nimbuses[0].dir.clone();
        let zookeeper = daemons.start_zookeeper(hub, &master, common.zookeeper_port())?;
        for nimbus in &mut nimbuses {
            nimbus.server = Some(daemons.start_nimbus(nimbus)?);
        }
        let mut nodes = Vec::new();
        for (index, site) in (0_u16..).zip(&sites.nodes[..builder.nodes]) {
            let dir = DaemonDir(dir.join(&site.node));
            common.write_supervisor(&dir, site, index)?;
            nodes.push(Node::start(&daemons, &cpu, site.clone(), dir)?);
        }
        for nimbus in &mut nimbuses {
            nimbus.wait_ready(common.nimbus_port())?;
        }
        // Ours, so of the Storm that it was written for; its messages are the same on all lines.
        let control = Control::start(&Dist::open()?, &daemons.java, hub, &master.conf())?;
        let cluster = Self { control, nimbuses, nodes, zookeeper, daemons, cpu, sites, ports };
        cluster.wait_registered(cluster.nodes.len(), START_LIMIT)?;
        Ok(cluster)
    }

    /// Waits until Nimbus knows this many supervisors.
    ///
    /// # Errors
    /// With the ends of all daemons' logs.
    pub fn wait_registered(&self, supervisors: usize, limit: Duration) -> Result<()> {
        until("registration of all supervisors", limit, || {
            // A Nimbus that just starts refuses questions until it leads.
            let known = self.control.cluster().map_or(0, |all| all.len());
            Ok((known >= supervisors).then_some(()))
        })
        .with_context(|| tails(&self.logs()))
    }

    /// The work folder.
    pub fn dir(&self) -> &Path {
        &self.sites.hub.lab
    }

    /// Where ZooKeeper and Nimbus run, and where Kafka and Redis should.
    pub fn hub(&self) -> &Site {
        &self.sites.hub
    }

    /// Nimbus's port.
    pub fn nimbus_port(&self) -> u16 {
        self.ports.at(1)
    }

    /// A number below 120 that no other running cluster has.
    pub fn id(&self) -> u16 {
        self.ports.block()
    }

    /// Questions and orders to Nimbus.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The nodes; methods count them from 1, as their names n1, n2, ... do.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Storm's folder, of daemons and clients.
    pub fn home(&self) -> &Path {
        &self.daemons.home
    }

    /// The folder of Storm's client configuration.
    pub fn conf(&self) -> PathBuf {
        self.nimbuses[0].dir.conf()
    }

    pub(super) fn tools(&self) -> (&Dist, &Java) {
        (&self.daemons.dist, &self.daemons.java)
    }

    /// The logs of each Nimbus and of each supervisor.
    pub fn logs(&self) -> Vec<PathBuf> {
        let nodes = self.nodes.iter().map(|node| node.dir.logs().join("supervisor.log"));
        let nimbuses = self.nimbuses.iter().map(Nimbus::log);
        nimbuses.chain(nodes).collect()
    }

    /// What became of each Nimbus's process, what it printed last, and where its threads stand.
    pub fn processes(&self) -> String {
        self.nimbuses.iter().map(Nimbus::process).collect()
    }

    /// Each Nimbus: the first, and the standby where there is one.
    pub fn nimbuses(&self) -> &[Nimbus] {
        &self.nimbuses
    }

    /// Kills Nimbus at once, as a power cut would.
    pub fn kill_nimbus(&mut self) {
        self.nimbuses[0].server = None;
    }

    /// Kills this one of several; counted from 0.
    pub fn kill_nimbus_of(&mut self, which: usize) {
        self.nimbuses[which].server = None;
    }

    /// Ends Nimbus as the stop of its service does, and waits until it is gone.
    ///
    /// # Errors
    /// When it was killed before, or does not end.
    pub fn stop_nimbus(&mut self) -> Result<()> {
        self.stop_nimbus_of(0)
    }

    /// The same with this one of several; counted from 0.
    ///
    /// # Errors
    /// As for [`StormCluster::stop_nimbus`].
    pub fn stop_nimbus_of(&mut self, which: usize) -> Result<()> {
        let mut nimbus = self.nimbuses[which].server.take().context("nimbus was killed")?;
        nimbus.stop(START_LIMIT)
    }

    /// Starts Nimbus again and waits until it answers.
    ///
    /// # Errors
    /// When it does not within a minute.
    pub fn start_nimbus(&mut self) -> Result<()> {
        self.start_nimbus_of(0)?;
        self.wait_registered(1, START_LIMIT)
    }

    /// Starts this one of several again and waits until it listens.
    ///
    /// # Errors
    /// When it does not within a minute.
    pub fn start_nimbus_of(&mut self, which: usize) -> Result<()> {
        let port = self.nimbus_port();
        let nimbus = &mut self.nimbuses[which];
        nimbus.server = None;
        nimbus.server = Some(self.daemons.start_nimbus(nimbus)?);
        nimbus.wait_ready(port)
    }

    /// Has each daemon that starts from now on find this jar instead of those that the cluster was started with.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn exchange_daemon_jars(&self, jar: &Path) -> Result<()> {
        exchange_daemon_jars(&self.daemons.home, jar)
    }

    /// Pulls the plug of the standby's machine, or puts it in again.
    ///
    /// # Errors
    /// Without a standby, and on a loopback network.
    pub fn plug_standby(&self, plugged: bool) -> Result<()> {
        ensure!(self.nimbuses.len() > 1, "there is no standby");
        self.sites.plug(self.nodes.len() + 1, plugged)
    }

    /// Kills a node's supervisor and all its workers at once.
    ///
    /// # Errors
    /// When there is no such node, or its processes live on.
    pub fn kill_node(&mut self, n: usize) -> Result<()> {
        self.node_mut(n)?.supervisor = None;
        until("the end of the node's processes", Duration::from_secs(10), || {
            let left = self.signal_node(n, Signal::KILL)?;
            Ok((left == 0).then_some(()))
        })
    }

    /// Starts a killed node's supervisor again; Nimbus hears of it some seconds later.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_node(&mut self, n: usize) -> Result<()> {
        self.kill_node(n)?;
        let node = &self.nodes[n - 1];
        let started = Node::start(&self.daemons, &self.cpu, node.site.clone(), node.dir.clone())?;
        self.nodes[n - 1] = started;
        Ok(())
    }

    /// Stops a node's supervisor and workers from running, without ending them.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn pause_node(&self, n: usize) -> Result<()> {
        self.signal_node(n, Signal::STOP).map(drop)
    }

    /// Lets a paused node go on.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn resume_node(&self, n: usize) -> Result<()> {
        self.signal_node(n, Signal::CONT).map(drop)
    }

    /// Gives a node this many cores' worth of time (0.15 is 15 % of one), or lifts the limit.
    ///
    /// # Errors
    /// When there is no such node, or the machine allows limits but this one fails.
    pub fn limit_cpu(&self, n: usize, cores: Option<f64>) -> Result<CpuLimit> {
        self.cpu.limit(&self.node(n)?.site.node, cores)
    }

    /// As [`StormCluster::limit_cpu`], for whoever cannot do without the limit.
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

    /// Limits what a node sends over its link, in kilobits per second, or lifts the limit.
    ///
    /// # Errors
    /// On a loopback network, and when there is no such node.
    pub fn limit_network(&self, n: usize, kilobits: Option<u32>) -> Result<()> {
        self.node(n)?;
        self.sites.limit(n, kilobits)
    }

    /// Stops all of its processes.
    ///
    /// # Errors
    /// When some process lives on.
    pub fn stop(mut self) -> Result<()> {
        self.shut_down()
    }

    /// Removes the namespaces and control groups of a cluster whose program was killed, once its processes are gone.
    ///
    /// # Errors
    /// When it cannot be told which they were.
    pub fn remove_traces(lab: &Path) -> Result<()> {
        match Trace::read(&lab.join("storm"))? {
            // A later lab may have the number now.
            Some(trace) if Ports::is_abandoned(trace.id)? => {
                remove_namespaces(trace.id, trace.nodes);
                CpuGroups::remove(&group_name(trace.id));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn shut_down(&mut self) -> Result<()> {
        for node in &mut self.nodes {
            node.supervisor = None;
        }
        for nimbus in &mut self.nimbuses {
            nimbus.server = None;
        }
        self.zookeeper.kill();
        // The rest are workers, their log writers and the control program, but not Kafka, which is others' to stop.
        sweep(self.dir(), is_storm).map(drop)
    }

    fn node(&self, n: usize) -> Result<&Node> {
        n.checked_sub(1).and_then(|i| self.nodes.get(i)).with_context(|| format!("no node {n}"))
    }

    fn node_mut(&mut self, n: usize) -> Result<&mut Node> {
        n.checked_sub(1).and_then(|i| self.nodes.get_mut(i)).with_context(|| format!("no node {n}"))
    }

    /// Signals every process of a node and returns how many there were.
    fn signal_node(&self, n: usize, what: Signal) -> Result<usize> {
        let name = &self.node(n)?.site.node;
        let mut count = 0;
        for process in marked(self.dir()).iter().filter(|process| process.node == *name) {
            signal(process.pid, what)?;
            count += 1;
        }
        Ok(count)
    }
}

impl Drop for StormCluster {
    fn drop(&mut self) {
        if let Err(error) = self.shut_down() {
            tracing::error!(%error, "some processes of the cluster may live on");
        }
    }
}

impl Daemons {
    fn start_zookeeper(&self, hub: &Site, dir: &DaemonDir, port: u16) -> Result<Server> {
        let class = "org.apache.storm.command.DevZookeeper";
        let command = self.command(hub, "zookeeper", "64m", class, dir, &[]);
        let mut server = dir.start("zookeeper", command)?;
        server.wait_ready(START_LIMIT, || accepts(&hub.host, port))?;
        Ok(server)
    }

    fn start_nimbus(&self, Nimbus { site, dir, .. }: &Nimbus) -> Result<Server> {
        let class = "org.apache.storm.daemon.nimbus.Nimbus";
        dir.start("nimbus", self.command(site, "nimbus", "256m", class, dir, &self.nimbus_options))
    }

    /// A supervisor whose workers join the node's control group.
    ///
    /// The supervisor itself stays outside: a slow node is one thing, a starved supervisor another.
    fn start_supervisor(&self, cpu: &CpuGroups, site: &Site, dir: &DaemonDir) -> Result<Server> {
        let class = "org.apache.storm.daemon.supervisor.Supervisor";
        let mut command = self.command(site, "supervisor", "96m", class, dir, &[]);
        if let Some(secs) = self.clocks.get(&site.node) {
            set_clock(&mut command, *secs)?;
        }
        if let Some(group) = cpu.group(&site.node)? {
            command.env("JAVA_HOME", self.java.joining(&group, &dir.java_home())?);
        }
        dir.start("supervisor", command)
    }

    fn command(
        &self,
        site: &Site,
        name: &str,
        heap: &str,
        class: &str,
        dir: &DaemonDir,
        options: &[String],
    ) -> Command {
        let home = self.home.display();
        let logs = dir.logs();
        let jars = ["lib/*", "extlib/*", "extlib-daemon/*"].map(|jars| self.home.join(jars));
        let path = class_path(&[&jars[..], &[dir.conf()]].concat());
        let mut command = self.java.command(site, heap);
        command
            .env("STORM_CONF_DIR", dir.conf())
            .args(options)
            .arg(format!("-Ddaemon.name={name}"))
            .arg(format!("-Dstorm.home={home}"))
            .arg(format!("-Dstorm.log.dir={}", logs.display()))
            .arg(format!("-Dlogfile.name={name}.log"))
            .arg(format!("-Dlog4j.configurationFile={home}/log4j2/cluster.xml"))
            .args([
                "-Dstorm.options=",
                "-Dstorm.conf.file=",
                "-Djava.deserialization.disabled=true",
            ])
            .args(["-cp", &path, class]);
        command
    }
}

impl Nimbus {
    fn new(site: &Site, dir: PathBuf) -> Self {
        Self { site: site.clone(), server: None, dir: DaemonDir(dir) }
    }

    /// Its log, from its first start on.
    pub fn log(&self) -> PathBuf {
        self.dir.logs().join("nimbus.log")
    }

    /// What it is configured with when it starts.
    pub fn conf_file(&self) -> PathBuf {
        self.dir.conf().join("storm.yaml")
    }

    /// What it keeps on its machine.
    pub fn local_dir(&self) -> PathBuf {
        self.dir.0.join("local")
    }

    /// Stops it from running, without ending it; [`Nimbus::resume`] lets it go on.
    ///
    /// # Errors
    /// When it was killed before.
    pub fn pause(&self) -> Result<()> {
        signal(self.pid()?, Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it was killed before.
    pub fn resume(&self) -> Result<()> {
        signal(self.pid()?, Signal::CONT)
    }

    fn process(&self) -> String {
        const PACKAGES: [&str; 2] = ["io.thalweg", "org.apache.storm.daemon.nimbus"];
        let Some(server) = &self.server else {
            return format!("--- nimbus on {}: killed\n", self.site.node);
        };
        let stacks = server.stacks(&PACKAGES).unwrap_or_else(|error| format!("{error:#}"));
        let printed = tails(&[self.dir.logs().join("nimbus.out")]);
        format!("--- nimbus on {}: {}\n{stacks}\n{printed}", self.site.node, server.state())
    }

    fn pid(&self) -> Result<u32> {
        Ok(self.server.as_ref().context("nimbus was killed")?.pid())
    }

    fn wait_ready(&mut self, port: u16) -> Result<()> {
        let host = &self.site.host;
        let server = self.server.as_mut().context("nimbus was killed")?;
        server.wait_ready(START_LIMIT, || accepts(host, port))
    }
}

impl Node {
    fn start(daemons: &Daemons, cpu: &CpuGroups, site: Site, dir: DaemonDir) -> Result<Self> {
        let supervisor = daemons.start_supervisor(cpu, &site, &dir)?;
        Ok(Self { site, supervisor: Some(supervisor), dir })
    }
}

/// What a cluster makes outside its work folder, noted down for the case that its program is killed.
#[derive(Debug, Serialize, Deserialize)]
struct Trace {
    id: u16,
    nodes: usize,
}

impl Trace {
    const FILE: &str = "trace.json";

    fn write(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir)?;
        Ok(fs::write(dir.join(Self::FILE), serde_json::to_string(self)?)?)
    }

    fn read(dir: &Path) -> Result<Option<Self>> {
        match fs::read_to_string(dir.join(Self::FILE)) {
            Ok(text) => Ok(Some(serde_json::from_str(&text)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a process of a lab is one of Storm's, or speaks to it.
fn is_storm(process: &Marked) -> bool {
    let ours = ["-Ddaemon.name=", "-Dstorm."];
    process.command.iter().any(|word| ours.iter().any(|prefix| word.starts_with(prefix)))
}
