//! From margins and what came of them to a calibration.

use thalweg_core::learning::Calibration;

/// Newton's steps for a sigmoid.
const STEPS: usize = 100;
/// A step that changes less than this is the last.
const SETTLED: f64 = 1e-10;

/// Isotonic regression by pooling neighbours that contradict each other: the rising steps with the least squares. Margins that
/// are equal are one point; each pool is one point at the mean of its margins, with lines between them.
///
/// Nothing where there is no pair.
pub fn steps(pairs: &[(f64, bool)]) -> Option<Calibration> {
    let mut sorted: Vec<(f64, bool)> = pairs.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut pools: Vec<Pool> = Vec::new();
    for same in sorted.chunk_by(|a, b| a.0 == b.0) {
        let came = same.iter().filter(|(_, came)| *came).count() as f64;
        let count = same.len() as f64;
        pools.push(Pool { margins: same[0].0 * count, came, count });
        while let [.., below, above] = &pools[..] {
            if below.chance() < above.chance() {
                break;
            }
            let pooled = below.with(above);
            pools.truncate(pools.len() - 2);
            pools.push(pooled);
        }
    }
    let points = pools.iter().map(|pool| (pool.margins / pool.count, pool.chance()));
    (!pools.is_empty()).then(|| Calibration::Steps(points.collect()))
}

/// Pairs of about the same margin.
#[derive(Debug, Clone, Copy)]
struct Pool {
    margins: f64,
    came: f64,
    count: f64,
}

impl Pool {
    fn chance(&self) -> f64 {
        self.came / self.count
    }

    fn with(&self, other: &Self) -> Self {
        Self {
            margins: self.margins + other.margins,
            came: self.came + other.came,
            count: self.count + other.count,
        }
    }
}

/// Platt's sigmoid by Newton's method, with his targets of (n + 1) / (n + 2) and 1 / (n + 2) instead of 1 and 0 so that few
/// pairs do not say certainty.
///
/// Nothing where all or none of it came, or where more means less.
pub fn sigmoid(pairs: &[(f64, bool)]) -> Option<Calibration> {
    let came = pairs.iter().filter(|(_, came)| *came).count() as f64;
    let did_not = pairs.len() as f64 - came;
    if came == 0.0 || did_not == 0.0 {
        return None;
    }
    let (high, low) = ((came + 1.0) / (came + 2.0), 1.0 / (did_not + 2.0));
    let target = |came: bool| if came { high } else { low };
    // Where it knows nothing it says how many came.
    let (mut slope, mut offset) = (0.0, ((did_not + 1.0) / (came + 1.0)).ln());
    for _ in 0..STEPS {
        let (mut gradient, mut curvature) = ([0.0; 2], [1e-12, 0.0, 1e-12]);
        for (margin, came) in pairs {
            let chance = 1.0 / (1.0 + (slope * margin + offset).exp());
            let (error, weight) = (target(*came) - chance, chance * (1.0 - chance));
            gradient[0] += margin * error;
            gradient[1] += error;
            curvature[0] += margin * margin * weight;
            curvature[1] += margin * weight;
            curvature[2] += weight;
        }
        let determinant = curvature[0] * curvature[2] - curvature[1] * curvature[1];
        if determinant <= 0.0 {
            break;
        }
        let step = [
            (curvature[2] * gradient[0] - curvature[1] * gradient[1]) / determinant,
            (curvature[0] * gradient[1] - curvature[1] * gradient[0]) / determinant,
        ];
        // Far away the curve is nearly level, and a whole step would leave it.
        let most = step[0].abs().max(step[1].abs());
        let part = if most > 1.0 { 1.0 / most } else { 1.0 };
        slope -= part * step[0];
        offset -= part * step[1];
        if most < SETTLED {
            break;
        }
    }
    let found = Calibration::Sigmoid { slope, offset };
    found.is_sound().then_some(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neighbours_that_contradict_each_other_are_pooled() {
        // 1 of 2 at margin 1 is more than 1 of 4 at margins 2 and 3 together: all six are one pool of 2 of 6.
        let pairs = [
            (0.0, false),
            (1.0, true),
            (1.0, false),
            (2.0, true),
            (2.0, false),
            (3.0, false),
            (3.0, false),
            (5.0, true),
        ];
        let Some(Calibration::Steps(points)) = steps(&pairs) else { panic!("there are pairs") };
        assert_eq!(points, [(0.0, 0.0), (2.0, 2.0 / 6.0), (5.0, 1.0)]);
        assert_eq!(steps(&[]), None);
    }

    #[test]
    fn a_sigmoid_of_two_margins_goes_through_what_came_at_each() {
        // Three of four at margin 1, one of four at -1: targets of 5/6 and 1/6, so that at 1 the mean target is
        // (3 × 5 + 1) / 24 = 2/3, whose odds are 2.
        let at = |margin: f64, came: usize| (0..4).map(move |i| (margin, i < came));
        let pairs: Vec<(f64, bool)> = at(1.0, 3).chain(at(-1.0, 1)).collect();
        let Some(Calibration::Sigmoid { slope, offset }) = sigmoid(&pairs) else {
            panic!("it can be told")
        };
        assert!((slope + 2f64.ln()).abs() < 1e-6 && offset.abs() < 1e-6, "{slope} {offset}");
    }

    #[test]
    fn what_never_or_always_came_has_no_sigmoid() {
        assert_eq!(sigmoid(&[(1.0, true), (2.0, true)]), None);
        assert_eq!(sigmoid(&[(1.0, false)]), None);
        assert_eq!(sigmoid(&[]), None);
        let less_of_more: Vec<(f64, bool)> = (0..20).map(|i| (f64::from(i), i < 10)).collect();
        assert_eq!(sigmoid(&less_of_more), None);
    }

    proptest! {
        #[test]
        fn steps_are_sound_and_in_the_mean_say_what_came(
            pairs in prop::collection::vec((-5i8..5, any::<bool>()), 1..60),
        ) {
            let pairs: Vec<(f64, bool)> = pairs.into_iter().map(|(m, came)| (f64::from(m), came)).collect();
            let found = steps(&pairs).expect("there are pairs");
            prop_assert!(found.is_sound(), "{found:?}");
        }
    }
}
