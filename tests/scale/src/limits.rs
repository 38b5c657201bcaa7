//! What has a limit, and where on a curve it is reached.

use serde::Serialize;

use crate::growth::{Curve, MEASURES, Measure, Point, Unit};

const MIB: f64 = (1 << 20) as f64;

/// The most that something may be.
#[derive(Debug)]
pub struct Limit {
    /// The measure; memory is the sum of two.
    pub of: &'static [&'static str],
    /// The most.
    pub most: f64,
    /// What it is, and what happens beyond it.
    pub text: &'static str,
}

/// All of them.
pub const LIMITS: &[Limit] = &[
    Limit {
        of: &["calm.round_s"],
        most: 0.2,
        text: "a round within 2 % of a core at looks 10 s apart; beyond that looks come less often",
    },
    Limit {
        of: &["calm.round_s"],
        most: 10.0,
        text: "a round within 10 s, Storm's interval; beyond that decisions are late",
    },
    Limit {
        of: &["calm.first_s"],
        most: 10.0,
        text: "the first look within 10 s; beyond that the next one waits for it once",
    },
    Limit {
        of: &["calm.kept_bytes", "calm.peak_bytes"],
        most: 200.0 * MIB,
        text: "memory outside the JVM within 200 MiB, the goal",
    },
    Limit {
        of: &["short.kept_bytes", "short.peak_bytes"],
        most: 200.0 * MIB,
        text: "the same while all topologies are short",
    },
    Limit {
        of: &["short.status_bytes"],
        most: 8.0 * MIB,
        text: "a status of 8 MiB, the most that is answered through Redis; beyond that it is refused there, and is had at the socket",
    },
    Limit {
        of: &["short.status_bytes"],
        most: 64.0 * MIB,
        text: "a status of 64 MiB, the most that is read at the socket; beyond that `thalweg status`, `serve` and the dashboard see nothing",
    },
    Limit {
        of: &["server_look_s"],
        most: 10.0,
        text: "a look of the server within 10 s, its patience; beyond that the engine counts as not answering",
    },
    Limit {
        of: &["look_at_pace_s"],
        most: 10.0,
        text: "a look at Flink within 10 s, the interval, at 50 requests a second; beyond that looks come less often",
    },
    Limit {
        of: &["untold"],
        most: 0.0,
        text: "every dashboard is told of changes; there are 256 streams of events",
    },
    Limit { of: &["unserved"], most: 0.0, text: "every dashboard is answered" },
    Limit {
        of: &["answer_p99_s"],
        most: 1.0,
        text: "99 % of the answers to dashboards within a second",
    },
];

/// Where a limit is reached.
#[derive(Debug, Clone, Serialize)]
pub struct Reached {
    /// The limit.
    pub limit: &'static str,
    /// The largest size that was measured within it; nothing if there is none.
    pub within: Option<String>,
    /// The smallest that was measured beyond it.
    pub beyond: Option<String>,
    /// The part of it that the largest size takes.
    pub share: Option<f64>,
    /// Where none was beyond it: the size along the curve at which it would be, growing as between the last two.
    pub expected: Option<f64>,
}

impl Limit {
    fn value(&self, point: &Point) -> Option<f64> {
        self.of.iter().map(|name| point.value(name)).sum()
    }

    /// Where a curve reaches it; nothing where that has no such measure.
    pub fn reached(&self, curve: &Curve) -> Option<Reached> {
        let known: Vec<(&Point, f64)> =
            curve.points.iter().filter_map(|point| Some((point, self.value(point)?))).collect();
        let (last, value) = known.last()?;
        let beyond = known.iter().find(|(_, value)| *value > self.most);
        let end = beyond.map_or(f64::INFINITY, |(point, _)| point.at);
        let within = known.iter().rfind(|(point, _)| point.at < end);
        // A limit of none has no parts, and whatever has none does not grow.
        let share = (self.most > 0.0).then(|| value / self.most);
        let expected = share.filter(|share| beyond.is_none() && *share > 0.0).and_then(|share| {
            let (before, smaller) = known.iter().rev().nth(1)?;
            let power = (value / smaller).ln() / (last.at / before.at).ln();
            (power > 0.2).then(|| last.at * (1.0 / share).powf(1.0 / power))
        });
        let size = |(point, _): &(&Point, f64)| point.size.clone();
        Some(Reached {
            limit: self.text,
            within: within.map(size),
            beyond: beyond.map(size),
            share,
            expected,
        })
    }
}

/// Where all limits are reached, those that are passed first, by how far along the curve.
pub fn reached(curve: &Curve) -> Vec<Reached> {
    let place = |reached: &Reached| {
        let at = |size: &String| {
            curve.points.iter().find(|point| point.size == *size).map(|point| point.at)
        };
        reached.beyond.as_ref().and_then(at).or(reached.expected).unwrap_or(f64::INFINITY)
    };
    let mut all: Vec<Reached> = LIMITS.iter().filter_map(|limit| limit.reached(curve)).collect();
    all.sort_by(|one, other| place(one).total_cmp(&place(other)));
    all
}

/// Measures that a curve has.
pub fn measured<'a>(curve: &'a Curve) -> impl Iterator<Item = &'static Measure> + 'a {
    MEASURES.iter().filter(|measure| {
        let values = || curve.points.iter().filter_map(|point| point.value(measure.name));
        // What never happened needs no row, unless it has a limit.
        let limited = LIMITS.iter().any(|limit| limit.of.contains(&measure.name));
        values().next().is_some()
            && (limited || measure.unit != Unit::Count || values().any(|v| v > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Figures, counted};

    #[test]
    fn a_limit_lies_between_two_sizes_or_further_along_the_curve() {
        let point = |at: f64, secs: f64| Point {
            at,
            size: format!("{at}"),
            figures: Figures::from([("calm.round_s".to_owned(), counted(secs))]),
        };
        let points = vec![point(10.0, 0.01), point(100.0, 0.1), point(1000.0, 1.0)];
        let curve = Curve { name: "x".to_owned(), grows: "x".to_owned(), points };
        let found = reached(&curve);
        let (first, second) = (&found[0], &found[1]);
        assert_eq!((first.within.as_deref(), first.beyond.as_deref()), (Some("100"), Some("1000")));
        assert_eq!((second.within.as_deref(), second.beyond.as_deref()), (Some("1000"), None));
        let expected = second.expected.expect("it grows");
        assert!((expected - 10_000.0).abs() < 1e-6, "{expected}");
    }
}
