//! Answers to requests.

use serde::Serialize;
use serde_json::Value;

use crate::status::Shown;

/// What was asked for.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// As JSON.
    Value(Value),
    /// The status, which is JSON only while it is written.
    Status(Box<Shown>),
}
