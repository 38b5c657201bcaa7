//! Boosted trees by the crate `hessboost`: the only file that knows it.
//!
//! It is young. Its version is pinned, what it makes is taken only as XGBoost's JSON through our own reader, and tests hold what
//! it says against XGBoost's own predictions to the bit.

use hessboost::config::{Monotone, TrainingParams, TreeMethod};
use hessboost::data::DMatrix;
use hessboost::error::HessboostError;
use hessboost::model::ModelFormat;
use hessboost::objective::{Objective, RegLoss};
use hessboost::training::train;

use crate::error::LearnError;
use crate::table::Table;
use crate::trainer::{Loss, Settings, Trainer};

/// Trains by gradient-boosted trees, on one thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct Boosted;

impl Trainer for Boosted {
    fn name(&self) -> &'static str {
        "hessboost 0.4.6"
    }

    fn train(&self, table: &Table, settings: &Settings) -> Result<String, LearnError> {
        if table.rows.is_empty() {
            return Err(LearnError::Training("there are no rows".to_owned()));
        }
        let parameters = parameters(table, settings).map_err(said)?;
        let matrix = matrix(table).map_err(said)?;
        let model = train(&parameters, &matrix, settings.rounds).map_err(said)?;
        let json = model.encode(ModelFormat::XgboostJson).map_err(said)?;
        String::from_utf8(json).map_err(|error| LearnError::Training(error.to_string()))
    }
}

fn said(error: HessboostError) -> LearnError {
    LearnError::Training(error.to_string())
}

fn parameters(table: &Table, settings: &Settings) -> Result<TrainingParams, HessboostError> {
    let rises = |feature| match settings.rising.contains(&feature) {
        true => Monotone::Increasing,
        false => Monotone::None,
    };
    let objective = match settings.loss {
        Loss::Squared => Objective::SquaredError(RegLoss::default()),
        Loss::Absolute => Objective::AbsoluteError,
        Loss::Chance => Objective::BinaryLogistic(RegLoss::default()),
    };
    TrainingParams::builder()
        .objective(objective)
        .tree_method(TreeMethod::Hist)
        .nthread(1)
        .max_depth(settings.depth)
        .eta(settings.rate)
        .min_child_weight(settings.least_weight)
        .monotone_constraints((0..table.features.len()).map(rises).collect())
        .build()
}

fn matrix(table: &Table) -> Result<DMatrix, HessboostError> {
    let cells = table.rows.iter().flat_map(|row| &row.values);
    let cells: Vec<f32> = cells.map(|value| value.unwrap_or(f32::NAN)).collect();
    let labels: Vec<f32> = table.rows.iter().map(|row| row.target).collect();
    DMatrix::from_dense_vec(cells, table.rows.len(), table.features.len())?.with_labels(&labels)
}
