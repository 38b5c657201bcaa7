//! From what users write to windows.

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use thiserror::Error;

use super::{Edge, End, Hours, Span, When, Window};
use crate::units::{Millis, Timestamp};

/// What is allowed, for messages.
pub const ALLOWED: &str = "a window of time such as `0 18 * * FRI for 62h`, `mon-fri 09:00-17:00`, \
    `2026-12-24T00:00 until 2026-12-27T06:00`, each with ` in Europe/Berlin` behind it if wished";

/// A text that is no window, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

fn unreadable(why: impl Into<String>) -> Unreadable {
    Unreadable(why.into())
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

/// The time zone of a name in the database that is part of the program.
///
/// # Errors
/// When there is none of this name.
pub fn zone(name: &str) -> Result<TimeZone, Unreadable> {
    let found = TimeZoneDatabase::bundled().get(name);
    found.map_err(|_| unreadable(format!("there is no time zone {name:?}")))
}

/// A length of time: `90s`, `30m`, `62h`, `3d` (of 24 hours each), or several such parts.
///
/// # Errors
/// When it is none.
pub fn duration(text: &str) -> Result<Millis, Unreadable> {
    let none = || unreadable(format!("{text:?} is no length of time such as 90s, 30m, 62h or 3d"));
    let (mut seconds, mut digits) = (0.0, String::new());
    for letter in text.trim().chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        let unit = match letter {
            's' => 1.0,
            'm' => 60.0,
            'h' => 3600.0,
            'd' => 86_400.0,
            _ => return Err(none()),
        };
        let count: u32 = digits.parse().map_err(|_| none())?;
        digits.clear();
        seconds += f64::from(count) * unit;
    }
    let length = Millis::saturating(seconds * 1000.0);
    if !digits.is_empty() || length == Millis::ZERO { Err(none()) } else { Ok(length) }
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
