//! Medians and how sure they are.

use serde::{Deserialize, Serialize};

/// A measure over many runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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
/// The confidence interval is that of order statistics, whatever the distribution: the number of values below the true
/// median is binomial, so the values at ranks `r` and `n + 1 - r` enclose it as often as such a number lies from `r` to
/// `n - r`. The greatest `r` for which that is 95 % is taken; where there are too few values for any, all of them.
pub fn summary(values: &[f64]) -> Option<Summary> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let (&min, &max) = (sorted.first()?, sorted.last()?);
    let low = left_out(n);
    let high = n - 1 - low;
    let median = f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]);
    let mean = sorted.iter().sum::<f64>() / n as f64;
    Some(Summary { median, low: sorted[low], high: sorted[high], min, max, mean, n })
}

/// How many of `n` values at each end lie outside of the median's confidence interval.
fn left_out(n: usize) -> usize {
    // Both tails of the binomial distribution, term by term from its end, whose logarithms never underflow.
    let mut term = -(n as f64) * std::f64::consts::LN_2;
    let (mut tails, mut rank) = (0.0, 0);
    while rank < n / 2 {
        tails += 2.0 * term.exp();
        if tails > 0.05 {
            break;
        }
        rank += 1;
        term += ((n - rank + 1) as f64 / rank as f64).ln();
    }
    rank.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_tables_of_the_sign_test() {
        // Ranks of the lower end: none for five values, then as tables give them for 95 %.
        let lower = |n| left_out(n) + 1;
        assert_eq!([5, 6, 9, 10, 20, 30, 50, 100].map(lower), [1, 1, 2, 2, 6, 10, 18, 40]);
    }

    #[test]
    fn the_interval_of_thirty_values_is_from_the_tenth_to_the_twenty_first() {
        let values: Vec<f64> = (1..=30).rev().map(f64::from).collect();
        let found = summary(&values).expect("thirty values");
        assert_eq!((found.median, found.low, found.high), (15.5, 10.0, 21.0));
        assert_eq!((found.min, found.max, found.n), (1.0, 30.0, 30));
    }

    #[test]
    fn few_values_have_a_wide_interval_and_none_have_no_summary() {
        let found = summary(&[3.0, 1.0]).expect("two values");
        assert_eq!((found.median, found.low, found.high), (2.0, 1.0, 3.0));
        assert_eq!(summary(&[f64::NAN]), None);
    }
}
