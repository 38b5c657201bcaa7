//! Where it may listen: on this machine, or beyond it with tokens and TLS.

use std::net::SocketAddr;

use thiserror::Error;

/// What a server is given to be safe with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposure {
    /// Where it is to listen.
    pub listen: SocketAddr,
    /// Whether it has tokens.
    pub tokens: bool,
    /// Whether it speaks TLS.
    pub tls: bool,
}

/// Why it may not listen there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{listen} can be reached from other machines, so {missing} needed")]
pub struct ExposureError {
    listen: SocketAddr,
    missing: &'static str,
}

impl Exposure {
    /// Refuses to be reached from other machines without both tokens and TLS.
    ///
    /// # Errors
    /// [`ExposureError`], which names what is missing.
    pub fn check(self) -> Result<(), ExposureError> {
        let missing = match (self.tokens, self.tls) {
            _ if self.listen.ip().to_canonical().is_loopback() => return Ok(()),
            (true, true) => return Ok(()),
            (false, true) => "tokens are",
            (true, false) => "a certificate and its key are",
            (false, false) => "tokens, and a certificate with its key, are",
        };
        Err(ExposureError { listen: self.listen, missing })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn beyond_loopback_both_tokens_and_tls_are_needed() {
        let allowed = |listen: &str, tokens, tls| {
            Exposure { listen: listen.parse().unwrap(), tokens, tls }.check().is_ok()
        };
        for loopback in ["127.0.0.1:7480", "127.8.0.1:7480", "[::1]:7480", "[::ffff:127.0.0.1]:1"] {
            assert!(allowed(loopback, false, false), "{loopback}");
        }
        for open in ["0.0.0.0:7480", "[::]:7480", "10.0.0.1:7480", "[::ffff:10.0.0.1]:1"] {
            assert!(!allowed(open, false, false), "{open}");
            assert!(!allowed(open, true, false), "{open}");
            assert!(!allowed(open, false, true), "{open}");
            assert!(allowed(open, true, true), "{open}");
        }
    }
}
