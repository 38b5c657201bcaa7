//! The load of a job over time.

use std::ops::Range;
use std::time::Duration;

use anyhow::Result;
use thalweg_lab::load::Rate;

use crate::situation::{Course, steps};

/// Subtasks are wanted to be no busier than this.
const BUSY: f64 = 0.9;

/// A load that changes, and the work of each line.
#[derive(Debug, Clone)]
pub struct Demand {
    /// Lines in each second.
    rates: Vec<f64>,
    /// Milliseconds for which a line keeps a subtask busy.
    line_ms: f64,
    /// The seconds between a step up and the step down.
    step: Option<Range<u32>>,
}

impl Demand {
    /// Three parts of so many seconds, the second with so many times the load.
    pub fn steps(low: f64, factor: f64, part_secs: u32, line_ms: f64) -> Self {
        let rates = steps(low, factor, part_secs);
        Self { rates, line_ms, step: Some(part_secs..2 * part_secs) }
    }

    /// A recorded day in so many seconds; at its highest there are this many lines per second.
    ///
    /// # Errors
    /// When the recording cannot be read.
    pub fn day(highest: f64, secs: u32, line_ms: f64) -> Result<Self> {
        let day = Course::Series { file: "taxi_5min.csv", values: 288, secs };
        let rates = day.rates(1.0)?.unwrap_or_default();
        let mut demand = Self { rates, line_ms, step: None };
        let scale = highest / demand.highest();
        demand.rates.iter_mut().for_each(|rate| *rate *= scale);
        Ok(demand)
    }

    /// Lines in each second.
    pub fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// The most lines in any second.
    pub fn highest(&self) -> f64 {
        self.rates.iter().copied().fold(f64::MIN_POSITIVE, f64::max)
    }

    /// Milliseconds for which a line keeps a subtask busy.
    pub fn line_ms(&self) -> f64 {
        self.line_ms
    }

    /// How long it lasts.
    pub fn length(&self) -> Duration {
        Duration::from_secs(self.rates.len() as u64)
    }

    /// The least parallelism at which subtasks have room at the highest load.
    pub fn enough(&self) -> u32 {
        (self.highest() * self.line_ms / 1_000.0 / BUSY).ceil() as u32
    }

    /// The seconds between a step up and the step down, if it has steps.
    pub(super) fn step(&self) -> Option<Range<f64>> {
        self.step.as_ref().map(|step| f64::from(step.start)..f64::from(step.end))
    }

    pub(super) fn rate(&self) -> Rate {
        Course::load(self.rates.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_up_and_down_again() {
        let steps = Demand::steps(30.0, 4.0, 2, 16.0);
        assert_eq!(steps.rates(), [30.0, 30.0, 120.0, 120.0, 30.0, 30.0]);
        assert_eq!((steps.step(), steps.enough()), (Some(2.0..4.0), 3));
    }

    #[test]
    fn a_day_reaches_its_highest_load_and_no_more() {
        let day = Demand::day(120.0, 200, 16.0).expect("a recording of this project");
        let most = day.rates().iter().copied().fold(0.0, f64::max);
        assert!((most - 120.0).abs() < 1e-9 && day.rates().len() == 200);
        assert!(day.rates().iter().any(|rate| *rate < 90.0), "nights are quieter");
        assert_eq!((day.step(), day.enough()), (None, 3));
    }
}
