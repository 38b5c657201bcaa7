//! Asks a JobManager's REST interface, and tells it what to change.

use serde_json::Value;

use super::ask::{Ask, Tell};
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
        read_answer(&answer.body)
            .map_err(|reason| HttpError::NoJson { path: path.to_owned(), reason })
    }
}

impl Tell for Rest {
    fn put(&self, path: &str, value: &Value) -> Result<(), HttpError> {
        self.0.put(path, value.to_string()).map(drop)
    }
}

/// Reads what a JobManager answers.
///
/// # Errors
/// Why it is no answer.
pub fn read_answer(body: &[u8]) -> Result<Value, String> {
    thalweg_bounds::read(body).map_err(|error| error.to_string())
}
