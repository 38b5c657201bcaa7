//! The running loop: owns state, clock readings and the store around the pure core.

use thalweg_core::model::{Observation, SlotRef};
use thalweg_core::units::Timestamp;
use thiserror::Error;

/// What can go wrong in a call of the engine.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A request that cannot be understood.
    #[error("bad request: {0}")]
    Request(String),
}

impl EngineError {
    /// The stable code under which the error crosses to the JVM.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Request(_) => "STATE",
        }
    }
}

/// Where one executor belongs, as an answer to [`Engine::assign`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assigned {
    /// Left to the engine's own scheduler.
    NotOurs,
    /// Stays where it is.
    Keep,
    /// Belongs into this slot.
    To(SlotRef),
}

/// One scheduler's brain.
#[derive(Debug, Default)]
pub struct Engine {}

impl Engine {
    /// Opens an engine with the settings of a JSON object.
    ///
    /// # Errors
    /// When `config_json` is no JSON object.
    pub fn open(_config_json: &str) -> Result<Self, EngineError> {
        Ok(Self {})
    }

    /// Takes in one observation and answers with the decisions it led to, as JSON.
    ///
    /// # Errors
    /// When the engine's state does not allow it.
    pub fn observe(
        &self,
        _observation: Observation,
        _now: Timestamp,
    ) -> Result<String, EngineError> {
        Ok(String::from("{\"decisions\":[]}"))
    }

    /// Tells for each executor, in the order of topologies and their executors, where it belongs.
    ///
    /// # Errors
    /// When the engine's state does not allow it.
    pub fn assign(
        &self,
        view: &Observation,
        _now: Timestamp,
    ) -> Result<Vec<Assigned>, EngineError> {
        Ok(view
            .topologies
            .iter()
            .flat_map(|t| t.executors.iter().map(|_| Assigned::NotOurs))
            .collect())
    }

    /// Carries out one JSON request and answers in JSON.
    ///
    /// # Errors
    /// When the request cannot be understood.
    pub fn command(&self, _request_json: &str, _now: Timestamp) -> Result<String, EngineError> {
        Ok(String::from("{}"))
    }
}
