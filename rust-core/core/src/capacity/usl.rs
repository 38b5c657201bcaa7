//! How much a component can do with how many executors: the Universal Scalability Law.
//!
//! `C(p) = μ·p / (1 + σ(p-1) + κp(p-1))` (Gunther, "Guerrilla Capacity Planning", 2007), on
//! executors weighted by the ability of their nodes. Divided by `p` and turned around it is linear:
//! `p / C = a + b(p-1) + c·p(p-1)` with `a = 1/μ`, `b = σ/μ`, `c = κ/μ`. A [`Curve`] is the Bayesian
//! regression of that line: what was seen at one parallelism only leaves `b` and `c` at their prior,
//! which is linear scaling, and the further from what was seen, the wider its interval.

/// How much contention is expected before anything was seen: one standard deviation of σ. Nexmark
/// Q1 on Flink has 0.05.
const SIGMA_DEVIATION: f64 = 0.03;
/// The same for κ.
const KAPPA_DEVIATION: f64 = 0.001;
/// The level is known from the data alone.
const LEVEL_DEVIATION: f64 = 10.0;

/// A law with its three parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usl {
    /// Records per second of a single executor.
    pub mu: f64,
    /// Contention: the part of work that is serial.
    pub sigma: f64,
    /// Coherency: what each pair of executors costs.
    pub kappa: f64,
}

impl Usl {
    /// Records per second of `executors`.
    pub fn at(&self, executors: f64) -> f64 {
        let more = executors - 1.0;
        self.mu * executors / (1.0 + self.sigma * more + self.kappa * executors * more)
    }

    /// The law with κ = 0 through two points of executors and records per second.
    pub fn through(first: (f64, f64), second: (f64, f64)) -> Option<Self> {
        let (y1, y2) = (first.0 / first.1, second.0 / second.1);
        let slope = (y2 - y1) / (second.0 - first.0);
        let level = y1 - slope * (first.0 - 1.0);
        let usable = level.is_finite() && level > 0.0 && slope.is_finite();
        usable.then(|| Self { mu: 1.0 / level, sigma: slope / level, kappa: 0.0 })
    }
}

/// A capacity that was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Executors, weighted by ability.
    pub executors: f64,
    /// Records per second.
    pub capacity: f64,
    /// Relative standard deviation of that.
    pub deviation: f64,
}

/// A fitted law with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Curve {
    law: Usl,
    covariance: [[f64; 3]; 3],
    scale: f64,
}

impl Curve {
    /// Fits the law to what was seen; nothing without a usable point.
    pub fn fit(points: &[Point]) -> Option<Self> {
        let usable = |p: &&Point| p.executors > 0.0 && p.capacity > 0.0 && p.capacity.is_finite();
        let points: Vec<Point> = points.iter().filter(usable).copied().collect();
        let weight = |p: &Point| 1.0 / p.deviation.max(1e-3).powi(2);
        let total: f64 = points.iter().map(weight).sum();
        let scale =
            points.iter().map(|p| weight(p) * p.executors / p.capacity).sum::<f64>() / total;
        if points.is_empty() || !scale.is_finite() {
            return None;
        }
        let mut seen: Vec<i64> = points.iter().map(|p| (p.executors * 10.0) as i64).collect();
        seen.sort_unstable();
        seen.dedup();
        // Two levels of parallelism tell one slope, not two.
        let mut free = [true, true, seen.len() >= 3];
        let (mut line, covariance) = regress(&points, scale, free)?;
        // More executors never make each of them faster.
        while let Some(worst) = (1..3)
            .filter(|&i| free[i] && line[i] < 0.0)
            .min_by(|&a, &b| line[a].total_cmp(&line[b]))
        {
            free[worst] = false;
            line = regress(&points, scale, free)?.0;
        }
        let [level, sigma, kappa] = line;
        (level > 0.0).then(|| Self {
            law: Usl { mu: 1.0 / (level * scale), sigma: sigma / level, kappa: kappa / level },
            covariance,
            scale,
        })
    }

    /// The law itself.
    pub fn law(&self) -> Usl {
        self.law
    }

    /// Records per second of `executors`.
    pub fn at(&self, executors: f64) -> f64 {
        self.law.at(executors)
    }

    /// Relative standard deviation of that.
    pub fn deviation(&self, executors: f64) -> f64 {
        let basis = basis(executors);
        let mut variance = 0.0;
        for (row, x) in self.covariance.iter().zip(basis) {
            variance += x * row.iter().zip(basis).map(|(c, y)| c * y).sum::<f64>();
        }
        let line = executors / self.at(executors) / self.scale;
        variance.max(0.0).sqrt() / line.max(1e-9)
    }

    /// Records per second that `executors` reach with some confidence, in standard deviations.
    pub fn lower(&self, executors: f64, deviations: f64) -> f64 {
        self.at(executors) / (1.0 + deviations * self.deviation(executors))
    }
}

fn basis(executors: f64) -> [f64; 3] {
    [1.0, executors - 1.0, executors * (executors - 1.0)]
}

/// The regression over the free coefficients: means and covariance. Values are divided by `scale`.
fn regress(points: &[Point], scale: f64, free: [bool; 3]) -> Option<([f64; 3], [[f64; 3]; 3])> {
    let prior = [LEVEL_DEVIATION, SIGMA_DEVIATION, KAPPA_DEVIATION];
    let mut normal = [[0.0; 3]; 3];
    let mut right = [0.0; 3];
    for i in 0..3 {
        // A coefficient that is not free is held at 0 by a prior that nothing moves.
        let deviation = if free[i] { prior[i] } else { 1e-9 };
        normal[i][i] = deviation.powi(-2);
    }
    right[0] = normal[0][0];
    for point in points {
        let x = basis(point.executors);
        let weight = point.deviation.max(1e-3).powi(-2);
        let y = point.executors / point.capacity / scale;
        for i in 0..3 {
            right[i] += weight * x[i] * y;
            for j in 0..3 {
                normal[i][j] += weight * x[i] * x[j];
            }
        }
    }
    let inverse = inverse(normal)?;
    let mut means = [0.0; 3];
    for i in (0..3).filter(|i| free[*i]) {
        means[i] = inverse[i].iter().zip(right).map(|(a, b)| a * b).sum();
    }
    Some((means, inverse))
}

/// The inverse of a symmetric positive definite matrix, by Gauss and Jordan.
fn inverse(mut matrix: [[f64; 3]; 3]) -> Option<[[f64; 3]; 3]> {
    let mut result = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for i in 0..3 {
        let pivot = matrix[i][i];
        if !(pivot.is_finite() && pivot > 0.0) {
            return None;
        }
        for j in 0..3 {
            matrix[i][j] /= pivot;
            result[i][j] /= pivot;
        }
        for k in (0..3).filter(|k| *k != i) {
            let factor = matrix[k][i];
            for j in 0..3 {
                matrix[k][j] -= factor * matrix[i][j];
                result[k][j] -= factor * result[i][j];
            }
        }
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(executors: f64, capacity: f64) -> Point {
        Point { executors, capacity, deviation: 0.02 }
    }

    #[test]
    fn the_worked_numbers_of_the_design() {
        let law = Usl { mu: 100.0, sigma: 0.05, kappa: 0.0 };
        for (executors, capacity) in [(1.0, 100.0), (2.0, 190.48), (4.0, 347.83), (8.0, 592.59)] {
            assert!((law.at(executors) - capacity).abs() < 0.005, "{}", law.at(executors));
        }
    }

    #[test]
    fn published_points_of_nexmark_q1() {
        let (one, eight, last) = ((1.0, 529_573.0), (8.0, 3_118_478.0), 7_476_392.0);
        let law = Usl::through(one, eight).expect("two points");
        assert!((law.sigma - 0.05122).abs() < 5e-6, "{}", law.sigma);
        assert!((law.at(26.0) - 6_037_645.0).abs() < 1.0, "{}", law.at(26.0));
        assert!((1.0 - law.at(26.0) / last - 0.19).abs() < 0.005, "19 % low");
        assert!((26.0 * one.1 / last - 1.84).abs() < 0.005, "linear overshoots by 84 %");
        let curve =
            Curve::fit(&[point(one.0, one.1), point(eight.0, eight.1)]).expect("two points");
        assert!((curve.at(26.0) / law.at(26.0) - 1.0).abs() < 0.05, "the prior hardly matters");
    }

    #[test]
    fn one_parallelism_is_linear_and_less_certain_far_away() {
        let curve = Curve::fit(&[point(4.0, 400.0), point(4.0, 404.0)]).expect("two points");
        let law = curve.law();
        assert!(law.sigma.abs() < 1e-6 && law.kappa == 0.0, "{law:?}");
        assert!((curve.at(8.0) - 804.0).abs() < 1.0);
        assert!(curve.deviation(4.0) < 0.03);
        assert!(curve.deviation(8.0) > 0.1 && curve.deviation(16.0) > 2.0 * curve.deviation(8.0));
        assert!(curve.lower(8.0, 1.0) < curve.at(8.0));
    }

    #[test]
    fn three_levels_find_the_law_behind_them() {
        let law = Usl { mu: 50.0, sigma: 0.02, kappa: 0.0005 };
        let points: Vec<Point> = [1.0, 4.0, 12.0, 24.0]
            .map(|p| Point { deviation: 0.005, ..point(p, law.at(p)) })
            .into();
        let curve = Curve::fit(&points).expect("four points");
        for p in [2.0, 8.0, 16.0, 32.0] {
            assert!(
                (curve.at(p) / law.at(p) - 1.0).abs() < 0.03,
                "{} for {}",
                curve.at(p),
                law.at(p)
            );
        }
    }

    #[test]
    fn nothing_scales_better_than_linearly() {
        let curve = Curve::fit(&[point(1.0, 100.0), point(4.0, 500.0)]).expect("two points");
        assert_eq!(curve.law().sigma, 0.0);
    }

    #[test]
    fn nonsense_is_no_curve() {
        assert_eq!(Curve::fit(&[]), None);
        assert_eq!(Curve::fit(&[point(0.0, 5.0), point(2.0, 0.0), point(2.0, f64::NAN)]), None);
    }
}
