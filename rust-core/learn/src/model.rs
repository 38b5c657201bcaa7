//! A model as a file has it: what it says of itself, and what it is made of.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thalweg_core::learning::{
    Card, CatchUp, Contributions, Document, Forest, Job, LearningError, Objective, Quantity,
};
use thalweg_core::units::{Millis, RatePerSec};

use crate::error::LearnError;

/// The largest file that is read: more than the largest model that is walked.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// What a model is made of.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Boosted trees, as XGBoost's JSON has them; kept byte for byte.
    Trees(Box<RawValue>),
    /// How a job catches up after a stop.
    CatchUp(CatchUp),
}

/// A model as its file has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelFile {
    /// What it says of itself.
    pub card: Card,
    /// What it is made of.
    pub body: Body,
}

/// A model that can be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    /// Boosted trees.
    Trees(Card, Forest),
    /// How a job catches up: of the features `throughput` and `interval`.
    CatchUp(Card, CatchUp),
}

impl ModelFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or is not in the form of a model.
    pub fn read(path: &Path) -> Result<Self, LearnError> {
        let text = read_at_most(path)?;
        serde_json::from_str(&text).map_err(|error| LearnError::Corrupt {
            place: path.display().to_string(),
            reason: error.to_string(),
        })
    }

    /// A model that XGBoost wrote, as it is, with a card beside it; features get its own names where it has some.
    ///
    /// # Errors
    /// When it cannot be read or walked.
    pub fn adopt(path: &Path, card: Card) -> Result<Self, LearnError> {
        let place = || path.display().to_string();
        let text = read_at_most(path)?;
        let corrupt = |error: serde_json::Error| LearnError::Corrupt {
            place: place(),
            reason: error.to_string(),
        };
        let raw: Box<RawValue> = serde_json::from_str(&text).map_err(corrupt)?;
        let file = Self { card, body: Body::Trees(raw) };
        file.checked().map_err(|error| LearnError::Model { place: place(), error })?;
        Ok(file)
    }

    /// Checks it, and makes of it what can be asked.
    ///
    /// # Errors
    /// When its card is wrong, its trees are not taken, or they do not fit each other.
    pub fn checked(&self) -> Result<Model, LearningError> {
        self.card.check()?;
        let card = self.card.clone();
        match &self.body {
            Body::Trees(raw) => {
                let document: Document = serde_json::from_str(raw.get())
                    .map_err(|error| LearningError::Card(format!("its trees: {error}")))?;
                let forest = document.forest()?;
                let (found, wanted) = (card.features.len(), forest.features());
                if found != wanted {
                    return Err(LearningError::Row { found, wanted });
                }
                let chances = card.quantity == Quantity::LogOdds;
                if chances != (forest.objective() == Objective::LogOdds) {
                    return Err(LearningError::Card("its trees say another quantity".to_owned()));
                }
                Ok(Model::Trees(card, forest))
            }
            Body::CatchUp(catch_up) if catch_up.is_sound() && card.quantity == Quantity::Plain => {
                Ok(Model::CatchUp(card, *catch_up))
            }
            Body::CatchUp(_) => Err(LearningError::Card("its numbers are of no job".to_owned())),
        }
    }
}

impl Model {
    /// What it says of itself.
    pub fn card(&self) -> &Card {
        match self {
            Self::Trees(card, _) | Self::CatchUp(card, _) => card,
        }
    }

    /// What it says of a row, in the target's unit; nothing where it cannot tell.
    ///
    /// # Errors
    /// When the row has another number of features.
    pub fn told(&self, row: &[Option<f32>]) -> Result<Option<f64>, LearningError> {
        match self {
            Self::Trees(card, forest) => Ok(Some(card.told(f64::from(forest.margin(row)?)))),
            Self::CatchUp(card, catch_up) => {
                let (found, wanted) = (row.len(), card.features.len());
                if found != wanted {
                    return Err(LearningError::Row { found, wanted });
                }
                Ok(job(card, row).and_then(|job| catch_up.takes(job)).map(|t| t.get() / 1000.0))
            }
        }
    }

    /// What each feature contributed, for trees in the unit of their margin; nothing where the whole is a formula that shows
    /// it itself.
    ///
    /// # Errors
    /// When the row has another number of features.
    pub fn contributions(
        &self,
        row: &[Option<f32>],
    ) -> Result<Option<Contributions>, LearningError> {
        match self {
            Self::Trees(_, forest) => forest.contributions(row).map(Some),
            Self::CatchUp(..) => Ok(None),
        }
    }
}

/// The job that a row tells of; nothing where its throughput is missing.
fn job(card: &Card, row: &[Option<f32>]) -> Option<Job> {
    let value = |name: &str| {
        let place = card.features.iter().position(|feature| feature.name == name)?;
        row[place].map(f64::from)
    };
    Some(Job {
        rate: RatePerSec::new(value("throughput")?).ok()?,
        interval: value("interval").and_then(|secs| Millis::new(secs * 1000.0).ok()),
    })
}

/// A text file that is not larger than any model.
pub(crate) fn read_at_most(path: &Path) -> Result<String, LearnError> {
    let place = || path.display().to_string();
    let file = |error| LearnError::File { place: place(), error };
    let bytes = fs::metadata(path).map_err(file)?.len();
    if bytes > MAX_BYTES {
        let reason = format!("{bytes} bytes, and at most {MAX_BYTES} are read");
        return Err(LearnError::Corrupt { place: place(), reason });
    }
    fs::read_to_string(path).map_err(file)
}
