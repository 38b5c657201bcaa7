//! Answers to requests, and what several of them are made with.

use serde::Serialize;
use serde_json::Value;
use thalweg_control::{ErrorCode, Refusal, now_millis};
use thalweg_core::units::Timestamp;

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

/// Nothing was observed yet.
pub fn not_ready() -> Refusal {
    Refusal::of(ErrorCode::NotReady, "", "the cluster was not observed yet: ask again in a moment")
}

/// By this machine's clock.
pub fn now() -> Timestamp {
    Timestamp::from_millis(now_millis())
}

/// Puts what a second answer says into the first.
pub fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}
