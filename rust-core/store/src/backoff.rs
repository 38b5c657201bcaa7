//! Waiting times between attempts: doubling, capped, and spread by a seed so that many clients do
//! not come back at the same instant.

use std::time::Duration;

/// The waiting times of one client.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    base: Duration,
    cap: Duration,
    state: u64,
}

impl Backoff {
    /// Makes waiting times between half of `base` and `cap`.
    pub(crate) fn new(base: Duration, cap: Duration, seed: u64) -> Self {
        Self { base, cap, state: seed }
    }

    /// The wait after the given number of failures in a row, counted from 1: between a half and the
    /// whole of base * 2^(failures - 1).
    pub(crate) fn after(&mut self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let whole = self.base.saturating_mul(1 << doublings).min(self.cap);
        whole.mul_f64(0.5 + 0.5 * self.unit())
    }

    /// A number in 0..1, by SplitMix64.
    fn unit(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // The upper 53 bits are what a double holds exactly.
        (z >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_follow_the_seed() {
        let (base, cap) = (Duration::from_millis(100), Duration::from_secs(1));
        let waits = |seed| {
            let mut backoff = Backoff::new(base, cap, seed);
            (1..=40).map(move |n| backoff.after(n)).collect::<Vec<_>>()
        };
        for (n, wait) in waits(7).iter().enumerate() {
            let whole = base.saturating_mul(1 << n.min(20)).min(cap);
            assert!(*wait >= whole / 2 && *wait <= whole, "{n}: {wait:?}");
        }
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
    }
}
