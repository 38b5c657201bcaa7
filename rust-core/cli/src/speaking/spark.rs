//! A driver of Spark on the command line.

use anyhow::Context;
use clap::Args;
use thalweg_connect::http::Address;
use thalweg_connect::spark::{Agent, Told};

use super::http::SpeakingToSpark;
use crate::exit::Failure;

/// Where the agent in a driver is, and how to speak to it.
#[derive(Debug, Args)]
pub struct ToSpark {
    /// The agent in the driver, as `http://127.0.0.1:7099`
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    speaking: SpeakingToSpark,
}

/// An agent that answers.
pub struct ReachedAgent {
    /// How it is asked.
    pub agent: Agent,
    /// What it tells of its driver.
    pub told: Told,
    /// Where it is, for people.
    pub name: String,
}

impl ToSpark {
    /// Asks it what runs there.
    pub fn reach(&self) -> Result<ReachedAgent, Failure> {
        let address = Address::parse(&self.url).context("the address of the agent")?;
        let name = address.to_string();
        let agent = Agent::new(self.speaking.to(address))?;
        let told = agent.told()?;
        Ok(ReachedAgent { agent, told, name })
    }
}
