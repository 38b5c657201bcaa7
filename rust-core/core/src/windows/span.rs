//! Spans of time, and where they begin and end by clocks that go forward and back.

use jiff::Zoned;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::units::{Millis, Timestamp};

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

/// The instant of a time.
pub fn instant(at: &Zoned) -> Timestamp {
    Timestamp::from_millis(at.timestamp().as_millisecond())
}

/// A span of so long.
pub fn lasting(from: Timestamp, length: Millis) -> Span {
    Span { from, to: from.plus(length) }
}

/// When a stretch of time begins that is to begin at a time of day.
pub fn begins(zone: &TimeZone, at: DateTime, edge: Edge) -> Option<Timestamp> {
    let at = zone.to_ambiguous_zoned(at);
    let at = match edge {
        Edge::Wide => at.earlier(),
        Edge::Narrow => at.later(),
    };
    at.ok().map(|at| instant(&at))
}

/// When a stretch of time is over that is to end at a time of day.
pub fn ends(zone: &TimeZone, at: DateTime, edge: Edge) -> Option<Timestamp> {
    let other = match edge {
        Edge::Wide => Edge::Narrow,
        Edge::Narrow => Edge::Wide,
    };
    begins(zone, at, other)
}
