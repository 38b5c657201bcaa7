//! The format of a store as a whole: one number beside the data, so that an older version leaves alone what a newer one wrote.
//!
//! What an older version can pass over, such as a further field, is no other format. What it would lose, take for something
//! else or fail to read is: then the number is raised, and the version that raises it reads both. A store without a
//! number is of the first format, as it was written before formats were counted.

use crate::error::StoreError;
use crate::limits::FORMAT;
use crate::table::LAYOUT;

// A table of a layout that an older version does not know would be dropped by it, and stored anew in its own.
const _: () = assert!(LAYOUT <= FORMAT);

/// The name under which the number is kept.
pub(crate) const NAME: &str = "format";

/// Refuses what a newer version wrote.
pub(crate) fn check(place: &str, found: u64) -> Result<(), StoreError> {
    match u32::try_from(found) {
        Ok(found) if found <= FORMAT => Ok(()),
        _ => Err(StoreError::Newer { place: place.to_owned(), format: found }),
    }
}
