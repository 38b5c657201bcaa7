//! How long a job takes to be where it would have been: what a stop costs.
//!
//! A job that was away for a time `d`, and begins again from a checkpoint of age `a`, has `rate × (a + d)` records before it.
//! It works at `most` records a second, of which `rate` are new, so that it has caught up `rate × (a + d) / (most - rate)` later.
//! In all that are `away + (rate / (most - rate)) × (beyond + share × interval)` seconds, where `share × interval` is how much of
//! an interval is usually repeated. Linear in `away`, `beyond` and `share`; only `most` has to be searched.

use serde::{Deserialize, Serialize};

use crate::units::{Millis, RatePerSec, Share};

/// Nothing is foretold of a job that is busier than this share of the most it can do: it may never catch up.
const BUSIEST: f64 = 0.98;

/// What recoveries of a job have in common.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CatchUp {
    /// Seconds until it works again.
    pub away_secs: f64,
    /// Seconds of records that came meanwhile.
    pub beyond_secs: f64,
    /// Share of a checkpoint interval that is repeated.
    pub share: f64,
    /// The most records a second that it can do.
    pub most_per_sec: f64,
}

/// A job about to be stopped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Job {
    /// Records a second that its sources bring.
    pub rate: RatePerSec,
    /// Time between two checkpoints; missing where it takes none, or none is known.
    pub interval: Option<Millis>,
}

impl CatchUp {
    /// What is assumed of a job whose recoveries nobody has studied, which is away for so long: what comes meanwhile waits, half
    /// an interval is repeated, and rates are counted in parts of the most that it can do.
    pub fn assumed(away: Millis) -> Self {
        let away_secs = away.get() / 1000.0;
        Self { away_secs, beyond_secs: away_secs, share: 0.5, most_per_sec: 1.0 }
    }

    /// Whether its numbers can be those of a job.
    pub fn is_sound(&self) -> bool {
        let parts = [self.away_secs, self.beyond_secs, self.share];
        parts.iter().all(|part| part.is_finite() && *part >= 0.0)
            && self.most_per_sec.is_finite()
            && self.most_per_sec > 0.0
    }

    /// How long until one has caught up that is busy for a share of its time, of a job as [`assumed`](Self::assumed). What is
    /// too busy for a number counts as the busiest that has one.
    pub fn takes_at(self, busy: Share, interval: Millis) -> Millis {
        let busy = busy.get().min(BUSIEST);
        self.after(busy / (1.0 - busy), interval)
    }

    /// How long until it has caught up; nothing where its interval is missing, or it is too busy for a number.
    pub fn takes(&self, job: Job) -> Option<Millis> {
        Some(self.after(self.ratio(job.rate)?, job.interval?))
    }

    /// How long until one has caught up that works off a second of records for so many.
    fn after(&self, ratio: f64, interval: Millis) -> Millis {
        let repeated_secs = self.share * interval.get() / 1000.0;
        let secs = self.away_secs + ratio * (self.beyond_secs + repeated_secs);
        Millis::saturating(secs * 1000.0)
    }

    /// The longest checkpoint interval with which it has caught up within a time; nothing where none is short enough, and
    /// nothing where it does not depend on it.
    pub fn longest_interval(&self, rate: RatePerSec, within: Millis) -> Option<Millis> {
        let ratio = self.ratio(rate)?;
        let left = within.get() / 1000.0 - self.away_secs - ratio * self.beyond_secs;
        let per_sec = ratio * self.share;
        (left > 0.0 && per_sec > 0.0).then(|| Millis::saturating(left / per_sec * 1000.0))
    }

    /// Seconds that it works off a second of records for.
    fn ratio(&self, rate: RatePerSec) -> Option<f64> {
        let rate = rate.get();
        (rate <= BUSIEST * self.most_per_sec).then(|| rate / (self.most_per_sec - rate))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HALF: CatchUp =
        CatchUp { away_secs: 60.0, beyond_secs: 30.0, share: 0.5, most_per_sec: 2000.0 };

    fn job(rate: f64, interval_secs: u32) -> Job {
        Job { rate: RatePerSec::saturating(rate), interval: Some(Millis::from_secs(interval_secs)) }
    }

    #[test]
    fn a_job_that_is_half_busy_needs_as_long_as_what_waits_took_to_come() {
        // 1000 of 2000 a second: 30 s of downtime and half of 120 s come again.
        assert_eq!(HALF.takes(job(1000.0, 120)), Some(Millis::from_secs(150)));
        // At three quarters three times as long.
        assert_eq!(HALF.takes(job(1500.0, 120)), Some(Millis::from_secs(330)));
        assert_eq!(HALF.takes(job(0.0, 120)), Some(Millis::from_secs(60)));
        assert_eq!(HALF.takes(job(1990.0, 120)), None, "it may never catch up");
        assert_eq!(HALF.takes(Job { interval: None, ..job(1.0, 1) }), None);
    }

    #[test]
    fn an_assumed_job_at_three_quarters_needs_four_times_its_stop_and_half_of_what_is_repeated_thrice()
     {
        let assumed = CatchUp::assumed(Millis::from_secs(20));
        let takes = |busy, secs| assumed.takes_at(Share::saturating(busy), Millis::from_secs(secs));
        assert_eq!(takes(0.75, 0), Millis::from_secs(80));
        assert_eq!(takes(0.75, 60), Millis::from_secs(170));
        assert_eq!(assumed.takes(job(0.75, 60)), Some(takes(0.75, 60)));
        assert_eq!(takes(1.0, 60), takes(BUSIEST, 60), "a number even where none is right");
    }

    #[test]
    fn the_longest_interval_is_the_one_that_takes_as_long_as_is_allowed() {
        let rate = RatePerSec::saturating(1000.0);
        let found = HALF.longest_interval(rate, Millis::from_secs(150));
        assert_eq!(found, Some(Millis::from_secs(120)));
        assert_eq!(HALF.longest_interval(rate, Millis::from_secs(80)), None, "not even at once");
        let never = CatchUp { share: 0.0, ..HALF };
        assert_eq!(never.longest_interval(rate, Millis::from_secs(150)), None);
    }

    proptest! {
        #[test]
        fn more_load_and_longer_intervals_never_take_less(
            rate in 0.0..1900.0f64, more in 0.0..50.0f64, interval in 0..600u32, longer in 0..600u32,
        ) {
            let takes = HALF.takes(job(rate, interval));
            prop_assert!(takes <= HALF.takes(job(rate + more, interval)));
            prop_assert!(takes <= HALF.takes(job(rate, interval + longer)));
        }
    }
}
