//! What was learned about a component's capacity, through two filters.
//!
//! The signal filter is the caller's: intervals in which a component had nearly nothing to do, was
//! held up by its receivers, or was still settling are not offered. The model filter is here: what lies
//! outside the model's own band is dropped, unless it persists: then the regime has changed and a
//! new model begins (both after Trident, arXiv 2603.02075, which reports capacity errors of 54-63 %
//! without and 5-6 % with them).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::usl::{Curve, Point};
use crate::units::Timestamp;

/// Measurements further from the model than so many deviations are outside its band.
const BAND: f64 = 3.0;
/// The band is never narrower than this, relative to the capacity.
const NARROWEST: f64 = 0.1;
/// Measurements in a row on one side of the band that make a new regime.
const PERSISTENT: u32 = 3;
/// Measurements that one parallelism remembers.
const MEMORY: f64 = 20.0;
/// Relative deviation of one measurement before any was repeated.
const ONE_MEASUREMENT: f64 = 0.05;
/// What repeating cannot average out.
const SYSTEMATIC: f64 = 0.01;
/// Relative deviation that a day adds.
const PER_DAY: f64 = 0.1;
/// Weight of the newest balance.
const BALANCE_WEIGHT: f64 = 0.3;
const DAY_MS: f64 = 86_400_000.0;

/// What became of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// It was learned from.
    Learned,
    /// It lies outside the band.
    Dropped,
    /// It began a new regime.
    NewRegime,
}

/// Capacities seen at one number of executors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Seen {
    /// Executors weighted by ability.
    executors: f64,
    capacity: f64,
    /// Relative variance of one measurement.
    variance: f64,
    count: f64,
    last: Timestamp,
}

/// How evenly executors were busy.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// How many there were.
    pub executors: u32,
    /// Mean busy share over the busiest one's, beyond what their shares explain, smoothed.
    pub share: f64,
}

impl Balance {
    /// The same for another number of executors. Keys that are dealt out at random are the less even the
    /// fewer of them each executor has: what the fullest has above the mean grows with the root of
    /// the number of executors.
    pub fn at(self, executors: u32, keyed: bool) -> f64 {
        if !keyed || self.share >= 1.0 {
            return self.share;
        }
        let above = 1.0 / self.share.max(0.1) - 1.0;
        let times = f64::from(executors) / f64::from(self.executors.max(1));
        1.0 / (1.0 + above * times.sqrt())
    }
}

/// The capacity model of one component.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CapacityModel {
    seen: BTreeMap<u32, Seen>,
    /// Measurements in a row above (positive) or below (negative) the band.
    outside: i32,
    /// How often the regime changed.
    pub regimes: u32,
    /// How evenly executors were busy.
    #[serde(default)]
    pub balance: Option<Balance>,
}

impl CapacityModel {
    /// Offers a capacity measured with `executors`, which weigh `weight` by ability.
    pub fn offer(&mut self, executors: u32, weight: f64, capacity: f64, now: Timestamp) -> Offered {
        if !(capacity.is_finite() && capacity > 0.0 && weight > 0.0) {
            return Offered::Dropped;
        }
        let mut offered = Offered::Learned;
        // What was not seen yet has no band: it is what is to be learned.
        let known = self.seen.get(&executors).filter(|s| s.count >= f64::from(PERSISTENT));
        if let Some(known) = known {
            let ratio = (capacity * known.executors / (known.capacity * weight)).ln();
            let deviation = (known.variance + SYSTEMATIC.powi(2)).sqrt();
            if ratio.abs() > (BAND * deviation).max(NARROWEST) {
                let side = if ratio > 0.0 { 1 } else { -1 };
                self.outside =
                    if self.outside.signum() == side { self.outside + side } else { side };
                if self.outside.unsigned_abs() < PERSISTENT {
                    return Offered::Dropped;
                }
                self.seen.clear();
                self.regimes += 1;
                offered = Offered::NewRegime;
            }
        }
        self.outside = 0;
        let first = Seen {
            executors: weight,
            capacity,
            variance: ONE_MEASUREMENT.powi(2),
            count: 0.0,
            last: now,
        };
        let seen = self.seen.entry(executors).or_insert(first);
        // The same count on nodes of other ability is another parallelism.
        if (seen.executors / weight - 1.0).abs() > 0.05 {
            *seen = first;
        }
        seen.count = (seen.count + 1.0).min(MEMORY);
        let error = capacity / seen.capacity - 1.0;
        seen.capacity += (capacity - seen.capacity) / seen.count;
        seen.variance += (error * error - seen.variance) / (seen.count + 1.0);
        seen.last = now;
        offered
    }

    /// Notes how evenly executors were busy; other executors share their work anew.
    pub fn note_balance(&mut self, executors: u32, found: f64) {
        let known = self.balance.filter(|known| known.executors == executors);
        let share = known.map_or(found, |was| was.share + BALANCE_WEIGHT * (found - was.share));
        self.balance = Some(Balance { executors, share });
    }

    /// The curve through what was learned.
    pub fn curve(&self, now: Timestamp) -> Option<Curve> {
        let point = |seen: &Seen| {
            let days = now.since(seen.last).get() / DAY_MS;
            let variance =
                seen.variance / seen.count + SYSTEMATIC.powi(2) + (PER_DAY * days).powi(2);
            Point { executors: seen.executors, capacity: seen.capacity, deviation: variance.sqrt() }
        };
        Curve::fit(&self.seen.values().map(point).collect::<Vec<_>>())
    }

    /// Notes that the topology was changed: what was seen before is a hint, as executors that share a
    /// node with others do what these leave them.
    pub fn rearranged(&mut self) {
        for seen in self.seen.values_mut() {
            seen.count = seen.count.min(1.0);
        }
    }

    /// Forgets the capacities that were seen: executors are no longer what they were.
    pub fn forget(&mut self) {
        self.seen.clear();
        self.outside = 0;
    }

    /// The capacity seen at one number of executors, once it was seen more than once since the topology
    /// was changed.
    pub fn capacity_at(&self, executors: u32) -> Option<f64> {
        self.seen.get(&executors).filter(|seen| seen.count >= 2.0).map(|seen| seen.capacity)
    }

    /// How many times more than the curve says was seen at one number of executors.
    pub fn anchor(&self, executors: u32, curve: &Curve) -> f64 {
        let seen = self.seen.get(&executors);
        seen.map_or(1.0, |seen| seen.capacity / curve.at(seen.executors))
    }

    /// Distance from the nearest executor count that was seen.
    pub fn distance(&self, executors: u32) -> Option<u32> {
        self.seen.keys().map(|seen| seen.abs_diff(executors)).min()
    }

    /// The largest executor count that was seen.
    pub fn most_seen(&self) -> Option<u32> {
        self.seen.keys().next_back().copied()
    }

    /// Measurements that it rests on.
    pub fn measurements(&self) -> f64 {
        self.seen.values().map(|seen| seen.count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    fn taught(minutes: i64) -> CapacityModel {
        let mut model = CapacityModel::default();
        for minute in 0..minutes {
            let wobble = if minute % 2 == 0 { 1.02 } else { 0.98 };
            assert_eq!(model.offer(4, 4.0, 400.0 * wobble, at(minute)), Offered::Learned);
        }
        model
    }

    #[test]
    fn an_outlier_is_dropped_and_a_new_regime_is_believed() {
        let mut model = taught(10);
        assert_eq!(model.offer(4, 4.0, 900.0, at(10)), Offered::Dropped);
        assert_eq!(model.offer(4, 4.0, 400.0, at(11)), Offered::Learned);
        let capacity = model.curve(at(11)).map(|curve| curve.at(4.0)).expect("a curve");
        assert!((capacity / 400.0 - 1.0).abs() < 0.02, "{capacity}");
        assert_eq!(model.offer(4, 4.0, 200.0, at(12)), Offered::Dropped);
        assert_eq!(model.offer(4, 4.0, 205.0, at(13)), Offered::Dropped);
        assert_eq!(model.offer(4, 4.0, 202.0, at(14)), Offered::NewRegime);
        assert!(model.curve(at(14)).is_some_and(|curve| (curve.at(4.0) - 202.0).abs() < 1.0));
    }

    #[test]
    fn old_knowledge_is_less_certain() {
        let model = taught(10);
        let deviation = |now| model.curve(now).map(|curve| curve.deviation(4.0)).expect("a curve");
        assert!(deviation(at(10 + 3 * 1440)) > 5.0 * deviation(at(10)));
    }

    #[test]
    fn keys_are_the_less_even_the_fewer_of_them_each_executor_has() {
        // The fullest of four had a quarter more than the mean: of sixteen it has half more.
        let balance = Balance { executors: 4, share: 0.8 };
        assert!((balance.at(16, true) - 1.0 / 1.5).abs() < 1e-12);
        assert!((balance.at(16, false) - 0.8).abs() < 1e-12);
    }

    #[test]
    fn after_a_change_what_is_seen_counts_more_than_what_was_seen() {
        let mut model = taught(20);
        model.rearranged();
        assert_eq!(model.capacity_at(4), None);
        for minute in 20..23 {
            assert_eq!(model.offer(4, 4.0, 300.0, at(minute)), Offered::Learned);
        }
        let capacity = model.capacity_at(4).expect("it was seen three times");
        assert!((capacity - 325.0).abs() < 2.0, "{capacity}");
    }

    #[test]
    fn it_survives_a_restart() {
        let model = taught(10);
        let text = serde_json::to_string(&model).expect("it can be written");
        let back: CapacityModel = serde_json::from_str(&text).expect("it can be read");
        assert_eq!(back.curve(at(20)), model.curve(at(20)));
    }

    #[test]
    fn filtered_capacity_errs_by_less_than_five_percent() {
        // Every fifth measurement is throttled to half, and every seventh is a burst.
        let mut model = CapacityModel::default();
        let mut errors = Vec::new();
        for minute in 0..200 {
            let truth = 1000.0;
            let disturbed = match minute {
                m if m % 5 == 4 => 0.5,
                m if m % 7 == 6 => 1.8,
                _ => 1.0 + 0.04 * ((minute % 3) as f64 - 1.0),
            };
            model.offer(4, 4.0, truth * disturbed, at(minute));
            let capacity = model.curve(at(minute)).map_or(0.0, |curve| curve.at(4.0));
            errors.push((capacity / truth - 1.0).abs());
        }
        let mape = errors.iter().sum::<f64>() / errors.len() as f64;
        assert!(mape <= 0.05, "{mape}");
    }
}
