//! The words that values of the core have on the wire.

use serde::Serialize;

/// A value's own word, as serde writes it.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
