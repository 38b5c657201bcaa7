//! `thalweg advise flink`.

use clap::Args;
use thalweg_connect::flink::{Reader, defaults};
use thalweg_shell::flink::JobManager;

use super::watch::{Place, Watching};
use super::words::FLINK;
use crate::exit::Failure;
use crate::speaking::{Reached, ToFlink};

/// Watches a Flink cluster, from 1.18 on, through its REST interface: only asks, changes nothing
#[derive(Debug, Args)]
pub struct Flink {
    #[command(flatten)]
    watching: Watching,
    // Last, as its heading holds for all that follows.
    #[command(flatten)]
    flink: ToFlink,
}

impl Flink {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let given = self.watching.given()?;
        let Reached { rest, cluster, name } = self.flink.reach(&given)?;
        let mut settings = defaults(cluster.fetches_each);
        settings.insert("thalweg.policy".to_owned(), "thalweg".into());
        let reader = Reader::new(&cluster);
        let place = Place { name, version: cluster.version };
        self.watching.watch(JobManager::watched(rest, reader), place, FLINK, settings)
    }
}
