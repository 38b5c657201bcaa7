//! Medians and how sure they are.

use serde::Serialize;

/// A measure over many runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// The median.
    pub median: f64,
    /// Lower end of the median's 95 % confidence interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// How many runs.
    pub n: usize,
}

/// Sums up values; nothing if there are none.
///
/// The confidence interval is that of order statistics: the number of values below the true median is
/// binomial, so its ends are the values at ranks `n/2 ∓ 0.98 √n`, whatever the distribution.
pub fn summary(values: &[f64]) -> Option<Summary> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let (&min, &max) = (sorted.first()?, sorted.last()?);
    let half = n as f64 / 2.0;
    let reach = 0.98 * (n as f64).sqrt();
    let low = ((half - reach).floor().max(1.0) as usize - 1).min(n - 1);
    let high = ((half + reach).ceil() as usize).min(n - 1);
    let median = f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]);
    let mean = sorted.iter().sum::<f64>() / n as f64;
    Some(Summary { median, low: sorted[low], high: sorted[high], min, max, mean, n })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_thirty_values_is_from_the_tenth_to_the_twenty_first() {
        let values: Vec<f64> = (1..=30).rev().map(f64::from).collect();
        let found = summary(&values).expect("thirty values");
        assert_eq!((found.median, found.low, found.high), (15.5, 9.0, 22.0));
        assert_eq!((found.min, found.max, found.n), (1.0, 30.0, 30));
    }

    #[test]
    fn few_values_have_a_wide_interval_and_none_have_no_summary() {
        let found = summary(&[3.0, 1.0]).expect("two values");
        assert_eq!((found.median, found.low, found.high), (2.0, 1.0, 3.0));
        assert_eq!(summary(&[f64::NAN]), None);
    }
}
