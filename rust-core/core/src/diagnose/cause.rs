//! Why a component is busy: too few executors, or something that more executors do not cure.

use crate::demand::{ComponentFlow, ExecutorFlow};

/// Busy shares that differ by less than this are even.
const EVEN: f64 = 1.3;
/// Fewer executors than this part that are less busy than the rest are chance.
const FEW: f64 = 0.2;
/// An executor with less than this part of its siblings' input has nothing to do.
const NOTHING: f64 = 0.05;

/// Why executors of a component are as busy as they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cause {
    /// None of them is very busy.
    None,
    /// All are busy: there are too few.
    Capacity,
    /// One gets more records than the others.
    HotKey {
        /// Its share of the component's records.
        share: f64,
    },
    /// Those on one node are slower than the others.
    SlowNode {
        /// Index of the node.
        node: u32,
        /// Their rate over the others'.
        speed: f64,
    },
    /// Some have nothing to do, as there are fewer partitions or keys than executors.
    FewPartitions {
        /// Executors that have something to do.
        active: u32,
    },
}

/// The cause, for executors from whose busiest on `limit` counts as busy.
pub fn cause(component: &ComponentFlow, limit: f64) -> Cause {
    let Some(busiest) = component.measured.iter().max_by(|a, b| a.busy.total_cmp(&b.busy)) else {
        return Cause::None;
    };
    if busiest.busy < limit {
        return Cause::None;
    }
    // Those that are clearly less busy show what is usual; a few of them may be chance.
    let calm: Vec<&ExecutorFlow> =
        component.measured.iter().filter(|e| e.busy * EVEN <= busiest.busy).collect();
    if (calm.len() as f64) < FEW * component.measured.len() as f64 {
        return Cause::Capacity;
    }
    let working = |e: &&&ExecutorFlow| e.input >= NOTHING * busiest.input;
    let active = component.measured.len() - calm.len();
    if active > 1 && calm.iter().filter(working).count() == 0 {
        return Cause::FewPartitions { active: u32::try_from(active).unwrap_or(u32::MAX) };
    }
    // Busy is input over rate: whichever of the two differs more is the reason.
    let more_input = excess(busiest.input, calm.iter().map(|e| e.input));
    let usual_rate = median(calm.iter().filter_map(|e| e.true_rate()));
    let slower = match (busiest.true_rate(), usual_rate) {
        (Some(rate), Some(usual)) => (usual / rate).ln(),
        _ => 0.0,
    };
    if slower > more_input {
        let own = component.measured.iter().filter(|e| e.node == busiest.node);
        let elsewhere = component.measured.iter().filter(|e| e.node != busiest.node);
        let rate = |executors: &mut dyn Iterator<Item = &ExecutorFlow>| {
            median(executors.filter_map(ExecutorFlow::true_rate))
        };
        let (here, there) = (rate(&mut own.into_iter()), rate(&mut elsewhere.into_iter()));
        let speed = here.zip(there).map_or(1.0, |(here, there)| here / there);
        return Cause::SlowNode { node: busiest.node, speed };
    }
    Cause::HotKey { share: component.hottest().unwrap_or(1.0) }
}

/// The logarithm of a value over the median of others; 0 where they are none.
fn excess(value: f64, others: impl Iterator<Item = f64>) -> f64 {
    match median(others) {
        Some(usual) if usual > 0.0 && value > 0.0 => (value / usual).ln(),
        Some(_) if value > 0.0 => f64::MAX,
        _ => 0.0,
    }
}

/// The value in the middle, the lower one of two.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Executors on nodes, with their input and the rate of each.
    fn component(executors: &[(u32, f64, f64)]) -> ComponentFlow {
        let measured = executors
            .iter()
            .map(|&(node, input, rate)| ExecutorFlow {
                node,
                ability: 1.0,
                input,
                busy: input / rate,
            })
            .collect();
        ComponentFlow {
            executors: executors.len() as u32,
            measured,
            timed: true,
            ..ComponentFlow::default()
        }
    }

    #[test]
    fn each_cause_by_hand() {
        let even = component(&[(0, 95.0, 100.0), (1, 90.0, 100.0), (2, 98.0, 100.0)]);
        assert_eq!(cause(&even, 0.8), Cause::Capacity);
        assert_eq!(cause(&even, 0.99), Cause::None);
        let key = component(&[(0, 95.0, 100.0), (1, 40.0, 100.0), (2, 45.0, 100.0)]);
        assert!(
            matches!(cause(&key, 0.8), Cause::HotKey { share } if (share - 0.527).abs() < 0.001)
        );
        let node =
            component(&[(0, 50.0, 100.0), (1, 48.0, 51.0), (1, 49.0, 52.0), (2, 50.0, 100.0)]);
        assert!(matches!(cause(&node, 0.8), Cause::SlowNode { node: 1, speed } if speed < 0.55));
        let few =
            component(&[(0, 90.0, 100.0), (1, 92.0, 100.0), (2, 0.0, 100.0), (3, 0.0, 100.0)]);
        assert_eq!(cause(&few, 0.8), Cause::FewPartitions { active: 2 });
        assert_eq!(cause(&component(&[(0, 95.0, 100.0)]), 0.8), Cause::Capacity);
    }

    /// A small generator of numbers from 0 to 1, so that cases are named by their seed.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) as f64 / u64::MAX as f64
        }

        fn between(&mut self, low: f64, high: f64) -> f64 {
            low + (high - low) * self.next()
        }
    }

    /// Two to sixteen executors, one saturated for the given reason, with 10 % of noise.
    fn seeded(seed: u64, kind: u64) -> (ComponentFlow, fn(&Cause) -> bool) {
        let mut numbers = Numbers(seed.wrapping_mul(1000).wrapping_add(kind));
        let count = 4 + (numbers.next() * 13.0) as usize;
        let nodes = 2 + (numbers.next() * 4.0) as u32;
        let (skew, slow) = (numbers.between(1.8, 6.0), numbers.between(0.25, 0.55));
        let active = 2 + (numbers.next() * (count as f64 / 2.0 - 1.0)) as usize;
        let mut executors = Vec::new();
        for index in 0..count {
            let node = index as u32 % nodes;
            let (mut input, mut rate) = (100.0, 110.0);
            match kind {
                0 => {}
                1 => input = if index == 0 { 100.0 } else { 100.0 / skew },
                2 if node == 0 => (rate, input) = (100.0, 95.0),
                2 => rate = 100.0 / slow,
                _ => input = if index < active { 100.0 } else { 0.0 },
            }
            let noise = |numbers: &mut Numbers| numbers.between(0.95, 1.05);
            executors.push((node, input * noise(&mut numbers), rate * noise(&mut numbers)));
        }
        let right: fn(&Cause) -> bool = match kind {
            0 => |c| matches!(c, Cause::Capacity),
            1 => |c| matches!(c, Cause::HotKey { .. }),
            2 => |c| matches!(c, Cause::SlowNode { node: 0, .. }),
            _ => |c| matches!(c, Cause::FewPartitions { .. }),
        };
        (component(&executors), right)
    }

    #[test]
    fn the_cause_is_right_in_nearly_all_of_a_thousand_seeded_cases() {
        let wrong: Vec<(u64, u64, Cause)> = (0..250)
            .flat_map(|seed| (0..4).map(move |kind| (seed, kind)))
            .filter_map(|(seed, kind)| {
                let (component, right) = seeded(seed, kind);
                let found = cause(&component, 0.8);
                (!right(&found)).then_some((seed, kind, found))
            })
            .collect();
        assert!(
            wrong.len() <= 50,
            "{} of 1000 wrong (seed, kind, found): {:?}",
            wrong.len(),
            &wrong[..10]
        );
    }
}
