//! One question to a cluster after the other, through the Java program.

use std::time::Duration;

use serde_json::{Map, Value};

use super::client::Client;
use super::cluster::Cluster;
use super::error::StormError;
use super::program::Program;
use super::protocol::{self, Question};
use super::standing::{Rebalance, Standing, Told};
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
    questions: u64,
}

impl Beside {
    /// Starts the Java program, which finds out who leads; an answer may take so long.
    ///
    /// # Errors
    /// When it cannot be started, or nobody answers it.
    pub fn start(client: Client, limit: Duration) -> Result<Self, StormError> {
        let (program, cluster) = started(&client, limit)?;
        Ok(Self { client, limit, cluster, program: Some(program), questions: 0 })
    }

    /// What Nimbus said of itself.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Looks once.
    ///
    /// # Errors
    /// When it does not answer, or Nimbus does not answer it.
    pub fn look(&mut self) -> Result<Look, StormError> {
        self.ask(Question::Look, |number, line| protocol::look(line, number))
    }

    /// How the topology of this id stands; nothing of one that has ended.
    ///
    /// # Errors
    /// When it does not answer, or Nimbus does not answer it.
    pub fn standing(&mut self, topology: &str) -> Result<Option<Standing>, StormError> {
        let question = Question::Standing(topology);
        let told: Told = self.ask(question, |number, line| question.answer(number, line))?;
        Ok(told.into())
    }

    /// Asks Nimbus for other executor counts, where the client may change anything. When this fails, nobody knows whether
    /// Nimbus has taken it up, unless [it said why not](StormError::is_answer).
    ///
    /// # Errors
    /// When it does not answer, or refuses.
    pub fn rebalance(&mut self, order: &Rebalance) -> Result<(), StormError> {
        let question = Question::Rebalance(order);
        let taken =
            self.ask(question, |number, line| question.answer::<Map<String, Value>>(number, line));
        taken.map(drop).map_err(|error| match error {
            StormError::Unreadable(why) => StormError::Declined(why),
            other => other,
        })
    }

    /// Asks something, and reads the answer to it. Where the program has ended or answers nonsense, the next question starts it
    /// anew.
    fn ask<T>(
        &mut self,
        question: Question<'_>,
        read: impl FnOnce(u64, &str) -> Result<T, StormError>,
    ) -> Result<T, StormError> {
        let mut program = match self.program.take() {
            Some(program) => program,
            None => started(&self.client, self.limit)?.0,
        };
        self.questions += 1;
        let number = self.questions;
        let said = program.say(&question.line(number)).and_then(|()| program.hear(self.limit));
        let answer = said.and_then(|line| read(number, &line));
        if answer.as_ref().err().is_none_or(StormError::is_of_nimbus) {
            self.program = Some(program);
        }
        answer
    }
}

fn started(client: &Client, limit: Duration) -> Result<(Program, Cluster), StormError> {
    let mut program = Program::start(&mut client.command()?, LONGEST_ANSWER)?;
    let cluster = protocol::hello(&program.hear(limit)?)?;
    Ok((program, cluster))
}

#[cfg(test)]
mod tests;
