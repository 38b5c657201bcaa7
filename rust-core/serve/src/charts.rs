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
    pub throughput: f32,
    /// Mean process latency in ms.
    pub latency: Option<f32>,
    /// Mean complete latency in ms.
    pub complete_latency: Option<f32>,
    /// What the latency was expected to be, in ms.
    pub expected_latency: Option<f32>,
    /// Busy share of the busiest executor.
    pub busy: f32,
    /// Executors.
    pub executors: u32,
    /// Records that wait.
    pub backlog: Option<f32>,
}

/// What is kept of one topology.
#[derive(Debug, Default)]
pub struct Chart {
    points: VecDeque<Point>,
}

impl Chart {
    /// Takes in a point that is newer than all before.
    pub fn push(&mut self, point: Point) {
        if self.points.back().is_some_and(|last| last.at >= point.at) {
            return;
        }
        self.points.push_back(point);
        if self.points.len() > KEPT {
            let mut place = 0;
            self.points.retain(|_| {
                place += 1;
                place > KEPT / 2 || place % 2 == 1
            });
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
