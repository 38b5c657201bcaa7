//! Lines that are neither endless nor late.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// The most bytes of a request: a plan that is applied has 150 or so for each executor.
pub const LONGEST_REQUEST: usize = 1024 * 1024;
/// The most bytes of an answer.
pub const LONGEST_ANSWER: usize = 64 * 1024 * 1024;

/// What reading and writing may be limited by.
pub trait Timed {
    /// How long the next read or write may wait.
    ///
    /// # Errors
    /// When it cannot be set.
    fn wait_at_most(&self, time: Duration) -> io::Result<()>;
}

/// Reads a line without its end. Whoever closes without one has sent a line too.
///
/// # Errors
/// `TimedOut` when it is not whole at the deadline, `InvalidData` when it is longer than the limit, `UnexpectedEof` when
/// nothing came.
pub fn read(from: &mut (impl Read + Timed), limit: usize, end: Instant) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut part = [0; 16 * 1024];
    loop {
        from.wait_at_most(left(end)?)?;
        let read = match from.read(&mut part) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        };
        let ends = part[..read].iter().position(|byte| *byte == b'\n');
        line.extend_from_slice(&part[..ends.unwrap_or(read)]);
        if line.len() > limit {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("longer than {limit} bytes"),
            ));
        }
        if ends.is_some() || (read == 0 && !line.is_empty()) {
            return Ok(line);
        }
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Writes a line.
///
/// # Errors
/// `TimedOut` when it is not taken before the deadline.
pub fn write(to: &mut (impl Write + Timed), line: &[u8], end: Instant) -> io::Result<()> {
    let ended = [line, b"\n"].concat();
    let mut rest = &ended[..];
    while !rest.is_empty() {
        to.wait_at_most(left(end)?)?;
        match to.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}
