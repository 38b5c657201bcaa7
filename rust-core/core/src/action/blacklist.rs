//! What did not help or could not be done, and for how long it is not tried again.

use std::collections::BTreeMap;

use super::attempt::Attempt;
use super::baseline::Baseline;
use crate::units::{Millis, RatePerSec, Timestamp};

/// So many attempts of a kind in vain, and it is not tried again under this load and arrangement.
pub const ENOUGH: u32 = 3;
/// A load that differs by this part is clearly another.
const CLEARLY: f64 = 0.2;
/// However often it failed, an attempt waits at most 2 to this power times the plain time.
const MOST_DOUBLINGS: u32 = 5;

/// Attempts that failed. Each further failure doubles the time for which it is not repeated; success
/// forgets them all, and time one after the other. From the third on, an attempt is not repeated until the load or the
/// arrangement has changed clearly: what would then help is something else.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Blacklist {
    entries: BTreeMap<Attempt, Entry>,
    /// Components, by their ids, with whose other number of executors the topology could not run.
    components: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Entry {
    /// Until when it is not tried again.
    until: Timestamp,
    failures: u32,
    /// Whether that time ends with the load under which it failed.
    bound: bool,
    /// The load under which it failed too often, or is not tried for that time; nothing once another load or
    /// arrangement was seen.
    stopped: Option<RatePerSec>,
}

/// Why an attempt is not made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Forbidden {
    /// It failed a short time ago; until when it is not repeated.
    Until(Timestamp),
    /// It failed too often under this load, in records per second.
    Stopped {
        /// How often.
        failures: u32,
        /// Under which load.
        load: RatePerSec,
    },
}

/// A failed attempt.
#[derive(Debug, Clone, Copy)]
pub struct Failure {
    /// What was tried.
    pub attempt: Attempt,
    /// For how long the first one forbids it; the times of further ones follow from it.
    pub plain: Millis,
    /// Whether the time counts. That it failed too often counts anyway.
    pub wait: Wait,
    /// The load under which it failed.
    pub load: RatePerSec,
}

/// Whether an attempt that failed waits for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// It does.
    Time,
    /// It does as long as the load and the arrangement are the same; from the second failure on, whatever they are.
    UnderThisLoad,
    /// It does not: somebody else knows better when to try again.
    No,
}

impl Blacklist {
    /// Whether, and why, an attempt that failed is not to be made again yet.
    pub fn forbids(&self, attempt: Attempt, now: Timestamp) -> Option<Forbidden> {
        let entry = self.entries.get(&attempt)?;
        let waits = now < entry.until;
        match entry.stopped {
            Some(load) if waits || entry.failures >= ENOUGH => {
                Some(Forbidden::Stopped { failures: entry.failures, load })
            }
            _ => (waits && !entry.bound).then_some(Forbidden::Until(entry.until)),
        }
    }

    /// Notes that an attempt failed.
    pub fn note_failure(&mut self, failure: Failure, now: Timestamp) {
        let Failure { attempt, plain, wait, load } = failure;
        if plain == Millis::ZERO {
            return;
        }
        let entry = Entry::after(self.entries.get(&attempt), plain, now);
        let until = if wait == Wait::No { now } else { entry.until };
        // What failed again after the load had seemed to be another does not depend on it.
        let bound = wait == Wait::UnderThisLoad && entry.failures == 1;
        let stopped = (bound || entry.failures >= ENOUGH).then_some(load);
        self.entries.insert(attempt, Entry { until, bound, stopped, ..entry });
    }

    /// Notes the load: under one that is clearly another, what failed too often may be tried again.
    ///
    /// Where nobody counts what waits, and executors have no time left, what is brought in is not the load but the least
    /// that it can be.
    pub fn note_load(&mut self, now: &Baseline) {
        let load = now.load().get();
        let at_least = now.asked.is_none() && now.is_full();
        let differs = |was: RatePerSec| {
            let more = load - was.get();
            (if at_least { more } else { more.abs() }) > CLEARLY * was.get()
        };
        self.lift(|entry| entry.stopped.is_some_and(differs));
    }

    /// Notes that executors or nodes are others now.
    pub fn note_arrangement(&mut self) {
        self.lift(|_| true);
    }

    /// Allows what failed too often where this holds.
    fn lift(&mut self, holds: impl Fn(&Entry) -> bool) {
        for entry in self.entries.values_mut().filter(|entry| holds(entry)) {
            entry.stopped = None;
        }
    }

    /// The seconds for which a component keeps its number of executors; nothing if it may have another.
    pub fn fixes(&self, component: &str, now: Timestamp) -> Option<f64> {
        let entry = self.components.get(component).filter(|entry| now < entry.until)?;
        Some(entry.until.since(now).get() / 1000.0)
    }

    /// Notes that the topology could not run with another number of executors of a component.
    pub fn note_unscalable(&mut self, component: &str, plain: Millis, now: Timestamp) {
        if plain != Millis::ZERO {
            let entry = Entry::after(self.components.get(component), plain, now);
            self.components.insert(component.to_owned(), entry);
        }
    }

    /// Notes that an attempt helped.
    pub fn note_success(&mut self, attempt: Attempt) {
        self.entries.remove(&attempt);
    }
}

impl Entry {
    /// What becomes of an entry by another failure.
    fn after(before: Option<&Self>, plain: Millis, now: Timestamp) -> Self {
        let before = before.map_or(0, |entry| entry.remaining(plain, now));
        let span = plain.get() * f64::from(1u32 << before.min(MOST_DOUBLINGS));
        let until = now.plus(Millis::saturating(span));
        Self { until, failures: before + 1, bound: false, stopped: None }
    }

    /// The failures that still count: one is forgotten in each plain time since it may be tried again.
    fn remaining(&self, plain: Millis, now: Timestamp) -> u32 {
        let forgotten = (now.since(self.until).get() / plain.get()) as u32;
        self.failures.saturating_sub(forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Metrics;
    use crate::units::Share;

    const HOUR: i64 = 3_600_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(hours * HOUR)
    }

    /// The load of these hours, of which none is clearly another than the one before.
    fn load(rate: f64) -> Baseline {
        Baseline { asked: Some(RatePerSec::saturating(rate)), ..Baseline::default() }
    }

    /// Hours for which an attempt is forbidden by time at `now`.
    fn forbidden(blacklist: &Blacklist, attempt: Attempt, now: i64) -> i64 {
        match blacklist.entries.get(&attempt) {
            Some(entry) => ((entry.until.millis() - at(now).millis()) / HOUR).max(0),
            None => 0,
        }
    }

    fn failed(wait: Wait) -> Failure {
        let plain = Millis::saturating(HOUR as f64);
        Failure { attempt: Attempt::More, plain, wait, load: load(100.0).load() }
    }

    fn fail(blacklist: &mut Blacklist, now: i64) -> i64 {
        blacklist.note_failure(failed(Wait::Time), at(now));
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
        assert_eq!(blacklist.forbids(Attempt::Fewer, at(0)), None, "what did not fail is free");
    }

    #[test]
    fn success_forgets_failures_at_once_and_time_one_by_one() {
        let mut blacklist = Blacklist::default();
        assert_eq!([fail(&mut blacklist, 0), fail(&mut blacklist, 1)], [1, 2]);
        assert_eq!(blacklist.forbids(Attempt::More, at(2)), Some(Forbidden::Until(at(3))));
        assert_eq!(blacklist.forbids(Attempt::More, at(3)), None);
        // Free again at 3; of two failures one is forgotten at 4.
        assert_eq!(fail(&mut blacklist, 4), 2);
        blacklist.note_success(Attempt::More);
        assert_eq!(blacklist.forbids(Attempt::More, at(4)), None);
        assert_eq!(fail(&mut blacklist, 5), 1);
        assert_eq!(fail(&mut blacklist, 500), 1, "long ago is never");
    }

    #[test]
    fn the_third_in_vain_ends_it_until_load_or_arrangement_change() {
        for wait in [Wait::Time, Wait::No] {
            let mut blacklist = Blacklist::default();
            let fail = |blacklist: &mut Blacklist| blacklist.note_failure(failed(wait), at(0));
            fail(&mut blacklist);
            fail(&mut blacklist);
            assert_eq!(blacklist.forbids(Attempt::More, at(9)), None);
            fail(&mut blacklist);
            let stopped =
                |blacklist: &Blacklist| blacklist.forbids(Attempt::More, at(999)).is_some();
            assert!(stopped(&blacklist), "time does not change what would help");
            blacklist.note_load(&load(115.0));
            assert!(stopped(&blacklist), "that is no other load");
            blacklist.note_load(&load(125.0));
            assert!(!stopped(&blacklist));
            fail(&mut blacklist);
            assert!(stopped(&blacklist), "it has not helped under this load either");
            blacklist.note_arrangement();
            assert!(!stopped(&blacklist));
        }
    }

    #[test]
    fn what_waits_under_a_load_is_free_under_another_and_after_its_time() {
        let stopped = Some(Forbidden::Stopped { failures: 1, load: load(100.0).load() });
        let fail = || {
            let mut blacklist = Blacklist::default();
            blacklist.note_failure(failed(Wait::UnderThisLoad), at(0));
            assert_eq!(blacklist.forbids(Attempt::More, at(0)), stopped);
            blacklist
        };
        assert_eq!(fail().forbids(Attempt::More, at(1)), None);
        let mut other_load = fail();
        other_load.note_load(&load(75.0));
        assert_eq!(other_load.forbids(Attempt::More, at(0)), None);
        let mut other_places = fail();
        other_places.note_arrangement();
        assert_eq!(other_places.forbids(Attempt::More, at(0)), None);
        other_places.note_failure(failed(Wait::UnderThisLoad), at(0));
        other_places.note_load(&load(200.0));
        assert_eq!(other_places.forbids(Attempt::More, at(0)), Some(Forbidden::Until(at(2))));
        assert_eq!(
            forbidden(&other_places, Attempt::More, 0),
            2,
            "the second time waits twice as long"
        );
    }

    #[test]
    fn what_full_executors_bring_in_is_the_least_that_the_load_can_be() {
        let full = |rate: f64| {
            let metrics = Metrics {
                throughput: RatePerSec::saturating(rate),
                capacity: Share::saturating(1.0),
                ..Metrics::default()
            };
            Baseline { metrics, asked: None }
        };
        let mut blacklist = Blacklist::default();
        blacklist.note_failure(failed(Wait::UnderThisLoad), at(0));
        blacklist.note_load(&full(50.0));
        assert!(
            blacklist.forbids(Attempt::More, at(0)).is_some(),
            "less is done, not less asked for"
        );
        blacklist.note_load(&full(125.0));
        assert_eq!(blacklist.forbids(Attempt::More, at(0)), None);
    }

    #[test]
    fn a_component_that_could_not_be_rescaled_keeps_its_number_and_longer_each_time() {
        let mut blacklist = Blacklist::default();
        let hour = Millis::saturating(HOUR as f64);
        blacklist.note_unscalable("source", hour, at(0));
        assert_eq!(blacklist.fixes("source", at(0)), Some(3600.0));
        assert_eq!(blacklist.fixes("source", at(1)), None);
        assert_eq!(blacklist.fixes("split", at(0)), None);
        blacklist.note_unscalable("source", hour, at(1));
        assert_eq!(blacklist.fixes("source", at(1)), Some(7200.0));
    }

    #[test]
    fn no_time_is_no_blacklist() {
        let mut blacklist = Blacklist::default();
        blacklist.note_failure(Failure { plain: Millis::ZERO, ..failed(Wait::Time) }, at(1));
        blacklist.note_unscalable("source", Millis::ZERO, at(1));
        assert_eq!(blacklist, Blacklist::default());
    }
}
