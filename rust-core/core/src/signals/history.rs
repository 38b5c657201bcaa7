//! The recent reports of executors.

use std::collections::VecDeque;

use super::report::Report;
use super::{Absence, Interval, Measurement, Sample};
use crate::model::{Counters, Executor, TaskRange};
use crate::settings::Settings;
use crate::units::{Millis, Timestamp};

/// The histories of a topology's executors.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histories {
    /// By ascending tasks.
    all: Vec<(TaskRange, History)>,
}

impl Histories {
    /// The history of the executor of these tasks. It is looked for at `place` first, where it is if executors come
    /// by ascending tasks, as they mostly do.
    pub fn of(&mut self, tasks: TaskRange, place: usize) -> &mut History {
        let known = self.all.get(place).is_some_and(|(there, _)| *there == tasks);
        let found = if known {
            Ok(place)
        } else {
            self.all.binary_search_by_key(&tasks, |(there, _)| *there)
        };
        let at = found.unwrap_or_else(|at| {
            self.all.insert(at, (tasks, History::default()));
            at
        });
        &mut self.all[at].1
    }

    /// Forgets the executor of these tasks.
    pub fn forget(&mut self, tasks: TaskRange) {
        self.all.retain(|(known, _)| *known != tasks);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.all.clear();
    }
}

/// The reports of one executor in one slot that lie within the window, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    reports: VecDeque<Report>,
}

impl History {
    /// Takes in what an executor reported at `at`.
    pub fn absorb(
        &mut self,
        executor: &Executor,
        at: Timestamp,
        settings: &Settings,
    ) -> Measurement {
        if executor.slot.is_none() {
            self.reports.clear();
            return Measurement::Missing(Absence::Unassigned);
        }
        if let Some(counters) = executor.counters {
            self.push(at, &counters);
        }
        self.forget(at, settings.window);
        self.measure(at, settings.max_age)
    }

    /// Keeps a report if it is a new one. One that runs backwards starts a new history, and so does the first one that
    /// tells of the executor's time: no difference to those before it can.
    fn push(&mut self, seen: Timestamp, counters: &Counters) {
        if let Some(last) = self.reports.back() {
            let last_counters = last.counters();
            let first_timed = last_counters.busy_ms.is_none() && counters.busy_ms.is_some();
            if first_timed || restarted(&last_counters, counters) {
                self.reports.clear();
            } else if counters.uptime_secs == last.uptime_secs {
                return;
            }
        }
        self.reports.push_back(Report::of(seen, counters));
    }

    /// Drops reports from before the window, but keeps the one that opens it.
    fn forget(&mut self, now: Timestamp, window: Millis) {
        while self.reports.len() > 2
            && self.reports.get(1).is_some_and(|next| now.since(next.seen) >= window)
        {
            self.reports.pop_front();
        }
    }

    fn measure(&self, now: Timestamp, max_age: Millis) -> Measurement {
        let (Some(oldest), Some(newest)) = (self.reports.front(), self.reports.back()) else {
            return Measurement::Missing(Absence::NeverReported);
        };
        let age = now.since(newest.seen);
        if age > max_age {
            return Measurement::Missing(Absence::Stale);
        }
        // The executor's own uptime is the exact span between its reports; the instants at which
        // they were seen differ from it by up to a heartbeat at each end.
        let span_secs = newest.uptime_secs - oldest.uptime_secs;
        if span_secs == 0 {
            return Measurement::Missing(Absence::JustStarted);
        }
        Measurement::Present(Sample {
            span: Millis::saturating(f64::from(span_secs) * 1000.0),
            age,
            delta: difference(&oldest.counters(), &newest.counters()),
            newest: self.interval(0).zip(self.interval(1)).map(|(last, before)| [last, before]),
        })
    }

    /// What happened between the report that is this many from the newest, and the one before it.
    fn interval(&self, from_newest: usize) -> Option<Interval> {
        let at = self.reports.len().checked_sub(from_newest + 2)?;
        let (before, after) = (self.reports[at].counters(), self.reports[at + 1].counters());
        let secs = f64::from(after.uptime_secs - before.uptime_secs);
        Some(Interval::of(&before, &after, Millis::saturating(secs * 1000.0)))
    }
}

fn restarted(before: &Counters, after: &Counters) -> bool {
    after.uptime_secs < before.uptime_secs
        || after.executed < before.executed
        || after.emitted < before.emitted
        || after.acked < before.acked
        || after.completed < before.completed
        || after.failed < before.failed
}

fn difference(before: &Counters, after: &Counters) -> Counters {
    // Sums are recovered from rounded means, so a tiny negative difference is possible.
    let sum = |after: f64, before: f64| (after - before).max(0.0);
    Counters {
        uptime_secs: after.uptime_secs - before.uptime_secs,
        executed: after.executed - before.executed,
        execute_ms: sum(after.execute_ms, before.execute_ms),
        acked: after.acked - before.acked,
        process_ms: sum(after.process_ms, before.process_ms),
        failed: after.failed - before.failed,
        emitted: after.emitted - before.emitted,
        transferred: after.transferred.saturating_sub(before.transferred),
        completed: after.completed - before.completed,
        complete_ms: sum(after.complete_ms, before.complete_ms),
        busy_ms: both(after.busy_ms, before.busy_ms, sum),
        backpressured_ms: both(after.backpressured_ms, before.backpressured_ms, sum),
        idle_ms: both(after.idle_ms, before.idle_ms, sum),
        gc_ms: both(after.gc_ms, before.gc_ms, sum),
        state_bytes: after.state_bytes,
        state_accesses: both(after.state_accesses, before.state_accesses, u64::saturating_sub),
        state_hits: both(after.state_hits, before.state_hits, u64::saturating_sub),
    }
}

/// The difference of what was measured at both ends.
fn both<T>(after: Option<T>, before: Option<T>, difference: impl Fn(T, T) -> T) -> Option<T> {
    Some(difference(after?, before?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SlotRef, TaskRange};

    fn executor(port: u32, uptime_secs: u32, executed: u64, execute_ms: f64) -> Executor {
        Executor {
            component: 0,
            tasks: TaskRange::new(1, 1),
            slot: Some(SlotRef { node: 0, port }),
            counters: Some(Counters { uptime_secs, executed, execute_ms, ..Counters::default() }),
        }
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1000)
    }

    fn settings() -> Settings {
        Settings {
            window: Millis::saturating(20_000.0),
            max_age: Millis::saturating(30_000.0),
            ..Settings::default()
        }
    }

    #[test]
    fn two_reports_give_exact_differences() {
        let mut history = History::default();
        let first = history.absorb(&executor(1, 10, 1000, 5000.0), at(0), &settings());
        assert_eq!(first, Measurement::Missing(Absence::JustStarted));
        let second = history.absorb(&executor(1, 14, 1800, 8200.0), at(4), &settings());
        let sample = *second.sample().expect("two reports");
        assert_eq!(sample.executed_rate().get(), 200.0);
        assert_eq!(sample.execute_latency().map(Millis::get), Some(4.0));
        assert_eq!(sample.capacity().get(), 0.8);
    }

    #[test]
    fn what_was_not_measured_at_both_ends_is_no_difference() {
        let mut history = History::default();
        let mut report = |uptime_secs: u32, busy_ms, idle_ms, state_bytes| {
            let mut executor = executor(1, uptime_secs, 0, 0.0);
            executor.counters = executor.counters.map(|counters| Counters {
                busy_ms,
                idle_ms,
                state_bytes,
                ..counters
            });
            let at = at(i64::from(uptime_secs));
            history.absorb(&executor, at, &settings()).sample().map(|sample| sample.delta)
        };
        report(10, Some(100.0), None, Some(5));
        let delta = report(14, Some(2_100.0), Some(7.0), Some(3)).expect("two reports");
        assert_eq!((delta.busy_ms, delta.idle_ms), (Some(2_000.0), None));
        assert_eq!(delta.state_bytes, Some(3), "a size is the newest one");
    }

    #[test]
    fn a_restarted_worker_starts_a_new_history() {
        let mut history = History::default();
        history.absorb(&executor(1, 100, 1000, 10.0), at(0), &settings());
        history.absorb(&executor(1, 104, 1100, 11.0), at(4), &settings());
        let restarted = history.absorb(&executor(1, 2, 5, 1.0), at(8), &settings());
        assert_eq!(restarted, Measurement::Missing(Absence::JustStarted));
    }

    #[test]
    fn time_that_is_told_only_from_the_second_report_on_is_known_from_the_third() {
        let mut history = History::default();
        let mut busy = |uptime_secs: u32, busy_ms| {
            let mut executor = executor(1, uptime_secs, 0, 0.0);
            executor.counters = executor.counters.map(|c| Counters { busy_ms, ..c });
            history.absorb(&executor, at(i64::from(uptime_secs)), &settings())
        };
        busy(1, None);
        assert_eq!(busy(3, Some(700.0)), Measurement::Missing(Absence::JustStarted));
        let known = busy(5, Some(1_700.0)).sample().map(|sample| sample.delta.busy_ms);
        assert_eq!(known, Some(Some(1_000.0)));
        let lost = busy(7, None).sample().map(|sample| sample.delta.busy_ms);
        assert_eq!(lost, Some(None), "what is no longer told is not known");
    }

    #[test]
    fn histories_are_found_in_whatever_order_executors_come() {
        let mut histories = Histories::default();
        let tasks = |task| TaskRange::new(task, task);
        for (place, task) in [3, 1, 2].into_iter().enumerate() {
            let seen = executor(1, 10, 100 * u64::from(task), 0.0);
            histories.of(tasks(task), place).absorb(&seen, at(0), &settings());
        }
        for (place, task) in [1, 3, 2].into_iter().enumerate() {
            let seen = executor(1, 20, 1000 * u64::from(task), 0.0);
            let found = histories.of(tasks(task), place).absorb(&seen, at(10), &settings());
            let executed = found.sample().map(|sample| sample.delta.executed);
            assert_eq!(executed, Some(900 * u64::from(task)));
        }
    }

    #[test]
    fn the_same_report_again_only_grows_older_until_it_is_stale() {
        let mut history = History::default();
        history.absorb(&executor(1, 10, 100, 1.0), at(0), &settings());
        history.absorb(&executor(1, 12, 200, 2.0), at(2), &settings());
        let older = history.absorb(&executor(1, 12, 200, 2.0), at(12), &settings());
        assert_eq!(older.sample().map(|s| s.age.get()), Some(10_000.0));
        let stale = history.absorb(&executor(1, 12, 200, 2.0), at(40), &settings());
        assert_eq!(stale, Measurement::Missing(Absence::Stale));
    }

    #[test]
    fn missing_statistics_are_missing_and_not_zero() {
        let mut history = History::default();
        let mut silent = executor(1, 0, 0, 0.0);
        silent.counters = None;
        let never = history.absorb(&silent, at(0), &settings());
        assert_eq!(never, Measurement::Missing(Absence::NeverReported));
        silent.slot = None;
        let nowhere = history.absorb(&silent, at(1), &settings());
        assert_eq!(nowhere, Measurement::Missing(Absence::Unassigned));
    }

    #[test]
    fn the_newest_intervals_stand_for_themselves() {
        let mut history = History::default();
        let mut seen = |secs: u32, executed| {
            let executor = executor(1, secs, executed, 0.0);
            let found = history.absorb(&executor, at(i64::from(secs)), &settings());
            found.sample().and_then(|sample| sample.newest)
        };
        assert_eq!((seen(0, 0), seen(10, 100)), (None, None), "one interval is not two");
        let rates = seen(15, 500).map(|newest| newest.map(|interval| interval.executed.get()));
        assert_eq!(rates, Some([80.0, 10.0]));
    }

    #[test]
    fn only_the_window_counts() {
        let mut history = History::default();
        for second in 0..60u32 {
            let busy = if second < 30 { 0 } else { u64::from(second - 30) * 100 };
            history.absorb(&executor(1, second, busy, 0.0), at(i64::from(second)), &settings());
        }
        let last = history.absorb(&executor(1, 60, 3000, 0.0), at(60), &settings());
        let sample = *last.sample().expect("sixty reports");
        assert_eq!(sample.span.get(), 20_000.0);
        assert_eq!(sample.executed_rate().get(), 100.0);
    }
}
