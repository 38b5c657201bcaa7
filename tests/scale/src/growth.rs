//! What is measured, and how it grows.

use serde::Serialize;

use crate::Figures;

/// Grows by more than this power of the size is more than what lists and trees cost.
pub const STEEP: f64 = 1.3;
/// Times below this are mostly those of the machine, in seconds, and bytes below the other those of the program.
const LEAST: (f64, f64) = (0.002, 65_536.0);

/// In what a measure is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds, shown in ms.
    Seconds,
    /// Bytes, shown in KiB.
    Bytes,
    /// A number of something.
    Count,
}

impl Unit {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seconds => "ms",
            Self::Bytes => "KiB",
            Self::Count => "",
        }
    }

    /// A value as tables show it.
    pub fn shown(self, value: f64) -> f64 {
        match self {
            Self::Seconds => value * 1000.0,
            Self::Bytes => value / 1024.0,
            Self::Count => value,
        }
    }

    /// Whether a value is large enough for its growth to say anything.
    fn tells(self, value: f64) -> bool {
        match self {
            Self::Seconds => value >= LEAST.0,
            Self::Bytes => value >= LEAST.1,
            Self::Count => value > 0.0,
        }
    }
}

/// Something that is measured.
#[derive(Debug)]
pub struct Measure {
    /// Its name in figures; before it stands the load of the cluster where there are two.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// In what it is counted.
    pub unit: Unit,
    /// The plot that it is in; none if empty.
    pub plot: &'static str,
}

const fn of(name: &'static str, title: &'static str, unit: Unit, plot: &'static str) -> Measure {
    Measure { name, title, unit, plot }
}

const TIME: &str = "time";
const MEMORY: &str = "memory";

/// All of them, in the order of tables.
pub const MEASURES: &[Measure] = &[
    of("calm.snapshot_bytes", "snapshot", Unit::Bytes, ""),
    of("calm.decode_s", "decoding it", Unit::Seconds, TIME),
    of("calm.decide_s", "deciding, all calm", Unit::Seconds, TIME),
    of("short.decide_s", "deciding, all short", Unit::Seconds, TIME),
    of("short.plans", "plans of a look, all short", Unit::Count, ""),
    of("calm.observe_s", "observing, all calm", Unit::Seconds, ""),
    of("short.observe_s", "observing, all short", Unit::Seconds, ""),
    of("calm.assign_s", "assigning", Unit::Seconds, TIME),
    of("calm.round_s", "a round, all calm", Unit::Seconds, TIME),
    of("short.round_s", "a round, all short", Unit::Seconds, TIME),
    of("calm.first_s", "the first look, which stores all tables", Unit::Seconds, TIME),
    of("calm.kept_bytes", "kept in memory, all calm", Unit::Bytes, MEMORY),
    of("short.kept_bytes", "kept in memory, all short", Unit::Bytes, MEMORY),
    of("calm.peak_bytes", "more during a round, all calm", Unit::Bytes, MEMORY),
    of("short.peak_bytes", "more during a round, all short", Unit::Bytes, MEMORY),
    of("calm.store_bytes", "file of the store", Unit::Bytes, ""),
    of("short.ledger_bytes", "ledger after the rounds, all short", Unit::Bytes, ""),
    of("redis_first_s", "the first look over Redis, until all is there", Unit::Seconds, TIME),
    of("redis_first_calls", "commands of that", Unit::Count, ""),
    of("redis_first_bytes", "bytes to and from Redis of that", Unit::Bytes, ""),
    of("redis_round_calls", "commands of a later round", Unit::Count, ""),
    of("redis_round_bytes", "bytes of a later round", Unit::Bytes, ""),
    of("redis_kept_bytes", "kept in Redis", Unit::Bytes, MEMORY),
    of("redis_idle_calls_a_second", "commands a second between rounds", Unit::Count, ""),
    of("redis_idle_bytes_a_second", "bytes a second between rounds", Unit::Bytes, ""),
    of("short.status_bytes", "status", Unit::Bytes, MEMORY),
    of("socket_s", "status at the socket", Unit::Seconds, TIME),
    of("server_look_s", "a look of the server", Unit::Seconds, TIME),
    of("server_kept_bytes", "kept in memory by the server", Unit::Bytes, MEMORY),
    of("overview_s", "answer: 50 topologies", Unit::Seconds, ""),
    of("busiest_s", "answer: the 50 busiest", Unit::Seconds, ""),
    of("topology_s", "answer: a topology", Unit::Seconds, ""),
    of("topology_answer_bytes", "bytes of that", Unit::Bytes, ""),
    of("metrics_s", "answer: metrics", Unit::Seconds, TIME),
    of("metrics_answer_bytes", "bytes of that", Unit::Bytes, ""),
    of("look_requests", "requests of a look", Unit::Count, "requests"),
    of("look_bytes", "bytes of a look", Unit::Bytes, ""),
    of("look_s", "a look, as fast as it is answered", Unit::Seconds, TIME),
    of("look_at_pace_s", "a look at 50 requests a second", Unit::Seconds, TIME),
    of("paced_look_s", "the same, measured", Unit::Seconds, ""),
    of("look_peak_bytes", "memory during a look", Unit::Bytes, ""),
    of("answers_a_second", "answers a second", Unit::Count, ""),
    of("answer_p50_s", "answers, median", Unit::Seconds, TIME),
    of("answer_p99_s", "answers, 99 % within", Unit::Seconds, TIME),
    of("unserved", "dashboards without any answer", Unit::Count, ""),
    of("untold", "dashboards that are told of no change", Unit::Count, ""),
    of("silent", "questions without an answer within 10 s", Unit::Count, ""),
    of("refused", "questions that are refused", Unit::Count, ""),
    of("server_bytes", "most memory of the server's process", Unit::Bytes, ""),
    of("server_cores", "processor of the server", Unit::Count, ""),
];

/// A size on a curve, with what was measured there.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    /// The size along the curve.
    pub at: f64,
    /// The size in words.
    pub size: String,
    /// What was measured.
    pub figures: Figures,
}

impl Point {
    /// The median of a measure.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.figures.get(name).map(|figure| figure.median)
    }
}

/// How something grows with a size.
#[derive(Debug, Clone, Serialize)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// What grows, for people.
    pub grows: String,
    /// From the smallest size to the largest.
    pub points: Vec<Point>,
}

impl Curve {
    /// The power of the size by which a measure grew between the last two sizes; nothing where it was too small to tell, or
    /// did not grow.
    pub fn exponent(&self, measure: &Measure) -> Option<f64> {
        let known = self.points.iter().rev().filter_map(|point| {
            Some((point.at, point.value(measure.name).filter(|value| measure.unit.tells(*value))?))
        });
        let mut known = known.take(2);
        let (last, before) = (known.next()?, known.next()?);
        Some((last.1 / before.1).ln() / (last.0 / before.0).ln())
    }

    /// What grew steeply, with its exponent.
    pub fn steep(&self) -> Vec<(&'static Measure, f64)> {
        let grown = |measure| Some((measure, self.exponent(measure)?));
        MEASURES.iter().filter_map(grown).filter(|(_, power)| *power > STEEP).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counted;

    fn curve(values: &[(f64, f64)]) -> Curve {
        let point = |(at, value): &(f64, f64)| Point {
            at: *at,
            size: String::new(),
            figures: Figures::from([("calm.decide_s".to_owned(), counted(*value))]),
        };
        let points = values.iter().map(point).collect();
        Curve { name: "x".to_owned(), grows: "x".to_owned(), points }
    }

    fn deciding() -> &'static Measure {
        MEASURES.iter().find(|measure| measure.name == "calm.decide_s").expect("it is measured")
    }

    #[test]
    fn what_is_quadratic_in_the_end_is_steep_whatever_it_was_before() {
        let grown = curve(&[(10.0, 1.0), (100.0, 1.1), (1000.0, 110.0)]);
        let power = grown.exponent(deciding()).expect("it grew");
        assert!((power - 2.0).abs() < 1e-9, "{power}");
        assert_eq!(grown.steep().len(), 1);
        assert!(
            curve(&[(10.0, 1.0), (100.0, 12.0)]).steep().is_empty(),
            "a little more than linear"
        );
    }

    #[test]
    fn what_takes_no_time_does_not_grow() {
        assert_eq!(curve(&[(10.0, 1e-6), (100.0, 1e-3)]).exponent(deciding()), None);
    }
}
