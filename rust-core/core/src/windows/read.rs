//! From what users write to windows.

use std::str::FromStr;

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;

use super::hours::Hours;
use super::span::{Edge, Span};
use super::window::{End, When, Window};
use super::words::{Unreadable, duration, unreadable, written, zone};
use crate::units::{Millis, Timestamp};

impl TryFrom<String> for Window {
    type Error = Unreadable;
    fn try_from(text: String) -> Result<Self, Unreadable> {
        Self::read(&text, "UTC")
    }
}

impl FromStr for Window {
    type Err = Unreadable;
    fn from_str(text: &str) -> Result<Self, Unreadable> {
        Self::read(text, "UTC")
    }
}

impl Window {
    /// Reads a window; one that names no zone is in `usual`.
    ///
    /// # Errors
    /// When it cannot be read, never comes, or is over before it begins.
    pub fn read(text: &str, usual: &str) -> Result<Self, Unreadable> {
        let text = text.trim();
        let (words, name) = text.rsplit_once(" in ").unwrap_or((text, usual));
        let (words, name) = (words.trim(), name.trim());
        let zone = zone(name)?;
        let window = Self { text: format!("{words} in {name}"), when: when(words)?, zone };
        window.comes()?;
        Ok(window)
    }

    /// One stretch of time, to the second.
    ///
    /// # Errors
    /// When it is over before it begins, or beyond all calendars.
    pub fn stretch(from: Timestamp, until: Timestamp) -> Result<Self, Unreadable> {
        Self::read(&format!("{} until {}", written(from)?, written(until)?), "UTC")
    }

    /// That it comes at all, and lasts.
    fn comes(&self) -> Result<(), Unreadable> {
        // Any instant does: within the following years a cron expression comes if it ever does.
        let some_day = Timestamp::from_millis(1_704_067_200_000);
        let first = match &self.when {
            When::Once(from, end) => self.once(*from, *end, Edge::Narrow),
            When::Cron(..) | When::Hours(_) => self.after(some_day, Edge::Narrow),
        };
        match first {
            Some(Span { from, to }) if from < to => Ok(()),
            Some(_) => Err(unreadable("it is over before it begins")),
            None => Err(unreadable("it never comes")),
        }
    }
}

fn when(words: &str) -> Result<When, Unreadable> {
    if let Some((from, to)) = words.split_once(" until ") {
        return Ok(When::Once(date_time(from)?, End::At(date_time(to)?)));
    }
    if let Some((from, length)) = words.rsplit_once(" for ") {
        let length = duration(length)?;
        return match from.trim().parse::<DateTime>() {
            Ok(from) => Ok(When::Once(from, End::After(length))),
            Err(_) => cron(from.trim(), length),
        };
    }
    if let Some(hours) = Hours::read(words) {
        return Ok(When::Hours(hours));
    }
    Err(unreadable(format!("{words:?} tells no hours, and not how long it lasts")))
}

fn date_time(text: &str) -> Result<DateTime, Unreadable> {
    let text = text.trim();
    text.parse().map_err(|_| unreadable(format!("{text:?} is no time such as 2026-12-24T18:00")))
}

fn cron(text: &str, length: Millis) -> Result<When, Unreadable> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron = parser.parse(text).map_err(|error| {
        unreadable(format!("{text:?} is no cron expression of five fields: {error}"))
    })?;
    Ok(When::Cron(Box::new(cron), length))
}
