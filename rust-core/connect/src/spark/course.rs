//! What a query has done so far, at whole seconds: Spark tells of batches, the core takes counters.

use std::collections::VecDeque;

use super::told::Batch;

/// So many batches are looked back at.
const KEPT: usize = 512;
/// Whether a query falls behind shows in so many batches, and in no fewer.
const LATELY: usize = 6;
const FEWEST: usize = 3;
/// More than so many times the rows that are worked on arrive where a query falls behind.
const BEHIND: f64 = 1.1;

/// No time that is told is later, nor a number larger: sums of some do not overflow.
const LAST: i64 = i64::MAX / 8;

/// What has been done at an instant, since the course began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Totals {
    /// Whole seconds since then.
    pub secs: u32,
    /// Rows that have arrived, those of the first batch included.
    pub arrived: f64,
    /// Rows that have been worked on.
    pub done: f64,
    /// Time in which a batch ran, in ms.
    pub busy_ms: f64,
    /// What of it the driver took alone, in ms, where that is told.
    pub planning_ms: Option<f64>,
}

/// A batch, with what had been done when it started.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    id: i64,
    start: i64,
    end: i64,
    rows: f64,
    /// Rows that had been worked on.
    done: f64,
    /// Time in which batches had run, in ms.
    busy_ms: f64,
    /// What of that the driver had taken alone, and what it took of this batch, in ms.
    planning_ms: Option<(f64, f64)>,
}

impl Step {
    /// All rows that had arrived by its start.
    fn arrived(&self) -> f64 {
        self.done + self.rows
    }
}

/// The batches of a query since its executors are those they are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Course {
    /// When its executors came or went last, in ms: what ran before ran on others.
    changed: Option<i64>,
    /// When the first of its batches started, in ms.
    begun: i64,
    /// Until when all is known, in ms.
    until: i64,
    steps: VecDeque<Step>,
}

impl Course {
    /// Takes in what is told of a query whose executors came or went last at this time.
    ///
    /// It begins anew where they did so since, and where batches are missing: what was done in between is not known.
    pub fn take(&mut self, batches: &[Batch], idle_at: Option<i64>, changed: Option<i64>) {
        if self.changed != changed {
            *self = Self { changed, ..Self::default() };
        }
        for batch in batches {
            let Some(whole) = whole(batch) else {
                self.steps.clear();
                continue;
            };
            if changed.is_none_or(|changed| whole.start >= changed) {
                self.push(whole);
            }
        }
        if let (Some(last), Some(idle)) = (self.steps.back(), idle_at.filter(is_told)) {
            // It had nothing to do, so all that had arrived was done.
            if idle >= last.end {
                self.until = self.until.max(idle);
            }
        }
    }

    fn push(&mut self, batch: Whole) {
        let Whole { id, start, end, rows, planning_ms } = batch;
        let last = self.steps.back().copied();
        let (done, busy_ms, planned) = match last {
            // Told before.
            Some(last) if start <= last.start => return,
            // Batches without data have the number of the next one with some.
            Some(last) if (last.id..=last.id + 1).contains(&id) => {
                let ran = last.busy_ms + (last.end - last.start) as f64;
                (last.done + last.rows, ran, last.planning_ms.map(|(all, own)| all + own))
            }
            _ => {
                self.steps.clear();
                self.begun = start;
                (0.0, 0.0, Some(0.0))
            }
        };
        // A clock that was set back would have two batches at once.
        let start = start.max(last.map_or(start, |last| last.end.min(end)));
        let planning_ms = planned.zip(planning_ms);
        self.steps.push_back(Step { id, start, end, rows, done, busy_ms, planning_ms });
        self.until = start;
        if self.steps.len() > KEPT {
            self.steps.pop_front();
        }
    }

    /// What had been done at the last whole second of which all is known; nothing before a batch has ended.
    pub fn totals(&self) -> Option<Totals> {
        let secs = u32::try_from((self.until - self.begun) / 1000).ok()?;
        let at = self.begun + i64::from(secs) * 1000;
        let index = self.steps.iter().rposition(|step| step.start <= at)?;
        let step = &self.steps[index];
        let ran = (at.min(step.end) - step.start) as f64;
        let share = if step.end > step.start { ran / (step.end - step.start) as f64 } else { 1.0 };
        let arriving = self.steps.get(index + 1).map_or(0.0, |next| {
            let so_far = (at - step.start) as f64 / (next.start - step.start).max(1) as f64;
            (next.arrived() - step.arrived()) * so_far
        });
        Some(Totals {
            secs,
            arrived: step.arrived() + arriving,
            done: step.done + step.rows * share,
            busy_ms: step.busy_ms + ran,
            planning_ms: step.planning_ms.map(|(before, own)| before + own * share),
        })
    }

    /// Whether more arrives than is worked on, over the last batches; so many may be left to wait after the last.
    pub fn falls_behind(&self, left: Option<u64>) -> bool {
        let Some(last) = self.steps.back() else { return false };
        let lately = self.steps.len().saturating_sub(LATELY);
        let first = &self.steps[lately];
        if self.steps.len() - lately < FEWEST || self.until >= last.end && last.end > last.start {
            return false;
        }
        if left.is_some_and(|left| left as f64 > last.rows) {
            return true;
        }
        let rate = |rows: f64, ms: f64| rows / ms.max(1.0);
        let arrives = rate(last.arrived() - first.arrived(), (last.start - first.start) as f64);
        let ran = last.busy_ms - first.busy_ms + (last.end - last.start) as f64;
        arrives > BEHIND * rate(last.done + last.rows - first.done, ran)
    }
}

/// What is needed of a batch.
struct Whole {
    id: i64,
    start: i64,
    end: i64,
    rows: f64,
    planning_ms: Option<f64>,
}

/// The same, if all of it is told and can be.
fn whole(batch: &Batch) -> Option<Whole> {
    let (id, start) = (batch.id.filter(is_told)?, batch.at_ms.filter(is_told)?);
    let took = batch.took_ms.and_then(|took| i64::try_from(took).ok()).filter(is_told)?;
    let planning_ms = batch.planning_ms().map(|ms| ms as f64);
    Some(Whole { id, start, end: start + took, rows: batch.rows? as f64, planning_ms })
}

/// Whether a number or a time, in ms, is none that only an error brings about.
fn is_told(number: &i64) -> bool {
    (0..LAST).contains(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(id: i64, start: i64, took: u64, rows: u64) -> Batch {
        Batch {
            id: Some(id),
            at_ms: Some(start),
            took_ms: Some(took),
            rows: Some(rows),
            durations_ms: [("addBatch".to_owned(), took / 4 * 3)].into(),
            sources: Vec::new(),
            state: None,
        }
    }

    fn course(batches: &[Batch]) -> Course {
        let mut course = Course::default();
        course.take(batches, None, None);
        course
    }

    #[test]
    fn a_query_that_keeps_up_is_busy_for_a_part_of_its_interval() {
        // Each second 100 rows, worked on within 400 ms.
        let course = course(&[0, 1, 2, 3].map(|n| batch(n, n * 1000, 400, 100)));
        let totals = course.totals().expect("batches");
        assert_eq!(
            totals,
            Totals {
                secs: 3,
                arrived: 400.0,
                done: 300.0,
                busy_ms: 1200.0,
                planning_ms: Some(300.0)
            },
            "the last batch has ended, and what arrived since it began is not known"
        );
        assert!(!course.falls_behind(None));
    }

    #[test]
    fn what_arrives_is_known_apart_from_what_is_worked_on() {
        // 100 rows a second arrive, 50 are worked on: each batch has what came while the one before ran.
        let course = course(&[
            batch(0, 0, 2000, 100),
            batch(1, 2000, 4000, 200),
            batch(2, 6000, 8000, 400),
            batch(3, 14_000, 16_000, 800),
        ]);
        let totals = course.totals().expect("batches");
        assert_eq!((totals.secs, totals.done, totals.busy_ms), (14, 700.0, 14_000.0));
        assert_eq!(totals.arrived - 100.0, 1400.0);
        assert!(course.falls_behind(None) && course.falls_behind(Some(0)));
    }

    #[test]
    fn between_whole_seconds_a_batch_has_done_its_share() {
        let course = course(&[batch(0, 0, 1500, 150), batch(1, 1500, 1000, 300)]);
        let totals = course.totals().expect("batches");
        assert_eq!((totals.secs, totals.arrived, totals.done), (1, 350.0, 100.0));
        assert_eq!(totals.busy_ms, 1000.0);
        assert!((totals.planning_ms.expect("told") - 250.0).abs() < 1e-9);
    }

    #[test]
    fn a_query_without_work_is_known_to_have_done_all_until_then() {
        let mut course = Course::default();
        let batches = [batch(0, 0, 500, 50), batch(1, 1000, 500, 50)];
        course.take(&batches, Some(11_000), None);
        let totals = course.totals().expect("batches");
        assert_eq!((totals.secs, totals.busy_ms), (11, 1000.0));
        assert_eq!((totals.arrived, totals.done), (100.0, 100.0));
        assert!(!course.falls_behind(None));
        // One that begins later is work again.
        course.take(&[batch(2, 12_000, 2000, 10)], Some(11_000), None);
        assert_eq!(course.totals().map(|totals| (totals.secs, totals.done)), Some((12, 100.0)));
    }

    #[test]
    fn batches_that_follow_on_each_other_fall_behind_only_if_they_grow_or_leave_much() {
        let course = course(&[0, 1, 2, 3].map(|n| batch(n, n * 500, 500, 100)));
        assert!(!course.falls_behind(Some(0)) && !course.falls_behind(None));
        assert!(course.falls_behind(Some(5000)), "a limit holds batches, and records wait");
    }

    #[test]
    fn it_begins_anew_where_executors_change_and_where_batches_are_missing() {
        let mut seen = course(&[batch(0, 0, 500, 100), batch(1, 1000, 500, 100)]);
        seen.take(&[batch(1, 1000, 500, 100), batch(2, 2000, 500, 100)], None, Some(1800));
        assert_eq!(seen.totals().map(|totals| (totals.secs, totals.done)), Some((0, 0.0)));
        let missing = course(&[batch(0, 0, 500, 100), batch(5, 9000, 500, 100)]);
        assert_eq!(missing.totals().map(|totals| totals.done), Some(0.0));
        let untold = Batch { rows: None, ..batch(1, 1000, 500, 0) };
        assert_eq!(course(&[batch(0, 0, 500, 100), untold]).totals(), None);
        assert_eq!(course(&[]).totals(), None);
        for wild in [batch(i64::MAX, 0, 1, 1), batch(0, i64::MIN, 1, 1), batch(0, 0, u64::MAX, 1)] {
            assert_eq!(course(&[batch(0, 0, 500, 100), wild]).totals(), None);
        }
    }

    #[test]
    fn what_the_driver_takes_is_not_known_where_parts_are_not_told() {
        let untold = Batch { durations_ms: Default::default(), ..batch(1, 1000, 500, 100) };
        let seen = course(&[batch(0, 0, 500, 100), untold, batch(2, 2000, 500, 100)]);
        assert_eq!(seen.totals().map(|totals| totals.planning_ms), Some(None));
    }

    #[test]
    fn what_was_told_before_counts_once() {
        let batches = [batch(0, 0, 500, 100), batch(1, 1000, 500, 100), batch(2, 2000, 500, 100)];
        let mut course = course(&batches);
        let before = course.clone();
        course.take(&batches, None, None);
        assert_eq!(course, before);
    }
}
