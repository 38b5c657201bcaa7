//! Keeps questions apart, so that a server with much to tell is not kept busy by whoever looks.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// At most so many questions within any second.
#[derive(Debug)]
pub struct Pace {
    most: usize,
    /// When the latest were asked, the oldest first; at most so many.
    asked: VecDeque<Instant>,
}

impl Pace {
    /// At most so many, and at least one.
    pub fn of(most: usize) -> Self {
        Self { most: most.max(1), asked: VecDeque::new() }
    }

    /// Counts a question, and tells how long to wait before it is asked.
    pub fn next(&mut self, now: Instant) -> Duration {
        let mut at = now;
        if self.asked.len() >= self.most
            && let Some(oldest) = self.asked.pop_front()
        {
            at = at.max(oldest + SECOND);
        }
        self.asked.push_back(at);
        at.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_so_many_are_asked_within_any_second() {
        let begin = Instant::now();
        let mut pace = Pace::of(3);
        let mut now = begin;
        let mut asked = Vec::new();
        for _ in 0..10 {
            now += pace.next(now);
            asked.push(now - begin);
            now += Duration::from_millis(10);
        }
        assert!(asked.windows(4).all(|four| four[3] - four[0] >= SECOND), "{asked:?}");
        assert_eq!(asked[2], Duration::from_millis(20), "the first ones are not held up");
    }
}
