//! Latencies by amount, in bins that grow with them.

/// Bins for each doubling: 32 keep the relative error under 1.6 %.
const PER_DOUBLING: u32 = 32;
/// Latencies below this many seconds are one bin.
const SMALLEST: f64 = 1e-4;
/// Doublings from there on; 2^36 of the smallest are 80 days.
const DOUBLINGS: u32 = 36;
/// Means of the eight equal parts of the exponential distribution with mean 1.
const EXPONENTIAL: [f64; 8] = [0.0653, 0.2086, 0.3761, 0.5774, 0.8301, 1.1699, 1.6931, 3.0794];

/// Amounts by latency.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    bins: Vec<f64>,
    total: f64,
    sum: f64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { bins: vec![0.0; (PER_DOUBLING * DOUBLINGS) as usize + 1], total: 0.0, sum: 0.0 }
    }
}

impl Histogram {
    /// Adds an amount with a latency in seconds.
    pub fn add(&mut self, secs: f64, amount: f64) {
        self.bins[bin(secs)] += amount;
        self.total += amount;
        self.sum += secs.max(0.0) * amount;
    }

    /// Adds an amount whose latency is fixed but for waits in turns, which are spread as in a queue.
    pub fn add_spread(&mut self, fixed: f64, wait: f64, amount: f64) {
        if wait <= 0.01 * fixed.max(SMALLEST) {
            self.add(fixed + wait, amount);
            return;
        }
        for part in EXPONENTIAL {
            self.add(fixed + wait * part, amount / EXPONENTIAL.len() as f64);
        }
    }

    /// The mean latency in seconds.
    pub fn mean(&self) -> Option<f64> {
        (self.total > 0.0).then(|| self.sum / self.total)
    }

    /// The latency in seconds under which a share of all lies.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        if self.total <= 0.0 {
            return None;
        }
        let wanted = share * self.total;
        let mut seen = 0.0;
        for (index, amount) in self.bins.iter().enumerate() {
            seen += amount;
            if seen >= wanted && *amount > 0.0 {
                return Some(middle(index));
            }
        }
        self.bins.iter().rposition(|amount| *amount > 0.0).map(middle)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.bins.fill(0.0);
        (self.total, self.sum) = (0.0, 0.0);
    }
}

/// The bin of a latency: the exponent of the number and the first five bits after it.
fn bin(secs: f64) -> usize {
    let ratio = secs / SMALLEST;
    if ratio < 1.0 || ratio.is_nan() {
        return 0;
    }
    let bits = ratio.to_bits() >> (52 - PER_DOUBLING.trailing_zeros());
    let offset = 1023u64 << PER_DOUBLING.trailing_zeros();
    ((bits - offset) as usize + 1).min((PER_DOUBLING * DOUBLINGS) as usize)
}

fn middle(index: usize) -> f64 {
    if index == 0 {
        return SMALLEST / 2.0;
    }
    let (doubling, part) = ((index as u32 - 1) / PER_DOUBLING, (index as u32 - 1) % PER_DOUBLING);
    let low = f64::from(part) / f64::from(PER_DOUBLING) + 1.0;
    SMALLEST * 2f64.powi(doubling as i32) * (low + 0.5 / f64::from(PER_DOUBLING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_within_the_width_of_a_bin() {
        let mut histogram = Histogram::default();
        for millis in 1..=1000 {
            histogram.add(f64::from(millis) / 1000.0, 1.0);
        }
        for (share, secs) in [(0.5, 0.5), (0.95, 0.95), (0.99, 0.99)] {
            let found = histogram.quantile(share).expect("not empty");
            assert!((found / secs - 1.0).abs() < 0.02, "{share}: {found}");
        }
        assert!((histogram.mean().expect("not empty") - 0.5005).abs() < 1e-9);
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn spread_waits_keep_their_mean_and_grow_a_tail() {
        let mut histogram = Histogram::default();
        histogram.add_spread(1.0, 2.0, 10.0);
        let mean = histogram.mean().expect("not empty");
        assert!((mean - 3.0).abs() < 0.02, "{mean}");
        assert!(histogram.quantile(0.99).expect("not empty") > 6.5);
    }
}
