//! How much of what forecasters say comes true: least squares with a memory that fades.

use serde::{Deserialize, Serialize};

/// As many samples are taken to have shown that nothing of it does.
const PRIOR: f64 = 30.0;
/// The least by which each forecaster's own square is raised: two that say the same share what they get.
const RIDGE: f64 = 0.01;

/// Weights of what several forecasters say.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fit {
    /// How many samples there are, those that fade as parts.
    seen: f64,
    /// Sums of products of what they said, the lower triangle row by row.
    squares: Vec<f64>,
    /// Sums of products of what they said and what came.
    products: Vec<f64>,
    weights: Vec<f64>,
}

/// What was said, what came, and how much that counts.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// What each forecaster said.
    pub said: &'a [f64],
    /// What came.
    pub came: f64,
    /// How much it counts.
    pub weight: f64,
}

impl Fit {
    /// Learns from a sample; so many stay in memory.
    pub fn learn(&mut self, sample: &Sample<'_>, memory: f64) {
        let size = sample.said.len();
        let triangle = size * (size + 1) / 2;
        if self.squares.len() != triangle || self.products.len() != size {
            *self =
                Self { squares: vec![0.0; triangle], products: vec![0.0; size], ..Self::default() };
        }
        let kept = 1.0 - 1.0 / memory.max(2.0);
        self.seen = kept * self.seen + 1.0;
        for (row, said) in sample.said.iter().enumerate() {
            let weighted = sample.weight * said;
            for (column, other) in sample.said[..=row].iter().enumerate() {
                let square = &mut self.squares[place(row, column)];
                *square = kept * *square + weighted * other;
            }
            self.products[row] = kept * self.products[row] + weighted * sample.came;
        }
        self.weights = self.solved();
    }

    /// What is to be expected of what they say.
    pub fn expects(&self, said: &[f64]) -> f64 {
        self.weights.iter().zip(said).map(|(weight, said)| weight * said).sum()
    }

    /// The weights, by the root of Cholesky; none for who never said anything.
    fn solved(&self) -> Vec<f64> {
        let size = self.products.len();
        let mut root = self.squares.clone();
        let over = |above: f64, pivot: f64| if pivot > 0.0 { above / pivot } else { 0.0 };
        for row in 0..size {
            for column in 0..=row {
                let known = |k| root[place(row, k)] * root[place(column, k)];
                let known: f64 = (0..column).map(known).sum();
                let own = root[place(row, column)];
                root[place(row, column)] = if row == column {
                    let raised = own * (1.0 + RIDGE + PRIOR / self.seen);
                    (raised - known).max(0.0).sqrt()
                } else {
                    over(own - known, root[place(column, column)])
                };
            }
        }
        let mut found = self.products.clone();
        for row in 0..size {
            let known: f64 = (0..row).map(|k| root[place(row, k)] * found[k]).sum();
            found[row] = over(found[row] - known, root[place(row, row)]);
        }
        for row in (0..size).rev() {
            let known: f64 = (row + 1..size).map(|k| root[place(k, row)] * found[k]).sum();
            found[row] = over(found[row] - known, root[place(row, row)]);
        }
        found
    }
}

/// Where an element of the lower triangle is.
fn place(row: usize, column: usize) -> usize {
    row * (row + 1) / 2 + column
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps everything.
    const FOR_EVER: f64 = 1e12;

    fn fit(samples: impl Iterator<Item = ([f64; 2], f64)>) -> Fit {
        let mut fit = Fit::default();
        for (said, came) in samples {
            fit.learn(&Sample { said: &said, came, weight: 1.0 }, FOR_EVER);
        }
        fit
    }

    #[test]
    fn half_of_what_is_said_comes_true_and_thirty_samples_speak_against_it() {
        let half = |count: i32| {
            let samples = (0..count).map(|_| ([2.0, 0.0], 1.0));
            fit(samples).expects(&[2.0, 0.0])
        };
        // Products 2n, squares 4n, raised by 1 % and 30 samples: 2 · 2n / (4n · (1.01 + 30/n)).
        assert!((half(30) - 1.0 / 2.01).abs() < 1e-9, "{}", half(30));
        assert!((half(3000) - 1.0 / 1.02).abs() < 1e-9, "{}", half(3000));
    }

    #[test]
    fn who_says_nothing_gets_nothing_and_two_weights_are_told_apart() {
        let quiet = fit((0..9).map(|i| ([0.0, f64::from(i)], f64::from(i))));
        assert_eq!(quiet.expects(&[5.0, 0.0]), 0.0);
        // 0.3 of the one and 0.6 of the other.
        let both = (0..5000).map(|i| {
            let (a, b) = (f64::from(i % 7) - 3.0, f64::from(i % 11) - 5.0);
            ([a, b], 0.3 * a + 0.6 * b)
        });
        let both = fit(both);
        assert!((both.expects(&[1.0, 0.0]) - 0.3).abs() < 0.01, "{both:?}");
        assert!((both.expects(&[0.0, 1.0]) - 0.6).abs() < 0.02, "{both:?}");
    }

    #[test]
    fn those_who_say_the_same_share_what_one_would_get() {
        let same = fit((0..5000).map(|i| ([f64::from(i % 5), f64::from(i % 5)], f64::from(i % 5))));
        assert!((same.expects(&[1.0, 1.0]) - 1.0).abs() < 0.02);
        assert!((same.weights[0] - same.weights[1]).abs() < 0.05, "{same:?}");
    }

    #[test]
    fn what_was_learned_long_ago_fades() {
        let mut fit = Fit::default();
        for step in 0..2000 {
            let came = if step < 1000 { 1.0 } else { 0.0 };
            fit.learn(&Sample { said: &[1.0], came, weight: 1.0 }, 100.0);
        }
        assert!(fit.expects(&[1.0]).abs() < 0.01);
    }

    #[test]
    fn another_number_of_forecasters_begins_anew() {
        let mut fit = fit((0..100).map(|_| ([1.0, 1.0], 1.0)));
        fit.learn(&Sample { said: &[1.0], came: 1.0, weight: 1.0 }, FOR_EVER);
        assert_eq!((fit.seen, fit.weights.len()), (1.0, 1));
    }
}
