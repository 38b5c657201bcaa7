//! Asks the agent in a driver, and tells it how many executors are to be asked for.

use serde_json::json;

use super::told::Told;
use crate::http::{Access, Client, HttpError, Server};

/// An agent, and how it is asked.
#[derive(Debug)]
pub struct Agent(Client);

impl Agent {
    const QUERIES: &str = "/v1/queries";
    const EXECUTORS: &str = "/v1/executors";

    /// Prepares to ask; nothing is sent yet.
    ///
    /// # Errors
    /// When a file of certificates or a key cannot be used.
    pub fn new(access: Access) -> Result<Self, HttpError> {
        Client::new(access).map(Self)
    }

    /// All that the agent tells of its driver.
    ///
    /// # Errors
    /// When nobody answers, nobody may ask, or somebody else answers.
    pub fn told(&self) -> Result<Told, HttpError> {
        let stranger = |reason: String| HttpError::Stranger {
            place: self.0.access().address.to_string(),
            expected: Server::Spark,
            reason,
        };
        let answer = self.0.get(Self::QUERIES, "application/json").map_err(|error| {
            if error.is_not_found() { stranger(error.to_string()) } else { error }
        })?;
        let value = thalweg_bounds::read(&answer.body);
        let value = value.map_err(|error| HttpError::NoJson {
            path: Self::QUERIES.to_owned(),
            reason: error.to_string(),
        })?;
        Told::read(value).map_err(|fault| stranger(fault.to_string()))
    }

    /// Asks for so many executors in all. Once only: whether something that was not answered has been done can only be seen.
    ///
    /// # Errors
    /// When it is refused, or nobody knows whether it was taken.
    pub fn ask_for(&self, executors: u32) -> Result<(), HttpError> {
        self.0.put(Self::EXECUTORS, json!({ "total": executors }).to_string()).map(drop)
    }
}
