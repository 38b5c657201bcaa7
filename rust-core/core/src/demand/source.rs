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
}

impl Target {
    /// Records that arrive per second: what is brought in, and what is left to wait.
    pub fn arrival(&self) -> f64 {
        (self.consumed + self.growth.unwrap_or(0.0)).max(0.0)
    }

    /// Records to take per second so that the backlog is gone after `catch_up`.
    pub fn catch_up(&self, catch_up: Millis) -> f64 {
        let secs = catch_up.get() / 1000.0;
        match self.backlog {
            Some(backlog) if secs > 0.0 => backlog as f64 / secs,
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
        let target = Target { consumed: 1000.0, growth: Some(50.0), backlog: Some(60_000) };
        assert_eq!(target_rate(&target, Millis::saturating(300_000.0)), 1250.0);
    }

    #[test]
    fn without_a_measured_backlog_only_what_came_in_counts() {
        let target = Target { consumed: 1000.0, ..Target::default() };
        assert_eq!(target_rate(&target, Millis::saturating(300_000.0)), 1000.0);
    }
}
