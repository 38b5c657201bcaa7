//! What was learned about a component's state: which part of the accesses to it memory does not answer,
//! and what a miss costs.
//!
//! Keys are dealt out to executors and their state with them, so what counts is the memory that all
//! executors have together. Every other executor count teaches the miss-rate curve as well as every
//! other amount of memory does (A4S finds such a curve by sampling inside the state's store).

use serde::{Deserialize, Serialize};

use crate::units::Timestamp;

/// Measurements that one point remembers.
const MEMORY: f64 = 10.0;
/// Points that are remembered; beyond that the oldest is forgotten.
const MOST_POINTS: usize = 16;
/// Days after which a point says nothing any more.
const LIFE_DAYS: f64 = 7.0;
/// Deviation of one measurement of the share of misses, before any was repeated.
const ONE_MEASUREMENT: f64 = 0.02;
/// Deviation that a day adds.
const PER_DAY: f64 = 0.05;
/// Amounts of memory that differ by less than this factor are the same.
const APART: f64 = 1.2;
/// Shares of hits that differ by less are the same: by more than that Justin's hit rate must rise
/// (arXiv 2505.19739, as its source has it).
const SAME: f64 = 0.05;
/// Work per record that fell by less did not fall.
const SAME_WORK: f64 = 0.05;
/// The part of what the curve promises beyond what was seen that is in doubt.
const IN_DOUBT: f64 = 0.25;
const DAY_MS: f64 = 86_400_000.0;

/// What was measured of a component that keeps state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Its executors.
    pub executors: u32,
    /// Memory of each, in MiB.
    pub mib: u32,
    /// All of its state in MiB, where that is known.
    pub state_mib: Option<f64>,
    /// Share of accesses to state that memory did not answer.
    pub misses: f64,
    /// Work of a record, in seconds on the fastest node.
    pub work_secs: f64,
}

/// What was measured with so many executors of so much memory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Point {
    executors: u32,
    mib: u32,
    state_mib: Option<f64>,
    misses: f64,
    /// Variance of one measurement of the misses.
    variance: f64,
    work_secs: f64,
    count: f64,
    last: Timestamp,
}

impl Point {
    fn total_mib(&self) -> f64 {
        f64::from(self.executors) * f64::from(self.mib)
    }

    fn days(&self, now: Timestamp) -> f64 {
        now.since(self.last).get() / DAY_MS
    }
}

/// What was learned of one component's state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StateModel {
    points: Vec<Point>,
    /// The least memory that an executor was seen to have, in MiB: level 0.
    least_mib: Option<u32>,
}

impl StateModel {
    /// Learns from a measurement.
    pub fn offer(&mut self, measured: Measured, now: Timestamp) {
        let Measured { executors, mib, state_mib, misses, work_secs } = measured;
        if mib == 0 || !(0.0..=1.0).contains(&misses) || !(work_secs.is_finite() && work_secs > 0.0)
        {
            return;
        }
        self.least_mib = Some(self.least_mib.map_or(mib, |least| least.min(mib)));
        self.points.retain(|point| point.days(now) < LIFE_DAYS);
        let same = |point: &Point| (point.executors, point.mib) == (executors, mib);
        let found = self.points.iter().position(same).unwrap_or_else(|| {
            self.make_room();
            let variance = ONE_MEASUREMENT.powi(2);
            let count = 0.0;
            let last = now;
            self.points.push(Point {
                executors,
                mib,
                state_mib,
                misses,
                variance,
                work_secs,
                count,
                last,
            });
            self.points.len() - 1
        });
        let point = &mut self.points[found];
        point.count = (point.count + 1.0).min(MEMORY);
        let error = misses - point.misses;
        point.misses += error / point.count;
        point.variance += (error * error - point.variance) / (point.count + 1.0);
        point.work_secs += (work_secs - point.work_secs) / point.count;
        point.state_mib = state_mib;
        point.last = now;
    }

    fn make_room(&mut self) {
        let oldest = (0..self.points.len()).min_by_key(|&index| self.points[index].last);
        if let Some(oldest) = oldest.filter(|_| self.points.len() >= MOST_POINTS) {
            self.points.remove(oldest);
        }
    }

    /// Amounts of memory for an executor, each twice the one before it, from the least that was seen
    /// to the most that is allowed.
    pub fn levels(&self, most_mib: u32) -> impl Iterator<Item = u32> + use<> {
        let first = self.least_mib.filter(|mib| *mib <= most_mib);
        std::iter::successors(first, move |mib| {
            mib.checked_mul(2).filter(|twice| *twice <= most_mib)
        })
    }

    /// The least memory to which more than that was no gain, with the same executors: neither were
    /// fewer accesses missed nor did a record need less work.
    pub fn in_vain(&self) -> Option<u32> {
        let no_gain = |less: &Point, more: &Point| {
            less.executors == more.executors
                && f64::from(more.mib) >= APART * f64::from(less.mib)
                && less.misses - more.misses < SAME
                && more.work_secs > (1.0 - SAME_WORK) * less.work_secs
        };
        let pairs = || self.points.iter().flat_map(|a| self.points.iter().map(move |b| (a, b)));
        pairs().filter(|(less, more)| no_gain(less, more)).map(|(less, _)| less.mib).min()
    }

    /// Seconds of work that a record takes longer if its state is missed.
    ///
    /// Executors get slower in company, which hides what fewer misses bring: where no amounts of memory
    /// were seen with the same executors, other counts may only show that misses do cost something.
    pub fn miss_secs(&self) -> Option<f64> {
        let slope = |same_executors: bool| {
            let (mut product, mut square) = (0.0, 0.0);
            for (index, a) in self.points.iter().enumerate() {
                for b in &self.points[index + 1..] {
                    let misses = a.misses - b.misses;
                    let told = !same_executors || a.executors == b.executors;
                    if told && misses.abs() >= SAME {
                        product += misses * (a.work_secs - b.work_secs);
                        square += misses * misses;
                    }
                }
            }
            (square > 0.0).then(|| product / square)
        };
        match slope(true) {
            Some(secs) => Some(secs.max(0.0)),
            None => slope(false).filter(|secs| *secs > 0.0),
        }
    }

    /// The curve through what was learned, for state that is this large now; nothing where only one amount of memory was
    /// seen.
    pub fn curve(&self, state_mib: Option<f64>, now: Timestamp) -> Option<MissCurve> {
        let known = self.points.iter().filter(|point| point.days(now) < LIFE_DAYS);
        let mut knots: Vec<Knot> = known
            .map(|point| {
                // Of state that has grown as much as ever needs the more memory.
                let grown = state_mib.zip(point.state_mib).map_or(1.0, |(now, was)| now / was);
                let aged = (PER_DAY * point.days(now)).powi(2);
                Knot {
                    total_mib: point.total_mib() * if grown.is_finite() { grown } else { 1.0 },
                    misses: point.misses,
                    variance: point.variance / point.count + aged,
                    weight: point.count,
                }
            })
            .collect();
        knots.sort_by(|a, b| a.total_mib.total_cmp(&b.total_mib));
        let (first, last) = (knots.first()?.total_mib, knots.last()?.total_mib);
        level_out(&mut knots);
        (last >= APART * first).then_some(MissCurve { knots, state_mib })
    }
}

/// A point of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Knot {
    total_mib: f64,
    misses: f64,
    variance: f64,
    weight: f64,
}

/// More memory never answers less: neighbours that say so share their mean.
fn level_out(knots: &mut [Knot]) {
    // Each block: how many knots, their weight and their mean.
    let mut blocks: Vec<(usize, f64, f64)> = Vec::new();
    for knot in &*knots {
        let mut block = (1, knot.weight, knot.misses);
        while let Some(&(count, weight, misses)) =
            blocks.last().filter(|(.., misses)| *misses < block.2)
        {
            let sum = weight + block.1;
            block = (count + block.0, sum, (misses * weight + block.2 * block.1) / sum);
            blocks.pop();
        }
        blocks.push(block);
    }
    let means = blocks.into_iter().flat_map(|(count, _, mean)| std::iter::repeat_n(mean, count));
    for (knot, mean) in knots.iter_mut().zip(means) {
        knot.misses = mean;
    }
}

/// Share of accesses to state that memory does not answer, against the memory of all executors.
#[derive(Debug, Clone, PartialEq)]
pub struct MissCurve {
    /// By memory, misses falling.
    knots: Vec<Knot>,
    state_mib: Option<f64>,
}

impl MissCurve {
    /// The misses with so much memory for all executors, and the deviation of that.
    pub fn at(&self, total_mib: f64) -> (f64, f64) {
        let (first, last) = (self.knots[0], self.knots[self.knots.len() - 1]);
        if total_mib >= last.total_mib {
            return self.beyond(total_mib, last);
        }
        // Without memory every access misses.
        let nothing = Knot { total_mib: 0.0, misses: 1.0, ..first };
        let above = self.knots.iter().position(|knot| knot.total_mib > total_mib).unwrap_or(0);
        let low = if above == 0 { nothing } else { self.knots[above - 1] };
        let high = self.knots[above];
        let part = (total_mib - low.total_mib) / (high.total_mib - low.total_mib);
        let between = |low: f64, high: f64| low + part * (high - low);
        (between(low.misses, high.misses), between(low.variance, high.variance).sqrt())
    }

    /// More memory than was seen: misses go on falling as they did last, but no faster than to none at
    /// all where the whole state is held; where its size is not known, no further than for twice the memory.
    fn beyond(&self, total_mib: f64, last: Knot) -> (f64, f64) {
        let before = |knot: &&Knot| knot.total_mib * APART <= last.total_mib;
        let before = self.knots.iter().rev().find(before).unwrap_or(&self.knots[0]);
        let slope = (last.misses - before.misses) / (last.total_mib - before.total_mib).max(1e-9);
        let most = self.state_mib.unwrap_or(2.0 * last.total_mib).max(last.total_mib);
        let more = total_mib.min(most) - last.total_mib;
        let by_slope = (last.misses + slope * more).max(0.0);
        let by_state = match self.state_mib {
            Some(_) if most > last.total_mib => {
                last.misses * (1.0 - more / (most - last.total_mib))
            }
            _ => 0.0,
        };
        let misses = by_slope.max(by_state);
        (misses, last.variance.sqrt() + IN_DOUBT * (last.misses - misses))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    /// Learns misses and work of records, in µs, by executors and memory.
    fn taught(seen: &[(u32, u32, f64, f64)]) -> StateModel {
        let mut model = StateModel::default();
        for (minute, &(executors, mib, misses, micros)) in (0..).zip(seen) {
            let (state_mib, work_secs) = (Some(4096.0), micros * 1e-6);
            model.offer(Measured { executors, mib, state_mib, misses, work_secs }, at(minute));
        }
        model
    }

    fn misses(model: &StateModel, total_mib: f64) -> f64 {
        model.curve(Some(4096.0), at(10)).expect("two amounts were seen").at(total_mib).0
    }

    #[test]
    fn misses_between_seen_points_lie_on_the_line_through_them() {
        // 512 and 1024 MiB in all: a quarter of the misses less.
        let model = taught(&[(4, 128, 0.8, 20.0), (4, 256, 0.6, 18.0)]);
        assert!((misses(&model, 768.0) - 0.7).abs() < 1e-12);
        assert!((misses(&model, 256.0) - 0.9).abs() < 1e-12, "none at all answers nothing");
        // Beyond, all 4096 MiB would answer all: a line from 0.6 down to 0, flatter than the last.
        assert!((misses(&model, 2048.0) - 0.4).abs() < 1e-12);
        assert!(misses(&model, 9000.0).abs() < 1e-12);
        // 0.2 of the misses are 2 µs, so all of them would be 10 µs.
        assert!((model.miss_secs().expect("both were seen") - 10e-6).abs() < 1e-12);
    }

    #[test]
    fn other_executor_counts_teach_the_same_curve() {
        let model = taught(&[(4, 128, 0.8, 20.0), (8, 128, 0.6, 19.0)]);
        assert!((misses(&model, 1024.0) - 0.6).abs() < 1e-12);
        // Company hides a part of what fewer misses bring: 5 µs instead of the 10 of above.
        assert!((model.miss_secs().expect("both were seen") - 5e-6).abs() < 1e-12);
        let slower = taught(&[(4, 128, 0.8, 20.0), (8, 128, 0.6, 21.0)]);
        assert_eq!(slower.miss_secs(), None, "that misses would be cheap is not to be concluded");
    }

    #[test]
    fn memory_that_changed_nothing_promises_nothing() {
        let model = taught(&[(4, 128, 0.6, 20.0), (4, 256, 0.59, 20.1)]);
        assert_eq!(model.in_vain(), Some(128));
        assert!(misses(&model, 2048.0) > 0.56);
        assert_eq!(taught(&[(4, 128, 0.6, 20.0), (4, 256, 0.5, 20.0)]).in_vain(), None);
        assert_eq!(taught(&[(4, 128, 0.6, 20.0), (4, 256, 0.6, 18.0)]).in_vain(), None);
    }

    #[test]
    fn the_curve_never_rises() {
        let model = taught(&[(1, 512, 0.5, 20.0), (2, 512, 0.7, 20.0), (4, 512, 0.2, 20.0)]);
        assert!((misses(&model, 512.0) - 0.6).abs() < 1e-12);
        assert!((misses(&model, 1024.0) - 0.6).abs() < 1e-12);
        assert!((misses(&model, 2048.0) - 0.2).abs() < 1e-12);
    }

    #[test]
    fn what_is_old_or_guessed_is_less_certain_and_what_is_very_old_is_forgotten() {
        let model = taught(&[(4, 128, 0.8, 20.0), (4, 256, 0.6, 18.0)]);
        let deviation = |mib, days: i64| {
            let curve = model.curve(Some(4096.0), at(1 + days * 1440))?;
            Some(curve.at(mib).1)
        };
        let fresh = deviation(768.0, 0).expect("it is known");
        assert!(deviation(768.0, 3).expect("it is known") > 3.0 * fresh);
        assert!(deviation(2048.0, 0).expect("it is guessed") > 3.0 * fresh);
        assert_eq!(deviation(768.0, 8), None);
    }

    #[test]
    fn state_that_doubled_needs_twice_the_memory() {
        let model = taught(&[(4, 128, 0.8, 20.0), (4, 256, 0.6, 18.0)]);
        let curve = model.curve(Some(8192.0), at(10)).expect("two amounts were seen");
        assert!((curve.at(2048.0).0 - 0.6).abs() < 1e-12);
    }

    #[test]
    fn it_is_bounded_and_survives_a_restart() {
        let many: Vec<_> = (1..=100).map(|count| (count, 128, 0.5, 20.0)).collect();
        let model = taught(&many);
        assert_eq!(model.points.len(), MOST_POINTS);
        let text = serde_json::to_string(&model).expect("it can be written");
        let back: StateModel = serde_json::from_str(&text).expect("it can be read");
        assert_eq!(back, model);
    }

    #[test]
    fn levels_double_up_to_the_limit() {
        let model = taught(&[(4, 158, 0.8, 20.0)]);
        assert_eq!(model.levels(700).collect::<Vec<_>>(), [158, 316, 632]);
        assert_eq!(model.levels(0).count(), 0);
    }
}
