//! Hours of all days of the week, or of some.

use jiff::civil::{Time, Weekday};
use jiff::{ToSpan, Zoned};

use super::span::{Edge, Span, begins, ends};

/// The names of days, in the order of a week.
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// From one time of day until another, which may be of the next day.
#[derive(Debug, Clone)]
pub struct Hours {
    /// The days on which they begin.
    days: Vec<Weekday>,
    from: Time,
    to: Time,
}

impl Hours {
    /// Reads `HH:MM-HH:MM`, with days before it or without; nothing if it is no such text.
    pub fn read(text: &str) -> Option<Self> {
        let (days, hours) = match text.rsplit_once(char::is_whitespace) {
            Some((days, hours)) => (read_days(days)?, hours),
            None => (DAYS.iter().map(|(_, day)| *day).collect(), text),
        };
        let (from, to) = hours.split_once('-')?;
        Some(Self { days, from: time(from)?, to: time(to)? })
    }

    /// The spans that begin within days of an instant.
    pub fn near(&self, at: &Zoned, edge: Edge) -> Vec<Span> {
        let zone = at.time_zone();
        let span = |offset: i32| {
            let day = at.date().checked_add(offset.days()).ok()?;
            if !self.days.contains(&day.weekday()) {
                return None;
            }
            let last = if self.to > self.from { day } else { day.tomorrow().ok()? };
            let from = begins(zone, day.to_datetime(self.from), edge)?;
            let to = ends(zone, last.to_datetime(self.to), edge)?;
            Some(Span { from, to })
        };
        // A week ahead holds every day, and what began the day before may go on.
        (-2..=8).filter_map(span).collect()
    }
}

/// Days, and ranges of them, with commas between.
fn read_days(text: &str) -> Option<Vec<Weekday>> {
    let place = |name: &str| {
        let name = name.trim().to_lowercase();
        DAYS.iter().position(|(known, _)| *known == name)
    };
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (place(first)?, place(last)?);
        let count = (last + DAYS.len() - first) % DAYS.len();
        days.extend((0..=count).map(|step| DAYS[(first + step) % DAYS.len()].1));
    }
    Some(days)
}

/// `HH:MM`; `24:00` is the end of a day, which is the beginning of the next.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits = |part: &str| part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute): (i8, i8) = (hour.parse().ok()?, minute.parse().ok()?);
    if (hour, minute) == (24, 0) {
        return Some(Time::midnight());
    }
    Time::new(hour, minute, 0, 0).ok()
}
