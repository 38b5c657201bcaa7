//! A Flink cluster on the command line.

use anyhow::Context;
use clap::Args;
use serde_json::{Map, Value};
use thalweg_connect::flink::{Cluster, Rest};
use thalweg_connect::http::Address;

use super::http::Speaking;
use crate::exit::Failure;

/// Where a Flink cluster is, and how to speak to it.
#[derive(Debug, Args)]
pub struct ToFlink {
    /// The JobManager's REST interface, as `http://jobmanager:8081`, with the path that a proxy has for it
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    speaking: Speaking,
}

/// A Flink cluster that answers.
pub struct Reached {
    /// Its REST interface.
    pub rest: Rest,
    /// What it says of itself.
    pub cluster: Cluster,
    /// Where it is, for people.
    pub name: String,
}

impl ToFlink {
    /// Asks it who it is, where settings name a file with what that takes if the command line does not.
    pub fn reach(&self, settings: &Map<String, Value>) -> Result<Reached, Failure> {
        let address = Address::parse(&self.url).context("the address of the JobManager")?;
        let name = address.to_string();
        let rest = Rest::new(self.speaking.to(address, settings))?;
        let cluster = Cluster::read(&rest, &name)?;
        Ok(Reached { rest, cluster, name })
    }
}
