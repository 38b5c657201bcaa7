//! `thalweg advise flink`.

use anyhow::Context;
use clap::Args;
use thalweg_connect::flink::{Cluster, Reader, Rest, defaults};
use thalweg_connect::http::Address;
use thalweg_shell::flink::JobManager;

use super::watch::{Place, Watching};
use super::words::FLINK;
use crate::exit::Failure;
use crate::speaking::Speaking;

/// Watches a Flink cluster, from 1.18 on, through its REST interface: only asks, changes nothing
#[derive(Debug, Args)]
pub struct Flink {
    /// The JobManager's REST interface, as `http://jobmanager:8081`, with the path that a proxy has for it
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    watching: Watching,
    #[command(flatten)]
    speaking: Speaking,
}

impl Flink {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let address = Address::parse(&self.url).context("the address of the JobManager")?;
        let name = address.to_string();
        let given = self.watching.given()?;
        let rest = Rest::new(self.speaking.to(address, &given))?;
        let cluster = Cluster::read(&rest, &name)?;
        let mut settings = defaults(cluster.fetches_each);
        settings.insert("thalweg.policy".to_owned(), "thalweg".into());
        let reader = Reader::new(&cluster);
        let place = Place { name, version: cluster.version };
        self.watching.watch(JobManager::watched(rest, reader), place, FLINK, settings)
    }
}
