//! What is reported of components and streams rather than of executors: backlogs and sent tuples.

use std::collections::VecDeque;

use crate::model::Topology;
use crate::units::{Millis, Timestamp};

/// The reports that lie within the window, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricHistory {
    marks: VecDeque<Mark>,
}

#[derive(Debug, Clone, PartialEq)]
struct Mark {
    at: Timestamp,
    backlogs: Vec<Option<u64>>,
    sent: Vec<Option<u64>>,
}

impl MetricHistory {
    /// Takes in what was seen of a topology at `at`.
    pub fn push(&mut self, topology: &Topology, at: Timestamp, window: Millis) {
        if self.marks.back().is_some_and(|last| last.at >= at) {
            return;
        }
        self.marks.push_back(Mark {
            at,
            backlogs: topology.components.iter().map(|c| c.backlog).collect(),
            sent: topology.edges.iter().map(|e| e.sent).collect(),
        });
        // The report that opens the window is kept.
        while self.marks.len() > 2
            && self.marks.get(1).is_some_and(|next| at.since(next.at) >= window)
        {
            self.marks.pop_front();
        }
    }

    /// Records that waited before a component when it was seen last.
    pub fn backlog(&self, component: usize) -> Option<u64> {
        *self.marks.back()?.backlogs.get(component)?
    }

    /// By how many records per second a backlog grew: the least-squares slope over the window.
    pub fn growth(&self, component: usize) -> Option<f64> {
        self.growth_until(component, Millis::ZERO)
    }

    /// The same without the newest part of the window, of this age.
    pub fn growth_until(&self, component: usize, age: Millis) -> Option<f64> {
        self.backlog(component)?;
        let (start, end) = (self.marks.front()?.at, self.marks.back()?.at);
        let points: Vec<(f64, f64)> = self
            .marks
            .iter()
            .filter(|mark| end.since(mark.at) >= age)
            .filter_map(|mark| {
                let backlog = *mark.backlogs.get(component)?;
                Some((mark.at.since(start).get() / 1000.0, backlog? as f64))
            })
            .collect();
        slope(&points)
    }

    /// By how many records per second a backlog grew between the last two reports, and between the two before;
    /// nothing where one of them only repeats the backlog that was known.
    pub fn newest_growth(&self, component: usize) -> Option<[f64; 2]> {
        let mut newest = self.marks.iter().rev();
        let mut point = || {
            let mark = newest.next()?;
            Some((mark.at, (*mark.backlogs.get(component)?)?))
        };
        let [last, middle, first] = [point()?, point()?, point()?];
        let growth = |from: (Timestamp, u64), to: (Timestamp, u64)| {
            let known = from.1 != to.1 || to.1 == 0;
            let secs = to.0.since(from.0).get() / 1000.0;
            known.then(|| (to.1 as f64 - from.1 as f64) / secs)
        };
        Some([growth(middle, last)?, growth(first, middle)?])
    }

    /// Tuples sent along a stream per second; nothing when the count ran backwards.
    pub fn sent_rate(&self, edge: usize) -> Option<f64> {
        let (first, last) = (self.marks.front()?, self.marks.back()?);
        let backwards = self
            .marks
            .iter()
            .zip(self.marks.iter().skip(1))
            .any(|(before, after)| after.sent.get(edge) < before.sent.get(edge));
        let (was, is) = ((*first.sent.get(edge)?)?, (*last.sent.get(edge)?)?);
        let secs = last.at.since(first.at).get() / 1000.0;
        (secs > 0.0 && !backwards).then(|| (is - was) as f64 / secs)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.marks.clear();
    }
}

/// Slope of the least-squares line; nothing below two instants.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x, sy + y));
    let (x, y) = (x / count, y / count);
    let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let both: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    (points.len() >= 2 && spread > 0.0).then(|| both / spread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Component, Edge};

    fn seen(
        metric_history: &mut MetricHistory,
        secs: i64,
        backlog: Option<u64>,
        sent: Option<u64>,
    ) {
        let topology = Topology {
            components: vec![Component { backlog, ..Component::default() }],
            edges: vec![Edge { sent, ..Edge::default() }],
            ..Topology::default()
        };
        metric_history.push(
            &topology,
            Timestamp::from_millis(secs * 1000),
            Millis::saturating(60_000.0),
        );
    }

    #[test]
    fn growth_and_rates_are_taken_over_the_window() {
        let mut metric_history = MetricHistory::default();
        for second in (0..=120).step_by(10) {
            // Nothing grows in the first minute, which the window forgets.
            let grown = 50 * u64::try_from(second - 60).unwrap_or(0);
            seen(&mut metric_history, second, Some(1000 + grown), Some(200 * second as u64));
        }
        assert_eq!(metric_history.backlog(0), Some(4000));
        assert_eq!(metric_history.growth(0), Some(50.0));
        assert_eq!(metric_history.sent_rate(0), Some(200.0));
    }

    #[test]
    fn growth_ends_where_it_is_asked_to() {
        let mut metric_history = MetricHistory::default();
        // A source that stops to report at 40 s brings nothing in any more.
        for (second, backlog) in [(20, 500), (30, 500), (40, 500), (50, 1500), (60, 2500)] {
            seen(&mut metric_history, second, Some(backlog), None);
        }
        assert_eq!(metric_history.growth_until(0, Millis::saturating(20_000.0)), Some(0.0));
        assert_eq!(metric_history.growth_until(0, Millis::saturating(40_000.0)), None, "one point");
        assert!(metric_history.growth(0) > Some(45.0));
    }

    #[test]
    fn what_was_not_measured_is_nothing() {
        let mut metric_history = MetricHistory::default();
        seen(&mut metric_history, 0, Some(5), None);
        assert_eq!(metric_history.growth(0), None, "one point has no slope");
        seen(&mut metric_history, 10, None, Some(7));
        assert_eq!(
            (metric_history.backlog(0), metric_history.growth(0), metric_history.sent_rate(0)),
            (None, None, None)
        );
        assert_eq!(metric_history.growth(9), None);
    }

    #[test]
    fn a_count_that_ran_backwards_is_no_rate() {
        let mut metric_history = MetricHistory::default();
        for (second, sent) in [(0, 100), (10, 40), (20, 300)] {
            seen(&mut metric_history, second, None, Some(sent));
        }
        assert_eq!(metric_history.sent_rate(0), None);
    }

    #[test]
    fn the_newest_growth_is_told_by_each_of_the_last_intervals() {
        let mut metric_history = MetricHistory::default();
        seen(&mut metric_history, 0, Some(0), None);
        seen(&mut metric_history, 10, Some(0), None);
        assert_eq!(metric_history.newest_growth(0), None, "two reports are one interval");
        seen(&mut metric_history, 20, Some(100), None);
        assert_eq!(metric_history.newest_growth(0), Some([10.0, 0.0]));
        seen(&mut metric_history, 25, Some(50), None);
        assert_eq!(metric_history.newest_growth(0), Some([-10.0, 10.0]));
        seen(&mut metric_history, 30, Some(50), None);
        assert_eq!(metric_history.newest_growth(0), None, "it was not counted anew");
    }
}
