//! A Gaussian process over one variable, as ContTune uses it.
//!
//! Zero mean, squared-exponential kernel. Values are scaled by the largest, and the length and
//! amplitude are those of a small grid that make the points most likely; the published script
//! starts its search at a length of 4.37.

/// Lengths that are tried, in executors.
const LENGTHS: [f64; 7] = [1.5, 2.5, 4.37, 7.0, 11.0, 18.0, 30.0];
/// Amplitudes that are tried, in largest values.
const AMPLITUDES: [f64; 4] = [0.5, 1.0, 2.0, 4.0];
/// Variance added to each point, in squared largest values; the script adds 1e-8.
const NOISE: f64 = 1e-6;

/// A fitted process.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    points: Vec<f64>,
    /// Inverse of the kernel matrix times the values.
    weights: Vec<f64>,
    length: f64,
    amplitude: f64,
    scale: f64,
}

impl Process {
    /// Fits a process; nothing without points or with values that are all zero.
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let scale = points.iter().map(|(_, y)| y.abs()).fold(0.0, f64::max);
        if !(scale > 0.0 && scale.is_finite()) {
            return None;
        }
        let x: Vec<f64> = points.iter().map(|(x, _)| *x).collect();
        let y: Vec<f64> = points.iter().map(|(_, y)| y / scale).collect();
        let mut best: Option<(f64, Self)> = None;
        for length in LENGTHS {
            for amplitude in AMPLITUDES {
                let Some(lower) = cholesky(&kernel_matrix(&x, length, amplitude)) else { continue };
                let weights = solve(&lower, &y);
                let fit: f64 = y.iter().zip(&weights).map(|(y, w)| y * w).sum();
                let volume: f64 = lower.iter().enumerate().map(|(i, row)| row[i].ln()).sum();
                let likelihood = -0.5 * fit - volume;
                if best.as_ref().is_none_or(|(most, _)| likelihood > *most) {
                    let process = Self { points: x.clone(), weights, length, amplitude, scale };
                    best = Some((likelihood, process));
                }
            }
        }
        best.map(|(_, process)| process)
    }

    /// The mean at `x`.
    pub fn mean(&self, x: f64) -> f64 {
        let near = |p: &f64| kernel(x, *p, self.length, self.amplitude);
        let sum: f64 = self.points.iter().zip(&self.weights).map(|(p, w)| near(p) * w).sum();
        sum * self.scale
    }
}

fn kernel(a: f64, b: f64, length: f64, amplitude: f64) -> f64 {
    amplitude * amplitude * (-0.5 * ((a - b) / length).powi(2)).exp()
}

fn kernel_matrix(x: &[f64], length: f64, amplitude: f64) -> Vec<Vec<f64>> {
    let entry = |i: usize, j: usize| {
        kernel(x[i], x[j], length, amplitude) + if i == j { NOISE } else { 0.0 }
    };
    (0..x.len()).map(|i| (0..x.len()).map(|j| entry(i, j)).collect()).collect()
}

/// The lower triangle whose square is `matrix`; nothing where it is not positive definite.
fn cholesky(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let n = matrix.len();
    let mut lower = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest = matrix[i][j] - dot;
            if i == j {
                lower[i][i] = Some(rest.sqrt()).filter(|root| *root > 0.0)?;
            } else {
                lower[i][j] = rest / lower[j][j];
            }
        }
    }
    Some(lower)
}

/// Solves `lower * lowerᵀ * x = y`.
fn solve(lower: &[Vec<f64>], y: &[f64]) -> Vec<f64> {
    let n = y.len();
    let mut x = y.to_vec();
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| lower[i][k] * x[k]).sum();
        x[i] = (x[i] - dot) / lower[i][i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| lower[k][i] * x[k]).sum();
        x[i] = (x[i] - dot) / lower[i][i];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_through_its_points_and_smoothly_between() {
        let points: Vec<(f64, f64)> = (0..6)
            .map(|i| f64::from(i) * 2.0)
            .map(|x| (x, 100.0 * (x / 4.0).sin() + 200.0))
            .collect();
        let process = Process::fit(&points).expect("six points");
        for (x, y) in &points {
            assert!((process.mean(*x) - y).abs() < 3.0, "{} at {x} for {y}", process.mean(*x));
        }
        let truth = 100.0 * (5.0_f64 / 4.0).sin() + 200.0;
        assert!((process.mean(5.0) - truth).abs() < 5.0);
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(Process::fit(&[]), None);
        assert_eq!(Process::fit(&[(1.0, 0.0)]), None);
    }
}
