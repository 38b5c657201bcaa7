//! An operator's word while it runs: pauses, modes, and what becomes of proposed plans.

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use serde_json::Value;
use thalweg_control::{Command, now_millis};
use thalweg_core::windows;

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
    /// Until when: `06:00` today, or tomorrow if that is past, or `2026-11-30T06:00`, each with ` in Europe/Berlin`
    /// behind it unless it is UTC; or seconds since 1970
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

/// The moment in ms since 1970 of a time, as people or programs write it.
fn moment(text: &str) -> Result<i64, String> {
    moment_after(text, now_millis())
}

fn moment_after(text: &str, now: i64) -> Result<i64, String> {
    const EXPECTED: &str = "expected HH:MM, YYYY-MM-DDTHH:MM, both with ` in ZONE` behind it unless it is UTC, \
        or seconds since 1970";
    let wrong = || EXPECTED.to_owned();
    if let Ok(secs) = text.parse::<i64>() {
        return secs.checked_mul(1000).ok_or_else(wrong);
    }
    let (time, zone) = text.split_once(" in ").unwrap_or((text, "UTC"));
    let zone = windows::zone(zone.trim()).map_err(|why| why.to_string())?;
    let at = |time: DateTime| zone.to_zoned(time).map(|at| at.timestamp().as_millisecond());
    if let Ok(time) = time.trim().parse::<DateTime>() {
        return at(time).map_err(|why| why.to_string());
    }
    let time = Time::strptime("%H:%M", time.trim()).map_err(|_| wrong())?;
    let today = Timestamp::from_millisecond(now).map_err(|why| why.to_string())?;
    let today = today.to_zoned(zone.clone()).date();
    // Today, or tomorrow if that is past.
    let days = [Some(today), today.tomorrow().ok()].into_iter().flatten();
    let times = days.filter_map(|day| at(day.to_datetime(time)).ok());
    times.into_iter().find(|at| *at > now).ok_or_else(wrong)
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
    }

    #[test]
    fn a_pause_ends_by_the_clock_of_a_zone() {
        // 100,000 s are 03:46:40 on the second day.
        let after = |text: &str| moment_after(text, 100_000_000);
        assert_eq!(after("06:00"), Ok((86_400 + 21_600) * 1000));
        assert_eq!(after("03:00"), Ok((2 * 86_400 + 10_800) * 1000));
        assert_eq!(after("200000"), Ok(200_000_000));
        assert_eq!(after("1970-01-05T06:30"), Ok((4 * 86_400 + 23_400) * 1000));
        // In Tokyo it is 12:46:40: 13:00 comes in a quarter of an hour, 12:00 tomorrow.
        assert_eq!(after("13:00 in Asia/Tokyo"), Ok((86_400 + 4 * 3_600) * 1000));
        assert_eq!(after("12:00 in Asia/Tokyo"), Ok((2 * 86_400 + 3 * 3_600) * 1000));
        assert_eq!(after("1970-07-01T06:00 in Europe/London"), after("1970-07-01T05:00"));
        for wrong in ["25:00", "noon", "1970-13-01T00:00", ""] {
            assert!(after(wrong).is_err(), "{wrong}");
        }
        assert!(after("06:00 in Mars/Base").is_err_and(|why| why.contains("Mars/Base")));
    }

    /// 02:30 is left out where clocks are put forward, and comes twice where they are put back.
    #[test]
    fn a_time_that_a_clock_leaves_out_or_repeats_is_one_moment() {
        let utc = |text: &str| moment_after(text, 0).unwrap_or_else(|why| panic!("{text}: {why}"));
        let berlin = |text: &str| utc(&format!("{text} in Europe/Berlin"));
        assert_eq!(berlin("2026-03-29T02:30"), utc("2026-03-29T01:30"), "as long after the gap");
        assert_eq!(berlin("2026-10-25T02:30"), utc("2026-10-25T00:30"), "the first time");
    }
}
