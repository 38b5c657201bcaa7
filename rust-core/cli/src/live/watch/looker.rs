//! The thread that asks the engine, so that keys are answered while an engine is not.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use serde_json::Value;
use thalweg_control::Command;

use crate::exit::Failure;
use crate::live::ask::Live;

/// The records of the log that are kept in sight.
const RECORDS: u32 = 200;

/// What comes from the engine.
#[derive(Debug)]
pub enum Told {
    /// How things stand.
    Seen {
        /// Its status.
        status: Value,
        /// The last records of its ledger, the latest first.
        records: Vec<Value>,
    },
    /// It does not answer, or refuses, and why.
    Gone(String),
    /// It did what was ordered, or says why not.
    Ordered(Command, Result<Value, String>),
}

/// The thread, from outside. Once this is dropped it ends with its next look.
pub struct Looker {
    commands: Sender<Command>,
    told: Receiver<Told>,
}

impl Looker {
    /// Begins to look at an engine, every now and then.
    pub fn start(live: Live, every: Duration) -> std::io::Result<Self> {
        let (commands, ordered) = channel();
        let (tell, told) = channel();
        let work = move || look(&live, every, &ordered, &tell);
        std::thread::Builder::new().name("thalweg-watch".to_owned()).spawn(work)?;
        Ok(Self { commands, told })
    }

    /// Has an order given; its answer comes with the others.
    pub fn send(&self, command: Command) {
        // The thread ends only with this value.
        let _ = self.commands.send(command);
    }

    /// What has come since the last time.
    pub fn answers(&self) -> impl Iterator<Item = Told> {
        self.told.try_iter()
    }
}

fn look(live: &Live, every: Duration, ordered: &Receiver<Command>, tell: &Sender<Told>) {
    loop {
        let seen = live.ask(Command::Status {}).and_then(|status| {
            let history = live.ask(Command::History {
                topology: None,
                limit: RECORDS,
                before: None,
                after: 0,
            })?;
            let records = history["records"].as_array().cloned().unwrap_or_default();
            Ok(Told::Seen { status, records })
        });
        if tell.send(seen.unwrap_or_else(|failure| Told::Gone(words(&failure)))).is_err() {
            return;
        }
        match ordered.recv_timeout(every) {
            Ok(command) => {
                let answer = live.ask(command.clone()).map_err(|failure| words(&failure));
                if tell.send(Told::Ordered(command, answer)).is_err() {
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn words(failure: &Failure) -> String {
    failure.to_string()
}
