//! How much work a node can do: from the work it does, and how much longer that takes there than it has to.
//!
//! **Input**: what a node is seen doing. **Output**: the most work it can do a second. Work is the time that
//! tuples take at least, so it is counted in executors that are always busy where nothing slows them down.
//!
//! Whoever shares a processor is slowed down to a fair share of it (processor sharing). Two views of that tell what a
//! node can do, `C`, from `pace = m / taken`, where `m` is what the work takes alone, and the smaller one counts:
//!
//! - Many executors that are seldom busy are like an open queue, M/G/1-PS: work takes `m / (1 - W/C)` where work `W`
//!   is done, so `C = W / (1 - pace)`. It knows nothing of an executor's own queue, in which nothing slows anything.
//! - Few executors that are often busy meet `a` others that are busy, on the mean: work takes `m (1 + a) / C` by the
//!   arrival theorem, so `C = pace (1 + a)`. One that is alone shows no more than its pace, however busy it is.
//!
//! A node whose processor is slower but has room looks the same; as long as none of its executors is at its limit,
//! `C` is therefore not taken to be less than `pace` times the best node's.

use serde::{Deserialize, Serialize};

use crate::units::Share;

/// A smaller slowdown than this is noise.
pub const CLEARLY_SLOWER: f64 = 0.8;
/// An executor that is busy for at least this share of the time works as much as its node lets it.
const SATURATED: f64 = 0.9;
/// How much of a smoothed limit the last measurement makes, as a start or a burst looks like a limit.
const WEIGHT: f64 = 0.7;

/// What a node is seen doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Work done per second.
    pub work: f64,
    /// How many executors share the node while one of them is busy, itself included.
    pub sharing: f64,
    /// The time that work takes on the fastest node, over the time it takes here.
    pub pace: f64,
    /// Whether even the fastest node is slowed down, or the work has become more; nobody can tell which.
    pub all_slowed: bool,
    /// Capacity of the busiest executor.
    pub busiest: Share,
}

impl Load {
    fn is_slowed(&self) -> bool {
        self.pace < CLEARLY_SLOWER
    }

    /// The most work that the node can do by this alone; for one that is not slowed down at least that much.
    fn reaches(&self) -> f64 {
        let open = self.work / (1.0 - self.pace.min(CLEARLY_SLOWER));
        open.min(self.pace * self.sharing)
    }
}

/// What is known of how much work a node can do.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Power {
    /// The most it can do, if it was ever seen to be slowed down.
    pub limit: Option<f64>,
    /// What it was seen to be able to do at least.
    pub proven: f64,
}

impl Power {
    /// What is known to be possible.
    pub fn known(&self) -> f64 {
        self.limit.unwrap_or(0.0).max(self.proven)
    }

    /// The work to reckon with, relative to the best node's.
    ///
    /// A node without a limit can do something between what is proven of it and what the best one can do; taken is
    /// the geometric mean of the two. One that was never compared counts as the best.
    pub fn among(&self, best: f64) -> f64 {
        match self.limit {
            Some(limit) if best > 0.0 => limit / best,
            None if self.proven > 0.0 => (self.proven / best).sqrt(),
            _ => 1.0,
        }
    }

    /// Notes what a node that is not slowed down shows to be possible.
    pub fn prove(&mut self, load: &Load) {
        if !load.is_slowed() && !load.all_slowed {
            self.proven = self.proven.max(load.reaches());
            self.limit = self.limit.map(|limit| limit.max(load.reaches()));
        }
    }

    /// Notes where a node that is slowed down has its limit, the best node of the cluster being able to do
    /// `best`, and one being at work whose busiest executor reaches `at_work`.
    pub fn limit(&mut self, load: &Load, best: f64, at_work: Share) {
        if !load.is_slowed() {
            return;
        }
        let saturated = load.busiest.get() >= SATURATED;
        let here = if saturated { load.reaches() } else { load.reaches().max(load.pace * best) };
        let limit = match self.limit {
            Some(limit) if load.busiest >= at_work => limit + WEIGHT * (here - limit),
            // What idles shows no limit, but more than was thought possible is possible.
            Some(limit) => limit.max(load.reaches()),
            None => here,
        };
        self.limit = Some(limit);
        self.proven = self.proven.min(limit);
    }
}

/// The work to reckon with on each node, relative to the best one's, where their operators declared what they
/// have. A limit that was measured counts for more than a word; without one, a node does what its compute would
/// do at the best rate that any limit shows, or what was proven of it if that is more.
pub fn among_declared(powers: &[Power], declared: &[f64]) -> Vec<f64> {
    let rates = |of: fn(&Power) -> Option<f64>| {
        let rate = move |(power, points): (&Power, &f64)| Some(of(power)? / points);
        powers.iter().zip(declared).filter_map(rate).reduce(f64::max)
    };
    let proven = |power: &Power| Some(power.proven).filter(|proven| *proven > 0.0);
    let rate = rates(|power| power.limit).or_else(|| rates(proven)).unwrap_or(1.0);
    let effective: Vec<f64> = powers
        .iter()
        .zip(declared)
        .map(|(power, points)| power.limit.unwrap_or((rate * points).max(power.proven)))
        .collect();
    let best = effective.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    effective.into_iter().map(|power| power / best).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of executors of which many are seldom busy.
    fn load(work: f64, pace: f64, busiest: f64) -> Load {
        let sharing = f64::INFINITY;
        Load { work, sharing, pace, all_slowed: false, busiest: Share::saturating(busiest) }
    }

    fn limited(by: &[Load], best: f64) -> Option<f64> {
        let mut power = Power::default();
        for load in by {
            power.prove(load);
            power.limit(load, best, Share::saturating(0.5));
        }
        power.limit
    }

    #[test]
    fn shared_processors_tell_their_capacity_at_any_load() {
        // A processor of 0.4 does work of 8 ms at 20, 30 and 40 tuples a second.
        for rate in [20.0, 30.0, 40.0] {
            let work: f64 = rate * 0.008;
            let pace = 1.0 - work / 0.4;
            let limit = limited(&[load(work, pace, 0.6)], 0.0).expect("it is slowed down");
            assert!((limit - 0.4).abs() < 1e-9, "{limit} at {rate}");
        }
    }

    #[test]
    fn an_executor_shows_no_more_than_it_shares_with_others() {
        // A processor of half the best one's does 0.5, whoever is busy there all the time.
        for (executors, pace) in [(1.0, 0.5), (2.0, 0.25), (4.0, 0.125)] {
            let load = Load { sharing: executors, ..load(0.5, pace, 1.0) };
            assert_eq!(limited(&[load], 1.0), Some(0.5), "{executors}");
        }
        // Not slowed down and alone, it has shown what one executor can do.
        let mut power = Power::default();
        power.prove(&Load { sharing: 1.0, ..load(0.7, 1.0, 0.7) });
        assert_eq!(power.proven, 1.0);
    }

    #[test]
    fn a_node_that_is_not_slowed_down_has_no_limit_but_proves_what_it_can_do() {
        let mut power = Power::default();
        power.prove(&load(0.2, 0.95, 0.3));
        power.limit(&load(0.2, 0.95, 0.3), 1.0, Share::saturating(0.5));
        assert_eq!(power.limit, None);
        power.prove(&Load { all_slowed: true, ..load(0.9, 1.0, 0.9) });
        assert!((power.proven - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_a_node_without_limit_can_do_lies_between_what_is_proven_and_the_best() {
        let of = |limit, proven| Power { limit, proven }.among(4.0);
        assert_eq!(of(Some(1.0), 0.5), 0.25);
        assert_eq!(of(None, 1.0), 0.5);
        assert_eq!(of(None, 4.0), 1.0);
        assert_eq!(of(None, 0.0), 1.0);
    }

    #[test]
    fn declared_compute_counts_until_a_limit_is_measured() {
        let of = |limit, proven| Power { limit, proven };
        let declared = [100.0, 50.0, 25.0];
        let nothing = [of(None, 0.0); 3];
        assert_eq!(among_declared(&nothing, &declared), [1.0, 0.5, 0.25]);
        // A node of 25 points shows a limit of 0.3: the others do as much for their points.
        let limited = [of(None, 0.2), of(None, 0.0), of(Some(0.3), 0.1)];
        assert_eq!(among_declared(&limited, &declared), [1.0, 0.5, 0.25]);
        // One of 50 points that does less than its word, and one of 25 that has proven more.
        let wrong = [of(Some(1.0), 0.0), of(Some(0.2), 0.2), of(None, 0.5)];
        assert_eq!(among_declared(&wrong, &declared), [1.0, 0.2, 0.5]);
        let proven = [of(None, 0.8), of(None, 0.0), of(None, 0.0)];
        assert_eq!(among_declared(&proven, &declared), [1.0, 0.5, 0.25]);
    }

    #[test]
    fn a_slow_processor_with_room_is_not_taken_for_a_small_one() {
        assert_eq!(limited(&[load(0.01, 0.5, 0.1)], 2.0), Some(1.0));
        // Once it is at its limit, that is what it can do.
        assert_eq!(limited(&[load(0.3, 0.5, 0.95)], 2.0), Some(0.6));
    }

    #[test]
    fn a_limit_is_smoothed_at_work_and_only_rises_otherwise() {
        let full = load(0.2, 0.0, 1.0);
        let freed = limited(&[full, load(0.5, 0.5, 0.95)], 1.0).expect("known");
        assert!((freed - (0.2 + WEIGHT * 0.8)).abs() < 1e-9);
        assert_eq!(limited(&[full, load(0.02, 0.7, 0.1)], 1.0), Some(0.2), "it idles");
        let proven = limited(&[full, load(0.1, 0.9, 0.4)], 1.0).expect("known");
        assert!((proven - 0.5).abs() < 1e-9, "it is seen to do more");
    }
}
