//! Quantities of a placement problem: integers, so that sums are exact and never depend on order.

use std::fmt;

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident, $unit:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
        pub struct $name(u32);

        impl $name {
            #[doc = concat!("None at all, in ", $unit, ".")]
            pub const ZERO: Self = Self(0);

            #[doc = concat!("So many ", $unit, ".")]
            pub const fn new(amount: u32) -> Self {
                Self(amount)
            }

            #[doc = concat!("The number of ", $unit, ".")]
            pub const fn get(self) -> u32 {
                self.0
            }

            /// The amount for sums, which 2^31 of them cannot overflow.
            pub(crate) const fn wide(self) -> i64 {
                self.0 as i64
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", self.0, $unit)
            }
        }
    };
}

amount!(
    /// Compute time: a thousand of them are one point, a hundred points one core of the reference
    /// speed.
    MilliPoints,
    "millipoints"
);
amount!(
    /// Memory.
    Mebibytes,
    "MiB"
);
amount!(
    /// What an edge carries, relative to other edges: bytes per second where they were measured.
    Traffic,
    "B/s"
);

/// A load in millionths: demand over capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Load(u64);

impl Load {
    /// No load.
    pub const ZERO: Self = Self(0);
    /// As much demand as capacity.
    pub const FULL: Self = Self(1_000_000);

    /// So many millionths.
    pub const fn from_millionths(millionths: u64) -> Self {
        Self(millionths)
    }

    /// In millionths.
    pub const fn millionths(self) -> u64 {
        self.0
    }

    /// What `demand` makes of `capacity`; where there is none, any demand is far too much.
    pub(crate) fn of(demand: i64, capacity: i64) -> Self {
        let demand = demand.max(0) as u64;
        match capacity {
            _ if demand == 0 => Self::ZERO,
            ..=0 => Self(u64::MAX),
            _ => Self(demand.saturating_mul(1_000_000).div_ceil(capacity as u64)),
        }
    }

    /// The demand that makes this load of `capacity`.
    pub(crate) fn share(self, capacity: i64) -> i64 {
        let demand = u128::from(self.0) * capacity.max(0) as u128 / 1_000_000;
        i64::try_from(demand).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:04} %", self.0 / 10_000, self.0 % 10_000)
    }
}
