//! What a target of Prometheus exposes: the text format (0.0.4) and OpenMetrics (1.0).
//!
//! **In**: bytes of anybody. **Out**: families of samples, or the place of the first thing that is wrong. It never panics, and what
//! it keeps is bounded by [`Limits`].

mod cursor;
mod families;
mod fault;
mod line;
mod number;
mod parse;
#[cfg(test)]
mod tests;
mod words;

pub use fault::{ExpositionError, Fault};
pub use parse::parse;
pub use words::{Exemplar, Exposition, Family, Format, Kind, Labels, Limits, Sample};
