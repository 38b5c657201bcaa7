//! What both commands say and take.

use anyhow::{Context, Result};
use jiff::civil::Date;
use thalweg_learn::LearnError;

/// An error with its code.
pub fn coded(error: LearnError) -> anyhow::Error {
    anyhow::anyhow!("{} ({})", error, error.code())
}

/// A day as `2026-11-30`.
pub fn day(text: &str) -> Result<String> {
    let day = text.parse::<Date>().with_context(|| format!("{text:?} is no day as 2026-11-30"))?;
    Ok(day.to_string())
}
