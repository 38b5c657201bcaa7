//! What a cluster shall look like.

use crate::dist::Dist;
use anyhow::Result;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// A line of Flink releases, and the newest of it whose artifacts all resolve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FlinkLine {
    /// 2.3, the newest.
    #[default]
    V2_3,
    /// 2.2, the one before.
    V2_2,
    /// 2.1, where slots are assigned by other classes.
    V2_1,
    /// 2.0, as 2.1.
    V2_0,
    /// 1.20, the last of its kind, which is kept for long.
    V1_20,
    /// 1.19, where parallelism can be asked for as in 1.20.
    V1_19,
    /// 1.18, the first where it can.
    V1_18,
}

impl FlinkLine {
    /// The release.
    pub fn version(self) -> &'static str {
        match self {
            Self::V2_3 => "2.3.0",
            Self::V2_2 => "2.2.1",
            Self::V2_1 => "2.1.3",
            Self::V2_0 => "2.0.0",
            Self::V1_20 => "1.20.5",
            Self::V1_19 => "1.19.3",
            Self::V1_18 => "1.18.1",
        }
    }
}

/// What a cluster shall look like.
#[derive(Debug, Clone)]
pub struct FlinkBuilder {
    pub(super) dir: PathBuf,
    pub(super) line: FlinkLine,
    pub(super) nodes: usize,
    pub(super) slots: u16,
    pub(super) library_jars: Vec<PathBuf>,
    pub(super) configuration: Map<String, Value>,
    pub(super) job_manager_options: Vec<String>,
    pub(super) survives: bool,
    /// The keys that the second JobManager alone reads, where there is one.
    pub(super) standby: Option<Map<String, Value>>,
    pub(super) pins: bool,
}

impl FlinkBuilder {
    /// A cluster of two nodes with four slots each, the adaptive scheduler and fast timings.
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            line: FlinkLine::default(),
            nodes: 2,
            slots: 4,
            library_jars: Vec::new(),
            configuration: Map::new(),
            job_manager_options: Vec::new(),
            survives: false,
            standby: None,
            pins: false,
        }
    }

    /// The line of releases.
    #[must_use]
    pub fn line(mut self, line: FlinkLine) -> Self {
        self.line = line;
        self
    }

    /// The number of nodes, each one TaskManager.
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

    /// A jar for `lib/`, on the class path in the order of the stock start scripts: sorted by name, before Flink's own.
    #[must_use]
    pub fn library_jar(mut self, jar: &Path) -> Self {
        self.library_jars.push(jar.to_owned());
        self
    }

    /// With what takes SQL in `lib/`.
    ///
    /// # Errors
    /// When its jars are not in the cache and cannot be fetched.
    pub fn with_sql(mut self) -> Result<Self> {
        let jars = Dist::open()?.flink_sql(self.line.version())?;
        for entry in std::fs::read_dir(jars)? {
            let entry = entry?;
            // What they need is in Flink's own jars, which come last.
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("flink-table-") || name.starts_with("flink-cep-") {
                self.library_jars.push(entry.path());
            }
        }
        Ok(self)
    }

    /// A key of `config.yaml`; wins over the lab's own, and `null` takes those away.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.configuration.insert(key.to_owned(), value.into());
        self
    }

    /// A flag for the JobManager's virtual machine.
    #[must_use]
    pub fn job_manager_option(mut self, option: &str) -> Self {
        self.job_manager_options.push(option.to_owned());
        self
    }

    /// Jobs outlive the JobManager: a ZooKeeper of the cluster's own keeps track of them.
    #[must_use]
    pub fn highly_available(mut self) -> Self {
        self.survives = true;
        self
    }

    /// A second JobManager takes over from the first; it reads these keys besides, or others instead.
    #[must_use]
    pub fn standby(mut self, keys: Map<String, Value>) -> Self {
        self.standby = Some(keys);
        self.highly_available()
    }

    /// Slots can be asked for from each TaskManager alone, by an external resource of its own.
    #[must_use]
    pub fn pinned(mut self) -> Self {
        self.pins = true;
        self
    }
}
