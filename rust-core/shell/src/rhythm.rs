//! When looks come.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use thalweg_control::now_millis;

/// How often it is looked whether the process is told to end.
const NAP: Duration = Duration::from_millis(100);
/// Looks are at most so many doublings of the interval apart while nobody answers.
const MOST_DOUBLINGS: u32 = 3;

/// The time between two looks.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    interval_ms: u64,
}

impl Rhythm {
    /// Looks at this interval.
    pub fn each(interval: Duration) -> Self {
        Self { interval_ms: u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(1) }
    }

    /// The interval.
    pub fn interval(self) -> Duration {
        Duration::from_millis(self.interval_ms)
    }

    /// The time until the next look, after so many failures in a row and a look that took so long: looks come at whole
    /// intervals of the clock, so that each sees one more and sees it at once; but nobody is asked for more than half of the
    /// time, and seldom who does not answer.
    pub fn pause(self, failures: u32, took: Duration) -> Duration {
        let since = u64::try_from(now_millis()).unwrap_or(0) % self.interval_ms;
        let doubled = self.interval_ms.saturating_mul(1 << failures.min(MOST_DOUBLINGS));
        let next = Duration::from_millis(doubled - since);
        if took > self.interval() { next.max(took) } else { next }
    }

    /// Waits so long; false once `ended` is up or the time is over.
    pub fn waits(pause: Duration, ended: &AtomicBool, until: Option<Instant>) -> bool {
        let wakes = Instant::now() + pause;
        loop {
            let now = Instant::now();
            if ended.load(Ordering::Relaxed) || until.is_some_and(|until| now >= until) {
                return false;
            }
            if now >= wakes {
                return true;
            }
            std::thread::sleep(NAP.min(wakes - now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_answer_is_asked_seldom_and_at_most_eight_intervals_later() {
        let rhythm = Rhythm::each(Duration::from_secs(1));
        let within = |failures, from: u64, to: u64| {
            let pause = rhythm.pause(failures, Duration::ZERO);
            assert!(
                pause > Duration::from_secs(from) && pause <= Duration::from_secs(to),
                "{pause:?}"
            );
        };
        within(0, 0, 1);
        within(1, 1, 2);
        within(3, 7, 8);
        within(60, 7, 8);
    }

    #[test]
    fn nobody_is_asked_for_more_than_half_of_the_time() {
        let took = Duration::from_secs(5);
        assert!(Rhythm::each(Duration::from_secs(1)).pause(0, took) >= took);
    }

    #[test]
    fn the_word_to_end_is_heard_at_once() {
        let ended = AtomicBool::new(true);
        assert!(!Rhythm::waits(Duration::from_secs(600), &ended, None));
    }
}
