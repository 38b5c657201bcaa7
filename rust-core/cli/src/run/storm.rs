//! `thalweg run storm`.

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use serde_json::{Map, Value};
use thalweg_connect::storm::{Cluster, defaults};
use thalweg_core::settings::Mode;
use thalweg_engine::EngineSettings;
use thalweg_shell::storm::{Nimbus, Rebalancer};

use super::require_no_other;
use super::running::Running;
use crate::exit::Failure;
use crate::settings;
use crate::speaking::ToStorm;

const WAIT: &str = "thalweg.action.rebalance.wait.secs";
const STEP: &str = "thalweg.action.step.timeout.secs";
/// How long sources stand still before workers end: as long as Storm gives a tuple where nothing else is set.
const WAIT_SECS: u32 = 30;
/// Workers need so long to start and to tell of it, besides what is between two of their reports.
const START_SECS: f64 = 60.0;
/// The longest step that can be set.
const LONGEST_STEP_SECS: f64 = 3600.0;

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
        let mut given = self.running.given()?;
        given.entry(WAIT).or_insert(WAIT_SECS.into());
        // What is wrong with it need not wait for an answer.
        let wait = settings::read_all(&given)?.rebalance_wait;
        let beside = self.storm.reach()?;
        let cluster = beside.cluster().clone();
        let all = with_defaults(&cluster, wait, given);
        let settings = settings::read_all(&all)?;
        require_time(&settings, &cluster)?;
        let acts = settings.core.mode >= Mode::Confirm;
        let who = format!("the Nimbus at {}", cluster.place);
        require_no_other(acts, cluster.has_thalweg, (&who, "thalweg.mode: act there"))?;
        // Rules and topologies may let it go further than it begins, so the client for changes is told that it may change.
        let hands = Rebalancer::through(self.storm.client(true)?, self.storm.timeout(), wait);
        let opened = self.running.open(settings, &all)?;
        opened.say("Storm", &cluster.version, &cluster.place);
        opened.watch(Nimbus::seen(beside), Box::new(hands))
    }
}

/// What is set, and what differs from a scheduler within Nimbus where nothing is: Storm fills the workers, each change restarts
/// what it touches, and a worker shows that it runs with its next report.
fn with_defaults(
    cluster: &Cluster,
    wait: Duration,
    given: Map<String, Value>,
) -> Map<String, Value> {
    let wait = wait.as_secs_f64();
    let step = (wait + START_SECS + 2.0 * reports_secs(cluster)).ceil().min(LONGEST_STEP_SECS);
    let set: [(&str, Value); 3] = [
        ("thalweg.placement.slots", "engine-workers".into()),
        ("thalweg.scaling.restart.secs", (wait + START_SECS / 2.0).into()),
        (STEP, (step as u32).into()),
    ];
    let mut all = defaults(cluster);
    all.extend(set.map(|(key, value)| (key.to_owned(), value)));
    all.extend(given);
    all
}

/// Fails where no change could be seen to run within a step: each would be taken back, and stop its topology twice.
fn require_time(settings: &EngineSettings, cluster: &Cluster) -> Result<(), Failure> {
    let (step, wait) = (settings.step_timeout.as_secs_f64(), settings.rebalance_wait.as_secs_f64());
    let reports = reports_secs(cluster);
    if step > wait + reports {
        return Ok(());
    }
    let text = format!(
        "{STEP} is {step:.0}, and sources stand still for {wait:.0} s of that ({WAIT}) before workers start, which report each {reports:.0} s"
    );
    Err(Failure::Failed(anyhow!(text)))
}

fn reports_secs(cluster: &Cluster) -> f64 {
    cluster.reports_each().get() / 1000.0
}
