//! The last value, and of what everybody else says beyond it as much as came true until now.
//!
//! Whoever forecasts says by how much the rate will differ from the last value. [`Fit`] finds how much of that comes true at the
//! lead time, with a prior that nothing does (Granger and Ramanathan 1984, shrunken). Errors count by their size, not by their
//! square: a sample weighs the less the farther it was missed. So a rhythm that does not repeat ends as the last value, and
//! one that does is followed as far as it does.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::fit::{Fit, Sample};
use super::series::{Series, rounded};
use crate::units::{Millis, Share};

/// Samples of so many days stay in the fit, and of so many in the mean errors.
const FITTED_DAYS: f64 = 3.0;
const JUDGED_DAYS: f64 = 1.0;
/// Milliseconds of a day.
const DAY_MILLIS: f64 = 86_400_000.0;
/// Samples that must have come due before anybody is judged by them.
const TESTED: u32 = 60;
/// Forecasts that wait to come due at the same time.
const WAITING: usize = 8;
/// Errors that are kept.
const ERRORS: usize = 120;
/// Who is better errs this much less than the last value.
const BETTER: f64 = 0.99;
/// No error counts as less than this part of the mean one, or of nearly nothing.
const LEAST: f64 = 0.5;
const TINY: f64 = 1e-9;
/// An error of so many times the mean error says that the series is not what it was.
const SURPRISE: f64 = 3.0;

/// A forecast that was made, and what it was made from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// The bin that it is for.
    pub due: u64,
    /// The last value then.
    pub last: f64,
    /// What the others' best said.
    pub chosen: f64,
    /// What each said beyond the last value.
    pub beyond: Vec<f64>,
}

/// Who does best in the long run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Best {
    /// The last value: nobody does better.
    LastValue,
    /// The best of the others.
    Chosen,
    /// The mixture.
    Mixed,
}

/// The mixture, and how it does.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Mixed {
    bin_millis: f64,
    fit: Fit,
    /// Each with what the mixture said.
    pending: VecDeque<(Said, f64)>,
    tested: u32,
    /// Mean absolute errors of the last value, of the best of the others, and of the mixture.
    means: [f64; 3],
    errors: Series,
    surprised: bool,
}

impl Mixed {
    /// Whether a forecast is to be written down in a bin: of a long lead time, only every so many.
    pub fn samples(bin: u64, lead: usize) -> bool {
        bin.is_multiple_of(stride(lead))
    }

    /// Forgets what it knows of bins of another length.
    pub fn follow(&mut self, bin: Millis) {
        if self.bin_millis != bin.get() {
            *self = Self { bin_millis: bin.get(), ..Self::default() };
        }
    }

    /// Writes a forecast down.
    pub fn note(&mut self, said: Said) {
        let own = rounded(self.expected(said.last, &said.beyond));
        let beyond = said.beyond.iter().copied().map(rounded).collect();
        let (last, chosen) = (rounded(said.last), rounded(said.chosen));
        self.pending.push_back((Said { last, chosen, beyond, ..said }, own));
        // A lead time that became shorter leaves some that come due later; they are not many.
        self.pending.drain(..self.pending.len().saturating_sub(4 * WAITING));
    }

    /// Compares what was forecast for a bin with what came in it.
    pub fn judge(&mut self, number: u64, value: f64, lead: usize) {
        let day = DAY_MILLIS / self.bin_millis.max(1.0) / stride(lead) as f64;
        while let Some((said, own)) = self.pending.pop_front_if(|(said, _)| said.due <= number) {
            if said.due == number {
                self.learn(&said, own, value, day);
            }
        }
    }

    /// Who does best; nothing until that was tested.
    pub fn best(&self) -> Option<Best> {
        let [last, chosen, own] = self.means;
        if self.tested < TESTED {
            return None;
        }
        let limit = BETTER * last;
        Some(match () {
            () if own < limit && own <= chosen && !self.surprised => Best::Mixed,
            () if chosen < limit => Best::Chosen,
            () => Best::LastValue,
        })
    }

    /// What is expected, of a last value and what each says beyond it.
    pub fn expected(&self, last: f64, beyond: &[f64]) -> f64 {
        (last + self.fit.expects(beyond)).max(0.0)
    }

    /// By how much more than expected may come.
    pub fn error(&self, quantile: Share) -> f64 {
        self.errors.quantile(quantile).unwrap_or(0.0)
    }

    fn learn(&mut self, said: &Said, own: f64, value: f64, day: f64) {
        let errors = [said.last, said.chosen, own].map(|said| value - said);
        let [last, _, own] = errors.map(f64::abs);
        self.surprised = own > SURPRISE * self.means[2] && own > last;
        self.tested = self.tested.saturating_add(1);
        let weight = 1.0 / f64::from(self.tested).min((JUDGED_DAYS * day).max(f64::from(TESTED)));
        for (mean, error) in self.means.iter_mut().zip(errors) {
            *mean += weight * (error.abs() - *mean);
        }
        self.errors.push(Some(errors[2]));
        self.errors.keep_newest(ERRORS);
        // Where the last value is always right, nothing is to be learned.
        let least = LEAST * self.means[0];
        let missed = (value - said.last - self.fit.expects(&said.beyond)).abs();
        if least > TINY {
            let came = value - said.last;
            let sample = Sample { said: &said.beyond, came, weight: 1.0 / missed.max(least) };
            self.fit.learn(&sample, FITTED_DAYS * day);
        }
    }
}

/// Bins from one forecast that is written down to the next.
fn stride(lead: usize) -> u64 {
    (lead as u64).div_ceil(WAITING as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who says the half of what comes, beyond a last value that goes up and down.
    fn mixed(bins: u64, says: impl Fn(f64) -> f64) -> Mixed {
        let mut mixed = Mixed::default();
        mixed.follow(Millis::from_secs(60));
        let value = |bin: u64| 100.0 + 10.0 * (bin % 5) as f64;
        for bin in 0..bins {
            mixed.judge(bin, value(bin), 2);
            let (last, comes) = (value(bin), value(bin + 2) - value(bin));
            mixed.note(Said { due: bin + 2, last, chosen: last, beyond: vec![says(comes)] });
        }
        mixed
    }

    #[test]
    fn who_says_half_of_it_is_believed_twice() {
        let found = mixed(4000, |comes| comes / 2.0);
        assert_eq!(found.best(), Some(Best::Mixed));
        assert!((found.expected(100.0, &[10.0]) - 120.0).abs() < 1.0, "{found:?}");
        // Errors of the last value are 20, 20, 20, 30 and 30.
        assert!((found.means[0] - 24.0).abs() < 0.1, "{:?}", found.means);
    }

    #[test]
    fn who_says_what_never_comes_is_not_believed() {
        let found = mixed(4000, |_| 0.0);
        assert_eq!(found.best(), Some(Best::LastValue));
        assert_eq!(mixed(40, |comes| comes).best(), None, "that is no test");
    }

    #[test]
    fn forecasts_of_a_long_lead_are_few() {
        assert!(Mixed::samples(17, 2));
        let samples = (0..100).filter(|bin| Mixed::samples(*bin, 36)).count();
        assert_eq!(samples, 20, "every fifth: eight of them wait at the same time");
        assert!(mixed(100, |comes| comes).pending.len() <= 2);
    }
}
