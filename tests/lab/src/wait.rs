//! Waiting on a condition, never on a guess of how long something takes.

use std::fmt::Debug;
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

/// Looks until what is seen is as it should be, for what others write at their own pace: journals, status files,
/// counters that are reported. A look that fails counts as "not yet".
///
/// # Errors
/// Once `limit` has passed, with what was seen last.
pub fn until_seen<T: Debug>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<T>,
    mut right: impl FnMut(&T) -> bool,
) -> Result<T> {
    let mut last = "nothing".to_owned();
    let seen = until(what, limit, || {
        let seen = look();
        match seen {
            Ok(seen) if right(&seen) => Ok(Some(seen)),
            Ok(seen) => {
                last = format!("{seen:?}");
                Ok(None)
            }
            Err(error) => {
                last = format!("{error:#}");
                Ok(None)
            }
        }
    });
    seen.map_err(|error| error.context(format!("last seen: {last}")))
}

/// Tells whether something accepts connections at this address.
pub fn accepts(host: &str, port: u16) -> bool {
    let Ok(address) = format!("{host}:{port}").parse() else {
        return false;
    };
    std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn what_comes_late_is_waited_for() {
        let mut lines = 1_997;
        let count = || {
            lines += 1;
            if lines == 1_998 { bail!("the file is not there yet") } else { Ok(lines) }
        };
        let seen = until_seen("all lines", Duration::from_secs(60), count, |seen| *seen == 2_000);
        assert_eq!(seen.unwrap(), 2_000);
    }

    #[test]
    fn what_never_comes_is_told_with_what_was_seen_last() {
        let look = || Ok((1_998, "acknowledged"));
        let error = until_seen("all lines", Duration::ZERO, look, |seen| seen.0 == 1_999);
        let said = format!("{:#}", error.unwrap_err());
        assert_eq!(said, "last seen: (1998, \"acknowledged\"): all lines did not come within 0 s");
        let error =
            until_seen("a file", Duration::ZERO, || Err::<(), _>(anyhow!("no file")), |()| true);
        assert!(format!("{:#}", error.unwrap_err()).contains("last seen: no file"));
    }
}
