//! Records that travel together.
//!
//! A cohort holds records that arrived at about the same time. It carries two quantities: `records`,
//! which operators multiply and cut, and `roots`, the parts of source records that these records are
//! the work on. Roots are only split and passed on, so over the whole job they are conserved
//! whatever operators do: all that arrived are waiting, on their way, lost for now, or complete.

use std::collections::VecDeque;

/// Cohorts whose births lie nearer than this share of their age are one.
const MERGE_SHARE: f64 = 0.02;
/// Less than this is nothing.
pub(crate) const DUST: f64 = 1e-9;

/// Records of about the same age.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cohort {
    /// Records.
    pub records: f64,
    /// Source records, or parts of them, that these are the work on.
    pub roots: f64,
    /// When they arrived before the source, in seconds.
    pub birth: f64,
    /// When the source took them, in seconds.
    pub emitted: f64,
    /// Mean of what they waited in turns too short for a step, in seconds.
    pub wait: f64,
    /// Of the time since the source took them, what they spent in executors and on the network.
    pub passing: f64,
}

impl Cohort {
    /// A part of it.
    pub fn part(&self, share: f64) -> Self {
        Self { records: self.records * share, roots: self.roots * share, ..*self }
    }

    fn absorb(&mut self, other: &Self) {
        // Times are those of roots; of records that nobody waits for they do not matter.
        let weights = (self.roots + DUST * self.records, other.roots + DUST * other.records);
        let share = weights.1 / (weights.0 + weights.1).max(f64::MIN_POSITIVE);
        self.birth += (other.birth - self.birth) * share;
        self.emitted += (other.emitted - self.emitted) * share;
        self.wait += (other.wait - self.wait) * share;
        self.passing += (other.passing - self.passing) * share;
        self.records += other.records;
        self.roots += other.roots;
    }

    fn is_like(&self, other: &Self, now: f64, grain: f64) -> bool {
        let near = grain.max(MERGE_SHARE * (now - self.birth));
        (self.birth - other.birth).abs() <= near && (self.emitted - other.emitted).abs() <= near
    }
}

/// Cohorts in the order in which they are worked on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fifo {
    cohorts: VecDeque<Cohort>,
    records: f64,
    roots: f64,
}

impl Fifo {
    /// Records in it.
    pub fn records(&self) -> f64 {
        self.records
    }

    /// Roots in it.
    pub fn roots(&self) -> f64 {
        self.roots
    }

    /// Puts a cohort at the end.
    pub fn push(&mut self, cohort: Cohort, now: f64, grain: f64) {
        if cohort.records <= 0.0 && cohort.roots <= 0.0 {
            return;
        }
        self.records += cohort.records;
        self.roots += cohort.roots;
        match self.cohorts.back_mut() {
            Some(last) if last.is_like(&cohort, now, grain) => last.absorb(&cohort),
            _ => self.cohorts.push_back(cohort),
        }
    }

    /// Puts a cohort before all others.
    pub fn push_front(&mut self, cohort: Cohort) {
        if cohort.records > 0.0 || cohort.roots > 0.0 {
            self.records += cohort.records;
            self.roots += cohort.roots;
            self.cohorts.push_front(cohort);
        }
    }

    /// Takes records from the front and hands each piece to `take`.
    pub fn pop(&mut self, records: f64, mut take: impl FnMut(Cohort)) {
        let mut left = records.min(self.records);
        while left > 0.0 {
            let Some(front) = self.cohorts.front_mut() else { break };
            if front.records <= left + DUST {
                left -= front.records;
                self.records -= front.records;
                self.roots -= front.roots;
                let whole = *front;
                self.cohorts.pop_front();
                take(whole);
            } else {
                let piece = front.part(left / front.records);
                front.records -= piece.records;
                front.roots -= piece.roots;
                self.records -= piece.records;
                self.roots -= piece.roots;
                left = 0.0;
                take(piece);
            }
        }
        if self.cohorts.is_empty() {
            (self.records, self.roots) = (0.0, 0.0);
        }
    }

    /// Takes everything.
    pub fn drain(&mut self) -> Vec<Cohort> {
        (self.records, self.roots) = (0.0, 0.0);
        self.cohorts.drain(..).collect()
    }

    /// Takes the roots, but not the records, of the cohorts at the front that are `expired`.
    pub fn expire(&mut self, expired: impl Fn(&Cohort) -> bool, mut take: impl FnMut(Cohort)) {
        for cohort in &mut self.cohorts {
            if cohort.roots <= 0.0 {
                continue;
            }
            if !expired(cohort) {
                break;
            }
            self.roots -= cohort.roots;
            take(*cohort);
            cohort.roots = 0.0;
        }
    }

    /// The sums as they must be, found anew: what has been added up and taken away for long drifts.
    pub fn recount(&mut self) {
        self.records = self.cohorts.iter().map(|cohort| cohort.records).sum();
        self.roots = self.cohorts.iter().map(|cohort| cohort.roots).sum();
    }
}

/// A few cohorts of different ages, on their way from one component to the next.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bundle(Vec<Cohort>);

impl Bundle {
    /// Adds a cohort, to one like it where there is one.
    pub fn add(&mut self, cohort: Cohort, now: f64, grain: f64) {
        match self.0.iter_mut().find(|own| own.is_like(&cohort, now, grain)) {
            Some(own) => own.absorb(&cohort),
            None => self.0.push(cohort),
        }
    }

    /// Its cohorts.
    pub fn cohorts(&self) -> &[Cohort] {
        &self.0
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cohort(records: f64, birth: f64) -> Cohort {
        Cohort { records, roots: records / 2.0, birth, emitted: birth, ..Cohort::default() }
    }

    #[test]
    fn first_in_is_first_out_and_nothing_is_lost() {
        let mut fifo = Fifo::default();
        fifo.push(cohort(10.0, 0.0), 0.0, 0.1);
        fifo.push(cohort(10.0, 5.0), 5.0, 0.1);
        let mut taken = Vec::new();
        fifo.pop(15.0, |piece| taken.push((piece.records, piece.roots, piece.birth)));
        assert_eq!(taken, [(10.0, 5.0, 0.0), (5.0, 2.5, 5.0)]);
        assert_eq!((fifo.records(), fifo.roots()), (5.0, 2.5));
    }

    #[test]
    fn cohorts_of_like_age_are_one() {
        let mut fifo = Fifo::default();
        fifo.push(cohort(10.0, 1.0), 2.0, 0.5);
        fifo.push(cohort(30.0, 1.4), 2.0, 0.5);
        let mut taken = Vec::new();
        fifo.pop(40.0, |piece| taken.push(piece));
        assert_eq!(taken.len(), 1);
        assert!((taken[0].birth - 1.3).abs() < 1e-9);
    }

    #[test]
    fn expired_roots_leave_their_records_behind() {
        let mut fifo = Fifo::default();
        fifo.push(cohort(10.0, 0.0), 0.0, 0.1);
        fifo.push(cohort(10.0, 50.0), 50.0, 0.1);
        let mut expired = 0.0;
        fifo.expire(|cohort| cohort.emitted < 40.0, |cohort| expired += cohort.roots);
        assert_eq!((expired, fifo.roots(), fifo.records()), (5.0, 5.0, 20.0));
    }
}
