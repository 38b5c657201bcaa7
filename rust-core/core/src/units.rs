//! Quantities with units; a value that makes no sense cannot be constructed.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A number that cannot be the quantity it was meant to be.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{quantity} must be a finite number of at least 0, got {got}")]
pub struct NotAQuantity {
    /// The quantity that was to be made.
    pub quantity: &'static str,
    /// The offending number, as text, because NaN does not compare.
    pub got: String,
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $unit:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            #[doc = concat!("No ", $unit, " at all.")]
            pub const ZERO: Self = Self(0.0);

            #[doc = concat!("Makes the quantity from a number of ", $unit, ".")]
            ///
            /// # Errors
            /// When the number is negative, infinite or not a number.
            pub fn new(value: f64) -> Result<Self, NotAQuantity> {
                if value.is_finite() && value >= 0.0 {
                    // The sum of nothing is -0, which people need not read.
                    Ok(Self(value + 0.0))
                } else {
                    Err(NotAQuantity { quantity: stringify!($name), got: value.to_string() })
                }
            }

            #[doc = concat!("The nearest sensible quantity: negative, infinite and NaN become 0 ", $unit, ".")]
            pub fn saturating(value: f64) -> Self {
                Self::new(value).unwrap_or(Self::ZERO)
            }

            #[doc = concat!("The number of ", $unit, ".")]
            pub fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = NotAQuantity;
            fn try_from(value: f64) -> Result<Self, NotAQuantity> {
                Self::new(value)
            }
        }

        impl From<$name> for f64 {
            fn from(value: $name) -> f64 {
                value.0
            }
        }

        impl Eq for $name {}

        // Sound because NaN cannot be constructed.
        #[allow(clippy::derive_ord_xor_partial_ord)]
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.0.total_cmp(&other.0)
            }
        }
    };
}

quantity!(
    /// A duration in milliseconds.
    Millis,
    "milliseconds"
);

impl Millis {
    /// So many seconds.
    pub const fn from_secs(secs: u32) -> Self {
        Self(secs as f64 * 1000.0)
    }
}
quantity!(
    /// Tuples per second.
    RatePerSec,
    "tuples per second"
);
quantity!(
    /// The speed of a node relative to the cluster's reference node, which has ability 1.
    Ability,
    "reference nodes"
);
quantity!(
    /// A dimensionless share; 1 is the whole.
    Share,
    "wholes"
);

/// An instant, in milliseconds since the Unix epoch.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes an instant from milliseconds since the Unix epoch.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// The time that has passed since `earlier`; nothing if `earlier` lies in the future.
    pub fn since(self, earlier: Self) -> Millis {
        Millis::saturating(self.0.saturating_sub(earlier.0) as f64)
    }

    /// The instant `span` later.
    pub fn plus(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span.get() as i64))
    }

    /// The instant `span` earlier.
    pub fn minus(self, span: Millis) -> Self {
        Self(self.0.saturating_sub(span.get() as i64))
    }

    /// The instant `seconds` later.
    pub fn plus_secs(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_dies_in_the_constructor() {
        for bad in [f64::NAN, f64::INFINITY, -0.1] {
            assert!(Millis::new(bad).is_err());
            assert_eq!(Millis::saturating(bad), Millis::ZERO);
        }
        assert_eq!(Millis::new(2.5).map(Millis::get), Ok(2.5));
        assert_eq!(Millis::saturating(-0.0).get().to_string(), "0");
    }

    #[test]
    fn time_never_runs_backwards() {
        let (early, late) = (Timestamp::from_millis(1_000), Timestamp::from_millis(3_500));
        assert_eq!(late.since(early).get(), 2_500.0);
        assert_eq!(early.since(late), Millis::ZERO);
    }
}
