//! Windows of time that recur, as users write them: when nothing may be done, or only then, or when much is expected.
//!
//! **Input**: a text, and an instant. **Output**: the span of time around or after that instant. Time zones come from a
//! database that is part of the program, so that the machine needs none, and clocks that go forward or back are reckoned
//! with: see [`Edge`].
//!
//! A window is one of
//!
//! - a cron expression of five fields and how long it lasts from each time on: `0 18 * * FRI for 62h`;
//! - hours of all days, or of some: `22:00-06:00`, `mon-fri 09:00-17:00`;
//! - one stretch of time: `2026-12-24T00:00 until 2026-12-27T06:00`, or `2026-12-24T00:00 for 3d`;
//!
//! each with ` in ZONE` behind it where its zone is not the one of the settings.

mod hours;
mod read;

use std::str::FromStr;

use croner::Cron;
use jiff::Zoned;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::units::{Millis, Timestamp};
use hours::Hours;

pub use read::{ALLOWED, Unreadable, duration, zone};

/// From an instant on, and until just before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// When it begins.
    pub from: Timestamp,
    /// When it is over.
    pub to: Timestamp,
}

impl Span {
    /// Whether an instant lies in it.
    pub fn covers(self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// What counts where clocks are put back, so that an hour comes twice, or forward, so that it is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The longer stretch of time: for what forbids something.
    Wide,
    /// The shorter one: for what allows something.
    Narrow,
}

/// A window of time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    /// As it is written, with its zone.
    text: String,
    zone: TimeZone,
    when: When,
}

#[derive(Debug, Clone)]
enum When {
    /// From each time of a cron expression on.
    Cron(Box<Cron>, Millis),
    /// Hours of days.
    Hours(Hours),
    /// Once.
    Once(DateTime, End),
}

#[derive(Debug, Clone, Copy)]
enum End {
    At(DateTime),
    After(Millis),
}

impl PartialEq for Window {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl TryFrom<String> for Window {
    type Error = Unreadable;
    fn try_from(text: String) -> Result<Self, Unreadable> {
        Self::read(&text, "UTC")
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.text
    }
}

impl Window {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The span that covers an instant, if one does.
    pub fn around(&self, now: Timestamp, edge: Edge) -> Option<Span> {
        let spans = match &self.when {
            When::Cron(cron, length) => {
                let at = self.zoned(now)?;
                let last = cron.find_previous_occurrence(&at, true).ok()?;
                vec![lasting(instant(&last), *length)]
            }
            When::Hours(hours) => hours.near(&self.zoned(now)?, edge),
            When::Once(from, end) => self.once(*from, *end, edge).into_iter().collect(),
        };
        spans.into_iter().find(|span| span.covers(now))
    }

    /// The first span that begins later than an instant, if there is one.
    pub fn after(&self, now: Timestamp, edge: Edge) -> Option<Span> {
        let spans = match &self.when {
            When::Cron(cron, length) => {
                let next = cron.find_next_occurrence(&self.zoned(now)?, false).ok()?;
                vec![lasting(instant(&next), *length)]
            }
            When::Hours(hours) => hours.near(&self.zoned(now)?, edge),
            When::Once(from, end) => self.once(*from, *end, edge).into_iter().collect(),
        };
        spans.into_iter().filter(|span| span.from > now).min()
    }

    /// An instant as people there would say it.
    pub fn told(&self, at: Timestamp) -> String {
        let told = self.zoned(at).map(|at| at.strftime("%Y-%m-%d %H:%M %Z").to_string());
        told.unwrap_or_else(|| format!("{} ms", at.millis()))
    }

    fn zoned(&self, at: Timestamp) -> Option<Zoned> {
        let at = jiff::Timestamp::from_millisecond(at.millis()).ok()?;
        Some(at.to_zoned(self.zone.clone()))
    }

    fn once(&self, from: DateTime, end: End, edge: Edge) -> Option<Span> {
        let from = begins(&self.zone, from, edge)?;
        let to = match end {
            End::At(at) => ends(&self.zone, at, edge)?,
            End::After(length) => from.plus(length),
        };
        Some(Span { from, to })
    }
}

impl FromStr for Window {
    type Err = Unreadable;
    fn from_str(text: &str) -> Result<Self, Unreadable> {
        Self::read(text, "UTC")
    }
}

fn instant(at: &Zoned) -> Timestamp {
    Timestamp::from_millis(at.timestamp().as_millisecond())
}

fn lasting(from: Timestamp, length: Millis) -> Span {
    Span { from, to: from.plus(length) }
}

/// When a stretch of time begins that is to begin at a time of day.
fn begins(zone: &TimeZone, at: DateTime, edge: Edge) -> Option<Timestamp> {
    let at = zone.to_ambiguous_zoned(at);
    let at = match edge {
        Edge::Wide => at.earlier(),
        Edge::Narrow => at.later(),
    };
    at.ok().map(|at| instant(&at))
}

/// When a stretch of time is over that is to end at a time of day.
fn ends(zone: &TimeZone, at: DateTime, edge: Edge) -> Option<Timestamp> {
    let other = match edge {
        Edge::Wide => Edge::Narrow,
        Edge::Narrow => Edge::Wide,
    };
    begins(zone, at, other)
}

#[cfg(test)]
mod tests;
