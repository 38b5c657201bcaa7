//! A Kafka broker of one node.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication, TopicResult,
};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::{Builder, Runtime};

use crate::dist::Dist;
use crate::java::{Java, class_path};
use crate::ports::Ports;
use crate::process::{Server, Site};
use crate::wait::accepts;

const START_LIMIT: Duration = Duration::from_secs(60);
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Any identity will do for a cluster of one.
const CLUSTER_ID: &str = "MkU3OEVBNTcwNTJENDM2Qg";

/// Who may speak to a broker behind TLS, by SASL with SCRAM-SHA-512.
#[derive(Debug, Clone, Copy)]
pub struct Secured<'a> {
    /// The user.
    pub user: &'a str,
    /// The password.
    pub password: &'a str,
    /// PEM file of the broker's key and its certificate, which is signed by itself.
    pub keystore: &'a Path,
    /// PEM file of that certificate.
    pub certificate: &'a Path,
}

/// A running broker; dropping it stops it.
#[derive(Debug)]
pub struct Kafka {
    server: Server,
    bootstrap: String,
    ports: Ports,
}

impl Kafka {
    /// Starts an empty broker at a site and waits until it answers.
    ///
    /// # Errors
    /// With the end of its log.
    pub fn start(site: &Site) -> Result<Self> {
        let mut kafka = Self::spawn(site, None)?;
        let client = client(&kafka.bootstrap)?;
        kafka.server.wait_ready(START_LIMIT, || {
            let metadata = client.fetch_metadata(None, Duration::from_secs(1));
            metadata.is_ok_and(|metadata| !metadata.brokers().is_empty())
        })?;
        Ok(kafka)
    }

    /// The same behind TLS and SASL; it is ready once it listens.
    ///
    /// # Errors
    /// As for [`Kafka::start`].
    pub fn secured(site: &Site, secured: &Secured<'_>) -> Result<Self> {
        let mut kafka = Self::spawn(site, Some(secured))?;
        let port = kafka.ports.at(0);
        kafka.server.wait_ready(START_LIMIT, || accepts(&site.host, port))?;
        Ok(kafka)
    }

    fn spawn(site: &Site, secured: Option<&Secured<'_>>) -> Result<Self> {
        let java = Java::new(None);
        let dir = site.lab.join("kafka");
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        fs::create_dir_all(&dir)?;
        let ports = Ports::take(2)?;
        let bootstrap = format!("{}:{}", site.host, ports.at(0));
        let properties = dir.join("server.properties");
        let mut text = properties_of(&dir, &site.host, &ports);
        let mut more = Vec::new();
        if let Some(secured) = secured {
            text = text.replace("PLAINTEXT://", "SASL_SSL://");
            text = text.replace("PLAINTEXT:PLAINTEXT", "SASL_SSL:SASL_SSL");
            text += &secured_properties(secured);
            let Secured { user, password, .. } = secured;
            more = vec![
                "--add-scram".to_owned(),
                format!("SCRAM-SHA-512=[name={user},password={password}]"),
            ];
        }
        fs::write(&properties, text)?;
        let jars = class_path(&[Dist::open()?.kafka()?.join("*")]);
        format_storage(site, &java, (&jars, &properties), &more)?;

        let mut command = java.command(site, "256m");
        command.args(["-cp", &jars, "kafka.Kafka"]).arg(&properties);
        let server = Server::start("kafka", command, &dir, &[])?;
        Ok(Self { server, bootstrap, ports })
    }

    /// The address to connect to.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// As for [`create_topic`].
    pub fn create_topic(&self, topic: &str, partitions: u16) -> Result<()> {
        create_topic(&self.bootstrap, topic, partitions)
    }

    /// Gives a topic more partitions, so many altogether.
    ///
    /// # Errors
    /// As for [`create_topic`].
    pub fn set_partitions(&self, topic: &str, partitions: usize) -> Result<()> {
        let admin: AdminClient<_> = config(&self.bootstrap).create()?;
        let more = NewPartitions::new(topic, partitions);
        settled(runtime()?.block_on(admin.create_partitions([&more], &options()))?)
    }

    /// Deletes a topic.
    ///
    /// # Errors
    /// When there is none, or the broker does not answer.
    pub fn delete_topic(&self, topic: &str) -> Result<()> {
        let admin: AdminClient<_> = config(&self.bootstrap).create()?;
        settled(runtime()?.block_on(admin.delete_topics(&[topic], &options()))?)
    }

    /// Kills it at once, as a power cut would.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Records written and, of those, committed by a group.
    ///
    /// # Errors
    /// As for [`progress`].
    pub fn progress(&self, topic: &str, group: &str) -> Result<Progress> {
        progress(&self.bootstrap, topic, group)
    }
}

/// All values of a topic of the broker at this address, those of a partition in their order.
///
/// # Errors
/// When the broker does not answer, or a value is no text.
pub fn values(bootstrap: &str, topic: &str) -> Result<Vec<String>> {
    let mut config = config(bootstrap);
    config.set("group.id", "values").set("enable.auto.commit", "false");
    let client: BaseConsumer = config.create()?;
    let metadata = client.fetch_metadata(Some(topic), CALL_LIMIT)?;
    let (mut all, mut ends) = (TopicPartitionList::new(), BTreeMap::new());
    for partition in metadata.topics().first().context("topic")?.partitions() {
        let (begin, end) = client.fetch_watermarks(topic, partition.id(), CALL_LIMIT)?;
        all.add_partition_offset(topic, partition.id(), Offset::Offset(begin))?;
        if end > begin {
            ends.insert(partition.id(), end);
        }
    }
    client.assign(&all)?;
    let mut values = Vec::new();
    while !ends.is_empty() {
        let left = || format!("no record came, with {ends:?} to come after {}", values.len());
        let message = client.poll(CALL_LIMIT).with_context(left)??;
        let value = message.payload_view::<str>().context("a record without a value")??;
        values.push(value.to_owned());
        let partition = message.partition();
        if ends.get(&partition).is_some_and(|end| message.offset() + 1 >= *end) {
            ends.remove(&partition);
        }
    }
    Ok(values)
}

/// How far a group has come in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Records written.
    pub written: u64,
    /// Records committed: all of them, and all before them, were processed.
    pub committed: u64,
}

impl Progress {
    /// Records not yet committed.
    pub fn lag(self) -> u64 {
        self.written.saturating_sub(self.committed)
    }
}

/// Makes a topic in the broker at this address.
///
/// # Errors
/// When it exists, or the broker does not answer.
pub fn create_topic(bootstrap: &str, topic: &str, partitions: u16) -> Result<()> {
    let admin: AdminClient<_> = config(bootstrap).create()?;
    let new = NewTopic::new(topic, i32::from(partitions), TopicReplication::Fixed(1));
    settled(runtime()?.block_on(admin.create_topics([&new], &options()))?)
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_time().build()
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(CALL_LIMIT))
}

fn settled(outcomes: Vec<TopicResult>) -> Result<()> {
    for outcome in outcomes {
        outcome.map_err(|(topic, code)| anyhow!("topic {topic}: {code}"))?;
    }
    Ok(())
}

/// Asks the broker at this address for a group's progress, without joining the group.
///
/// # Errors
/// When the broker does not answer.
pub fn progress(bootstrap: &str, topic: &str, group: &str) -> Result<Progress> {
    let client: BaseConsumer = config(bootstrap).set("group.id", group).create()?;
    let metadata = client.fetch_metadata(Some(topic), CALL_LIMIT)?;
    let partitions = metadata.topics().first().context("topic")?.partitions();
    let mut wanted = TopicPartitionList::new();
    let mut progress = Progress { written: 0, committed: 0 };
    for partition in partitions {
        let (_, end) = client.fetch_watermarks(topic, partition.id(), CALL_LIMIT)?;
        progress.written += u64::try_from(end)?;
        wanted.add_partition(topic, partition.id());
    }
    for element in client.committed_offsets(wanted, CALL_LIMIT)?.elements() {
        if let Offset::Offset(offset) = element.offset() {
            progress.committed += u64::try_from(offset)?;
        }
    }
    Ok(progress)
}

/// What every client of the lab's brokers needs.
pub(crate) fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("broker.address.family", "v4");
    config
}

fn client(bootstrap: &str) -> Result<BaseConsumer> {
    let mut config = config(bootstrap);
    // A broker that is about to start refuses connections; that is no news.
    config.set("log_level", "0").set("reconnect.backoff.max.ms", "100");
    Ok(config.create()?)
}

fn format_storage(
    site: &Site,
    java: &Java,
    (jars, properties): (&str, &Path),
    more: &[String],
) -> Result<()> {
    let mut command = java.command(site, "64m");
    command
        .args(["-cp", jars, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"])
        .arg(properties)
        .args(more);
    let output = command.output().context("cannot start java")?;
    if !output.status.success() {
        bail!("kafka storage: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// What a broker behind TLS and SASL needs besides; it speaks so with itself too.
fn secured_properties(secured: &Secured<'_>) -> String {
    let Secured { user, password, keystore, certificate } = secured;
    let module = "org.apache.kafka.common.security.scram.ScramLoginModule";
    format!(
        "inter.broker.listener.name=SASL_SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={module} required username=\"{user}\" password=\"{password}\";
ssl.keystore.type=PEM
ssl.keystore.location={}
ssl.truststore.type=PEM
ssl.truststore.location={}
",
        keystore.display(),
        certificate.display(),
    )
}

fn properties_of(dir: &Path, host: &str, ports: &Ports) -> String {
    let (client, controller) = (ports.at(0), ports.at(1));
    let data: PathBuf = dir.join("data");
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{client},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{client}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
num.network.threads=1
num.io.threads=2
log.cleaner.enable=false
",
        data.display()
    )
}
