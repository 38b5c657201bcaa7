//! `thalweg advise storm`.

use clap::Args;
use serde_json::{Map, Value};
use thalweg_connect::storm::defaults;
use thalweg_shell::storm::Nimbus;

use super::watch::{Place, Watching};
use super::words::STORM;
use crate::exit::Failure;
use crate::speaking::ToStorm;

/// Watches a Storm cluster through Storm's own client on this machine: only asks, changes nothing
#[derive(Debug, Args)]
pub struct Storm {
    #[command(flatten)]
    storm: ToStorm,
    #[command(flatten)]
    watching: Watching,
}

impl Storm {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        // What is wrong with it need not wait for an answer.
        self.watching.given()?;
        let beside = self.storm.reach()?;
        let cluster = beside.cluster().clone();
        let settings = with_adoption(defaults(&cluster));
        let place = Place { name: cluster.place, version: cluster.version };
        self.watching.watch(Nimbus::seen(beside), place, STORM, settings)
    }
}

/// Storm has put sources into workers with operators where nothing is installed, and an advice says what it costs to part them
/// instead of waiting for a word.
fn with_adoption(mut settings: Map<String, Value>) -> Map<String, Value> {
    settings.insert("thalweg.adopt".to_owned(), "on-next-action".into());
    settings
}
