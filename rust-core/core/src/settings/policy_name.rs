//! The names of the policies.

use serde::{Deserialize, Serialize};

/// Every policy.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyName {
    /// Changes nothing.
    Static,
    /// Keeps busy shares near a target.
    Threshold,
    /// One resolver a round.
    Dhalion,
    /// Executors for exactly what the sources bring.
    Ds2,
    /// The formulas of Flink's autoscaler.
    FlinkAutoscaler,
    /// A Gaussian process per operator.
    Conttune,
    /// Triggers and plans of the Me-Stream paper.
    #[default]
    MeStream,
    /// Learned capacity, demand at the lead time, and what an action costs.
    Thalweg,
}

impl PolicyName {
    /// Every policy, the simplest first.
    pub const ALL: [Self; 8] = [
        Self::Static,
        Self::Threshold,
        Self::Dhalion,
        Self::Ds2,
        Self::FlinkAutoscaler,
        Self::Conttune,
        Self::MeStream,
        Self::Thalweg,
    ];

    /// Its name in settings and decisions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Threshold => "threshold",
            Self::Dhalion => "dhalion",
            Self::Ds2 => "ds2",
            Self::FlinkAutoscaler => "flink-autoscaler",
            Self::Conttune => "conttune",
            Self::MeStream => "me-stream",
            Self::Thalweg => "thalweg",
        }
    }

    /// The policy of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == name)
    }
}
