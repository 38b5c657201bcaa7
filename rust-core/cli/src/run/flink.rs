//! `thalweg run flink`.

use anyhow::Context;
use clap::Args;
use thalweg_connect::flink::{Cluster, Rest, defaults};
use thalweg_connect::http::Address;
use thalweg_core::settings::Mode;

use super::running::Running;
use crate::exit::Failure;
use crate::speaking::Speaking;

/// How long a step may take where nothing else is set: Flink waits up to half a minute between two changes of parallelism, and
/// then for slots.
const STEP_SECS: u32 = 120;

/// Runs beside a Flink cluster, from 1.18 on: asks its jobs for other parallelism through its REST interface
#[derive(Debug, Args)]
pub struct Flink {
    /// The JobManager's REST interface, as `http://jobmanager:8081`, with the path that a proxy has for it
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    speaking: Speaking,
}

impl Flink {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let address = Address::parse(&self.url).context("the address of the JobManager")?;
        let name = address.to_string();
        let given = self.running.given()?;
        let rest = Rest::new(self.speaking.to(address, &given))?;
        let cluster = Cluster::read(&rest, &name)?;
        let mut all = defaults(cluster.fetches_each);
        all.insert("thalweg.action.step.timeout.secs".to_owned(), STEP_SECS.into());
        all.extend(given);
        let settings = self.running.read(&all)?;
        let acts = settings.core.mode >= Mode::Confirm;
        if acts && cluster.has_thalweg == Some(true) {
            return Err(Failure::GivenUp(format!(
                "the JobManager at {name} is configured to have a Thalweg in it, and two would undo each other's work: \
                 thalweg.flink.level: 0 there, or --mode observe here"
            )));
        }
        if acts && cluster.has_thalweg.is_none() {
            eprintln!(
                "thalweg: the JobManager does not tell its configuration; a Thalweg in it and this one would undo each other's work"
            );
        }
        let opened = self.running.open(settings, &all)?;
        let core = opened.settings.core.clone();
        let (eyes, hands) = thalweg_shell::flink::of(&opened.engine, rest, &cluster, core);
        opened.say("Flink", &cluster.version, &name);
        opened.watch(eyes, Box::new(hands))
    }
}
