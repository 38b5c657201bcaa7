//! `thalweg run`: beside a cluster for as long as it is wanted, with the engine that otherwise runs within.

mod flink;
mod running;
mod storm;

use clap::{Args, Subcommand};

use crate::exit::Failure;

/// Runs beside a cluster, in which nothing is installed: watches it, and changes it as far as the mode allows
#[derive(Debug, Args)]
pub struct Run {
    #[command(subcommand)]
    cluster: Cluster,
}

#[derive(Debug, Subcommand)]
enum Cluster {
    Flink(flink::Flink),
    Storm(storm::Storm),
}

impl Run {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        match self.cluster {
            Cluster::Flink(flink) => flink.run(),
            Cluster::Storm(storm) => storm.run(),
        }
    }
}
