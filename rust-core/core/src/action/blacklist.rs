//! What did not help, and for how long it is not tried again.

use std::collections::BTreeMap;

use super::attempt::Attempt;
use crate::units::{Millis, Timestamp};

/// However often it failed, an attempt waits at most 2 to this power times the plain time.
const MOST_DOUBLINGS: u32 = 5;

/// Attempts that failed. Each further failure doubles the time for which it is not repeated; success
/// forgets them all, and time one after the other.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Blacklist {
    entries: BTreeMap<Attempt, Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Entry {
    /// Until when it is not tried again.
    until: Timestamp,
    failures: u32,
}

impl Blacklist {
    /// Whether an attempt failed too short a time ago.
    pub fn forbids(&self, attempt: Attempt, now: Timestamp) -> bool {
        self.entries.get(&attempt).is_some_and(|entry| now < entry.until)
    }

    /// Notes that an attempt failed, which forbids it for the time `plain` when it is the first one.
    pub fn note_failure(&mut self, attempt: Attempt, plain: Millis, now: Timestamp) {
        if plain == Millis::ZERO {
            return;
        }
        let before = self.entries.get(&attempt).map_or(0, |entry| entry.remaining(plain, now));
        let span = plain.get() * f64::from(1u32 << before.min(MOST_DOUBLINGS));
        let until = now.plus(Millis::saturating(span));
        self.entries.insert(attempt, Entry { until, failures: before + 1 });
    }

    /// Notes that an attempt helped.
    pub fn note_success(&mut self, attempt: Attempt) {
        self.entries.remove(&attempt);
    }
}

impl Entry {
    /// The failures that still count: one is forgotten in each plain time since it may be tried again.
    fn remaining(&self, plain: Millis, now: Timestamp) -> u32 {
        let forgotten = (now.since(self.until).get() / plain.get()) as u32;
        self.failures.saturating_sub(forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(hours * HOUR)
    }

    /// Hours for which an attempt is forbidden at `now`.
    fn forbidden(blacklist: &Blacklist, attempt: Attempt, now: i64) -> i64 {
        (now..).take_while(|hour| blacklist.forbids(attempt, at(*hour))).count() as i64
    }

    fn fail(blacklist: &mut Blacklist, now: i64) -> i64 {
        blacklist.note_failure(Attempt::More, Millis::saturating(HOUR as f64), at(now));
        forbidden(blacklist, Attempt::More, now)
    }

    #[test]
    fn each_failure_doubles_the_time_up_to_a_limit() {
        let mut blacklist = Blacklist::default();
        let mut now = 0;
        for hours in [1, 2, 4, 8, 16, 32, 32] {
            assert_eq!(fail(&mut blacklist, now), hours);
            now += hours;
        }
        assert_eq!(forbidden(&blacklist, Attempt::Fewer, 0), 0, "what did not fail is free");
    }

    #[test]
    fn success_forgets_failures_at_once_and_time_one_by_one() {
        let mut blacklist = Blacklist::default();
        assert_eq!([fail(&mut blacklist, 0), fail(&mut blacklist, 1)], [1, 2]);
        // Free again at 3; of two failures one is forgotten at 4.
        assert_eq!(fail(&mut blacklist, 4), 2);
        blacklist.note_success(Attempt::More);
        assert_eq!(forbidden(&blacklist, Attempt::More, 4), 0);
        assert_eq!(fail(&mut blacklist, 5), 1);
        assert_eq!(fail(&mut blacklist, 500), 1, "long ago is never");
    }

    #[test]
    fn no_time_is_no_blacklist() {
        let mut blacklist = Blacklist::default();
        blacklist.note_failure(Attempt::More, Millis::ZERO, at(1));
        assert_eq!(blacklist, Blacklist::default());
    }
}
