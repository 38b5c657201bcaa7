//! Words that windows are made of: zones and lengths of time.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use thiserror::Error;

use crate::units::{Millis, Timestamp};

/// What is allowed, for messages.
pub const ALLOWED: &str = "a window of time such as `0 18 * * FRI for 62h`, `mon-fri 09:00-17:00`, \
    `2026-12-24T00:00 until 2026-12-27T06:00`, each with ` in Europe/Berlin` behind it if desired";

/// A text that is no window, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// Why a text is no window.
pub fn unreadable(why: impl Into<String>) -> Unreadable {
    Unreadable(why.into())
}

/// The time zone of a name in the database that is part of the program.
///
/// # Errors
/// When there is none of this name.
pub fn zone(name: &str) -> Result<TimeZone, Unreadable> {
    let found = TimeZoneDatabase::bundled().get(name);
    found.map_err(|_| unreadable(format!("there is no time zone {name:?}")))
}

/// An instant as people say it, in UTC.
pub fn utc(at: Timestamp) -> String {
    let told = jiff::Timestamp::from_millisecond(at.millis());
    let told = told.map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    told.unwrap_or_else(|_| format!("{} ms", at.millis()))
}

/// An instant as windows are written, in UTC.
///
/// # Errors
/// When it is beyond all calendars.
pub fn written(at: Timestamp) -> Result<String, Unreadable> {
    let told = jiff::Timestamp::from_millisecond(at.millis());
    let told = told.map(|at| at.strftime("%Y-%m-%dT%H:%M:%S").to_string());
    told.map_err(|_| unreadable(format!("{} ms is no time of any calendar", at.millis())))
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
