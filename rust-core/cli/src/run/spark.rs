//! `thalweg run spark`.

use clap::Args;
use thalweg_connect::spark::defaults;

use super::running::Running;
use crate::exit::Failure;
use crate::settings;
use crate::speaking::ToSpark;

/// How long a step may take where nothing else is set: a cluster that has room gives an executor within some seconds, one that
/// has to make room within minutes.
const STEP_SECS: u32 = 180;

/// Runs beside a driver of Spark: asks for other numbers of executors, through the agent in it
#[derive(Debug, Args)]
pub struct Spark {
    #[command(flatten)]
    running: Running,
    // Last, as its heading holds for all that follows.
    #[command(flatten)]
    spark: ToSpark,
}

impl Spark {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let given = self.running.given()?;
        let reached = self.spark.reach()?;
        let mut all = defaults(&reached.told);
        all.insert("thalweg.action.step.timeout.secs".to_owned(), STEP_SECS.into());
        all.extend(given);
        let settings = settings::read_all(&all)?;
        let window = settings.core.window;
        let opened = self.running.open(settings, &all)?;
        opened.say("Spark", &reached.told.spark, &reached.name);
        let (eyes, hands) = thalweg_shell::spark::of(reached.agent, window);
        opened.watch(eyes, Box::new(hands))
    }
}
