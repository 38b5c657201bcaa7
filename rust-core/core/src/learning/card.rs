//! What a model says of itself.

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::error::LearningError;

/// The form of cards that is written and read.
pub const SCHEMA: u32 = 1;

/// A column that a model was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// The unit of its values, as `s` or `1/s`; empty for plain numbers.
    pub unit: String,
}

/// What trees say, and what is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// The number itself.
    Plain,
    /// Its natural logarithm.
    Logarithm,
    /// The logarithm of the odds of a chance.
    LogOdds,
}

/// How well a model did on what it was not trained on, in a figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Of which: `mean absolute error, s`.
    pub name: String,
    /// The model's own figure.
    pub own: f64,
    /// The figure of the best simple rule beside it.
    pub rule: f64,
    /// That rule.
    pub beside: String,
}

/// How far off it was on what it was not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Share of what came that lay between the two factors.
    pub share: f64,
    /// What came was seldom below the prediction times this.
    pub low: f64,
    /// What came was seldom above the prediction times this.
    pub high: f64,
}

/// What a model was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Training {
    /// SHA-256 of the table, as `sha256:` and hexadecimal digits.
    pub digest: String,
    /// Rows of the table.
    pub rows: usize,
    /// Where it came from, for people.
    pub source: String,
}

/// What a model says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The form of this card.
    pub schema: u32,
    /// What it is for: `recovery`.
    pub name: String,
    /// Counted from 1 for each name; 0 until it is registered.
    pub version: u32,
    /// The day on which it was trained, as `2026-11-30`; told to whoever trained it.
    pub date: String,
    /// Who made it: the trainer and its settings.
    pub trainer: String,
    /// The name of what it predicts.
    pub target: Feature,
    /// What it says of that.
    pub quantity: Quantity,
    /// Its features, in their order.
    pub features: Vec<Feature>,
    /// What it was trained on.
    pub training: Training,
    /// How well it does.
    pub measures: Vec<Measure>,
    /// How far off it is, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
    /// How what it says becomes a chance, where it says chances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

impl Card {
    /// Checks it for itself.
    ///
    /// # Errors
    /// When its form is not known, or a part of it cannot be.
    pub fn check(&self) -> Result<(), LearningError> {
        let wrong = |reason: String| Err(LearningError::Card(reason));
        if self.schema != SCHEMA {
            return wrong(format!("form {} is not known, and {SCHEMA} is", self.schema));
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_name = |name: &str| (1..=64).contains(&name.len()) && name.chars().all(plain);
        if !is_name(&self.name) {
            return wrong("its name is not of lower-case letters, digits and dashes".to_owned());
        }
        let sound = |spread: &Spread| {
            (0.0..=1.0).contains(&spread.share) && 0.0 <= spread.low && spread.low <= spread.high
        };
        if self.spread.as_ref().is_some_and(|spread| !sound(spread)) {
            return wrong("its spread is none".to_owned());
        }
        if self.calibration.as_ref().is_some_and(|calibration| !calibration.is_sound()) {
            return wrong("its calibration says less of more, or nothing".to_owned());
        }
        if self.calibration.is_some() && self.quantity != Quantity::LogOdds {
            return wrong("it is calibrated, and says no chances".to_owned());
        }
        Ok(())
    }

    /// What a margin says, in the target's unit: the number itself, or the calibrated chance.
    pub fn told(&self, margin: f64) -> f64 {
        match self.quantity {
            Quantity::Plain => margin,
            Quantity::Logarithm => margin.exp(),
            Quantity::LogOdds => {
                let calibrated = self.calibration.as_ref().and_then(|c| c.chance(margin));
                calibrated.unwrap_or_else(|| 1.0 / (1.0 + (-margin).exp()))
            }
        }
    }

    /// Whether it did better than the best simple rule in every figure that was taken; without any it did not.
    pub fn wins(&self) -> bool {
        !self.measures.is_empty() && self.measures.iter().all(|measure| measure.own < measure.rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> Card {
        let named = |name: &str| Feature { name: name.to_owned(), unit: "s".to_owned() };
        Card {
            schema: SCHEMA,
            name: "recovery".to_owned(),
            version: 1,
            date: "2026-11-30".to_owned(),
            trainer: String::new(),
            target: named("recovery"),
            quantity: Quantity::Plain,
            features: vec![named("interval")],
            training: Training { digest: String::new(), rows: 0, source: String::new() },
            measures: Vec::new(),
            spread: None,
            calibration: None,
        }
    }

    fn refused(change: impl FnOnce(&mut Card)) -> String {
        let mut card = card();
        change(&mut card);
        card.check().expect_err("it is wrong").to_string()
    }

    #[test]
    fn a_card_that_contradicts_itself_is_refused() {
        assert_eq!(card().check(), Ok(()));
        assert!(refused(|card| card.schema = 2).contains("form 2 is not known"));
        assert!(refused(|card| card.name = "../up".to_owned()).contains("its name"));
        let spread = Spread { share: 0.8, low: 2.0, high: 1.0 };
        assert!(refused(|card| card.spread = Some(spread)).contains("its spread"));
        let steps = Calibration::Steps(vec![(0.0, 0.5)]);
        assert!(refused(|card| card.calibration = Some(steps.clone())).contains("no chances"));
    }

    #[test]
    fn margins_are_told_in_the_targets_unit() {
        let told = |quantity, margin| Card { quantity, ..card() }.told(margin);
        assert_eq!(told(Quantity::Plain, 7.0), 7.0);
        assert!((told(Quantity::Logarithm, 60f64.ln()) - 60.0).abs() < 1e-9);
        assert_eq!(told(Quantity::LogOdds, 0.0), 0.5);
        let steps = Some(Calibration::Steps(vec![(0.0, 0.1), (1.0, 0.2)]));
        let calibrated = Card { quantity: Quantity::LogOdds, calibration: steps, ..card() };
        assert_eq!(calibrated.told(9.0), 0.2);
    }

    #[test]
    fn it_wins_only_by_every_figure_and_never_without_one() {
        let measure = |own| Measure { name: String::new(), own, rule: 2.0, beside: String::new() };
        assert!(!card().wins());
        assert!(Card { measures: vec![measure(1.0)], ..card() }.wins());
        assert!(!Card { measures: vec![measure(1.0), measure(2.0)], ..card() }.wins());
    }
}
