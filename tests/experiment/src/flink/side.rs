//! Who decides.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail};
use serde::Serialize;

pub(crate) const SLOTS: u16 = 4;

/// Who decides on a job's parallelism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FlinkSide {
    /// Nobody.
    Static,
    /// Flink's own autoscaler.
    Autoscaler,
    /// Thalweg, through REST.
    Level1,
    /// Thalweg, in place of the adaptive scheduler's factory.
    Level2,
}

impl FlinkSide {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Static, Self::Autoscaler, Self::Level1, Self::Level2];

    /// The name in files and options.
    pub fn key(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Autoscaler => "autoscaler",
            Self::Level1 => "level1",
            Self::Level2 => "level2",
        }
    }
}

impl fmt::Display for FlinkSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.key())
    }
}

impl FromStr for FlinkSide {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|side| side.key() == text) {
            Some(side) => Ok(side),
            None => bail!("no side {text}: static, autoscaler, level1 or level2"),
        }
    }
}
