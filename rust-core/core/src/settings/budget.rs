//! What all topologies may have together, and how much of it each is owed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What all topologies share.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Executors of sources and operators.
    #[default]
    Executors,
    /// Cores that they declare.
    Cores,
    /// MiB that they declare.
    Memory,
    /// What these cost in an hour.
    Money,
}

impl Resource {
    /// The setting that limits it.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Executors => "thalweg.scaling.executor.budget",
            Self::Cores => "thalweg.scaling.budget.cores",
            Self::Memory => "thalweg.scaling.budget.memory.mib",
            Self::Money => "thalweg.scaling.budget.money.per.hour",
        }
    }

    /// What one topology has of it, in words.
    pub fn of_one(self) -> &'static str {
        match self {
            Self::Executors => "its executors",
            Self::Cores => "its cores",
            Self::Memory => "its memory in MiB",
            Self::Money => "what it costs in an hour",
        }
    }
}

/// What all topologies may have together beside executors, where 0 is no limit, and how they share it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// Cores.
    pub cores: f64,
    /// Memory in MiB.
    pub memory_mib: f64,
    /// Money in an hour, in whatever prices are in.
    pub money_per_hour: f64,
    /// What a core costs in an hour.
    pub core_hour: f64,
    /// What 1,024 MiB cost in an hour.
    pub gib_hour: f64,
    /// By name, how many times as much as one that is not named here a topology is owed.
    pub shares: BTreeMap<String, f64>,
}

impl Budget {
    /// How many times as much as another a topology is owed.
    pub fn weight(&self, name: &str) -> f64 {
        self.shares.get(name).copied().unwrap_or(1.0)
    }
}
