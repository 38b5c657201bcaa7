//! The time of this machine.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;

pub(crate) fn now_ms() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}
