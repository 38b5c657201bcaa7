//! A bounded history of each topology's figures, in memory.

use std::collections::VecDeque;

use serde::Serialize;
use utoipa::ToSchema;

/// Points that are kept of a topology. The older half is thinned out when there are more.
const KEPT: usize = 720;

/// A topology's figures at one time; what was not measured is absent.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, ToSchema)]
pub struct Point {
    /// When, in ms since 1970.
    pub at: i64,
    /// Tuples that sources brought in per second.
    pub throughput: Option<f32>,
    /// Tuples per second that were expected for this time, when an action could still have been made for it.
    pub expected_throughput: Option<f32>,
    /// Mean process latency in ms.
    pub latency: Option<f32>,
    /// Mean complete latency in ms.
    pub complete_latency: Option<f32>,
    /// What the latency was expected to be, in ms.
    pub expected_latency: Option<f32>,
    /// Busy share of the busiest executor.
    pub busy: Option<f32>,
    /// What that was expected to be after the last plan, from its beginning until its outcome is known.
    pub expected_busy: Option<f32>,
    /// Executors.
    pub executors: u32,
    /// Records that wait.
    pub backlog: Option<f32>,
}

/// What is kept of one topology.
#[derive(Debug, Default)]
pub struct Chart {
    points: VecDeque<Point>,
    /// Tuples per second that are expected, and for when.
    expected: VecDeque<(i64, f32)>,
}

impl Chart {
    /// Takes in a point that is newer than all before.
    pub fn push(&mut self, point: Point) {
        if self.points.back().is_some_and(|last| last.at >= point.at) {
            return;
        }
        let before = self.points.back().map_or(i64::MAX, |last| last.at);
        let come = self.expected.partition_point(|(due, _)| *due <= point.at);
        let last = self.expected.drain(..come).next_back();
        // Of all that fell due since the point before, the newest.
        let expected = last.filter(|(due, _)| *due > before).map(|(_, expected)| expected);
        self.points.push_back(Point { expected_throughput: expected, ..point });
        if self.points.len() > KEPT {
            let mut place = 0;
            self.points.retain(|_| {
                place += 1;
                place > KEPT / 2 || place % 2 == 1
            });
        }
    }

    /// Takes in how many tuples per second are expected, and for when.
    pub fn expect(&mut self, due: i64, expected: f32) {
        if self.expected.back().is_none_or(|(last, _)| *last < due) {
            self.expected.push_back((due, expected));
        }
        if self.expected.len() > KEPT {
            self.expected.pop_front();
        }
    }

    /// The points after a time.
    pub fn since(&self, at: i64) -> impl Iterator<Item = &Point> {
        self.points.iter().skip(self.points.partition_point(|point| point.at <= at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_expected_stands_beside_what_came() {
        let mut chart = Chart::default();
        for at in 0..20 {
            chart.push(Point { at, throughput: Some(at as f32), ..Point::default() });
            chart.expect(at + 5, at as f32 + 4.5);
        }
        // Nobody looked for a while.
        chart.push(Point { at: 40, ..Point::default() });
        let told: Vec<_> = chart.points.iter().map(|p| (p.at, p.expected_throughput)).collect();
        assert_eq!(told[4], (4, None));
        assert_eq!(told[5], (5, Some(4.5)), "expected at 0 for 5");
        assert_eq!(told[19], (19, Some(18.5)));
        assert_eq!(told[20], (40, Some(23.5)), "the newest of what fell due meanwhile");
        chart.push(Point { at: 41, ..Point::default() });
        assert_eq!(chart.points.back().and_then(|p| p.expected_throughput), None);
        for due in 100..10_000 {
            chart.expect(due, 1.0);
        }
        assert!(chart.expected.len() <= KEPT);
    }

    #[test]
    fn a_chart_stays_bounded_and_keeps_its_beginning() {
        let mut chart = Chart::default();
        for at in 0..100_000 {
            chart.push(Point { at, ..Point::default() });
        }
        assert!(chart.points.len() <= KEPT);
        assert_eq!(chart.points.front().map(|p| p.at), Some(0));
        assert_eq!(chart.points.back().map(|p| p.at), Some(99_999));
        assert_eq!(chart.since(99_989).count(), 10);
        let times: Vec<i64> = chart.points.iter().map(|p| p.at).collect();
        assert!(times.is_sorted());
    }
}
