//! The folder that Storm's daemons call `storm.home`, and each daemon's configuration.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::builder::{Profile, StormBuilder};
use crate::dist::Dist;
use crate::java::small_flags;
use crate::ports::Ports;
use crate::process::{Server, Site};

/// Where Storm's daemons find jars beside its own.
const DAEMON_JARS: &str = "extlib-daemon";
/// Storm counts a core as a hundred points.
const POINTS_OF_A_CORE: f64 = 100.0;

/// Ports of a cluster: two for the masters, then one for each supervisor, then the slots.
pub(super) fn ports_needed(builder: &StormBuilder) -> Result<u16> {
    let nodes = u16::try_from(builder.nodes)?;
    Ok(2 + nodes * (1 + builder.slots))
}

/// What all daemons of a cluster agree on.
pub(super) struct Common<'a> {
    pub home: &'a Path,
    pub hub: &'a Site,
    pub standby: Option<&'a Site>,
    pub ports: &'a Ports,
    pub builder: &'a StormBuilder,
}

/// A daemon's own folder.
#[derive(Debug, Clone)]
pub(super) struct DaemonDir(pub PathBuf);

impl DaemonDir {
    pub fn conf(&self) -> PathBuf {
        self.0.join("conf")
    }

    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    pub fn java_home(&self) -> PathBuf {
        self.0.join("java")
    }

    /// Starts a daemon that logs here.
    pub fn start(&self, name: &str, command: Command) -> Result<Server> {
        let logs = self.logs();
        Server::start(name, command, &logs, &[logs.join(format!("{name}.log"))])
    }
}

/// Makes `storm.home` anew: the jars, the extra ones, and where to log.
pub(super) fn make_home(home: &Path, dist: &Dist, daemon_jars: &[PathBuf]) -> Result<()> {
    if home.exists() {
        fs::remove_dir_all(home)?;
    }
    for folder in ["extlib", DAEMON_JARS, "log4j2", "bin", "conf"] {
        fs::create_dir_all(home.join(folder))?;
    }
    symlink(dist.storm_daemon()?, home.join("lib"))?;
    symlink(dist.storm_worker()?, home.join("lib-worker"))?;
    fs::write(home.join("RELEASE"), dist.storm_version())?;
    let daemon = "${sys:storm.log.dir}/${sys:logfile.name}";
    let worker = "${sys:workers.artifacts}/${sys:storm.id}/${sys:worker.port}/${sys:logfile.name}";
    fs::write(home.join("log4j2/cluster.xml"), log_to(daemon))?;
    fs::write(home.join("log4j2/worker.xml"), log_to(worker))?;
    daemon_jars.iter().try_for_each(|jar| add_daemon_jar(home, jar))
}

/// Puts another jar in the place of all that daemons have beside Storm's own. Processes that run keep what they have opened.
pub(super) fn exchange_daemon_jars(home: &Path, jar: &Path) -> Result<()> {
    for entry in fs::read_dir(home.join(DAEMON_JARS))? {
        fs::remove_file(entry?.path())?;
    }
    add_daemon_jar(home, jar)
}

fn add_daemon_jar(home: &Path, jar: &Path) -> Result<()> {
    let name = jar.file_name().context("a jar has a name")?;
    fs::copy(jar, home.join(DAEMON_JARS).join(name)).with_context(|| jar.display().to_string())?;
    Ok(())
}

fn log_to(file: &str) -> String {
    format!(
        r#"<configuration monitorInterval="0">
<appenders><File name="A" fileName="{file}"><PatternLayout pattern="%d{{HH:mm:ss.SSS}} %c{{1.}} %t [%p] %msg%n"/></File></appenders>
<loggers><root level="info"><appender-ref ref="A"/></root></loggers>
</configuration>
"#
    )
}

impl Common<'_> {
    pub fn zookeeper_port(&self) -> u16 {
        self.ports.at(0)
    }

    pub fn nimbus_port(&self) -> u16 {
        self.ports.at(1)
    }

    /// Configuration for ZooKeeper, clients and the Nimbus at this site.
    pub fn write_master(&self, dir: &DaemonDir, site: &Site) -> Result<()> {
        self.write(dir, self.keys(dir, site))
    }

    /// Configuration for the supervisor of the node at this place, counted from 0.
    pub fn write_supervisor(&self, dir: &DaemonDir, site: &Site, index: u16) -> Result<()> {
        let nodes = u16::try_from(self.builder.nodes)?;
        let slots = self.builder.slots;
        let first = 2 + nodes + index * slots;
        let ports: Vec<u16> = (first..first + slots).map(|port| self.ports.at(port)).collect();
        let mut keys = self.keys(dir, site);
        keys.insert("supervisor.thrift.port".into(), self.ports.at(2 + index).into());
        keys.insert("supervisor.slots.ports".into(), ports.into());
        if let Some(cores) = self.builder.declared_cores.get(usize::from(index)) {
            keys.insert("supervisor.cpu.capacity".into(), (cores * POINTS_OF_A_CORE).into());
        }
        self.write(dir, keys)
    }

    /// JSON is YAML too.
    fn write(&self, dir: &DaemonDir, keys: Map<String, Value>) -> Result<()> {
        fs::create_dir_all(dir.conf())?;
        fs::create_dir_all(dir.logs())?;
        fs::write(dir.conf().join("storm.yaml"), serde_json::to_string_pretty(&keys)?)?;
        Ok(())
    }

    fn keys(&self, dir: &DaemonDir, site: &Site) -> Map<String, Value> {
        let seeds: Vec<&str> =
            [Some(self.hub), self.standby].into_iter().flatten().map(|site| &*site.host).collect();
        let mut keys = json!({
            "storm.zookeeper.servers": [self.hub.host],
            "storm.zookeeper.port": self.zookeeper_port(),
            "dev.zookeeper.path": self.home.with_file_name("zookeeper-data"),
            "nimbus.seeds": seeds,
            "nimbus.thrift.port": self.nimbus_port(),
            "storm.local.dir": dir.0.join("local"),
            "storm.local.hostname": site.host,
            "storm.log4j2.conf.dir": self.home.join("log4j2"),
            "storm.scheduler": self.builder.scheduler,
            "executor.metrics.frequency.secs": 2,
            "topology.stats.sample.rate": 1.0,
            // After each tuple an idle executor looks a thousand times, nearly without pause, for the
            // next one: a tenth of a core for each, which one machine for all nodes does not have.
            "topology.bolt.wait.progressive.level2.count": 1,
            "topology.bolt.wait.progressive.level3.sleep.millis": 2,
            "storm.metricstore.class": "org.apache.storm.metricstore.NoOpMetricStore",
            "worker.childopts": format!("-Xmx128m -Xss256k {}", small_flags()),
            "topology.worker.logwriter.childopts": format!("-Xmx16m {}", small_flags()),
        });
        let keys = keys.as_object_mut().map(std::mem::take).unwrap_or_default();
        let mut keys: Map<String, Value> =
            keys.into_iter().chain(timings(self.builder.profile)).collect();
        if self.builder.standby {
            // Neither supervisors nor the other Nimbus wait long for one that stands still, as operators are advised.
            keys.insert("storm.thrift.socket.timeout.ms".into(), 5_000.into());
            keys.insert("storm.zookeeper.session.timeout".into(), 10_000.into());
            // A Nimbus may lead once it has the code of all topologies.
            keys.insert("nimbus.code.sync.freq.secs".into(), 2.into());
            keys.insert("topology.min.replication.count".into(), 2.into());
            keys.insert("topology.max.replication.wait.time.sec".into(), 60.into());
        }
        keys.extend(self.builder.configuration.clone());
        keys
    }
}

fn timings(profile: Profile) -> impl Iterator<Item = (String, Value)> {
    let [monitor, shutdown, nimbus, refresh] = match profile {
        Profile::Fast => [1, 1, 2, 2],
        Profile::Default => [3, 3, 10, 10],
        Profile::Ultra => [1, 1, 1, 1],
    };
    [
        ("supervisor.monitor.frequency.secs", monitor),
        ("supervisor.worker.shutdown.sleep.secs", shutdown),
        ("nimbus.monitor.freq.secs", nimbus),
        ("task.refresh.poll.secs", refresh),
    ]
    .into_iter()
    .map(|(key, seconds)| (key.to_owned(), Value::from(seconds)))
}
