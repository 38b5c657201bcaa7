//! An operator's word while it runs: pauses, modes, and what becomes of proposed plans.

use clap::{Args, ValueEnum};
use serde_json::Value;
use thalweg_control::{Command, now_millis};

use super::ask::Live;
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
    /// Until when today, or tomorrow if that is past: `HH:MM` in UTC, or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = moment)]
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
    /// Only this kind of action: `scale_out`, `scale_in`, `move` or `memory`
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

/// Seconds of a time such as `90s` or `8h`.
fn seconds(text: &str) -> Result<u32, String> {
    let unit = text.chars().last().filter(char::is_ascii_alphabetic);
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u32 =
        number.parse().map_err(|_| "expected a number and s, m, h or d".to_owned())?;
    let factor = match unit {
        None | Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        Some(_) => return Err("expected a number and s, m, h or d".to_owned()),
    };
    number.checked_mul(factor).filter(|secs| *secs > 0).ok_or("too long, or nothing".to_owned())
}

/// The moment in ms since 1970 of a time of day in UTC, or of seconds since 1970.
fn moment(text: &str) -> Result<i64, String> {
    moment_after(text, now_millis() / 1000)
}

fn moment_after(text: &str, now: i64) -> Result<i64, String> {
    const DAY: i64 = 86_400;
    let wrong = || "expected HH:MM in UTC, or seconds since 1970".to_owned();
    let secs = match text.split_once(':') {
        None => text.parse::<i64>().map_err(|_| wrong())?,
        Some((hours, minutes)) => {
            let hours = hours.parse::<i64>().ok().filter(|hours| (0..24).contains(hours));
            let minutes = minutes.parse::<i64>().ok().filter(|minutes| (0..60).contains(minutes));
            let (hours, minutes) = hours.zip(minutes).ok_or_else(wrong)?;
            let today = now - now.rem_euclid(DAY) + hours * 3_600 + minutes * 60;
            if today > now { today } else { today + DAY }
        }
    };
    secs.checked_mul(1000).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("45m"), Ok(2_700));
        assert_eq!(seconds("8h"), Ok(28_800));
        assert_eq!(seconds("7"), Ok(7));
        assert!(seconds("h").is_err() && seconds("0s").is_err() && seconds("9w").is_err());
        // 100,000 s are 03:46:40 on the second day.
        assert_eq!(moment_after("06:00", 100_000), Ok((86_400 + 21_600) * 1000));
        assert_eq!(moment_after("03:00", 100_000), Ok((2 * 86_400 + 10_800) * 1000));
        assert_eq!(moment_after("200000", 100_000), Ok(200_000_000));
        assert!(moment_after("25:00", 0).is_err() && moment_after("noon", 0).is_err());
    }
}
