//! An operator's word while it runs: pauses, modes, and what becomes of proposed plans.

use clap::{Args, ValueEnum};
use serde_json::Value;
use thalweg_control::Command;

use super::ask::Live;
use super::moments::{coming, seconds};
use super::show::{list, text};
use crate::exit::Failure;

/// Which changes are meant.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Changes {
    /// Those that take executors
    In,
    /// Those that give executors
    Out,
}

impl Changes {
    fn word(only: Option<Self>) -> Option<String> {
        only.map(|only| if matches!(only, Self::In) { "in" } else { "out" }.to_owned())
    }
}

/// Leaves topologies as they are, for a time or until somebody resumes
#[derive(Debug, Args)]
pub struct Pause {
    /// A name, an id, or a pattern with `*`; without one, all
    #[arg(default_value = "*")]
    topology: String,
    /// Only changes that take executors (`in`), or that give some (`out`)
    #[arg(long, value_enum)]
    only: Option<Changes>,
    /// How long, as `90s`, `45m`, `8h` or `2d`
    #[arg(long = "for", value_name = "TIME", value_parser = seconds, conflicts_with = "until")]
    length: Option<u32>,
    /// Until when: `06:00` today, or tomorrow if that is past, or `2026-11-30T06:00`, each with ` in Europe/Berlin`
    /// behind it unless it is UTC; or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = coming)]
    until: Option<i64>,
    #[command(flatten)]
    live: Live,
}

impl Pause {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let Self { topology, only, length, until, live } = self;
        let answer = live.ask(Command::Pause {
            scope: topology,
            direction: Changes::word(only),
            for_secs: length,
            until,
        })?;
        told(&live, &answer, "paused")
    }
}

/// Lets topologies be changed again
#[derive(Debug, Args)]
pub struct Resume {
    /// A name, an id, or a pattern with `*`; without one, all
    #[arg(default_value = "*")]
    topology: String,
    /// Only changes that take executors (`in`), or that give some (`out`)
    #[arg(long, value_enum)]
    only: Option<Changes>,
    #[command(flatten)]
    live: Live,
}

impl Resume {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let Self { topology, only, live } = self;
        let answer =
            live.ask(Command::Resume { scope: topology, direction: Changes::word(only) })?;
        told(&live, &answer, "resumed")
    }
}

/// Says how far topologies may be changed, until somebody says otherwise
#[derive(Debug, Args)]
pub struct Mode {
    /// `observe`, `advise`, `confirm` or `act`; `default` lets what is set count again
    mode: String,
    /// A name, an id, or a pattern with `*`; without one, all
    #[arg(default_value = "*")]
    topology: String,
    /// Only this kind of action: `scale-out`, `scale-in`, `move` or `memory`
    #[arg(long)]
    kind: Option<String>,
    #[command(flatten)]
    live: Live,
}

impl Mode {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let Self { mode, topology, kind, live } = self;
        let said = Some(mode.clone()).filter(|mode| mode != "default");
        let answer = live.ask(Command::Mode { scope: topology, mode: said, kind })?;
        told(&live, &answer, &format!("mode {mode}"))
    }
}

/// Has a plan carried out that waits for somebody's word
#[derive(Debug, Args)]
pub struct Approve {
    /// The plan's id, as `thalweg plan` shows it
    plan: String,
    #[command(flatten)]
    live: Live,
}

impl Approve {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let answer = self.live.ask(Command::Approve { plan: self.plan })?;
        let people = answer["people"].to_string();
        let by: Vec<&str> = list(&answer, "/approved_by").filter_map(Value::as_str).collect();
        if !self.live.printed(&answer)? {
            println!("{}: approved by {}, of {people}", text(&answer, "/plan"), by.join(", "));
        }
        Ok(())
    }
}

/// Has a plan dropped that waits for somebody's word
#[derive(Debug, Args)]
pub struct Reject {
    /// The plan's id, as `thalweg plan` shows it
    plan: String,
    #[command(flatten)]
    live: Live,
}

impl Reject {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let answer = self.live.ask(Command::Reject { plan: self.plan.clone() })?;
        if !self.live.printed(&answer)? {
            println!("{} is rejected", self.plan);
        }
        Ok(())
    }
}

/// Tells which topologies were meant.
fn told(live: &Live, answer: &Value, what: &str) -> Result<(), Failure> {
    if live.printed(answer)? {
        return Ok(());
    }
    let names: Vec<&str> = list(answer, "/topologies").filter_map(Value::as_str).collect();
    match names.is_empty() {
        true => println!("{what}: none that runs now, and those that will"),
        false => println!("{what}: {}", names.join(", ")),
    }
    Ok(())
}
