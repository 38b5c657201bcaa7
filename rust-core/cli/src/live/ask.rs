//! Where the scheduler is, and what all commands that speak to it have in common.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use serde_json::Value;
use thalweg_control::socket::NAME;
use thalweg_control::{Command, Request, all_visible, call};

use super::remote::Remote;
use crate::exit::Failure;

/// Options of all commands that speak to a running scheduler.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which scheduler")]
pub struct Live {
    /// Its folder, on this machine: `<storm.local.dir>/thalweg`, or `thalweg.store.dir`
    #[arg(long, value_name = "FOLDER", env = "THALWEG_DIR")]
    dir: Option<PathBuf>,
    /// Its socket, where `thalweg.control.socket` has moved it
    #[arg(long, value_name = "PATH", env = "THALWEG_SOCKET", conflicts_with = "dir")]
    socket: Option<PathBuf>,
    #[command(flatten)]
    remote: Remote,
    /// How long to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    timeout: u32,
    /// Prints the answer as JSON
    #[arg(long)]
    pub json: bool,
}

impl Live {
    /// Where it is, for people.
    ///
    /// # Errors
    /// When nothing says so.
    pub fn place(&self) -> Result<String, Failure> {
        match self.remote.place() {
            Some(redis) => Ok(redis.to_owned()),
            None => Ok(self.at()?.display().to_string()),
        }
    }

    /// Its socket.
    fn at(&self) -> Result<PathBuf, Failure> {
        match (&self.socket, &self.dir) {
            (Some(socket), _) => Ok(socket.clone()),
            (None, Some(dir)) => Ok(dir.join(NAME)),
            (None, None) => {
                let text = "which scheduler? Give --dir FOLDER, or set THALWEG_DIR, to the folder that has its status.json; from elsewhere --redis URL";
                Err(Failure::Unreachable(text.to_owned()))
            }
        }
    }

    /// Asks.
    pub fn ask(&self, command: Command) -> Result<Value, Failure> {
        self.ask_because(command, "")
    }

    /// Gives an order, with the reason for those who read it later. What people are to read has no signs that a terminal
    /// would take for orders.
    pub fn ask_because(&self, command: Command, why: &str) -> Result<Value, Failure> {
        let answer = self.answer(command, why)?;
        Ok(if self.json { answer } else { all_visible(answer) })
    }

    fn answer(&self, command: Command, why: &str) -> Result<Value, Failure> {
        let request = Request { why: why.to_owned(), ..Request::of(command) };
        let patience = Duration::from_secs(u64::from(self.timeout.max(1)));
        if self.remote.place().is_some() {
            return self.remote.ask(&request, patience);
        }
        Ok(call(&self.at()?, &request, patience)?)
    }

    /// Prints an answer as JSON where that is wanted, and tells whether it was.
    pub fn printed(&self, answer: &Value) -> Result<bool, Failure> {
        if self.json {
            let text = serde_json::to_string_pretty(answer).map_err(|error| anyhow!(error))?;
            println!("{text}");
        }
        Ok(self.json)
    }
}
