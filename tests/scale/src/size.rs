//! Sizes of clusters, and the curves along which they grow.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How large a cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Its nodes.
    pub nodes: u32,
    /// Its topologies.
    pub topologies: u32,
    /// The executors of all of them together.
    pub executors: u32,
}

/// What all that does not grow has.
pub const USUAL: Size = Size { nodes: 200, topologies: 50, executors: 10_000 };

/// What grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Nodes alone.
    Nodes,
    /// Topologies alone: as many executors are dealt out among more of them.
    Topologies,
    /// Executors alone, in as many topologies.
    Executors,
    /// All three.
    Together,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Nodes, Self::Topologies, Self::Executors, Self::Together];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::Topologies => "topologies",
            Self::Executors => "executors",
            Self::Together => "together",
        }
    }

    /// The sizes of its curve, the smallest first, and not beyond so many executors.
    pub fn sizes(self, most_executors: u32) -> Vec<Size> {
        let nodes = [10, 30, 100, 300, 1_000, 2_000];
        let topologies = [10, 30, 100, 300, 1_000];
        let executors = [100, 1_000, 3_000, 10_000, 30_000, 100_000];
        let together = [
            (10, 10, 100),
            (20, 10, 1_000),
            (60, 30, 3_000),
            (200, 100, 10_000),
            (600, 300, 30_000),
            (2_000, 1_000, 100_000),
        ];
        let all: Vec<Size> = match self {
            Self::Nodes => nodes.map(|nodes| Size { nodes, ..USUAL }).to_vec(),
            Self::Topologies => topologies.map(|topologies| Size { topologies, ..USUAL }).to_vec(),
            Self::Executors => executors.map(|executors| Size { executors, ..USUAL }).to_vec(),
            Self::Together => together
                .map(|(nodes, topologies, executors)| Size { nodes, topologies, executors })
                .to_vec(),
        };
        all.into_iter().filter(|size| size.executors <= most_executors).collect()
    }

    /// How far a size is along its curve.
    pub fn of(self, size: Size) -> f64 {
        f64::from(match self {
            Self::Nodes => size.nodes,
            Self::Topologies => size.topologies,
            Self::Executors | Self::Together => size.executors,
        })
    }
}
