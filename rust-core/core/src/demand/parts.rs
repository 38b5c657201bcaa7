//! Streams into one component of which only the sum is known.
//!
//! Flink counts what a step writes as one number, whoever gets it. What its receivers take in tells the parts
//! where each has one sender. Where one has several, any parts are possible that add up to what it takes in, and
//! none above what its sender gives out. As each may grow as its sender does, that leaves a range of demands,
//! which is narrow where senders grow alike (as behind one source), where all that they give out arrives, or
//! where one of them gives out next to nothing.

use std::ops::AddAssign;

use super::asked::Demand;

/// A demand whose ends lie further apart than this part is not known.
const MOST_SPREAD: f64 = 0.08;
/// The same of copies, which may come to count twice as often.
const MOST_SPREAD_OF_COPIES: f64 = 0.04;

/// The demands that are possible by what was measured.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Range {
    pub least: Demand,
    pub most: Demand,
}

impl Range {
    pub fn exactly(demand: Demand) -> Self {
        Self { least: demand, most: demand }
    }

    /// Records per second of so many executors.
    pub fn of(self, executors: u32) -> [f64; 2] {
        [self.least.of(executors), self.most.of(executors)]
    }

    /// The same where it is narrow enough to go by.
    pub fn told(self, executors: u32) -> Option<Self> {
        let [least, most] = self.of(executors);
        let copies = (self.most.each - self.least.each) * f64::from(executors);
        let told = most - least <= MOST_SPREAD * least && copies <= MOST_SPREAD_OF_COPIES * least;
        told.then_some(self)
    }
}

impl AddAssign for Range {
    fn add_assign(&mut self, other: Self) {
        self.least += other.least;
        self.most += other.most;
    }
}

/// One of the streams.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    /// How many times as much as now its sender is asked for, at least and at most.
    pub growth: [f64; 2],
    /// The most records per second that it can carry now.
    pub most: f64,
    /// Whether it is broadcast.
    pub broadcast: bool,
}

/// What all parts together will carry to so many executors when `rest` records per second come by them now.
/// Nothing where that may be endless.
pub(super) fn told_apart(parts: &[Part], rest: f64, executors: u32) -> Option<Range> {
    // No more comes by them than their senders give out.
    let rest = rest.min(parts.iter().map(|part| part.most).sum());
    let copied = |part: &Part, end: usize| if part.broadcast { part.growth[end] } else { 0.0 };
    let all = [least(parts, rest, |part| part.growth[0]), most(parts, rest, |part| part.growth[1])];
    let copies =
        [least(parts, rest, |part| copied(part, 0)), most(parts, rest, |part| copied(part, 1))];
    let demand = |end: usize| Demand {
        shared: (all[end] - copies[end]).max(0.0),
        each: copies[end] / f64::from(executors.max(1)),
    };
    all[1].is_finite().then(|| Range { least: demand(0), most: demand(1) })
}

/// The least that `rest` can become when each part of it counts as often as `weight` says.
fn least(parts: &[Part], rest: f64, weight: impl Fn(&Part) -> f64) -> f64 {
    filled(parts, rest, |part| (weight(part), 1.0))
}

/// The most.
fn most(parts: &[Part], rest: f64, weight: impl Fn(&Part) -> f64) -> f64 {
    filled(parts, rest, |part| (weight(part), -1.0))
}

/// Fills parts up to what they can carry, in the order of weight times sign.
fn filled(parts: &[Part], rest: f64, weight: impl Fn(&Part) -> (f64, f64)) -> f64 {
    let mut sorted: Vec<((f64, f64), f64)> = parts.iter().map(|p| (weight(p), p.most)).collect();
    sorted.sort_by(|((a, sign), _), ((b, _), _)| (a * sign).total_cmp(&(b * sign)));
    let mut left = rest;
    let mut sum = 0.0;
    for ((weight, _), most) in sorted {
        let taken = left.min(most);
        left -= taken;
        sum += weight * taken;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(growth: f64, most: f64) -> Part {
        Part { growth: [growth; 2], most, broadcast: false }
    }

    /// What is asked of four executors, of which so much comes by other streams.
    fn asked(parts: &[Part], rest: f64, others: f64) -> Option<Demand> {
        let mut range = Range::exactly(Demand::shared(others));
        range += told_apart(parts, rest, 4)?;
        Some(range.told(4)?.most)
    }

    fn shared(rate: f64) -> Option<Demand> {
        Some(Demand::shared(rate))
    }

    #[test]
    fn one_sender_alone_is_told_by_what_arrives() {
        assert_eq!(asked(&[part(2.0, 1000.0)], 200.0, 0.0), shared(400.0));
        // What was sent before is worked off: no more than is sent will go on.
        assert_eq!(asked(&[part(2.0, 1000.0)], 1300.0, 0.0), shared(2000.0));
    }

    #[test]
    fn several_are_told_where_it_does_not_matter_which_sent_what() {
        let alike = [part(2.0, 1000.0), part(2.0, 800.0)];
        assert_eq!(asked(&alike, 600.0, 0.0), shared(1200.0));
        let unlike = [part(1.0, 1000.0), part(2.0, 800.0)];
        assert_eq!(asked(&unlike, 600.0, 0.0), None);
        assert_eq!(asked(&unlike, 1800.0, 0.0), shared(2600.0), "all that they give out");
        let one_is_small = [part(1.0, 1000.0), part(2.0, 10.0)];
        assert_eq!(asked(&one_is_small, 600.0, 0.0), shared(610.0));
        assert!(asked(&unlike, 600.0, 9000.0).is_some(), "next to what is known it is little");
    }

    #[test]
    fn copies_are_told_from_the_rest_or_nothing_is() {
        let rules = Part { broadcast: true, ..part(1.0, 400.0) };
        let found = asked(&[rules], 80.0, 2000.0);
        assert_eq!(found, Some(Demand { shared: 2000.0, each: 20.0 }));
        assert_eq!(asked(&[rules, part(1.0, 1000.0)], 1000.0, 0.0), None);
        let found = asked(&[rules, part(1.0, 1000.0)], 1400.0, 0.0);
        assert_eq!(found, Some(Demand { shared: 1000.0, each: 100.0 }));
    }
}
