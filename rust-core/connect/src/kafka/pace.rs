//! How far a group has read since it committed, by the pace at which it commits.
//!
//! A group commits every few seconds, so between two commits what it has read seems to wait. Its commits tell how much it
//! reads in which time; so for as long as the next commit is not overdue, it is taken to read on at that pace. Without two
//! commits, or once one is overdue, all that lies behind the last one counts as waiting: nothing is guessed then.

use std::time::Duration;

/// A commit is overdue after so many of the usual times between two.
const OVERDUE: f64 = 1.5;

/// The commits of one partition, with the times at which they were seen.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pace {
    /// The last commit, and when it was found.
    last: Option<(u64, Duration)>,
    /// Records and seconds between the last two.
    between: Option<(f64, f64)>,
}

impl Pace {
    /// A look at what is committed; the one before was at `before`.
    pub fn note(&mut self, committed: Option<u64>, before: Duration, now: Duration) {
        let Some(committed) = committed else {
            *self = Self::default();
            return;
        };
        match self.last {
            // What was committed when it was looked at first may be old.
            None => self.last = Some((committed, Duration::ZERO)),
            Some((last, _)) if committed == last => {}
            // It was put back: what it reads now is another matter.
            Some((last, _)) if committed < last => {
                *self = Self { last: Some((committed, Duration::ZERO)), between: None };
            }
            Some((last, at)) => {
                // It happened some time since the look before.
                let found = before + (now.saturating_sub(before)) / 2;
                let secs = found.saturating_sub(at).as_secs_f64();
                let known = at > Duration::ZERO && secs > 0.0;
                self.between = known.then_some(((committed - last) as f64, secs));
                self.last = Some((committed, found));
            }
        }
    }

    /// Records that the group has probably read since its last commit.
    pub fn read_since(&self, now: Duration) -> u64 {
        let (Some((_, at)), Some((records, secs))) = (self.last, self.between) else { return 0 };
        let since = now.saturating_sub(at).as_secs_f64();
        if since > OVERDUE * secs {
            return 0;
        }
        // Whole records only; a pace of some billions a second is none that anybody has.
        (records * (since / secs)).floor() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// What waits in truth and by the count, each second from 61 on, of a group that reads so much and commits each 30 s.
    fn counted(arrive: u64, read: u64, stops: u64) -> Vec<(u64, u64)> {
        let (mut pace, mut committed, mut position) = (Pace::default(), 0, 0);
        let mut seen = Vec::new();
        for second in 1..=150 {
            let end = 1_000 + arrive * second;
            if second < stops {
                position = (position + read).min(end);
                if second % 30 == 0 {
                    committed = position;
                }
            }
            pace.note(Some(committed), secs(second - 1), secs(second));
            if second > 60 {
                let waits = end - committed;
                seen.push((end - position, waits.saturating_sub(pace.read_since(secs(second)))));
            }
        }
        seen
    }

    #[test]
    fn a_steady_group_is_counted_without_saw_teeth() {
        for (arrive, read) in [(100, 100), (150, 100), (80, 95)] {
            for (truly, counted) in counted(arrive, read, u64::MAX) {
                // A commit is found up to a second late.
                assert!(counted.abs_diff(truly) <= read, "{truly} counted as {counted}");
            }
        }
    }

    #[test]
    fn once_a_commit_is_overdue_nothing_is_taken_as_read() {
        let seen = counted(100, 100, 100);
        let (truly, counted) = seen[88];
        // It had committed at 90 and read on for 9 s.
        assert_eq!((truly, counted), (1_000 + 50 * 100, 1_000 + 59 * 100));
        for (truly, counted) in seen {
            assert!(counted + 46 * 100 >= truly, "{truly} counted as {counted}");
        }
    }

    #[test]
    fn without_two_commits_all_behind_the_last_one_waits() {
        let mut pace = Pace::default();
        pace.note(Some(50), secs(0), secs(1));
        pace.note(Some(90), secs(1), secs(2));
        assert_eq!(pace.read_since(secs(3)), 0, "the first was old when it was seen");
        pace.note(Some(130), secs(11), secs(12));
        assert_eq!(pace.read_since(secs(14)), 10);
        pace.note(Some(20), secs(14), secs(15));
        assert_eq!(pace.read_since(secs(16)), 0, "put back");
        pace.note(None, secs(16), secs(17));
        assert_eq!(pace, Pace::default());
    }
}
