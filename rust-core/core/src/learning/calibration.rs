//! From what a classifier says to how often it is so.

use serde::{Deserialize, Serialize};

/// How a margin, the logarithm of odds as trees have it, becomes a chance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calibration {
    /// 1 / (1 + e^(slope × margin + offset)), Platt 1999; the slope is negative where a higher margin means more.
    Sigmoid {
        /// Per unit of margin.
        slope: f64,
        /// At margin 0.
        offset: f64,
    },
    /// Points of margin and chance, both rising, with lines between them; beyond the ends as at the ends.
    Steps(Vec<(f64, f64)>),
}

impl Calibration {
    /// The chance, from 0 to 1, that a margin stands for; nothing where no point is known.
    pub fn chance(&self, margin: f64) -> Option<f64> {
        match self {
            Self::Sigmoid { slope, offset } => Some(1.0 / (1.0 + (slope * margin + offset).exp())),
            Self::Steps(points) => between(points, margin),
        }
    }

    /// Whether it never says less of more, and no chance is beyond 0 and 1.
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Sigmoid { slope, offset } => {
                slope.is_finite() && *slope <= 0.0 && offset.is_finite()
            }
            Self::Steps(points) => {
                let rises = points.windows(2).all(|p| p[0].0 < p[1].0 && p[0].1 <= p[1].1);
                let sound = |(margin, chance): &(f64, f64)| {
                    margin.is_finite() && (0.0..=1.0).contains(chance)
                };
                !points.is_empty() && rises && points.iter().all(sound)
            }
        }
    }
}

fn between(points: &[(f64, f64)], margin: f64) -> Option<f64> {
    let above = points.partition_point(|(at, _)| *at < margin);
    let Some(&(high, high_chance)) = points.get(above) else {
        return points.last().map(|(_, chance)| *chance);
    };
    let Some(&(low, low_chance)) = above.checked_sub(1).and_then(|below| points.get(below)) else {
        return Some(high_chance);
    };
    Some(low_chance + (high_chance - low_chance) * (margin - low) / (high - low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sigmoid_of_slope_minus_one_is_the_odds_themselves() {
        let sigmoid = Calibration::Sigmoid { slope: -1.0, offset: 0.0 };
        assert_eq!(sigmoid.chance(0.0), Some(0.5));
        assert!(sigmoid.chance(3f64.ln()).is_some_and(|chance| (chance - 0.75).abs() < 1e-12));
        assert!(sigmoid.is_sound() && !Calibration::Sigmoid { slope: 1.0, offset: 0.0 }.is_sound());
    }

    #[test]
    fn lines_between_points_and_level_beyond_them() {
        let steps = Calibration::Steps(vec![(-1.0, 0.25), (1.0, 0.75), (2.0, 0.75)]);
        let chances = [-9.0, -1.0, 0.0, 1.5, 9.0].map(|margin| steps.chance(margin));
        assert_eq!(chances, [Some(0.25), Some(0.25), Some(0.5), Some(0.75), Some(0.75)]);
        assert!(steps.is_sound());
        assert!(!Calibration::Steps(vec![(0.0, 0.5), (1.0, 0.4)]).is_sound());
        assert!(!Calibration::Steps(Vec::new()).is_sound());
        assert_eq!(Calibration::Steps(Vec::new()).chance(0.0), None);
    }
}
