//! What an operator may set about the store.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Which store to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StoreKind {
    /// A file on this machine.
    #[default]
    Embedded,
    /// Redis, with a file on this machine in front of it.
    Redis,
}

/// Text that never shows in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The hidden text.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What an operator may set about the store.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// Which store to use.
    pub kind: StoreKind,
    /// The folder of the embedded store, or of the journal in front of Redis.
    pub dir: PathBuf,
    /// Where Redis is: `redis://host:port/db`, or `rediss://` for TLS.
    pub url: String,
    /// The ACL user; without one, the default user.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// A PEM file of the authorities to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// What every key in Redis begins with.
    pub prefix: String,
    /// How long to wait for a connection, and for each answer.
    pub timeout: Duration,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            kind: StoreKind::Embedded,
            dir: PathBuf::from("thalweg"),
            url: "redis://127.0.0.1:6379".into(),
            user: None,
            password: None,
            ca_file: None,
            prefix: "thalweg".into(),
            timeout: Duration::from_secs(2),
        }
    }
}

impl StoreSettings {
    /// The URL without user and password, for messages.
    pub(crate) fn server(&self) -> String {
        let Some((scheme, rest)) = self.url.split_once("://") else {
            return "redis".into();
        };
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        format!("{scheme}://{host}")
    }
}

impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreSettings")
            .field("kind", &self.kind)
            .field("dir", &self.dir)
            .field("url", &self.server())
            .field("user", &self.user)
            .field("password", &self.password)
            .field("ca_file", &self.ca_file)
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_do_not_show() {
        let settings = StoreSettings {
            url: "rediss://ann:hunter2@cache.example:6380/1".into(),
            password: Some(Secret::new("hunter3")),
            ..StoreSettings::default()
        };
        let shown = format!("{settings:?}");
        assert!(!shown.contains("hunter"), "{shown}");
        assert!(shown.contains("rediss://cache.example:6380/1"), "{shown}");
    }
}
