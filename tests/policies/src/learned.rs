//! How well boosted trees foretell published loads, beside the forecast that is shipped.

use anyhow::Result;
use serde::Serialize;
use thalweg_learn::Trainer;
use thalweg_learn::load::{Rates, course, gated};

use crate::foresight::Bins;

/// How trees did on a series, beside the forecast that is shipped; all on the same bins.
#[derive(Debug, Clone, Serialize)]
pub struct Beside {
    /// The series.
    pub series: String,
    /// Length of a bin.
    pub bin_secs: i64,
    /// How far ahead.
    pub lead_secs: f64,
    /// Forecasts that were judged.
    pub judged: usize,
    /// How often trees were trained.
    pub trained: usize,
    /// Mean absolute error of the forecast that is shipped, over that of the last value.
    pub mase_shipped: f64,
    /// The same of trees.
    pub mase_trees: f64,
    /// The same of trees where they have won until then, and of the forecast that is shipped elsewhere.
    pub mase_gated: f64,
    /// Share of forecasts in which trees had won.
    pub asked: f64,
}

/// Has trees foretell a series so long before.
///
/// # Errors
/// When the trainer refuses.
pub fn beside(bins: &Bins, series: &str, lead_secs: f64, trainer: &dyn Trainer) -> Result<Beside> {
    let lead = bins.lead(lead_secs);
    let rates = Rates { begins: bins.begins, secs: bins.secs, rates: &bins.rates };
    let shipped = bins.foretold(lead_secs);
    let rule: Vec<Option<f64>> = shipped.iter().map(|said| Some((*said)?.expected)).collect();
    let trees = course(rates, lead, trainer)?;
    let (mixed, asked) = gated(rates, &trees.said, &rule, lead);
    let mut sums = [0.0; 4];
    let mut judged = 0;
    for (bin, rate) in bins.rates.iter().enumerate().skip(bins.learning()) {
        let told = (*rate).zip(shipped[bin]).zip(trees.said[bin].zip(mixed[bin]));
        let Some(((rate, shipped), (trees, gated))) = told else { continue };
        judged += 1;
        let said = [shipped.last, shipped.expected, trees, gated];
        for (sum, said) in sums.iter_mut().zip(said) {
            *sum += (rate - said).abs();
        }
    }
    let [last, shipped, of_trees, gated] = sums;
    Ok(Beside {
        series: series.to_owned(),
        bin_secs: bins.secs,
        lead_secs,
        judged,
        trained: trees.trained,
        mase_shipped: shipped / last,
        mase_trees: of_trees / last,
        mase_gated: gated / last,
        asked,
    })
}
