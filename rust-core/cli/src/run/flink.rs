//! `thalweg run flink`.

use clap::Args;
use thalweg_connect::flink::defaults;
use thalweg_core::settings::Mode;

use super::require_no_other;
use super::running::Running;
use crate::exit::Failure;
use crate::settings;
use crate::speaking::{Reached, ToFlink};

/// How long a step may take where nothing else is set: Flink waits up to half a minute between two changes of parallelism, and
/// then for slots.
const STEP_SECS: u32 = 120;

/// Runs beside a Flink cluster, from 1.18 on: asks its jobs for other parallelism through its REST interface
#[derive(Debug, Args)]
pub struct Flink {
    #[command(flatten)]
    running: Running,
    // Last, as its heading holds for all that follows.
    #[command(flatten)]
    flink: ToFlink,
}

impl Flink {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let given = self.running.given()?;
        let Reached { rest, cluster, name } = self.flink.reach(&given)?;
        let mut all = defaults(cluster.fetches_each);
        all.insert("thalweg.action.step.timeout.secs".to_owned(), STEP_SECS.into());
        all.extend(given);
        let settings = settings::read_all(&all)?;
        let acts = settings.core.mode >= Mode::Confirm;
        let who = format!("the JobManager at {name}");
        require_no_other(acts, cluster.has_thalweg, (&who, "thalweg.flink.level: 0 there"))?;
        let opened = self.running.open(settings, &all)?;
        let core = opened.settings.core.clone();
        let (eyes, hands) = thalweg_shell::flink::of(&opened.engine, rest, &cluster, core);
        opened.say("Flink", &cluster.version, &name);
        opened.watch(eyes, Box::new(hands))
    }
}
