//! `thalweg advise spark`.

use clap::Args;
use thalweg_connect::spark::defaults;
use thalweg_shell::spark::Driver;

use super::watch::{Place, Watching};
use super::words::SPARK;
use crate::exit::Failure;
use crate::settings;
use crate::speaking::ToSpark;

/// Watches the queries of a driver of Spark, through the agent in it: only asks, changes nothing
#[derive(Debug, Args)]
pub struct Spark {
    #[command(flatten)]
    watching: Watching,
    // Last, as its heading holds for all that follows.
    #[command(flatten)]
    spark: ToSpark,
}

impl Spark {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        // What is wrong with it need not wait for an answer.
        let given = self.watching.given()?;
        let reached = self.spark.reach()?;
        let settings = defaults(&reached.told);
        let mut all = settings.clone();
        all.extend(given);
        let window = settings::read(&all)?.window;
        let place = Place { name: reached.name, version: reached.told.spark };
        self.watching.watch(Driver::watched(reached.agent, window), place, SPARK, settings)
    }
}
