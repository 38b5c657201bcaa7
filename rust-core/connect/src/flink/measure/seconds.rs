//! Brings the counters of all subtasks to the same instants, whole seconds apart, by straight lines between two looks.
//!
//! Spans are then exact although they are handed on in seconds, and what one subtask sends and another takes in is counted
//! over the same time.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::super::view::Totals;
use super::clock::ClockOffset;

const SECOND: f64 = 1_000.0;

/// Totals at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// The instant, in seconds of the clock.
    pub second: i64,
    /// The seconds that the subtask had then run for.
    pub uptime_secs: u32,
    /// What it had done.
    pub totals: Totals,
}

#[derive(Debug, Clone)]
struct Seen {
    /// By how much the subtask's own time is ahead of the clock.
    ahead: ClockOffset,
    last: Totals,
    report: Option<Report>,
    /// What was seen when the subtask's time had gone back, at the last look only.
    fallen: Option<(ClockOffset, Totals)>,
}

impl Seen {
    fn first(now: &Totals, clock: i64) -> Self {
        let mut ahead = ClockOffset::default();
        ahead.after(now.time - clock as f64);
        Self { ahead, last: *now, report: None, fallen: None }
    }

    /// What is known once later counters were seen.
    fn then(mut self, now: &Totals, clock: i64) -> Self {
        let second = clock.div_euclid(SECOND as i64);
        let instant = second as f64 * SECOND + self.ahead.after(now.time - clock as f64);
        let from = self.last.time;
        if instant > from && self.report.is_none_or(|report| second > report.second) {
            let totals = self.last.towards(now, (instant - from) / (now.time - from));
            let uptime_secs = uptime(self.report.as_ref(), &totals);
            self.report = Some(Report { second, uptime_secs, totals });
        }
        Self { last: *now, fallen: None, ..self }
    }
}

/// Counted on from the last report: the relation of the two clocks is an estimate, which may change a little.
fn uptime(before: Option<&Report>, now: &Totals) -> u32 {
    match before {
        None => (now.time / SECOND).round() as u32,
        Some(before) => {
            let more = ((now.time - before.totals.time) / SECOND).round() as u32;
            before.uptime_secs.saturating_add(more)
        }
    }
}

/// The counters of all subtasks at whole seconds.
#[derive(Debug, Default)]
pub struct EvenSeconds(BTreeMap<String, Seen>);

impl EvenSeconds {
    /// The totals at the last whole second of the clock that has passed; nothing before the second look.
    ///
    /// `clock` is in ms, and not later than the instant at which the counters were as given.
    pub fn at(&mut self, subtask: &str, now: &Totals, clock: i64) -> Option<Report> {
        let Some(stored) = self.0.get_mut(subtask) else {
            self.0.insert(subtask.to_owned(), Seen::first(now, clock));
            return None;
        };
        let mut before = stored.clone();
        if now.time < before.last.time {
            // Once, counters came that were older than the last; twice, the subtask began anew.
            let Some((ahead, last)) = before.fallen.take() else {
                let Seen { ahead, last, .. } = Seen::first(now, clock);
                stored.fallen = Some((ahead, last));
                return stored.report;
            };
            before = Seen { ahead, last, report: None, fallen: None };
        }
        *stored = match now.time.total_cmp(&before.last.time) {
            Ordering::Less => Seen::first(now, clock),
            Ordering::Greater => before.then(now, clock),
            // The counters are those of the last look, so they say nothing of how the two clocks relate.
            Ordering::Equal => return before.report,
        };
        stored.report
    }

    /// Forgets all other subtasks.
    pub fn keep(&mut self, subtasks: &BTreeSet<String>) {
        self.0.retain(|subtask, _| subtasks.contains(subtask));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::view::Spent;
    use super::*;

    /// A subtask that reads 100 records per second and is busy for half of the time.
    fn after(ms: f64) -> Totals {
        let spent = Spent { busy: ms / 2.0, backpressured: 0.0, idle: ms / 2.0 };
        Totals::timed(ms / 10.0, 0.0, spent)
    }

    fn report(second: i64, uptime_secs: u32, ms: f64) -> Option<Report> {
        Some(Report { second, uptime_secs, totals: after(ms) })
    }

    /// Looks each second, 200 ms after it began, which see counters as they were so many ms before.
    fn looks(to: i64, late: impl Fn(i64) -> f64) -> Vec<Option<Report>> {
        let mut seconds = EvenSeconds::default();
        let look = |look: i64| {
            let now = after(1000.0 * look as f64 + 200.0 - late(look));
            seconds.at("a", &now, 1000 * look + 200)
        };
        (0..=to).map(look).collect()
    }

    fn second(report: &Option<Report>) -> i64 {
        report.expect("a report").second
    }

    #[test]
    fn counters_are_those_of_the_last_whole_second_of_the_clock() {
        let mut seconds = EvenSeconds::default();
        assert_eq!(seconds.at("a", &after(1300.0), 50_100), None);
        assert_eq!(seconds.at("a", &after(2600.0), 51_400), report(51, 2, 2200.0));
        // No new second has begun.
        assert_eq!(seconds.at("a", &after(2900.0), 51_700), report(51, 2, 2200.0));
        assert_eq!(seconds.at("a", &after(4400.0), 53_200), report(53, 4, 4200.0));
    }

    #[test]
    fn a_look_that_took_long_does_not_put_the_clock_wrong() {
        let mut seconds = EvenSeconds::default();
        // The first answer came 80 ms late, the second at once.
        seconds.at("a", &after(1080.0), 10_000);
        assert_eq!(seconds.at("a", &after(2000.0), 11_000), report(11, 2, 2000.0));
        assert_eq!(seconds.at("a", &after(3060.0), 12_000), report(12, 3, 3000.0));
    }

    #[test]
    fn a_subtask_that_began_anew_is_a_new_one() {
        let mut seconds = EvenSeconds::default();
        seconds.at("a", &after(5000.0), 9_000);
        assert_eq!(seconds.at("a", &after(700.0), 10_000), None);
        assert_eq!(seconds.at("a", &after(1700.0), 11_000), report(11, 2, 1700.0));
        seconds.keep(&BTreeSet::new());
        assert_eq!(seconds.at("a", &after(2700.0), 12_000), None, "it was forgotten");
    }

    #[test]
    fn counters_that_came_late_once_delay_one_report() {
        let reports = looks(20, |look| if look == 7 { 2000.0 } else { 0.0 });
        assert_eq!(second(&reports[7]), 6, "nothing new was seen in that look");
        assert_eq!(second(&reports[8]), 8, "the next is as if it had not been");
        assert_eq!(reports[20], report(20, 20, 20_000.0));
    }

    #[test]
    fn a_taskmanager_that_stood_still_reports_again_within_seconds() {
        // It answers nothing new for five seconds, and then goes on, as the clock did.
        let late = |look| if (7..12).contains(&look) { 1000.0 * (look - 6) as f64 } else { 0.0 };
        let reports = looks(30, late);
        assert_eq!(reports[30], report(30, 30, 30_000.0));
        assert!(second(&reports[13]) >= 13);
    }

    #[test]
    fn a_clock_that_was_set_reports_again_within_seconds() {
        let reports = looks(20, |look| if look >= 7 { -5000.0 } else { 0.0 });
        assert_eq!(second(&reports[13]), 13);
        assert_eq!(reports[20].expect("a report").totals, after(25_000.0));
    }

    #[test]
    fn counters_that_are_fetched_seldom_are_reported_as_seldom() {
        // Each fetch is seen at the look after it.
        let reports = looks(45, |look| 1000.0 * look.rem_euclid(10) as f64);
        let seconds: BTreeSet<i64> = reports.iter().flatten().map(|report| report.second).collect();
        assert_eq!(seconds, BTreeSet::from([10, 20, 30, 40]));
        assert_eq!(reports[45], report(40, 40, 40_000.0));
    }
}
