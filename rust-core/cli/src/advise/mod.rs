//! `thalweg advise`: what would be changed in a cluster in which nothing is installed, and why.

mod ending;
mod flink;
mod spark;
mod storm;
mod told;
mod watch;
mod words;

use clap::{Args, Subcommand};

use crate::exit::Failure;

/// Watches a cluster from beside and tells what Thalweg would change there and why; touches nothing, installs nothing
#[derive(Debug, Args)]
pub struct Advise {
    #[command(subcommand)]
    cluster: Cluster,
}

#[derive(Debug, Subcommand)]
enum Cluster {
    Flink(flink::Flink),
    Spark(spark::Spark),
    Storm(storm::Storm),
}

impl Advise {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        match self.cluster {
            Cluster::Flink(flink) => flink.run(),
            Cluster::Spark(spark) => spark.run(),
            Cluster::Storm(storm) => storm.run(),
        }
    }
}
