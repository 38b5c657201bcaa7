//! `thalweg run storm`.

use clap::Args;
use serde_json::{Map, Value};
use thalweg_connect::storm::{Cluster, defaults};
use thalweg_core::settings::Mode;
use thalweg_shell::storm::{Nimbus, Rebalancer};

use super::running::Running;
use crate::exit::Failure;
use crate::settings;
use crate::speaking::ToStorm;

/// How long sources stand still before workers end: what is on its way has that much time to arrive.
const WAIT: &str = "thalweg.action.rebalance.wait.secs";
/// As long as Storm gives a tuple where nothing else is set.
const WAIT_SECS: u32 = 30;
/// Workers need so long to start and to tell of it, besides what is between two of their reports.
const START_SECS: f64 = 60.0;

/// Runs beside a Storm cluster: asks Nimbus for other executor counts, through Storm's own client on this machine
#[derive(Debug, Args)]
pub struct Storm {
    #[command(flatten)]
    storm: ToStorm,
    #[command(flatten)]
    running: Running,
}

impl Storm {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let given = self.running.given()?;
        // What is wrong with it need not wait for an answer.
        let acts = settings::read_all(&given)?.core.mode >= Mode::Confirm;
        let beside = self.storm.reach(acts)?;
        let cluster = beside.cluster().clone();
        if acts {
            require_no_other(&cluster)?;
        }
        let wait_secs = wait(&given);
        let mut all = defaults(&cluster);
        all.extend(beside_defaults(&cluster, wait_secs));
        all.extend(given);
        let settings = settings::read_all(&all)?;
        let opened = self.running.open(settings, &all)?;
        opened.say("Storm", &cluster.version, &cluster.place);
        let nimbus = Nimbus::asked(beside);
        opened.watch(nimbus.clone(), Box::new(Rebalancer::asking(nimbus, wait_secs)))
    }
}

/// Fails where Thalweg is the scheduler in Nimbus.
fn require_no_other(cluster: &Cluster) -> Result<(), Failure> {
    match cluster.has_thalweg {
        Some(true) => Err(Failure::GivenUp(format!(
            "the Nimbus at {} has Thalweg as its scheduler, and two would undo each other's work: act there, or --mode observe here",
            cluster.place
        ))),
        Some(false) => Ok(()),
        None => {
            eprintln!(
                "thalweg: Nimbus does not tell its configuration; a Thalweg in it and this one would undo each other's work"
            );
            Ok(())
        }
    }
}

/// How long sources stand still, as it is set; what is no number is refused with all other settings.
fn wait(given: &Map<String, Value>) -> u32 {
    let set = given.get(WAIT).and_then(|value| match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_u64(),
    });
    set.and_then(|secs| u32::try_from(secs).ok()).unwrap_or(WAIT_SECS)
}

/// What differs from a scheduler within Nimbus: Storm fills the workers, each change restarts what it touches, and a worker
/// shows that it runs with its next report.
fn beside_defaults(cluster: &Cluster, wait_secs: u32) -> Map<String, Value> {
    let stop = f64::from(wait_secs) + START_SECS / 2.0;
    let step = f64::from(wait_secs) + START_SECS + 2.0 * cluster.reports_each().get() / 1_000.0;
    let set: [(&str, Value); 4] = [
        (WAIT, wait_secs.into()),
        ("thalweg.placement.slots", "engine-workers".into()),
        ("thalweg.scaling.restart.secs", stop.into()),
        ("thalweg.action.step.timeout.secs", (step.ceil() as u32).into()),
    ];
    set.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
