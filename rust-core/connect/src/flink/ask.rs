//! What is done to a JobManager: it is asked, and where somebody wants to change something, told.

use serde_json::Value;

use crate::http::HttpError;

/// Whoever answers for a JobManager's REST interface. Nothing can be done to it here but to ask.
pub trait Ask {
    /// The answer at a path, which may have a query behind it.
    ///
    /// # Errors
    /// When there is none.
    fn get(&self, path: &str) -> Result<Value, HttpError>;

    /// The same; nothing where what is asked for is not there.
    ///
    /// # Errors
    /// When there is no answer for another reason.
    fn get_if_there(&self, path: &str) -> Result<Option<Value>, HttpError> {
        match self.get(path) {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whoever can also be told to change something.
pub trait Tell: Ask {
    /// Puts this at a path.
    ///
    /// # Errors
    /// When it is refused, or nobody knows whether it was taken.
    fn put(&self, path: &str, value: &Value) -> Result<(), HttpError>;
}
