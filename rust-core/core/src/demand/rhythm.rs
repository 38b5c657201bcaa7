//! What the time of day and of week make expect of a source.
//!
//! A *profile* says what is usual at an instant: the middle of what came at the same time of earlier days, or of the same day
//! of earlier weeks. The *level* says how many times that comes now: the median over the last two hours. Days that were not
//! like others ([`Exceptions`]) are in no profile, and a profile that today clearly does not follow is not asked until it
//! does again.
//!
//! All is worked out from three weeks of [`Slots`] when it is asked for; only how well profiles do is kept beside them.

use serde::{Deserialize, Serialize};

use super::exceptions::Exceptions;
use super::season::mean;
use super::series::{Series, rounded};
use super::slots::{DAY, Slots, WEEK, between, length, number};
use crate::units::{Millis, Share, Timestamp};

/// Days whose middle is what is usual; of weeks there are only three.
const MIDDLE_OF: usize = 7;
/// How many days are gone back for them: some may be exceptions.
const DAYS_BACK: u64 = 10;
/// Slots that tell the level: two hours.
const RECENT: u64 = 8;
/// How far the level may be from 1.
const LEVELS: (f64, f64) = (0.2, 5.0);
/// A profile is not followed if the last two hours lie this many times farther from it than they use to.
const OFF: f64 = 3.0;
/// Nearer than this share of what comes, it is followed.
const NEAR: f64 = 0.1;
/// Weight of the newest distance in the usual one.
const DISTANCE_WEIGHT: f64 = 0.02;
/// Slots that mean squares stand for: three days.
const SQUARES: u32 = 3 * DAY as u32;
/// Slots on which a profile must have been tested to be planned by.
const TESTED: u32 = 72;
/// A profile is planned by if the squares of its errors are this part of the others'.
const BETTER: f64 = 0.8;
/// Errors of slots that are kept.
const ERRORS: usize = 120;

/// Distances between alike times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Period {
    Day,
    Week,
}

const PERIODS: [Period; 2] = [Period::Day, Period::Week];

/// How a profile does.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Standing {
    /// How many times what is usual comes now.
    level: Option<f64>,
    /// How far from it two hours use to be, and how many were compared.
    distance: f64,
    compared: u32,
    /// Whether it is not followed now.
    off: bool,
    /// Mean squares of errors a slot ahead: its own, of the slot before, of the mean of the day before.
    squares: [f64; 3],
    tested: u32,
    /// The same when the day began: what an exception taught is forgotten.
    at_midnight: ([f64; 3], u32),
    errors: Series,
}

/// What a source brought by the time of day and week, and how well that foretold what came.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rhythm {
    slots: Slots,
    exceptions: Exceptions,
    day: Standing,
    week: Standing,
}

impl Rhythm {
    /// Takes in a rate measured at `now`.
    pub fn note(&mut self, rate: f64, now: Timestamp) {
        for slot in self.slots.note(rate, now) {
            if let Some(value) = self.slots.at(slot) {
                self.compare(slot, value);
            }
            if (slot + 1).is_multiple_of(DAY) {
                self.end_day(slot / DAY);
            }
        }
    }

    /// What profiles say beyond a last value of `value` at `at`: for each, how much more comes `lead` later than now, and how
    /// much more is usual now. Nothing where none says anything.
    pub fn beyond(&self, value: f64, at: Timestamp, lead: Millis) -> Option<[f64; 4]> {
        let mut said = [0.0; 4];
        let mut any = false;
        for (place, period) in PERIODS.into_iter().enumerate() {
            let standing = self.standing(period);
            let (Some(level), false) = (standing.level, standing.off) else { continue };
            let (now, then) = (self.around(at, period), self.around(at.plus(lead), period));
            let (Some(now), Some(then)) = (now, then) else { continue };
            said[2 * place] = level * (then - now);
            said[2 * place + 1] = level * now - value;
            any = true;
        }
        any.then_some(said)
    }

    /// The most that may come until `lead` from now by the profile that has proved itself best; nothing where none has.
    ///
    /// A slot tells the mean of a quarter of an hour, within which a peak may have begun late. So the slot behind counts as well.
    pub fn peak(&self, now: Timestamp, lead: Millis, quantile: Share) -> Option<f64> {
        let proven = PERIODS.into_iter().filter(|period| self.standing(*period).is_proven());
        let square = |period: &Period| self.standing(*period).squares[0];
        let period = proven.min_by(|a, b| square(a).total_cmp(&square(b)))?;
        let standing = self.standing(period);
        let last = number(now.plus(lead).plus(length()));
        let usual = (number(now)..=last).filter_map(|slot| self.usual(slot, period));
        let most = usual.reduce(f64::max)? * standing.level?;
        Some((most + standing.errors.quantile(quantile)?).max(0.0))
    }

    fn standing(&self, period: Period) -> &Standing {
        match period {
            Period::Day => &self.day,
            Period::Week => &self.week,
        }
    }

    fn standing_mut(&mut self, period: Period) -> &mut Standing {
        match period {
            Period::Day => &mut self.day,
            Period::Week => &mut self.week,
        }
    }

    /// What is usual in a slot.
    fn usual(&self, slot: u64, period: Period) -> Option<f64> {
        let before = |length: u64, count: u64| {
            let earlier = (1..=count).filter_map(move |times| slot.checked_sub(times * length));
            earlier.filter_map(move |slot| {
                Some((self.slots.at(slot)?, self.exceptions.has(slot / DAY)))
            })
        };
        match period {
            Period::Day => middle(before(DAY, DAYS_BACK).filter(|(_, odd)| !odd).map(|of| of.0)),
            Period::Week => {
                // Sundays may lie apart from other days, but are alike.
                let ordinary = before(WEEK, 3).filter(|(_, odd)| !odd).map(|of| of.0);
                middle(ordinary).or_else(|| middle(before(WEEK, 3).map(|of| of.0)))
            }
        }
    }

    /// What is usual at an instant, on the straight line between the middles of slots.
    fn around(&self, at: Timestamp, period: Period) -> Option<f64> {
        let (slot, part) = between(at);
        match (self.usual(slot, period), self.usual(slot + 1, period)) {
            (Some(before), Some(behind)) => Some(before + part * (behind - before)),
            (before, behind) => before.or(behind),
        }
    }

    /// Compares what came in a slot with what each profile made expect, and how the last two hours follow it.
    fn compare(&mut self, slot: u64, value: f64) {
        let before = slot.checked_sub(1).and_then(|slot| self.slots.at(slot));
        let day = (slot.saturating_sub(DAY)..slot).filter_map(|slot| self.slots.at(slot));
        let plain = before.zip(mean(day));
        for period in PERIODS {
            let Some(usual) = self.usual(slot, period) else { continue };
            let recent = (slot + 1).saturating_sub(RECENT)..=slot;
            let pair = |slot| self.slots.at(slot).zip(self.usual(slot, period));
            let recent: Vec<(f64, f64)> = recent.filter_map(pair).collect();
            let standing = self.standing_mut(period);
            if let (Some(level), Some((before, flat))) = (standing.level, plain) {
                standing.judge([level * usual, before, flat].map(|said| value - said));
            }
            standing.follow(&recent);
        }
    }

    /// Looks back at a day that is over.
    fn end_day(&mut self, day: u64) {
        let slots = day * DAY..(day + 1) * DAY;
        let pair = |slot| self.slots.at(slot).zip(self.usual(slot, Period::Day));
        let pairs: Vec<(f64, f64)> = slots.filter_map(pair).collect();
        if pairs.len() as u64 >= DAY / 2 {
            let (came, usual) = sums(&pairs);
            let distance = if usual > 0.0 { distance(&pairs, came / usual) } else { None };
            if let Some(distance) = distance {
                self.exceptions.note(day, rounded(distance));
            }
        }
        let apart = self.exceptions.has(day);
        for period in PERIODS {
            self.standing_mut(period).end_day(apart);
        }
    }
}

impl Standing {
    fn is_proven(&self) -> bool {
        let [own, before, flat] = self.squares;
        !self.off && self.tested >= TESTED && own < BETTER * before.min(flat)
    }

    /// Notes the errors in a slot: its own, of the slot before, of the mean of the day before.
    fn judge(&mut self, errors: [f64; 3]) {
        self.tested = self.tested.saturating_add(1);
        let weight = 1.0 / f64::from(self.tested.min(SQUARES));
        for (square, error) in self.squares.iter_mut().zip(errors) {
            *square += weight * (error * error - *square);
        }
        self.errors.push(Some(errors[0]));
        self.errors.keep_newest(ERRORS);
    }

    /// Forgets what a day taught that lies apart, and remembers where the next one begins.
    fn end_day(&mut self, apart: bool) {
        if apart {
            (self.squares, self.tested) = self.at_midnight;
        }
        self.at_midnight = (self.squares, self.tested);
    }

    /// Notes what came in the last two hours and what was usual.
    fn follow(&mut self, recent: &[(f64, f64)]) {
        let mut levels: Vec<f64> = recent
            .iter()
            .filter(|(_, usual)| *usual > 0.0)
            .map(|(came, usual)| came / usual)
            .collect();
        levels.sort_by(f64::total_cmp);
        let Some(level) = levels.get(levels.len() / 2).map(|l| l.clamp(LEVELS.0, LEVELS.1)) else {
            return;
        };
        self.level = Some(level);
        let Some(distance) = distance(recent, level) else { return };
        let limit = (OFF * self.distance).max(NEAR);
        self.off = u64::from(self.compared) >= DAY / 2 && distance > limit;
        self.compared = self.compared.saturating_add(1);
        let weight = DISTANCE_WEIGHT.max(1.0 / f64::from(self.compared));
        let bounded = if self.compared > 1 { distance.min(limit) } else { distance };
        self.distance += weight * (bounded - self.distance);
    }
}

fn sums(pairs: &[(f64, f64)]) -> (f64, f64) {
    pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1))
}

/// How far what came lies from so many times what is usual, as a share of it.
fn distance(pairs: &[(f64, f64)], level: f64) -> Option<f64> {
    let apart: f64 = pairs.iter().map(|(came, usual)| (came - level * usual).abs()).sum();
    let expected = level * sums(pairs).1;
    (expected > 0.0).then(|| apart / expected)
}

/// The mean of the middle third: of few values all, of three the median. No more than [`MIDDLE_OF`] are looked at.
fn middle(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted = [0.0; MIDDLE_OF];
    let mut count = 0;
    for (place, value) in sorted.iter_mut().zip(values) {
        *place = value;
        count += 1;
    }
    let sorted = &mut sorted[..count];
    sorted.sort_by(f64::total_cmp);
    mean(sorted[count / 3..count - count / 3].iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demand::testing::noise;

    /// Notes a rate in the middle of each slot.
    fn note(rhythm: &mut Rhythm, slots: std::ops::Range<u64>, rate: impl Fn(u64) -> f64) {
        for slot in slots {
            rhythm.note(rate(slot), middle_of(slot));
        }
    }

    fn middle_of(slot: u64) -> Timestamp {
        Timestamp::from_millis(slot as i64 * 900_000 + 450_000)
    }

    /// From nine to ten it is 900, else 300, give or take 3.
    fn peak_at_nine(slot: u64) -> f64 {
        let noise = ((slot * 7919) % 7) as f64 - 3.0;
        noise + if (36..40).contains(&(slot % DAY)) { 900.0 } else { 300.0 }
    }

    fn most(rhythm: &Rhythm, slot: u64) -> Option<f64> {
        rhythm.peak(middle_of(slot), Millis::from_secs(300), Share::saturating(0.9))
    }

    #[test]
    fn the_middle_third_is_usual() {
        let of = |values: &[f64]| middle(values.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[4.0, 2.0]), Some(3.0));
        assert_eq!(of(&[9.0, 1.0, 2.0]), Some(2.0));
        // Of seven the third to the fifth.
        assert_eq!(of(&[100.0, 5.0, 1.0, 4.0, 0.0, 3.0, 99.0]), Some(4.0));
        assert_eq!(of(&[1.0; 10]), Some(1.0), "no more than seven");
    }

    #[test]
    fn level_and_distance_are_those_of_the_worked_example() {
        let mut standing = Standing::default();
        // Twice what is usual, but for one: 3 of 2 · (1 + 2 + 3) = 12.
        standing.follow(&[(2.0, 1.0), (4.0, 2.0), (9.0, 3.0)]);
        assert_eq!(standing.level, Some(2.0));
        assert_eq!(standing.distance, 3.0 / 12.0);
        standing.follow(&[(1.0, 100.0)]);
        assert_eq!(standing.level, Some(0.2), "it is bounded");
    }

    #[test]
    fn a_peak_that_came_twice_is_expected_on_the_third_day() {
        let mut rhythm = Rhythm::default();
        note(&mut rhythm, 0..2 * DAY + 35, peak_at_nine);
        let before_nine = most(&rhythm, 2 * DAY + 35).expect("two days are enough");
        assert!((880.0..950.0).contains(&before_nine), "{before_nine}");
        let at_eight = most(&rhythm, 2 * DAY + 32).expect("two days are enough");
        assert!(at_eight < 330.0, "{at_eight}");
        let mut young = Rhythm::default();
        note(&mut young, 0..DAY + 35, peak_at_nine);
        assert_eq!(most(&young, DAY + 35), None, "one day proves nothing");
    }

    #[test]
    fn noise_is_no_rhythm() {
        for seed in 1..20 {
            let mut rhythm = Rhythm::default();
            note(&mut rhythm, 0..9 * DAY, |slot| 1000.0 + 200.0 * noise(seed, slot));
            assert_eq!(most(&rhythm, 9 * DAY), None, "seed {seed}");
        }
    }

    #[test]
    fn as_much_of_the_peak_is_expected_as_of_all_else() {
        let mut rhythm = Rhythm::default();
        note(&mut rhythm, 0..4 * DAY, peak_at_nine);
        // Since midnight half as much comes as on other days.
        note(&mut rhythm, 4 * DAY..4 * DAY + 35, |slot| 0.5 * peak_at_nine(slot));
        let said = rhythm.beyond(150.0, middle_of(4 * DAY + 35), Millis::from_secs(900));
        let [rises, usual, ..] = said.expect("days are known");
        assert!((rises - 300.0).abs() < 10.0 && usual.abs() < 5.0, "{said:?}");
    }

    #[test]
    fn sundays_are_like_sundays() {
        let rate = |slot: u64| if slot / DAY % 7 == 6 { 100.0 } else { peak_at_nine(slot) };
        let mut rhythm = Rhythm::default();
        note(&mut rhythm, 0..20 * DAY, rate);
        let nine = 20 * DAY + 37;
        assert_eq!(rhythm.usual(nine, Period::Week), Some(100.0));
        assert!(rhythm.usual(nine, Period::Day).is_some_and(|rate| rate > 890.0));
        assert!(rhythm.usual(nine + DAY, Period::Week).is_some_and(|rate| rate > 890.0));
    }

    #[test]
    fn a_holiday_is_not_followed_nor_learned() {
        let holiday = 9;
        let rate = |slot: u64| match slot / DAY == holiday {
            // Once through the day, up and down, and no peak.
            true => 300.0 + 200.0 * (slot as f64 / 96.0 * std::f64::consts::TAU).sin(),
            false => peak_at_nine(slot),
        };
        let mut rhythm = Rhythm::default();
        note(&mut rhythm, 0..holiday * DAY + 42, rate);
        assert!(rhythm.day.off, "nine o'clock passed without its peak");
        assert_eq!(most(&rhythm, holiday * DAY + 42), None);
        note(&mut rhythm, holiday * DAY + 42..(holiday + 1) * DAY + 30, rate);
        assert!(rhythm.exceptions.has(holiday));
        let usual = rhythm.usual((holiday + 1) * DAY + 37, Period::Day);
        assert!(usual.is_some_and(|rate| (rate - 900.0).abs() < 5.0), "{usual:?}");
        assert!(most(&rhythm, (holiday + 1) * DAY + 35).is_some_and(|most| most > 880.0));
    }

    #[test]
    fn days_without_measurements_are_missing_and_the_rhythm_is_known_behind_them() {
        let mut rhythm = Rhythm::default();
        note(&mut rhythm, 0..3 * DAY, peak_at_nine);
        note(&mut rhythm, 5 * DAY..5 * DAY + 35, peak_at_nine);
        assert_eq!(rhythm.slots.at(4 * DAY), None);
        assert!(most(&rhythm, 5 * DAY + 35).is_some_and(|most| most > 880.0));
    }

    #[test]
    fn it_is_read_again_as_it_was_and_takes_little() {
        let mut rhythm = Rhythm::default();
        note(&mut rhythm, 0..30 * DAY, |slot| 1e5 / 3.0 * peak_at_nine(slot));
        let json = serde_json::to_string(&rhythm).expect("plain data");
        let read: Rhythm = serde_json::from_str(&json).expect("what was written");
        assert_eq!(read, rhythm);
        assert!(json.len() < 24 * 1024, "{} bytes", json.len());
        let of_nothing: Rhythm = serde_json::from_str("{}").expect("all may be missing");
        assert_eq!(of_nothing, Rhythm::default());
    }
}
