//! `thalweg advise flink`.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use thalweg_connect::Look;
use thalweg_connect::flink::{Cluster, Reader, Rest, defaults};
use thalweg_connect::http::Address;
use thalweg_control::now_millis;
use thalweg_core::units::Timestamp;

use super::watch::{Outside, Place, Watching};
use super::words::FLINK;
use crate::exit::Failure;
use crate::speaking::Speaking;

/// Within this time TaskManagers have answered with their counters,
const FETCHING: Duration = Duration::from_millis(200);
/// and within this one also where that takes long: where looks are rare, there is time.
const LONGEST_FETCHING: Duration = Duration::from_secs(1);

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
        self.watching.watch(JobManager { rest, reader }, place, FLINK, settings)
    }
}

/// A JobManager that is asked.
struct JobManager {
    rest: Rest,
    reader: Reader,
}

impl Outside for JobManager {
    fn look(&mut self, interval: Duration) -> Result<Look> {
        let at = Timestamp::from_millis(now_millis());
        Reader::refresh(&self.rest)?;
        std::thread::sleep((interval / 5).clamp(FETCHING, LONGEST_FETCHING));
        Ok(self.reader.look(&self.rest, at)?)
    }
}
