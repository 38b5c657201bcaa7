//! Signs of trouble, and since when each has held.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::settings::Settings;
use crate::units::{Millis, Timestamp};

/// A sign that a topology wants a reallocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Latency rose above its own threshold function, repeatedly.
    Bottleneck,
    /// A component works near its limit.
    Capacity,
    /// Tuples fail.
    Failed,
    /// A node is far above the mean while a better placement exists.
    Imbalance,
    /// A node that holds executors is reached too slowly.
    SlowLink,
}

/// Remembers since when each condition has held without a break.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Persistence {
    since: BTreeMap<Trigger, Timestamp>,
}

impl Persistence {
    /// Notes whether a condition holds now; tells whether it has held for a whole interval.
    pub fn note(
        &mut self,
        trigger: Trigger,
        holds: bool,
        now: Timestamp,
        interval: Millis,
    ) -> bool {
        if !holds {
            self.since.remove(&trigger);
            return false;
        }
        let since = *self.since.entry(trigger).or_insert(now);
        now.since(since) >= interval
    }

    /// How long a condition has held.
    pub fn held(&self, trigger: Trigger, now: Timestamp) -> Millis {
        self.since.get(&trigger).map_or(Millis::ZERO, |since| now.since(*since))
    }

    /// Forgets every condition.
    pub fn clear(&mut self) {
        self.since.clear();
    }
}

/// Effective bottlenecks of the last interval (steps 5 and 6 of the paper's section 4.2).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EffectiveBottlenecks {
    seen: VecDeque<(Timestamp, Millis)>,
}

impl EffectiveBottlenecks {
    /// Drops what is older than the interval and adds a latency that was an effective bottleneck.
    pub fn note(&mut self, latency: Option<Millis>, now: Timestamp, interval: Millis) {
        self.seen.retain(|(at, _)| now.since(*at) < interval);
        if let Some(latency) = latency {
            self.seen.push_back((now, latency));
        }
    }

    /// How many effective bottlenecks the interval holds.
    pub fn count(&self) -> u32 {
        u32::try_from(self.seen.len()).unwrap_or(u32::MAX)
    }

    /// The reference bottleneck `Tr`: the largest effective bottleneck of the interval.
    pub fn reference(&self) -> Option<Millis> {
        self.seen.iter().map(|(_, latency)| *latency).max()
    }

    /// Whether to reallocate: often enough, and `T` and `Tr` of the same order of magnitude.
    pub fn reallocate(&self, bottleneck_time: Millis, settings: &Settings) -> bool {
        let Some(reference) = self.reference() else {
            return false;
        };
        let (time, reference) = (bottleneck_time.get(), reference.get());
        self.count() >= settings.effective_bottlenecks
            && time < 10.0 * reference
            && reference < 10.0 * time
    }

    /// Forgets every bottleneck.
    pub fn clear(&mut self) {
        self.seen.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1000)
    }

    fn ms(value: f64) -> Millis {
        Millis::saturating(value)
    }

    #[test]
    fn a_condition_must_hold_without_a_break() {
        let mut held = Persistence::default();
        let minute = ms(60_000.0);
        assert!(!held.note(Trigger::Capacity, true, at(0), minute));
        assert!(!held.note(Trigger::Capacity, false, at(30), minute));
        assert!(!held.note(Trigger::Capacity, true, at(40), minute));
        assert!(!held.note(Trigger::Capacity, true, at(99), minute));
        assert!(held.note(Trigger::Capacity, true, at(100), minute));
    }

    #[test]
    fn reallocation_wants_two_bottlenecks_of_one_magnitude_in_one_interval() {
        let (settings, minute) = (Settings::default(), ms(60_000.0));
        let mut effective = EffectiveBottlenecks::default();
        effective.note(Some(ms(8.0)), at(0), minute);
        assert!(!effective.reallocate(ms(5.0), &settings), "once is not repeatedly");
        effective.note(Some(ms(12.0)), at(10), minute);
        assert_eq!(effective.reference(), Some(ms(12.0)));
        assert!(effective.reallocate(ms(5.0), &settings));
        assert!(!effective.reallocate(ms(1.2), &settings), "Tr / T is 10");
        assert!(!effective.reallocate(ms(120.0), &settings), "T / Tr is 10");
        effective.note(None, at(65), minute);
        assert!(!effective.reallocate(ms(5.0), &settings), "the first one is too old");
    }
}
