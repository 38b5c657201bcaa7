//! What a source brought in each quarter of an hour, over three weeks.
//!
//! Quarters begin at the same times of each day, so that the same time of other days and weeks is found by its distance. They
//! are 8 KiB of a source. Quarters in which nothing was measured are missing.

use serde::{Deserialize, Serialize};

use super::series::Series;
use crate::units::{Millis, Timestamp};

/// Length of a slot.
const SLOT_MILLIS: u64 = 900_000;
/// Slots of a day.
pub const DAY: u64 = 96;
/// Slots of a week.
pub const WEEK: u64 = 7 * DAY;
/// Slots that are kept: 2016 of 4 bytes.
const KEPT: usize = 3 * WEEK as usize;

/// Mean rates of slots, the newest three weeks.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Slots {
    /// Number of the slot that is being filled, and the sum and count of its rates.
    open: Option<(u64, f64, f64)>,
    /// Means of finished slots, oldest first; nothing where nothing was measured.
    values: Series,
}

impl Slots {
    /// Takes in a rate measured at `now`; answers with the slots that ended before it, if any did.
    pub fn note(&mut self, rate: f64, now: Timestamp) -> std::ops::Range<u64> {
        let number = number(now);
        let Some((open, sum, count)) = &mut self.open else {
            self.open = Some((number, rate, 1.0));
            return number..number;
        };
        // A clock that is set back a little stays in the slot; far back, nothing is known any more.
        if number == *open || number + 1 == *open {
            (*sum, *count) = (*sum + rate, *count + 1.0);
            return *open..*open;
        }
        let (ended, mean) = (*open, *sum / *count);
        self.open = Some((number, rate, 1.0));
        if number < ended || number - ended > KEPT as u64 {
            self.values = Series::default();
            return number..number;
        }
        self.values.push(Some(mean));
        (ended + 1..number).for_each(|_| self.values.push(None));
        self.values.keep_newest(KEPT);
        ended..number
    }

    /// The slot that is being filled.
    pub fn open(&self) -> Option<u64> {
        self.open.map(|(number, ..)| number)
    }

    /// The mean rate of a finished slot.
    pub fn at(&self, slot: u64) -> Option<f64> {
        let newest = self.open()?.checked_sub(1)?;
        self.values.before(newest.checked_sub(slot)? as usize)
    }
}

/// The slot of an instant.
pub fn number(at: Timestamp) -> u64 {
    at.millis().max(0) as u64 / SLOT_MILLIS
}

/// The two slots between whose middles an instant lies, the earlier first, and how near to the later one.
pub fn between(at: Timestamp) -> (u64, f64) {
    let position = at.millis().max(0) as f64 / SLOT_MILLIS as f64 - 0.5;
    (position.max(0.0).floor() as u64, position.max(0.0).fract())
}

/// How long a slot is.
pub fn length() -> Millis {
    Millis::saturating(SLOT_MILLIS as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mins: i64) -> Timestamp {
        Timestamp::from_millis(mins * 60_000)
    }

    #[test]
    fn rates_of_a_quarter_are_one_value_and_a_gap_is_missing() {
        let mut slots = Slots::default();
        assert_eq!(slots.note(10.0, at(0)), 0..0);
        assert_eq!(slots.note(20.0, at(14)), 0..0);
        assert_eq!(slots.note(30.0, at(15)), 0..1);
        assert_eq!(slots.note(40.0, at(61)), 1..4);
        assert_eq!(
            [0, 1, 2, 3, 4].map(|s| slots.at(s)),
            [Some(15.0), Some(30.0), None, None, None]
        );
    }

    #[test]
    fn three_weeks_are_kept_in_eight_kibibytes() {
        let mut slots = Slots::default();
        for quarter in 0..4000 {
            slots.note(f64::from(quarter), at(i64::from(quarter) * 15));
        }
        assert_eq!(slots.values.len(), 2016);
        assert!(slots.values.bytes() <= 8192, "{}", slots.values.bytes());
        assert_eq!((slots.at(3998), slots.at(3999 - 2016)), (Some(3998.0), Some(1983.0)));
        assert_eq!((slots.at(3999), slots.at(3999 - 2017)), (None, None));
    }

    #[test]
    fn a_clock_that_is_set_back_far_and_a_very_long_silence_begin_anew() {
        let mut slots = Slots::default();
        slots.note(1.0, at(10_000));
        slots.note(2.0, at(10_015));
        assert_eq!(slots.note(3.0, at(10_014)), 667..667, "by a minute it is as if it were not");
        assert_eq!(slots.at(666), Some(1.0));
        slots.note(4.0, at(15));
        assert_eq!((slots.open(), slots.at(666)), (Some(1), None));
        slots.note(5.0, at(30));
        slots.note(5.0, at(40_000));
        assert_eq!(slots.at(1), None);
    }

    #[test]
    fn an_instant_lies_between_the_middles_of_two_slots() {
        let (before, part) = between(at(15 * 8 + 5));
        assert!(before == 7 && (part - 5.0 / 6.0).abs() < 1e-9, "{part}");
        assert_eq!(between(Timestamp::from_millis(450_000)), (0, 0.0));
    }
}
