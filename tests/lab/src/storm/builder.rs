//! What a cluster shall look like.

use crate::dist::STORM;
use crate::network::Network;
use anyhow::Result;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How quickly Storm's daemons look at what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// Seconds of 1 or 2, the quickest that a careful operator would set.
    #[default]
    Fast,
    /// Storm's own values: 3 to 10 seconds.
    Default,
    /// One second throughout.
    Ultra,
}

impl std::str::FromStr for Profile {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "fast" => Ok(Self::Fast),
            "default" => Ok(Self::Default),
            "ultra" => Ok(Self::Ultra),
            _ => anyhow::bail!("no timing profile {text}: fast, default or ultra"),
        }
    }
}

/// What a cluster shall look like.
#[derive(Debug, Clone)]
pub struct StormBuilder {
    pub(super) dir: PathBuf,
    pub(super) version: String,
    pub(super) nodes: usize,
    pub(super) slots: u16,
    pub(super) declared_cores: Vec<f64>,
    pub(super) scheduler: String,
    pub(super) daemon_jars: Vec<PathBuf>,
    pub(super) configuration: Map<String, Value>,
    pub(super) profile: Profile,
    pub(super) network: Network,
    pub(super) standby: bool,
    pub(super) java_home: Option<PathBuf>,
    pub(super) daemon_options: Vec<String>,
    pub(super) clocks: BTreeMap<usize, i32>,
}

impl StormBuilder {
    /// A cluster of two nodes with four slots each, fast timings, and Storm's own scheduler.
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            version: STORM.to_owned(),
            nodes: 2,
            slots: 4,
            declared_cores: Vec::new(),
            scheduler: "org.apache.storm.scheduler.DefaultScheduler".to_owned(),
            daemon_jars: Vec::new(),
            configuration: Map::new(),
            profile: Profile::Fast,
            network: Network::Loopback,
            standby: false,
            java_home: None,
            daemon_options: Vec::new(),
            clocks: BTreeMap::new(),
        }
    }

    /// The version of Storm, of daemons, workers and clients.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// The number of nodes.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// Slots on each node.
    #[must_use]
    pub fn slots(mut self, slots: u16) -> Self {
        self.slots = slots;
        self
    }

    /// What nodes say of their processors (`supervisor.cpu.capacity`), in order.
    #[must_use]
    pub fn declared_cores(mut self, cores: &[f64]) -> Self {
        cores.clone_into(&mut self.declared_cores);
        self
    }

    /// The class of `storm.scheduler`.
    #[must_use]
    pub fn scheduler(mut self, class: &str) -> Self {
        class.clone_into(&mut self.scheduler);
        self
    }

    /// A jar on the class path of Nimbus and the supervisors.
    #[must_use]
    pub fn daemon_jar(mut self, jar: &Path) -> Self {
        self.daemon_jars.push(jar.to_owned());
        self
    }

    /// A key of `storm.yaml`; wins over the lab's own.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.configuration.insert(key.to_owned(), value.into());
        self
    }

    /// The timing profile.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// How nodes reach each other.
    #[must_use]
    pub fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// Adds a second Nimbus on a machine of its own. Both listen on one port, so it needs [`Network::Namespaces`].
    #[must_use]
    pub fn standby(mut self) -> Self {
        self.standby = true;
        self
    }

    /// The JDK of all daemons and workers.
    #[must_use]
    pub fn java_home(mut self, home: &Path) -> Self {
        self.java_home = Some(home.to_owned());
        self
    }

    /// Lets a node's clock run this many seconds ahead, or behind; needs Debian's `libfaketime`.
    #[must_use]
    pub fn clock_ahead(mut self, node: usize, secs: i32) -> Self {
        self.clocks.insert(node, secs);
        self
    }

    /// A flag for Nimbus's virtual machine, such as `-Xcheck:jni`.
    #[must_use]
    pub fn nimbus_option(mut self, option: &str) -> Self {
        self.daemon_options.push(option.to_owned());
        self
    }
}
