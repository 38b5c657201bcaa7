//! A window of time, and its spans around and after an instant.

use croner::Cron;
use jiff::Zoned;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::hours::Hours;
use super::span::{Edge, Span, begins, ends, instant, lasting};
use crate::units::{Millis, Timestamp};

/// A window of time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    /// As it is written, with its zone.
    pub(super) text: String,
    pub(super) zone: TimeZone,
    pub(super) when: When,
}

/// When it comes.
#[derive(Debug, Clone)]
pub enum When {
    /// From each time of a cron expression on.
    Cron(Box<Cron>, Millis),
    /// Hours of days.
    Hours(Hours),
    /// Once.
    Once(DateTime, End),
}

/// When it is over.
#[derive(Debug, Clone, Copy)]
pub enum End {
    /// At a time.
    At(DateTime),
    /// After so long.
    After(Millis),
}

impl PartialEq for Window {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
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

    /// The span of a window that comes once.
    pub(super) fn once(&self, from: DateTime, end: End, edge: Edge) -> Option<Span> {
        let from = begins(&self.zone, from, edge)?;
        let to = match end {
            End::At(at) => ends(&self.zone, at, edge)?,
            End::After(length) => from.plus(length),
        };
        Some(Span { from, to })
    }
}
