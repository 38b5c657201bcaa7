//! What can go wrong between Java and the engine, with the codes that Java knows it by.

use thalweg_codec::CodecError;
use thalweg_engine::EngineError;
use thiserror::Error;

/// What can go wrong between Java and the engine.
#[derive(Debug, Error)]
pub enum BridgeError {
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("{buffer} buffer: {problem}")]
    Buffer { buffer: &'static str, problem: String },
    #[error("engine {handle} is closed")]
    Closed { handle: i64 },
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("the engine's answer {0}")]
    Answer(String),
    #[error("{bytes} bytes of memory are not to be had")]
    Memory { bytes: usize },
    #[error("no fault is planted: {0}")]
    Plant(String),
    #[error(transparent)]
    Jni(#[from] jni::errors::Error),
}

impl BridgeError {
    /// The name of a `ThalwegException.Code`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Codec(_) | Self::Buffer { .. } => "SNAPSHOT",
            Self::Closed { .. } => "CLOSED",
            Self::Engine(error) => error.code(),
            Self::Memory { .. } => "MEMORY",
            Self::Answer(_) | Self::Plant(_) | Self::Jni(_) => "INTERNAL",
        }
    }
}
