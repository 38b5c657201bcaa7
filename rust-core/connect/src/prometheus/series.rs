//! Values of a metric over time.

use std::collections::BTreeMap;

use thalweg_core::units::{Millis, Timestamp};

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When it was so.
    pub at: Timestamp,
    /// The value; also infinite, or not a number.
    pub value: f64,
}

/// The values of one metric with the same labels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// The metric.
    pub name: String,
    /// Its labels, without its name.
    pub labels: BTreeMap<String, String>,
    /// Its values, the oldest first.
    pub points: Vec<Point>,
}

impl Series {
    /// The value of a label; empty where there is none, as for Prometheus.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// Its values within a span.
    pub fn within(&self, span: Span) -> &[Point] {
        let from = self.points.partition_point(|point| point.at <= span.until.minus(span.long));
        let until = self.points.partition_point(|point| point.at <= span.until);
        self.points.get(from..until).unwrap_or_default()
    }
}

/// A stretch of time; its beginning is not part of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Its end.
    pub until: Timestamp,
    /// How long it is.
    pub long: Millis,
}

impl Span {
    /// What is older than half of it says nothing of its end.
    pub fn is_fresh(self, at: Timestamp) -> bool {
        at.millis() as f64 >= self.until.millis() as f64 - self.long.get() / 2.0
    }
}
