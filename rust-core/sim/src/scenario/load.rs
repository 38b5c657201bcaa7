//! Load over time, in multiples of the scenario's rate.

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// How many records arrive.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Its shape.
    #[serde(default)]
    pub shape: LoadShape,
    /// Relative standard deviation from one second to the next.
    #[serde(default)]
    pub noise: f64,
}

/// The shape of a load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LoadShape {
    /// The same all the time.
    Constant {
        /// The load.
        level: f64,
    },
    /// Another level from each instant on.
    Steps {
        /// Instants in seconds, and the level from there.
        levels: Vec<[f64; 2]>,
    },
    /// From one level to another.
    Ramp {
        /// Level before.
        from: f64,
        /// Level after.
        to: f64,
        /// When it begins.
        start_secs: f64,
        /// When it ends.
        end_secs: f64,
    },
    /// Up and down.
    Sine {
        /// The mean.
        mean: f64,
        /// How far up and down.
        amplitude: f64,
        /// From one top to the next.
        period_secs: f64,
    },
    /// A crowd comes suddenly and goes slowly.
    Flash {
        /// Level before and after.
        base: f64,
        /// Level at the top.
        peak: f64,
        /// When it comes.
        at_secs: f64,
        /// Until the top is reached.
        rise_secs: f64,
        /// At the top.
        hold_secs: f64,
        /// Back to the base.
        fall_secs: f64,
    },
    /// A series that was recorded.
    Series {
        /// Its file, relative to the scenario's.
        #[serde(default)]
        file: String,
        /// Column of the values, the first being 0.
        #[serde(default = "second_column")]
        column: usize,
        /// Seconds between two values of the run; shorter than recorded plays it faster.
        interval_secs: f64,
        /// Level of the series' mean; the values are scaled to it.
        mean: f64,
        /// How much larger than recorded deviations from the mean are.
        #[serde(default = "whole")]
        stretch: f64,
        /// First value used.
        #[serde(default)]
        skip: usize,
        /// The values; read from the file where empty.
        #[serde(default)]
        values: Vec<f64>,
    },
}

impl Default for LoadShape {
    fn default() -> Self {
        Self::Constant { level: 1.0 }
    }
}

impl Load {
    /// A load that never changes.
    pub fn constant(level: f64) -> Self {
        Self { shape: LoadShape::Constant { level }, noise: 0.0 }
    }

    /// The load at an instant, without noise.
    pub fn level(&self, secs: f64) -> f64 {
        let level = match &self.shape {
            LoadShape::Constant { level } => *level,
            LoadShape::Steps { levels } => {
                let past = levels.iter().rev().find(|[from, _]| *from <= secs);
                past.or(levels.first()).map_or(0.0, |[_, level]| *level)
            }
            LoadShape::Ramp { from, to, start_secs, end_secs } => {
                let part = (secs - start_secs) / (end_secs - start_secs).max(1e-9);
                from + (to - from) * part.clamp(0.0, 1.0)
            }
            LoadShape::Sine { mean, amplitude, period_secs } => {
                mean - amplitude * (std::f64::consts::TAU * secs / period_secs).cos()
            }
            LoadShape::Flash { base, peak, at_secs, rise_secs, hold_secs, fall_secs } => {
                let up = (secs - at_secs) / rise_secs.max(1e-9);
                let down = (secs - at_secs - rise_secs - hold_secs) / fall_secs.max(1e-9);
                base + (peak - base) * (up.clamp(0.0, 1.0) - down.clamp(0.0, 1.0))
            }
            LoadShape::Series { interval_secs, mean, stretch, skip, values, .. } => {
                series(values, *skip, secs / interval_secs, *mean, *stretch)
            }
        };
        level.max(0.0)
    }

    /// The load in each second, with noise drawn from a seed.
    pub fn per_second(&self, seconds: usize, seed: u64) -> Vec<f64> {
        let mut random = Random::of(seed, "load");
        (0..seconds)
            .map(|second| self.level(second as f64 + 0.5) * random.factor(self.noise))
            .collect()
    }

    /// How many times the level changes at once; nothing for a load that changes all the time.
    pub fn changes(&self) -> Option<usize> {
        match &self.shape {
            LoadShape::Constant { .. } => Some(0),
            LoadShape::Steps { levels } => {
                Some(levels.windows(2).filter(|pair| pair[0][1] != pair[1][1]).count())
            }
            LoadShape::Flash { .. } => Some(2),
            LoadShape::Ramp { .. } | LoadShape::Sine { .. } | LoadShape::Series { .. } => None,
        }
    }
}

/// The value of a recorded series between two of its points; it begins anew after its end.
fn series(values: &[f64], skip: usize, position: f64, mean: f64, stretch: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.iter().sum::<f64>() / values.len() as f64;
    let at = |index: usize| values[(skip + index) % values.len()];
    let (index, part) = (position.floor() as usize, position.fract());
    let value = at(index) + (at(index + 1) - at(index)) * part;
    mean * (1.0 + stretch * (value / middle.max(1e-9) - 1.0))
}

fn second_column() -> usize {
    1
}

fn whole() -> f64 {
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(shape: LoadShape, secs: f64) -> f64 {
        Load { shape, noise: 0.0 }.level(secs)
    }

    #[test]
    fn shapes_pass_through_their_corners() {
        let steps = LoadShape::Steps { levels: vec![[0.0, 1.0], [60.0, 3.0], [120.0, 2.0]] };
        assert_eq!([0.0, 59.9, 60.0, 200.0].map(|t| at(steps.clone(), t)), [1.0, 1.0, 3.0, 2.0]);
        assert_eq!(Load { shape: steps, noise: 0.0 }.changes(), Some(2));
        let ramp = LoadShape::Ramp { from: 1.0, to: 2.0, start_secs: 10.0, end_secs: 20.0 };
        assert_eq!([0.0, 15.0, 30.0].map(|t| at(ramp.clone(), t)), [1.0, 1.5, 2.0]);
        let sine = LoadShape::Sine { mean: 2.0, amplitude: 1.0, period_secs: 100.0 };
        assert!(
            (at(sine.clone(), 0.0) - 1.0).abs() < 1e-12 && (at(sine, 50.0) - 3.0).abs() < 1e-12
        );
        let flash = LoadShape::Flash {
            base: 1.0,
            peak: 5.0,
            at_secs: 10.0,
            rise_secs: 2.0,
            hold_secs: 4.0,
            fall_secs: 8.0,
        };
        assert_eq!(
            [0.0, 11.0, 14.0, 20.0, 40.0].map(|t| at(flash.clone(), t)),
            [1.0, 3.0, 5.0, 3.0, 1.0]
        );
    }

    #[test]
    fn a_series_is_scaled_to_its_mean_and_stretched_around_it() {
        let shape = |stretch| LoadShape::Series {
            file: String::new(),
            column: 1,
            interval_secs: 10.0,
            mean: 2.0,
            stretch,
            skip: 0,
            values: vec![50.0, 150.0],
        };
        assert_eq!([0.0, 5.0, 10.0, 20.0].map(|t| at(shape(1.0), t)), [1.0, 2.0, 3.0, 1.0]);
        assert_eq!(at(shape(0.5), 10.0), 2.5);
    }
}
