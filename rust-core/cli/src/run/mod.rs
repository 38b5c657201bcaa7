//! `thalweg run`: beside a cluster for as long as it is wanted, with the engine that otherwise runs within.

mod flink;
mod running;
mod spark;
mod storm;

use clap::{Args, Subcommand};

use crate::exit::Failure;

/// Runs beside a cluster, in which nothing is installed: watches it, and changes it as far as the mode allows
#[derive(Debug, Args)]
pub struct Run {
    #[command(subcommand)]
    cluster: Cluster,
}

/// Fails where the settings let it act and the cluster has a Thalweg in it; says so where the cluster does not tell.
fn require_no_other(
    acts: bool,
    has_thalweg: Option<bool>,
    (who, mend): (&str, &str),
) -> Result<(), Failure> {
    match has_thalweg {
        Some(true) if acts => Err(Failure::GivenUp(format!(
            "{who} has a Thalweg in it, and two would undo each other's work: {mend}, or --mode observe here"
        ))),
        None if acts => {
            eprintln!(
                "thalweg: {who} does not tell its configuration; a Thalweg in it and this one would undo each other's work"
            );
            Ok(())
        }
        _ => Ok(()),
    }
}

#[derive(Debug, Subcommand)]
enum Cluster {
    Flink(flink::Flink),
    Spark(spark::Spark),
    Storm(storm::Storm),
}

impl Run {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        match self.cluster {
            Cluster::Flink(flink) => flink.run(),
            Cluster::Spark(spark) => spark.run(),
            Cluster::Storm(storm) => storm.run(),
        }
    }
}
