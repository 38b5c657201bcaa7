//! What metrics are taken from.

use crate::status::Status;
use crate::watch::Known;

/// One engine at one moment.
pub struct Seen<'a> {
    pub name: &'a str,
    pub known: &'a Known,
    pub status: Option<&'a Status>,
}
