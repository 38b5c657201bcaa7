//! Busy times that never fall.
//!
//! Flink's busy time is what is left of a subtask's life when its waits are taken away, and a wait counts only once it has
//! ended. So a wait looks like work while it lasts, and busy time falls back when it ends: a subtask with little to do seems
//! to have worked for less than nothing. Here time becomes busy only with records that moved in it, and then every record took
//! some. But Flink counts what a wait has come to at even intervals too, so after a longer time without any it was no wait:
//! the subtask works on one record.

use std::collections::{BTreeMap, BTreeSet};

use super::super::view::{Spent, Totals};

/// Less than any record takes: it only keeps work from looking like none.
const LEAST_MS_PER_RECORD: f64 = 0.001;
/// Flink's interval of 5 s, and a look in which counters come late.
const LONGEST_UNCOUNTED_MS: f64 = 6_000.0;

#[derive(Debug, Clone, Copy)]
struct Seen {
    raw: Totals,
    spent: Spent,
    busy: f64,
    /// Whether the last wait was for a receiver.
    held: bool,
    /// The subtask's time when a wait was last counted.
    waited_at: f64,
    /// Whether the last reading was older than this one.
    fallen: bool,
}

impl Seen {
    fn first(now: &Totals, spent: Spent) -> Self {
        Self { raw: *now, spent, busy: spent.busy, held: false, waited_at: now.time, fallen: false }
    }

    /// What is known once later counters were seen.
    fn then(&self, now: &Totals, spent: Spent) -> Self {
        let held_up = spent.backpressured - self.spent.backpressured;
        let idle = spent.idle - self.spent.idle;
        let waited_at = if held_up > 0.0 || idle > 0.0 { now.time } else { self.waited_at };
        let moved = now.read + now.written - self.raw.read - self.raw.written;
        let mut busy = self.busy;
        if moved > 0.0 || now.time - waited_at > LONGEST_UNCOUNTED_MS {
            busy = spent.busy.max(busy + moved * LEAST_MS_PER_RECORD);
        }
        let held = if held_up == idle { self.held } else { held_up > idle };
        Self { raw: *now, spent, busy: busy.min(now.time), held, waited_at, fallen: false }
    }

    /// The totals with the busy time that is certain. What is not busy is a wait, of the kind that it was last.
    fn certain(&self) -> Totals {
        let waited = self.raw.time - self.busy;
        let other = if self.held { self.spent.idle } else { self.spent.backpressured };
        let other = other.min(waited);
        let backpressured = if self.held { waited - other } else { other };
        let spent = Spent { busy: self.busy, backpressured, idle: waited - backpressured };
        Totals { spent: Some(spent), ..self.raw }
    }
}

/// The busy times of all subtasks.
#[derive(Debug, Default)]
pub struct BusyTimes(BTreeMap<String, Seen>);

impl BusyTimes {
    /// The totals with the busy time that is certain; all of the time stays accounted for.
    pub fn at(&mut self, subtask: &str, now: &Totals) -> Totals {
        let Some(spent) = now.spent else { return *now };
        let seen = match self.0.get_mut(subtask) {
            Some(before) if now.time < before.raw.time && !before.fallen => {
                // Once, counters came late; twice, the subtask began anew.
                before.fallen = true;
                return *now;
            }
            Some(before) if now.time >= before.raw.time => before.then(now, spent),
            _ => Seen::first(now, spent),
        };
        self.0.insert(subtask.to_owned(), seen);
        seen.certain()
    }

    /// Forgets all other subtasks.
    pub fn keep(&mut self, subtasks: &BTreeSet<String>) {
        self.0.retain(|subtask, _| subtasks.contains(subtask));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn totals(records: f64, busy: f64, backpressured: f64, idle: f64) -> Totals {
        Totals::timed(records, 0.0, Spent { busy, backpressured, idle })
    }

    fn busy(totals: &Totals) -> f64 {
        totals.spent.expect("timed").busy
    }

    #[test]
    fn a_wait_that_lasts_is_not_work() {
        let mut times = BusyTimes::default();
        times.at("a", &totals(10.0, 5.0, 0.0, 995.0));
        // The wait since the last record looks like work: seen so by Flink, and taken back when the next record comes.
        let waits = times.at("a", &totals(10.0, 2005.0, 0.0, 995.0));
        assert_eq!(waits, totals(10.0, 5.0, 0.0, 2995.0));
        let works = totals(11.0, 6.0, 0.0, 3994.0);
        assert_eq!(times.at("a", &works), works);
    }

    #[test]
    fn a_long_record_is_work_once_its_end_is_seen() {
        let mut times = BusyTimes::default();
        times.at("a", &totals(1.0, 100.0, 0.0, 900.0));
        assert_eq!(busy(&times.at("a", &totals(1.0, 2100.0, 0.0, 900.0))), 100.0);
        assert_eq!(busy(&times.at("a", &totals(2.0, 3100.0, 0.0, 900.0))), 3100.0);
    }

    #[test]
    fn a_record_that_takes_longer_than_any_wait_goes_uncounted_is_work() {
        let mut times = BusyTimes::default();
        times.at("a", &totals(1.0, 100.0, 0.0, 900.0));
        for second in 1..=6 {
            let now = totals(1.0, 100.0 + 1000.0 * f64::from(second), 0.0, 900.0);
            assert_eq!(busy(&times.at("a", &now)), 100.0, "second {second}");
        }
        assert_eq!(busy(&times.at("a", &totals(1.0, 7_100.0, 0.0, 900.0))), 7_100.0);
        assert_eq!(busy(&times.at("a", &totals(1.0, 8_100.0, 0.0, 900.0))), 8_100.0);
    }

    #[test]
    fn a_sender_that_is_held_up_does_not_work() {
        let mut times = BusyTimes::default();
        times.at("a", &totals(50.0, 100.0, 100.0, 800.0));
        let held = totals(51.0, 150.0, 1000.0, 850.0);
        assert_eq!(times.at("a", &held), held);
        // Still held up: nothing moved, and back-pressure was the last wait.
        let still = times.at("a", &totals(51.0, 350.0, 1800.0, 850.0)).spent.expect("timed");
        assert_eq!((still.busy, still.backpressured), (150.0, 2000.0));
    }

    #[test]
    fn records_that_move_always_take_time() {
        let mut times = BusyTimes::default();
        times.at("a", &totals(0.0, 400.0, 0.0, 600.0));
        let later = times.at("a", &totals(1000.0, 380.0, 0.0, 1620.0));
        assert!((busy(&later) - 401.0).abs() < 1e-9 && (later.time - 2000.0).abs() < 1e-9);
    }

    #[test]
    fn a_subtask_that_began_anew_is_a_new_one_and_late_counters_are_not() {
        let mut times = BusyTimes::default();
        times.at("a", &totals(1000.0, 900.0, 0.0, 100.0));
        let anew = totals(5.0, 20.0, 0.0, 30.0);
        assert_eq!(times.at("a", &anew), anew);
        times.at("b", &totals(10.0, 5.0, 0.0, 995.0));
        // A wait that still lasts, counted with a record that moved.
        assert_eq!(busy(&times.at("b", &totals(11.0, 905.0, 0.0, 1095.0))), 905.0);
        times.at("b", &totals(10.0, 5.0, 0.0, 1500.0));
        assert!(busy(&times.at("b", &totals(12.0, 20.0, 0.0, 2980.0))) > 905.0);
    }

    #[test]
    fn where_no_times_are_told_none_are_made_up() {
        let mut times = BusyTimes::default();
        let untimed = Totals::untimed(20.0, 0.0, 2000.0);
        assert_eq!(times.at("a", &untimed), untimed);
    }

    proptest! {
        /// Records at any instants, each of 2 ms; every reading counts the wait under way as work, as Flink does.
        #[test]
        fn busy_time_never_falls_and_is_never_far_from_the_truth(
            waits in prop::collection::vec(0.0..300.0f64, 1..400),
        ) {
            let mut times = BusyTimes::default();
            let (mut now, mut work, mut waited, mut look, mut longest, mut before) =
                (0.0, 0.0, 0.0, 1000.0, 0.0f64, 0.0);
            for (record, wait) in waits.into_iter().enumerate() {
                longest = longest.max(wait);
                while look < now + wait {
                    let busy = busy(&times.at("a", &totals(record as f64, look - waited, 0.0, waited)));
                    prop_assert!(busy >= before, "fell from {} to {}", before, busy);
                    prop_assert!(busy - work <= longest + 5.0, "{} for {} of work", busy, work);
                    before = busy;
                    look += 1000.0;
                }
                waited += wait;
                work += 2.0;
                now += wait + 2.0;
            }
        }
    }
}
