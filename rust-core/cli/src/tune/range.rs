//! The settings that are searched, and the bounds of their values.

use anyhow::{Result, bail};
use thalweg_engine::{Kind, keys};
use thalweg_sim::random::Random;

/// A setting that is searched.
pub struct Range {
    key: String,
    low: f64,
    high: f64,
    whole: bool,
}

impl Range {
    /// A value within the bounds, as `KEY=VALUE`.
    pub fn draw(&self, random: &mut Random) -> String {
        // Bounds of one sign that lie far apart are searched by factors rather than by steps.
        let value = if self.low > 0.0 && self.high / self.low >= 10.0 {
            self.low * (self.high / self.low).powf(random.unit())
        } else {
            random.between(self.low, self.high)
        };
        if self.whole {
            format!("{}={:.0}", self.key, value)
        } else {
            format!("{}={value:.4}", self.key)
        }
    }
}

/// Reads `KEY=LOW..HIGH`.
pub fn range(text: &str) -> Result<Range> {
    let parts = || {
        let (key, bounds) = text.split_once('=')?;
        let (low, high) = bounds.split_once("..")?;
        Some((key, low.parse::<f64>().ok()?, high.parse::<f64>().ok()?))
    };
    let Some((name, low, high)) = parts() else {
        bail!("--search {text}: expected KEY=LOW..HIGH with two numbers");
    };
    let Some(key) = keys().find(|key| key.name == name) else {
        bail!("--search {text}: there is no setting {name}");
    };
    let (least, most, whole) = match key.kind {
        Kind::Number(least, most) => (least, most, false),
        Kind::Whole(least, most) => (least, most, true),
        _ => bail!("--search {text}: expected a setting that is a number"),
    };
    if !(least <= low && low < high && high <= most) {
        bail!("--search {text}: expected bounds from {least} to {most}");
    }
    Ok(Range { key: name.to_owned(), low, high, whole })
}
