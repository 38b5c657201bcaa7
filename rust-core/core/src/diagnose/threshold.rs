//! The threshold function: a topology's latency as a line over time.

use std::collections::VecDeque;

use linfa::prelude::*;
use linfa_linear::LinearRegression;
use ndarray::Array;

use crate::settings::Settings;
use crate::units::{Millis, Timestamp};

/// Fewer points than this make no line.
const FEWEST_POINTS: usize = 5;

/// One line through the window: `f(t) = slope * x + intercept`, x being 0 at the window's first and
/// 1 at its last point, so that epoch milliseconds lose no precision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    from: Timestamp,
    span: Millis,
    slope: f64,
    intercept: f64,
    /// Mean squared residual, `e(f, γ)`.
    pub mean_squared_residual: f64,
    /// Mean latency of the window's points, in ms.
    pub mean: f64,
}

impl Line {
    /// The latency the line expects at `at`, in ms.
    pub fn at(&self, at: Timestamp) -> f64 {
        let x = (at.millis() - self.from.millis()) as f64 / self.span.get();
        self.slope * x + self.intercept
    }

    /// The standard error of the line, in ms.
    pub fn standard_error(&self) -> f64 {
        self.mean_squared_residual.sqrt()
    }
}

/// A sliding window of latencies, the line through it, and whether that line has come to rest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ThresholdFunction {
    points: VecDeque<(Timestamp, f64)>,
    line: Option<Line>,
    predictions: VecDeque<f64>,
    stable: bool,
}

/// What one new latency means against the line that was known before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deviation {
    /// `γ - f(t)`, in ms.
    pub residual: f64,
    /// The line's standard error, in ms.
    pub standard_error: f64,
    /// Mean latency of the line's points, in ms.
    pub mean: f64,
}

impl Deviation {
    /// Whether the latency is an effective bottleneck: above the line by more than the accuracy
    /// required, and by more than what counts as a good fit, so that rounding on a flat line is none.
    pub fn is_effective(&self, settings: &Settings) -> bool {
        let noise = self.mean * settings.stable_error.get();
        self.residual > noise.max(settings.accuracy * self.standard_error)
    }
}

impl ThresholdFunction {
    /// Compares a new latency with the known line, then learns from it.
    pub fn push(
        &mut self,
        at: Timestamp,
        latency: Millis,
        settings: &Settings,
    ) -> Option<Deviation> {
        if self.points.back().is_some_and(|(last, _)| *last >= at) {
            return None;
        }
        let deviation = self.line.map(|line| Deviation {
            residual: latency.get() - line.at(at),
            standard_error: line.standard_error(),
            mean: line.mean,
        });
        self.points.push_back((at, latency.get()));
        while self.points.len() > settings.points.max(FEWEST_POINTS) {
            self.points.pop_front();
        }
        self.line = fit(&self.points);
        self.judge(at, deviation, settings);
        deviation
    }

    /// Forgets everything: the topology's workers were restarted.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether the last fits agree so well that monitoring may pause.
    pub fn is_stable(&self) -> bool {
        self.stable
    }

    /// The line through the window.
    pub fn line(&self) -> Option<&Line> {
        self.line.as_ref()
    }

    fn judge(&mut self, at: Timestamp, deviation: Option<Deviation>, settings: &Settings) {
        let Some(line) = self.line else {
            self.stable = false;
            return;
        };
        self.predictions.push_back(line.at(at));
        while self.predictions.len() > settings.stable_fits.max(1) {
            self.predictions.pop_front();
        }
        let leaves_the_band =
            deviation.is_some_and(|d| d.residual.abs() > 3.0 * d.standard_error.max(1e-9));
        if self.stable && leaves_the_band {
            self.predictions.clear();
            self.stable = false;
            return;
        }
        let low = self.predictions.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.predictions.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let change = (high - low) / line.mean.max(1e-9);
        let error = line.standard_error() / line.mean.max(1e-9);
        self.stable = self.predictions.len() >= settings.stable_fits
            && change < settings.stable_change.get()
            && error < settings.stable_error.get();
    }
}

/// Least squares through the points, or nothing where they make no line.
fn fit(points: &VecDeque<(Timestamp, f64)>) -> Option<Line> {
    let (first, last) = (points.front()?.0, points.back()?.0);
    let span = last.since(first);
    if points.len() < FEWEST_POINTS || span == Millis::ZERO {
        return None;
    }
    let x = |at: Timestamp| at.since(first).get() / span.get();
    let inputs = Array::from_shape_fn((points.len(), 1), |(i, _)| x(points[i].0));
    let targets = Array::from_shape_fn(points.len(), |i| points[i].1);
    let model = LinearRegression::default().fit(&Dataset::new(inputs, targets)).ok()?;
    let (slope, intercept) = (*model.params().first()?, model.intercept());
    let count = points.len() as f64;
    let squares: f64 =
        points.iter().map(|(at, y)| (y - (slope * x(*at) + intercept)).powi(2)).sum();
    let mean = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    Some(Line { from: first, span, slope, intercept, mean_squared_residual: squares / count, mean })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(f: &mut ThresholdFunction, second: i64, latency: f64) -> Option<Deviation> {
        // Far from zero, where a fit on raw milliseconds would lose its digits.
        let at = Timestamp::from_millis(1_800_000_000_000 + second * 1000);
        f.push(at, Millis::saturating(latency), &Settings::default())
    }

    #[test]
    fn a_line_is_found_exactly_at_epoch_milliseconds() {
        let mut f = ThresholdFunction::default();
        for second in 0..20 {
            push(&mut f, second, 3.0 + 0.5 * second as f64);
        }
        let line = f.line().expect("twenty points");
        let at = Timestamp::from_millis(1_800_000_000_000 + 30_000);
        assert!((line.at(at) - 18.0).abs() < 1e-6);
        assert!(line.mean_squared_residual < 1e-12);
    }

    #[test]
    fn a_jump_shows_as_a_positive_residual_above_the_error() {
        let mut f = ThresholdFunction::default();
        for second in 0..20 {
            push(&mut f, second, 5.0 + 0.1 * (second % 2) as f64);
        }
        let jump = push(&mut f, 20, 9.0).expect("a line was known");
        assert!(jump.residual > 3.8 && jump.is_effective(&Settings::default()));
    }

    #[test]
    fn rounding_on_a_flat_line_is_no_bottleneck() {
        let mut f = ThresholdFunction::default();
        for second in 0..40 {
            let deviation = push(&mut f, second, 3.7 + 1e-9 * (second % 3) as f64);
            assert!(deviation.is_none_or(|d| !d.is_effective(&Settings::default())));
        }
    }

    #[test]
    fn calm_becomes_stable_and_a_jump_ends_it_at_once() {
        let mut f = ThresholdFunction::default();
        for second in 0..20 {
            push(&mut f, second, 5.0 + 0.05 * (second % 3) as f64);
        }
        assert!(f.is_stable());
        push(&mut f, 20, 9.0);
        assert!(!f.is_stable());
    }

    #[test]
    fn noise_is_never_stable() {
        let mut f = ThresholdFunction::default();
        for second in 0..60 {
            push(&mut f, second, if second % 2 == 0 { 2.0 } else { 8.0 });
            assert!(!f.is_stable());
        }
    }

    #[test]
    fn the_window_slides() {
        let mut f = ThresholdFunction::default();
        for second in 0..200 {
            push(&mut f, second, if second < 100 { 100.0 } else { 1.0 });
        }
        assert!((f.line().expect("full window").mean - 1.0).abs() < 1e-9);
    }
}
