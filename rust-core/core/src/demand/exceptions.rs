//! Days that were not like others: holidays, outages, the day of a large event.

use serde::{Deserialize, Serialize};

/// Days that are remembered.
const KEPT: usize = 21;
/// A day lies apart if its distance is so many times the usual one.
const APART: f64 = 2.5;
/// A day this near to what is usual is none that is not like others.
const NEAR: f64 = 0.03;
/// Days without which nobody knows what is usual.
const FEWEST: usize = 3;
/// Among so many days in a row more than half cannot be exceptions: they are how days are now.
const LATELY: u64 = 7;

/// How far days were from what others made expect.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Exceptions {
    /// Days and their distances, oldest first; a distance is a share of what came.
    distances: Vec<(u64, f64)>,
    /// Those that lie apart.
    apart: Vec<u64>,
}

impl Exceptions {
    /// Notes how far a day was from what had been expected of its shape.
    pub fn note(&mut self, day: u64, distance: f64) {
        self.distances.push((day, distance));
        self.distances.drain(..self.distances.len().saturating_sub(KEPT));
        let mut sorted: Vec<f64> = self.distances.iter().map(|(_, distance)| *distance).collect();
        sorted.sort_by(f64::total_cmp);
        let limit = (APART * sorted[sorted.len() / 2]).max(NEAR);
        let apart = self.distances.iter().filter(|(_, distance)| *distance > limit);
        self.apart = apart.map(|(day, _)| *day).collect();
        let lately = self.apart.iter().filter(|apart| **apart + LATELY > day).count();
        if self.distances.len() < FEWEST || lately as u64 > LATELY / 2 {
            self.apart.retain(|apart| self.distances.len() >= FEWEST && *apart + LATELY <= day);
        }
    }

    /// Whether a day is known to have been unlike others.
    pub fn has(&self, day: u64) -> bool {
        self.apart.contains(&day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(distances: &[f64]) -> Exceptions {
        let mut exceptions = Exceptions::default();
        for (day, distance) in (0..).zip(distances) {
            exceptions.note(day, *distance);
        }
        exceptions
    }

    #[test]
    fn a_holiday_lies_apart_and_noise_does_not() {
        // The median is 0.06, two and a half times that 0.15.
        let found = noted(&[0.05, 0.06, 0.4, 0.05, 0.07, 0.14]);
        assert_eq!((0..6).filter(|day| found.has(*day)).collect::<Vec<_>>(), [2]);
        let quiet = noted(&[0.001, 0.001, 0.02, 0.001]);
        assert!(!quiet.has(2), "a fiftieth is near enough");
        assert!(!noted(&[0.05, 0.9]).has(1), "of two days nobody knows which is the usual one");
    }

    #[test]
    fn four_of_seven_days_are_how_days_are_now() {
        let mut days = vec![0.02; 14];
        days.extend([0.3, 0.3, 0.3]);
        assert_eq!((0..17).filter(|day| noted(&days).has(*day)).count(), 3);
        days.push(0.3);
        assert_eq!((0..18).filter(|day| noted(&days).has(*day)).count(), 0);
    }

    #[test]
    fn three_weeks_of_days_are_remembered() {
        let found = noted(&[0.5; 100]);
        assert_eq!(found.distances.len(), 21);
    }
}
