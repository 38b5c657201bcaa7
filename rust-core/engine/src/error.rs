//! Errors of the engine, with the stable codes under which they cross to the JVM.

use serde_json::Value;
use thiserror::Error;

/// What can go wrong in a call of the engine.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A request that cannot be understood.
    #[error("bad request: {0}")]
    Request(String),
    /// A request about a plan that is not the one under way.
    #[error("plan {0} is not under way")]
    UnknownPlan(String),
    /// A plan was decided while another is carried out.
    #[error("plan {0} is still under way")]
    Busy(String),
    /// A report that does not go with how far the action is.
    #[error(transparent)]
    Refused(#[from] thalweg_core::action::Refused),
    /// A word on a plan that nobody waits for one on.
    #[error(
        "no plan {0} waits for anybody's word: it has expired, was replaced or withdrawn, or never was"
    )]
    NotProposed(String),
    /// Something that only the leader may do.
    #[error("this process does not lead")]
    Follows,
    /// The settings are no JSON object.
    #[error("the settings are no JSON object: {0}")]
    Settings(String),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] thalweg_store::StoreError),
    /// Something is about to be done that a successor could not learn of.
    #[error("a successor could not learn of what is about to be done: {0}")]
    NotShared(String),
    /// Something that should be JSON could not be made so.
    #[error("cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl EngineError {
    /// The stable code under which the error crosses to the JVM.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Request(_)
            | Self::UnknownPlan(_)
            | Self::Busy(_)
            | Self::NotProposed(_)
            | Self::Follows
            | Self::Refused(_) => "STATE",
            Self::Settings(_) => "CONFIG",
            Self::Store(_) | Self::NotShared(_) => "STORE",
            Self::Json(_) => "INTERNAL",
        }
    }
}

/// What a JSON value is, for messages.
pub(crate) fn kind_of(value: &Value) -> String {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "a flag",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    kind.to_owned()
}
