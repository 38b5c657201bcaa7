//! What models that were trained say, and how sure they are.
//!
//! Input: a model as its file has it, and a row of features, each with a value or missing. Output: a prediction, what each
//! feature contributed to it, and whether the model has earned to be asked rather than the simple rule it would replace.
//! Nothing is trained here; nothing is read from anywhere.
//!
//! Formats and formulas: trees are those of XGBoost's JSON (version 1 to 3), walked as XGBoost walks them: in single precision,
//! `value < threshold` to the left, missing where the node says. Contributions are SHAP values along paths (Lundberg et al.,
//! *Consistent individualized feature attribution for tree ensembles*, 2018, algorithm 2). Calibration is Platt's sigmoid (1999)
//! or isotonic steps with lines between them.

mod calibration;
mod card;
mod catch_up;
mod contest;
mod document;
mod error;
mod forest;
mod shap;

pub use calibration::Calibration;
pub use card::{Card, Feature, Measure, Quantity, SCHEMA, Spread, Training};
pub use catch_up::{CatchUp, Job};
pub use contest::Contest;
pub use document::Document;
pub use error::{LearningError, Place};
pub use forest::{Forest, MAX_DEPTH, MAX_FEATURES, MAX_NODES, MAX_TREES, Node, Objective, Tree};
pub use shap::Contributions;
