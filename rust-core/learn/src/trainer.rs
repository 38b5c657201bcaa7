//! What learns.

use crate::error::LearnError;
use crate::table::Table;

/// What a model is to be right about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The mean: squares of errors.
    Squared,
    /// The median: absolute errors.
    Absolute,
    /// Whether the target is 1 and not 0: the logarithm of the likelihood.
    Chance,
}

/// How it learns. The names of XGBoost's parameters are behind each.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What it is to be right about (`objective`).
    pub loss: Loss,
    /// Trees.
    pub rounds: usize,
    /// Questions on a way (`max_depth`).
    pub depth: usize,
    /// Share of each tree that counts (`eta`).
    pub rate: f64,
    /// The least weight of rows at a leaf (`min_child_weight`).
    pub least_weight: f64,
    /// Features of which more never means less, by their numbers (`monotone_constraints`).
    pub rising: Vec<usize>,
}

impl Settings {
    /// In one line, for a model's card.
    pub fn told(&self) -> String {
        let Self { loss, rounds, depth, rate, least_weight, rising } = self;
        format!(
            "{loss:?} loss, {rounds} trees of depth {depth} at {rate}, at least {least_weight} a leaf, rising {rising:?}"
        )
    }
}

/// Learns trees from tables.
///
/// The same table and settings make the same model, on any number of cores.
pub trait Trainer {
    /// Its name and version.
    fn name(&self) -> &'static str;

    /// Trains on all rows of a table; answers with a model in XGBoost's JSON.
    ///
    /// # Errors
    /// When the settings make no sense, or nothing can be learned from the table.
    fn train(&self, table: &Table, settings: &Settings) -> Result<String, LearnError>;
}
