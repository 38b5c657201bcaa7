//! The configuration of a cluster's processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::builder::{FlinkBuilder, FlinkLine};
use crate::java::{Java, class_path};
use crate::ports::Ports;
use crate::process::Site;

/// RPC, REST and blobs of each JobManager.
pub(super) const JOB_MANAGER_PORTS: u16 = 3;
/// ZooKeeper's port comes after those of two JobManagers.
pub(super) const ZOOKEEPER: u16 = 2 * JOB_MANAGER_PORTS;
/// Of one cluster.
pub(super) const PORTS: u16 = ZOOKEEPER + 1;
/// Time for a process that fell silent, in ms; a busy machine needs most of it.
const HEARTBEAT_MILLIS: u32 = 10_000;

/// What Flink's own start scripts open, on JDK 17.
const OPEN: [&str; 14] = [
    "--add-exports=java.base/sun.net.util=ALL-UNNAMED",
    "--add-exports=java.management/sun.management=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.net=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
    "--add-opens=java.base/java.text=ALL-UNNAMED",
    "--add-opens=java.base/java.time=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent.locks=ALL-UNNAMED",
];

/// A cluster's folder, jars and addresses.
#[derive(Debug)]
pub(super) struct Home {
    pub dir: PathBuf,
    pub lib: PathBuf,
    pub java: Java,
    /// `lib/` as the stock start scripts would put it on the class path.
    extra: Vec<PathBuf>,
    options: Vec<String>,
    /// Whether keys are lines of a file, as before there was a `config.yaml`.
    flat: bool,
}

impl Home {
    /// Makes the folder anew.
    pub fn make(dir: &Path, lib: &Path, builder: &FlinkBuilder) -> Result<Self> {
        if dir.exists() {
            fs::remove_dir_all(dir)?;
        }
        for folder in ["logs", "plugins", "upload/flink-web-upload", "lib", "tmp"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        let mut extra = Vec::new();
        for jar in &builder.library_jars {
            let copy = dir.join("lib").join(jar.file_name().context("a jar has a name")?);
            fs::copy(jar, &copy).with_context(|| jar.display().to_string())?;
            extra.push(copy);
        }
        extra.sort();
        Ok(Self {
            dir: dir.to_owned(),
            lib: lib.to_owned(),
            java: Java::new(None),
            extra,
            options: builder.job_manager_options.clone(),
            flat: builder.line == FlinkLine::V1_18,
        })
    }

    pub fn logs(&self) -> PathBuf {
        self.dir.join("logs")
    }

    /// Where a jar must lie to be run through REST.
    pub fn uploads(&self) -> PathBuf {
        self.dir.join("upload/flink-web-upload")
    }

    /// The configuration folder of a process.
    pub fn conf(&self, name: &str) -> PathBuf {
        self.dir.join("conf").join(name)
    }

    /// Puts this jar in the place of the extra ones; processes that start from now on run with it.
    pub fn exchange_library_jars(&mut self, jar: &Path) -> Result<()> {
        let lib = self.dir.join("lib");
        // Moved there, as those that run may still read the old file.
        let beside = lib.join("exchanged.tmp");
        fs::copy(jar, &beside).with_context(|| jar.display().to_string())?;
        self.remove_library_jars()?;
        let copy = lib.join(jar.file_name().context("a jar has a name")?);
        fs::rename(&beside, &copy)?;
        self.extra = vec![copy];
        Ok(())
    }

    /// Takes the extra jars away; processes that start from now on run without.
    pub fn remove_library_jars(&mut self) -> Result<()> {
        for jar in self.extra.drain(..) {
            fs::remove_file(jar)?;
        }
        Ok(())
    }

    pub fn write(&self, name: &str, keys: &Map<String, Value>) -> Result<()> {
        let conf = self.conf(name);
        fs::create_dir_all(&conf)?;
        if self.flat {
            let line = |(key, value): (&String, &Value)| match value {
                Value::String(text) => format!("{key}: {text}\n"),
                other => format!("{key}: {other}\n"),
            };
            let lines: String =
                keys.iter().filter(|(_, value)| !value.is_null()).map(line).collect();
            fs::write(conf.join("flink-conf.yaml"), lines)?;
        } else {
            // JSON is YAML.
            fs::write(conf.join("config.yaml"), serde_json::to_string_pretty(keys)?)?;
        }
        fs::write(conf.join("log4j.properties"), LOG)?;
        Ok(())
    }

    /// A command for one of Flink's processes.
    pub fn command(&self, site: &Site, name: &str, heap: &str, class: &str) -> Command {
        self.run(site, name, heap, class, &self.extra)
    }

    /// A command for a program of another jar that uses Flink's.
    pub fn beside(&self, site: &Site, name: &str, jar: &Path, class: &str) -> Command {
        self.run(site, name, "96m", class, &[jar.to_owned()])
    }

    fn run(&self, site: &Site, name: &str, heap: &str, class: &str, own: &[PathBuf]) -> Command {
        let conf = self.conf(name);
        let path = [own, &[self.lib.join("*")]].concat();
        let mut command = self.java.command(site, heap);
        command
            .env("FLINK_CONF_DIR", &conf)
            .env("FLINK_PLUGINS_DIR", self.dir.join("plugins"))
            .env("FLINK_LIB_DIR", self.dir.join("lib"))
            .args(OPEN)
            .arg(format!("-Dlog.file={}", self.logs().join(format!("{name}.log")).display()))
            .arg(format!("-Dlog4j.configurationFile=file:{}/log4j.properties", conf.display()));
        if name.starts_with("jobmanager") {
            command.args(&self.options);
        }
        command.args(["-cp", &class_path(&path), class]);
        command
    }
}

/// What all processes of a cluster agree on.
pub(super) fn common(
    builder: &FlinkBuilder,
    hub: &Site,
    dir: &Path,
    ports: &Ports,
) -> Map<String, Value> {
    let keys = json!({
        "jobmanager.rpc.address": hub.host,
        "jobmanager.rpc.port": ports.at(0),
        "jobmanager.bind-host": hub.host,
        "rest.address": hub.host,
        "rest.bind-address": hub.host,
        "rest.port": ports.at(1),
        "jobmanager.scheduler": "adaptive",
        "jobmanager.memory.heap.size": "320m",
        "jobmanager.memory.off-heap.size": "128m",
        "jobmanager.memory.jvm-metaspace.size": "256m",
        "jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling": "1s",
        "jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout": "1s",
        "jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout": "1s",
        "web.submit.enable": true,
        "web.upload.dir": dir.join("upload").display().to_string(),
        "web.refresh-interval": 250,
        "metrics.fetcher.update-interval": 500,
        "heartbeat.interval": 1_000,
        "heartbeat.timeout": HEARTBEAT_MILLIS,
        "cluster.registration.error-delay": 500,
        "cluster.registration.initial-timeout": 500,
        "slot.idle.timeout": 5_000,
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": 1_000_000,
        "restart-strategy.fixed-delay.delay": "500ms",
        "execution.checkpointing.dir": format!("file://{}", dir.join("checkpoints").display()),
        "execution.checkpointing.interval": "10s",
        "taskmanager.numberOfTaskSlots": builder.slots,
        "io.tmp.dirs": dir.join("tmp").display().to_string(),
    });
    let mut keys = keys.as_object().cloned().unwrap_or_default();
    if builder.survives {
        let storage = format!("file://{}", dir.join("ha").display());
        keys.insert("high-availability.type".into(), "zookeeper".into());
        keys.insert("high-availability.storageDir".into(), storage.into());
        let quorum = format!("{}:{}", hub.host, ports.at(ZOOKEEPER));
        keys.insert("high-availability.zookeeper.quorum".into(), quorum.into());
        let patience = "high-availability.zookeeper.client.session-timeout";
        keys.insert(patience.into(), HEARTBEAT_MILLIS.into());
    }
    keys.extend(builder.configuration.clone());
    keys.retain(|_, value| !value.is_null());
    keys
}

/// The common keys and what only this node's TaskManager reads; so many of its slots can be asked for by its name.
pub(super) fn of_node(common: &Map<String, Value>, site: &Site, pinned: u16) -> Map<String, Value> {
    let own = json!({
        "taskmanager.resource-id": site.node,
        "taskmanager.host": site.host,
        "taskmanager.bind-host": site.host,
        "taskmanager.cpu.cores": 1.0,
        "taskmanager.memory.framework.heap.size": "64m",
        "taskmanager.memory.framework.off-heap.size": "64m",
        "taskmanager.memory.task.heap.size": "128m",
        "taskmanager.memory.task.off-heap.size": "0",
        "taskmanager.memory.network.min": "64m",
        "taskmanager.memory.network.max": "64m",
        "taskmanager.memory.managed.size": "128m",
        "taskmanager.memory.jvm-overhead.min": "192m",
        "taskmanager.memory.jvm-overhead.max": "192m",
        "taskmanager.memory.jvm-metaspace.size": "192m",
    });
    let mut keys = common.clone();
    for (key, value) in own.as_object().into_iter().flatten() {
        keys.entry(key.clone()).or_insert_with(|| value.clone());
    }
    if pinned > 0 {
        let pin = format!("thalweg-{}", site.node);
        keys.insert(format!("external-resource.{pin}.amount"), pinned.into());
        keys.insert("external-resources".into(), pin.into());
    }
    keys
}

const LOG: &str = "rootLogger.level = INFO
rootLogger.appenderRef.file.ref = File
appender.file.name = File
appender.file.type = FILE
appender.file.fileName = ${sys:log.file}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{UNIX_MILLIS} %d{HH:mm:ss.SSS} %c{1.} %t [%p] %m%n
";
