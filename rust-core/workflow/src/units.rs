//! Quantities with units, as integers, so that sums are exact and the same everywhere.

use serde::Serialize;

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $per_unit:literal, $most:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
        pub struct $name(u64);

        impl $name {
            /// None at all.
            pub const ZERO: Self = Self(0);
            /// The most that a file may say, in whole units: sums of all that a file may have still fit.
            pub const MOST: f64 = $most;

            /// Makes the quantity from its smallest parts.
            pub const fn of(parts: u64) -> Self {
                Self(parts)
            }

            /// The nearest one to a number of whole units; nothing where there is none, or too much.
            pub fn from_units(units: f64) -> Option<Self> {
                let fits = (0.0..=Self::MOST).contains(&units);
                fits.then(|| Self((units * $per_unit).round() as u64))
            }

            /// In whole units.
            pub fn units(self) -> f64 {
                self.0 as f64 / $per_unit
            }

            /// In its smallest parts.
            pub const fn get(self) -> u64 {
                self.0
            }

            /// Both together.
            pub const fn plus(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_f64(self.units())
            }
        }
    };
}

quantity!(
    /// A length of time, or an instant since the plan's beginning, in milliseconds.
    Time,
    1e3,
    1e8
);
quantity!(
    /// Money in billionths of whatever the file counts in, as seconds of a core cost little.
    Money,
    1e9,
    1e6
);
quantity!(
    /// So much of a resource, in thousandths.
    Amount,
    1e3,
    1e9
);

/// How much of the objective is time; the rest is cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Alpha(f64);

impl Alpha {
    /// Time and cost weigh the same.
    pub const BALANCED: Self = Self(0.5);

    /// A share from 0 (cost alone) to 1 (time alone); nothing else.
    pub fn new(share: f64) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Self(share + 0.0))
    }

    /// The share.
    pub fn get(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_no_quantity() {
        for bad in [f64::NAN, f64::INFINITY, -0.1, 1e300] {
            assert_eq!(Time::from_units(bad), None);
            assert_eq!(Alpha::new(bad), None);
        }
        assert_eq!(Time::from_units(2.5), Some(Time::of(2_500)));
        assert_eq!(Money::from_units(0.25).map(Money::units), Some(0.25));
    }
}
