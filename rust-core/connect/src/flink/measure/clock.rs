//! By how much a subtask's own time is ahead of the clock, from the last readings of both.
//!
//! A reading that took long makes it look larger; counters that were fetched before, as of a TaskManager that stood still, make
//! it look smaller, by seconds. So what is far from most readings is no evidence, and of the others the least is nearest to
//! the truth. Only the last readings count: what was once read wrong, or has changed, is soon over.

use std::collections::VecDeque;

const READINGS: usize = 9;
/// Readings of one look differ by less.
const NEAR_MS: f64 = 500.0;

/// The last readings, in ms.
#[derive(Debug, Clone, Default)]
pub struct ClockOffset(VecDeque<f64>);

impl ClockOffset {
    /// Takes in a reading, and returns the estimate: never more than this reading, which the clock had reached.
    pub fn after(&mut self, reading: f64) -> f64 {
        if self.0.len() == READINGS {
            self.0.pop_front();
        }
        self.0.push_back(reading);
        let mut sorted: Vec<f64> = self.0.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(reading);
        let near = sorted.into_iter().find(|one| (one - middle).abs() <= NEAR_MS);
        near.unwrap_or(middle).min(reading)
    }
}
