//! What an engine makes of bytes that lie in a store, where others may have put them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thalweg_core::state::Learned;

use crate::actions::ACTIONS_KEY;
use crate::control::ORDERS_KEY;
use crate::engine::LEARNED_KEY;
use crate::orders::Book;
use crate::{leading, said, under_way};

/// Under which key an engine notes the action under way in the cluster, outside the store.
const NOTE: &str = "note";
/// The keys of [`reread`].
pub const KEYS: [&str; 5] = [LEARNED_KEY, ACTIONS_KEY, said::KEY, ORDERS_KEY, NOTE];

/// What is understood of the bytes under a key, written anew.
///
/// # Errors
/// Why nothing is.
pub fn reread(key: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
    match key {
        LEARNED_KEY => written(&read::<Learned>(bytes)?),
        ACTIONS_KEY => written(&read::<under_way::Stored>(bytes)?),
        said::KEY => written(&read::<said::Kept>(bytes)?),
        ORDERS_KEY => written(&Book::read(bytes).map_err(|error| error.to_string())?),
        NOTE => {
            let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
            written(&leading::read_note(text).ok_or("it is no note")?)
        }
        _ => Err(format!("nothing is kept under {key}")),
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

fn written(value: &impl Serialize) -> Result<Vec<u8>, String> {
    serde_json::to_vec(value).map_err(|error| error.to_string())
}
