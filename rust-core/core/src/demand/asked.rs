//! What is asked of a component, however many executors it will have.

use std::ops::{Add, AddAssign};

/// Records per second that are asked of a component.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Demand {
    /// Those that its executors share, however many they are.
    pub shared: f64,
    /// Those of which each of its executors gets a copy: what is broadcast to it.
    pub each: f64,
}

impl Demand {
    /// Records that executors share.
    pub fn shared(rate: f64) -> Self {
        Self { shared: rate, each: 0.0 }
    }

    /// Records per second of so many executors together.
    pub fn of(self, executors: u32) -> f64 {
        self.shared + self.each * f64::from(executors)
    }

    /// So many times as much.
    pub fn times(self, factor: f64) -> Self {
        Self { shared: self.shared * factor, each: self.each * factor }
    }

    /// What is left of it without another one.
    pub fn beyond(self, other: Self) -> Self {
        Self {
            shared: (self.shared - other.shared).max(0.0),
            each: (self.each - other.each).max(0.0),
        }
    }

    /// Executors that do it if each can take in `rate`: n of shared + n each = n rate. Nothing where the
    /// copies alone are more than an executor can do, so that no number is enough.
    pub fn executors(self, rate: f64) -> Option<f64> {
        let left = rate - self.each;
        match left > 0.0 {
            true => Some(self.shared / left),
            false => (self.of(1) <= 0.0).then_some(0.0),
        }
    }
}

impl Add for Demand {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { shared: self.shared + other.shared, each: self.each + other.each }
    }
}

impl AddAssign for Demand {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_grow_with_executors_and_shares_do_not() {
        let asked = Demand { shared: 2000.0, each: 500.0 };
        assert_eq!((asked.of(4), asked.of(5)), (4000.0, 4500.0));
        // Of 1000/s that each can do, 500 are copies.
        assert_eq!(asked.executors(1000.0), Some(4.0));
        assert_eq!(asked.executors(500.0), None, "however many there are");
        assert_eq!(Demand::shared(900.0).executors(300.0), Some(3.0));
        assert_eq!(Demand::default().executors(0.0), Some(0.0));
    }
}
