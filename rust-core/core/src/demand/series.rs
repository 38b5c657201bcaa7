//! Numbers of few digits in a row, in a quarter of the memory that they would take as they are used.

use std::collections::VecDeque;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::units::Share;

/// Digits of a number that are kept.
const DIGITS: i32 = 4;

/// Rounded numbers, or nothing where there is none, oldest first. There are thousands of each source, over two days.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// What is near enough to be rounded to the same number.
    near: VecDeque<Near>,
}

/// A rounded number, or nothing.
#[derive(Debug, Clone, Copy)]
struct Near(f32);

impl Near {
    fn of(value: Option<f64>) -> Self {
        Self(value.map_or(f32::NAN, |value| rounded(value) as f32))
    }

    fn value(self) -> Option<f64> {
        (!self.0.is_nan()).then(|| rounded(self.0.into()))
    }
}

/// Nothing is like nothing, other than with numbers that are none.
impl PartialEq for Near {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Series {
    /// Adds what is newest; it is rounded.
    pub fn push(&mut self, value: Option<f64>) {
        self.near.push_back(Near::of(value));
    }

    /// Forgets all but so many.
    pub fn keep_newest(&mut self, count: usize) {
        self.near.drain(..self.near.len().saturating_sub(count));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.near.len()
    }

    /// The one that is this many from the newest.
    pub fn before(&self, from_newest: usize) -> Option<f64> {
        self.near.iter().nth_back(from_newest)?.value()
    }

    /// The value that this share of all lies below or at; nothing where there are none.
    pub fn quantile(&self, share: Share) -> Option<f64> {
        let mut sorted: Vec<f64> = self.iter().flatten().collect();
        sorted.sort_by(f64::total_cmp);
        let index = (share.get().min(1.0) * sorted.len().saturating_sub(1) as f64).round() as usize;
        sorted.get(index).copied()
    }

    /// Bytes that they take.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.near.capacity() * size_of::<Near>()
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Option<f64>> {
        self.near.iter().map(|near| near.value())
    }
}

impl Serialize for Series {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Series {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = Vec::<Option<f64>>::deserialize(deserializer)?;
        Ok(Self { near: values.into_iter().map(Near::of).collect() })
    }
}

/// A number with few digits. Only whole powers of ten are used, which are exact.
pub fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let places = DIGITS - 1 - value.abs().log10().floor() as i32;
    let scale = 10f64.powi(places.abs().min(15));
    if places >= 0 { (value * scale).round() / scale } else { (value / scale).round() * scale }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_four_digits() {
        let found = [0.0, 1.23456, -98_765.4, 0.000_123_456, 5e20].map(rounded);
        assert_eq!(found, [0.0, 1.235, -98_770.0, 0.000_123_5, 5e20]);
    }

    #[test]
    fn every_rounded_number_comes_back_to_the_bit() {
        for power in -12..16 {
            for digits in 1000..10_000 {
                let value = rounded(f64::from(digits) * 10f64.powi(power));
                for value in [value, -value] {
                    assert_eq!(Near::of(Some(value)).value(), Some(value));
                }
            }
        }
        assert_eq!(Near::of(Some(0.0)).value(), Some(0.0));
    }

    #[test]
    fn what_is_missing_is_stored_as_missing() {
        let json = "[1.235,null,-98770.0,0.0]";
        let series: Series = serde_json::from_str(json).expect("a list");
        assert_eq!(serde_json::to_string(&series).expect("plain data"), json);
        assert_eq!((series.before(0), series.before(2), series.before(9)), (Some(0.0), None, None));
        assert_eq!(series, series.clone());
    }
}
