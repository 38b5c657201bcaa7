//! Numbers of executors that proved to be too few: more were needed again a short time after some had been taken away,
//! although no more was asked for. Without this memory the same saving would be tried after each calm quarter of an hour.

use std::collections::BTreeMap;

use crate::units::{Millis, Timestamp};

/// What is asked of a component differs by less than this part from what was: the load is the same.
const SAME: f64 = 0.2;
/// However often it was tried, as few are ruled out for at most 2 to this power times the plain time.
const MOST_DOUBLINGS: u32 = 5;

/// What is remembered of components, by their index.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct TooFew {
    tried: BTreeMap<usize, Tried>,
    suspected: BTreeMap<usize, Suspected>,
    known: BTreeMap<usize, Known>,
}

/// Fewer executors, of which it is not known yet whether they are enough.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tried {
    at: Timestamp,
    /// Records per second that were asked of the component then.
    asked: f64,
}

/// Executors that became more again. What was asked of them then may have been what was left waiting by the stop before, so
/// that it shows afterwards only whether the load was another.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Suspected {
    executors: u32,
    tried: Tried,
    at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Known {
    executors: u32,
    tried: Tried,
    until: Timestamp,
    times: u32,
}

/// A component whose executors changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changed {
    pub index: usize,
    pub before: u32,
    pub now: u32,
    /// Records per second that were asked of it before; nothing where that was not known.
    pub asked: Option<f64>,
}

impl TooFew {
    /// Notes that a component got fewer executors, or more: if that comes within `horizon`, they may have been too few.
    pub fn note(&mut self, change: Changed, at: Timestamp, horizon: Millis) {
        let Changed { index, before, now, asked } = change;
        self.suspected.remove(&index);
        if now < before {
            match asked {
                Some(asked) => drop(self.tried.insert(index, Tried { at, asked })),
                None => drop(self.tried.remove(&index)),
            }
            return;
        }
        match self.tried.get(&index) {
            Some(&tried) if at.since(tried.at) < horizon => {
                self.suspected.insert(index, Suspected { executors: before, tried, at });
            }
            _ => drop(self.tried.remove(&index)),
        }
    }

    /// Somebody else took executors away, so that their coming back is no proof.
    pub fn forget(&mut self, index: usize) {
        self.tried.remove(&index);
        self.suspected.remove(&index);
    }

    /// Compares what is asked of components with what was when they got fewer executors. Where it is the same within `soon` of
    /// their getting more again, as few are ruled out for the time `plain`, for twice as long each further time.
    pub fn compare(
        &mut self,
        asked: &[Option<f64>],
        now: Timestamp,
        (soon, plain): (Millis, Millis),
    ) {
        let Self { suspected, known, .. } = self;
        suspected.retain(|index, suspect| {
            let Suspected { executors, tried, at } = *suspect;
            let same = asked
                .get(*index)
                .copied()
                .flatten()
                .is_some_and(|asked| is_like(asked, tried.asked));
            if same {
                let before = known.get(index).filter(|known| now < known.until.plus(plain));
                let times = match before {
                    // One try may take several steps back.
                    Some(known) if known.tried.at == tried.at => known.times,
                    Some(known) => known.times + 1,
                    None => 0,
                };
                // What was too few under no more than this load is known still.
                let standing = before.filter(|known| {
                    now < known.until && known.tried.asked <= tried.asked * (1.0 + SAME)
                });
                let executors = standing.map_or(executors, |known| executors.max(known.executors));
                let span = plain.get() * f64::from(1u32 << times.min(MOST_DOUBLINGS));
                let until = now.plus(Millis::saturating(span));
                known.insert(*index, Known { executors, tried, until, times });
            }
            !same && now.since(at) < soon
        });
    }

    /// The fewest executors that a component keeps under what is asked of it, as fewer were too few.
    pub fn least(&self, index: usize, asked: Option<f64>, now: Timestamp) -> Option<u32> {
        let known = self.known.get(&index).filter(|known| now < known.until)?;
        (asked? >= known.tried.asked * (1.0 - SAME)).then_some(known.executors + 1)
    }
}

/// Whether as much is asked for as was.
fn is_like(asked: f64, was: f64) -> bool {
    (asked - was).abs() <= was * SAME
}

#[cfg(test)]
mod tests {
    use super::*;

    const HORIZON: Millis = Millis::from_secs(1200);
    const TIMES: (Millis, Millis) = (Millis::from_secs(600), Millis::from_secs(3600));

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1000)
    }

    fn change(known: &mut TooFew, (before, now): (u32, u32), asked: f64, secs: i64) {
        known.note(Changed { index: 1, before, now, asked: Some(asked) }, at(secs), HORIZON);
    }

    fn see(known: &mut TooFew, asked: f64, secs: i64) {
        known.compare(&[None, Some(asked)], at(secs), TIMES);
    }

    #[test]
    fn what_was_too_few_is_not_tried_again_under_the_same_load_for_longer_each_time() {
        let mut known = TooFew::default();
        change(&mut known, (9, 5), 100.0, 0);
        assert_eq!(known.least(1, Some(100.0), at(10)), None, "it may be enough");
        // What waited since the stop is worked off.
        change(&mut known, (5, 7), 150.0, 80);
        see(&mut known, 150.0, 90);
        assert_eq!(known.least(1, Some(100.0), at(90)), None, "more may be asked for");
        see(&mut known, 101.0, 100);
        assert_eq!(known.least(1, Some(100.0), at(100)), Some(6));
        // Neither were those enough to which it came back first.
        change(&mut known, (7, 16), 110.0, 160);
        see(&mut known, 100.0, 170);
        assert_eq!(known.least(1, Some(100.0), at(170)), Some(8));
        assert_eq!(known.least(1, Some(79.0), at(170)), None, "less is asked for");
        assert_eq!(known.least(1, None, at(170)), None);
        assert_eq!(known.least(1, Some(100.0), at(3769)), Some(8));
        assert_eq!(known.least(1, Some(100.0), at(3770)), None);
        change(&mut known, (16, 7), 100.0, 4000);
        change(&mut known, (7, 9), 100.0, 4100);
        see(&mut known, 100.0, 4110);
        assert_eq!(known.least(1, Some(100.0), at(4110 + 7199)), Some(8), "twice as long");
        assert_eq!(known.least(1, Some(100.0), at(4110 + 7200)), None);
    }

    #[test]
    fn more_for_more_load_or_after_long_proves_nothing() {
        let mut known = TooFew::default();
        change(&mut known, (9, 5), 100.0, 0);
        change(&mut known, (5, 9), 130.0, 80);
        see(&mut known, 130.0, 90);
        see(&mut known, 20.0, 100);
        (11..70).for_each(|tens| see(&mut known, 130.0, tens * 10));
        see(&mut known, 100.0, 700);
        change(&mut known, (9, 5), 100.0, 1000);
        change(&mut known, (5, 9), 100.0, 2200);
        see(&mut known, 100.0, 2210);
        assert_eq!(known, TooFew { tried: BTreeMap::new(), ..TooFew::default() });
    }
}
