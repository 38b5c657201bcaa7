//! Asks a JobManager's REST interface.

use serde_json::Value;

use super::ask::Ask;
use crate::http::{Access, Client, HttpError};

/// A JobManager's REST interface, and how it is asked.
#[derive(Debug)]
pub struct Rest(Client);

impl Rest {
    /// Prepares to ask; nothing is sent yet.
    ///
    /// # Errors
    /// When a file of certificates or a key cannot be used.
    pub fn new(access: Access) -> Result<Self, HttpError> {
        Client::new(access).map(Self)
    }
}

impl Ask for Rest {
    fn get(&self, path: &str) -> Result<Value, HttpError> {
        let answer = self.0.get(path, "application/json")?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| HttpError::NoJson { path: path.to_owned(), reason: error.to_string() })
    }
}
