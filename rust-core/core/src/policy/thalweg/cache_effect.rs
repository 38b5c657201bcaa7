//! What more executors mean for a component that keeps state: each brings memory along, so that fewer
//! accesses miss and a record needs less work. Left out, the first plan for a component that began with
//! few executors is too large by what its misses cost there.
//!
//! Only counts beyond all that were seen are guessed at here: between those the curve through what was
//! seen has the misses in it.

use super::levels::measured;
use crate::capacity::misses::{Measured, StateModel};
use crate::demand::ComponentFlow;

/// What a record that misses needs on top of the work of one that does not, until it was seen: the lower end of
/// what stores on disk show.
const MISS_ON_TOP: f64 = 0.5;

/// How the work of a record falls as executors bring memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CacheEffect {
    now: Measured,
    state_mib: f64,
    /// Seconds of work for a miss.
    miss_secs: f64,
    /// The most executors that were seen.
    seen: u32,
}

impl CacheEffect {
    /// For a component whose state is larger than the memory of its executors; `seen` is the largest count
    /// of which its capacity is known.
    pub fn of(component: &ComponentFlow, learned: Option<&StateModel>, seen: u32) -> Option<Self> {
        let now = measured(component)?;
        let state_mib = now.state_mib.filter(|state| *state > 0.0)?;
        let plain = now.work_secs / (1.0 + MISS_ON_TOP * now.misses);
        let known = learned.and_then(StateModel::miss_secs);
        let most = now.work_secs / now.misses.max(f64::MIN_POSITIVE);
        let miss_secs = known.unwrap_or(MISS_ON_TOP * plain).min(most);
        let seen = seen.max(now.executors);
        Some(Self { now, state_mib, miss_secs, seen })
    }

    /// Work of a record with so many executors, over that with the most that were seen.
    pub fn work(&self, executors: u32) -> f64 {
        if executors <= self.seen {
            return 1.0;
        }
        self.secs(executors) / self.secs(self.seen).max(f64::MIN_POSITIVE)
    }

    fn secs(&self, executors: u32) -> f64 {
        let held = |executors: u32| {
            (f64::from(self.now.mib) * f64::from(executors) / self.state_mib).min(1.0)
        };
        let absent = 1.0 - held(self.now.executors);
        if absent <= 0.0 {
            return self.now.work_secs;
        }
        // What is missed beyond the part that has no room is missed for another cause, and stays so.
        let for_room = self.now.misses.min(absent);
        let fewer = for_room * (1.0 - (1.0 - held(executors)) / absent);
        self.now.work_secs - self.miss_secs * fewer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demand::ExecutorFlow;

    /// Four executors of 128 MiB that hold a third of a state of 1,536 MiB and miss the rest; a record needs
    /// 20 µs.
    fn four() -> ComponentFlow {
        let each = ExecutorFlow { node: 0, ability: 1.0, input: 50_000.0, busy: 1.0 };
        ComponentFlow {
            executors: 4,
            measured: vec![each; 4],
            timed: true,
            hit_rate: Some(1.0 / 3.0),
            state_mib: Some(1536.0),
            memory_mib: Some(128.0),
            ..ComponentFlow::default()
        }
    }

    #[test]
    fn executors_that_hold_all_state_need_no_work_for_misses() {
        let cache_effect = CacheEffect::of(&four(), None, 4).expect("all is measured");
        // 20 µs are 15 and for two records of three 7.5 more.
        assert!((cache_effect.work(12) - 0.75).abs() < 1e-12);
        assert!((cache_effect.work(8) - 0.875).abs() < 1e-12, "half of the misses are gone");
        assert_eq!(cache_effect.work(40), cache_effect.work(12), "more than all cannot be held");
        assert_eq!(cache_effect.work(2), 1.0);
    }

    #[test]
    fn what_was_seen_is_not_guessed_at() {
        let cache_effect = CacheEffect::of(&four(), None, 8).expect("all is measured");
        assert_eq!(cache_effect.work(8), 1.0);
        assert!((cache_effect.work(12) - 0.75 / 0.875).abs() < 1e-12);
    }

    #[test]
    fn misses_for_another_cause_stay() {
        let all = ComponentFlow { hit_rate: Some(0.0), ..four() };
        let cache_effect = CacheEffect::of(&all, None, 4).expect("all is measured");
        // 20 µs are 13.3 and 6.7 for each miss, of which two in three go.
        assert!((cache_effect.work(12) - (1.0 - 2.0 / 9.0)).abs() < 1e-12);
        assert_eq!(CacheEffect::of(&ComponentFlow { state_mib: None, ..four() }, None, 4), None);
    }
}
