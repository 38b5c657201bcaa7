//! One look at a cluster after the other, through the Java program.

use std::time::Duration;

use super::client::Client;
use super::cluster::Cluster;
use super::error::StormError;
use super::program::Program;
use super::protocol;
use crate::look::Look;

/// A look at tens of thousands of executors has some ten MiB.
const LONGEST_ANSWER: usize = 64 << 20;

/// A cluster that is looked at from beside.
#[derive(Debug)]
pub struct Beside {
    client: Client,
    limit: Duration,
    cluster: Cluster,
    /// Nothing once it was of no more use; the next look starts another.
    program: Option<Program>,
    looks: u64,
}

impl Beside {
    /// Starts the Java program, which finds out who leads; an answer may take so long.
    ///
    /// # Errors
    /// When it cannot be started, or nobody answers it.
    pub fn start(client: Client, limit: Duration) -> Result<Self, StormError> {
        let (program, cluster) = started(&client, limit)?;
        Ok(Self { client, limit, cluster, program: Some(program), looks: 0 })
    }

    /// What Nimbus said of itself.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Looks once. Where the program has ended or answers nonsense, the next look starts it anew.
    ///
    /// # Errors
    /// When it does not answer, or Nimbus does not answer it.
    pub fn look(&mut self) -> Result<Look, StormError> {
        let mut program = match self.program.take() {
            Some(program) => program,
            None => started(&self.client, self.limit)?.0,
        };
        self.looks += 1;
        let looked = ask(&mut program, self.looks, self.limit);
        if looked.as_ref().err().is_none_or(StormError::is_of_nimbus) {
            self.program = Some(program);
        }
        looked
    }
}

fn started(client: &Client, limit: Duration) -> Result<(Program, Cluster), StormError> {
    let mut program = Program::start(&mut client.command()?, LONGEST_ANSWER)?;
    let cluster = protocol::hello(&program.hear(limit)?)?;
    Ok((program, cluster))
}

fn ask(program: &mut Program, number: u64, limit: Duration) -> Result<Look, StormError> {
    program.say(&protocol::asks(number))?;
    protocol::look(&program.hear(limit)?, number)
}

#[cfg(test)]
mod tests;
