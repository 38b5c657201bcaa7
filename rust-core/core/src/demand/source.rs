//! How much a source should bring in.

use crate::units::Millis;

/// What is known about the work that waits at a source.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Target {
    /// Records brought in per second.
    pub consumed: f64,
    /// By how much the backlog grows per second; nothing where it is not measured.
    pub growth: Option<f64>,
    /// Records that wait; nothing where they are not counted.
    pub backlog: Option<u64>,
    /// Records that arrived per second between the last two reports, and between the two before.
    pub newest: Option<[f64; 2]>,
}

/// Records per second by which what waits may seem to grow without anything arriving.
const FEW: f64 = 1.0;
/// Two intervals in a row this far from the mean of the window are no noise.
const STEP: f64 = 1.25;
/// An interval with so many times the records of the one before it is no noise.
const RISING: f64 = 1.1;

impl Target {
    /// Records that arrive per second: what is brought in, and what is left to wait.
    pub fn arrival(&self) -> f64 {
        (self.consumed + self.growth.unwrap_or(0.0)).max(0.0)
    }

    /// Whether nothing comes and nothing is left to wait: it is idle. What has waited all the time is no work
    /// that it could be short of executors for.
    pub fn is_silent(&self) -> bool {
        self.consumed <= 0.0 && self.growth.unwrap_or(0.0) <= FEW
    }

    /// Seconds by which it is behind: that what it takes in needs for what waits.
    pub fn behind_secs(&self) -> f64 {
        match self.is_silent() {
            true => 0.0,
            false => self.backlog.unwrap_or(0) as f64 / self.consumed.max(1e-9),
        }
    }

    /// The same as it is now. A mean over the window follows a step slowly; where the two newest
    /// intervals both lie far on one side of it, the one nearer to it counts.
    pub fn arrival_now(&self) -> f64 {
        let mean = self.arrival();
        match self.newest.map(|[a, b]| (a.min(b), a.max(b))) {
            Some((least, _)) if least > STEP * mean => least,
            Some((_, most)) if most * STEP < mean => most,
            _ => mean,
        }
    }

    /// Whether clearly more came in the newest interval than in the one before; nothing where
    /// intervals are not known.
    pub fn rises(&self) -> Option<bool> {
        self.newest.map(|[last, before]| last > RISING * before)
    }

    /// Records to take per second so that the backlog is gone after `catch_up`; none by one that is silent.
    pub fn catch_up(&self, catch_up: Millis) -> f64 {
        let secs = catch_up.get() / 1000.0;
        match self.backlog {
            Some(backlog) if secs > 0.0 && !self.is_silent() => backlog as f64 / secs,
            _ => 0.0,
        }
    }
}

/// The rate a source should reach: arrivals, growth of the backlog, and the backlog's catch-up.
pub fn target_rate(target: &Target, catch_up: Millis) -> f64 {
    target.arrival() + target.catch_up(catch_up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_number_of_the_design() {
        let target =
            Target { consumed: 1000.0, growth: Some(50.0), backlog: Some(60_000), newest: None };
        assert_eq!(target_rate(&target, Millis::saturating(300_000.0)), 1250.0);
    }

    #[test]
    fn a_step_is_seen_in_two_intervals() {
        let arrival = |newest| {
            let target = Target { consumed: 60.0, growth: Some(5.0), newest, ..Target::default() };
            target.arrival_now()
        };
        assert_eq!(arrival(None), 65.0);
        assert_eq!(arrival(Some([120.0, 30.0])), 65.0, "one interval may be a burst");
        assert_eq!(arrival(Some([120.0, 110.0])), 110.0);
        assert_eq!(arrival(Some([10.0, 20.0])), 20.0);
        assert_eq!(arrival(Some([70.0, 66.0])), 65.0, "noise");
    }

    #[test]
    fn without_a_measured_backlog_only_what_came_in_counts() {
        let target = Target { consumed: 1000.0, ..Target::default() };
        assert_eq!(target_rate(&target, Millis::saturating(300_000.0)), 1000.0);
    }
}
