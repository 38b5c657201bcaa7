//! What was known of nodes at many moments.

use thalweg_core::units::{Millis, Timestamp};

use super::series::{Series, Span};
use super::server::MOST_POINTS;
use super::telemetry::{Known, Telemetry, read};

/// Moments that are equally far apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// The last one.
    pub until: Timestamp,
    /// The time between two, in seconds.
    pub step_secs: u32,
    /// How many.
    pub count: u32,
}

impl Moments {
    /// Those within the last seconds; nothing where they are none, or more than a Prometheus answers.
    pub fn of(until: Timestamp, long_secs: u32, step_secs: u32) -> Option<Self> {
        let count = long_secs.checked_div(step_secs)?;
        let fits = count > 0 && u64::from(count) < MOST_POINTS;
        fits.then_some(Self { until, step_secs, count })
    }

    /// The time between two.
    pub fn step(self) -> Millis {
        Millis::saturating(f64::from(self.step_secs) * 1000.0)
    }

    /// What has to be asked for: one step more, as rates take two values.
    pub fn span(self) -> Span {
        let long = f64::from(self.count) * self.step().get();
        Span { until: self.until, long: Millis::saturating(long) }
    }

    /// Each of them, the earliest first.
    fn each(self) -> impl Iterator<Item = Timestamp> {
        (0..self.count).rev().map(move |back| {
            self.until.minus(Millis::saturating(f64::from(back) * self.step().get()))
        })
    }
}

/// Reads what series with a value at the end of each step say of nodes at each moment.
pub fn history(
    all: &[Series],
    known: Option<&[Known]>,
    moments: Moments,
) -> impl Iterator<Item = Telemetry> {
    // So that the value at the step before is within, for rates, and is too old for anything else.
    let long = Millis::saturating(2.0 * moments.step().get() - 1.0);
    moments.each().map(move |until| read(all, known, Span { until, long }))
}
