//! Waiting on a condition, never on a guess of how long something takes.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

const PAUSE: Duration = Duration::from_millis(50);

/// Asks `condition` until it gives a value, or fails once `limit` has passed.
///
/// # Errors
/// The condition's own error ends the wait at once; otherwise names `what` never came.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = condition()? {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            bail!("{what} did not come within {} s", limit.as_secs_f32());
        }
        std::thread::sleep(PAUSE);
    }
}

/// Tells whether something accepts connections at this address.
pub fn accepts(host: &str, port: u16) -> bool {
    let Ok(address) = format!("{host}:{port}").parse() else {
        return false;
    };
    std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
}
