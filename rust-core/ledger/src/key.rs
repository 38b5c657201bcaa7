//! The key with which an engine signs its ledger, and the public half of it.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use thiserror::Error;

use crate::hex;

/// Bytes of a key, private or public.
const BYTES: usize = 32;

/// Why a key cannot be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// Others may read the file.
    #[error("{path} may be read by others: chmod 600 {path}")]
    Open {
        /// The file.
        path: String,
    },
    /// What should be a key is none.
    #[error("{0} is no key: 64 hexadecimal digits are")]
    NoKey(String),
    /// No random bits are to be had.
    #[error("the system gives no random bits")]
    NoRandom,
}

/// A private key.
pub(crate) struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Reads the key of a file, or makes both.
    pub(crate) fn of_file(path: &Path) -> Result<Self, KeyError> {
        let failed = |error| KeyError::File { path: path.display().to_string(), error };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::make(path),
            Err(error) => return Err(failed(error)),
        };
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(KeyError::Open { path: path.display().to_string() });
        }
        Self::read(text.trim()).ok_or_else(|| KeyError::NoKey(path.display().to_string()))
    }

    fn make(path: &Path) -> Result<Self, KeyError> {
        let mut seed = [0; BYTES];
        SystemRandom::new().fill(&mut seed).map_err(|_| KeyError::NoRandom)?;
        let failed = |error| KeyError::File { path: path.display().to_string(), error };
        // Whole or not at all: half a key would have to be removed by hand.
        let part = path.with_extension("part");
        let open =
            || OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&part);
        let mut file = open().map_err(failed)?;
        file.write_all(format!("{}\n", hex::of(&seed)).as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        fs::rename(&part, path).map_err(failed)?;
        Self::read(&hex::of(&seed)).ok_or(KeyError::NoRandom)
    }

    fn read(text: &str) -> Option<Self> {
        let seed = hex::read(text).filter(|seed| seed.len() == BYTES)?;
        Ed25519KeyPair::from_seed_unchecked(&seed).ok().map(Self)
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey(hex::of(self.0.public_key().as_ref()))
    }

    pub(crate) fn sign(&self, text: &str) -> String {
        hex::of(self.0.sign(text.as_bytes()).as_ref())
    }
}

/// The public half of a key, with which signatures are checked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey(String);

impl PublicKey {
    /// Reads one.
    ///
    /// # Errors
    /// [`KeyError::NoKey`].
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let text = text.trim().to_lowercase();
        match hex::read(&text) {
            Some(bytes) if bytes.len() == BYTES => Ok(Self(text)),
            _ => Err(KeyError::NoKey(text)),
        }
    }

    /// The public half of the private key in a file.
    ///
    /// # Errors
    /// When there is none, or others may read it.
    pub fn of_private(path: &Path) -> Result<Self, KeyError> {
        if let Err(error) = fs::metadata(path) {
            return Err(KeyError::File { path: path.display().to_string(), error });
        }
        Ok(SigningKey::of_file(path)?.public())
    }

    /// Its first digits, as a name.
    pub(crate) fn short(&self) -> &str {
        &self.0[..8]
    }

    pub(crate) fn has_signed(&self, text: &str, signature: &str) -> bool {
        let (Some(key), Some(signature)) = (hex::read(&self.0), hex::read(signature)) else {
            return false;
        };
        UnparsedPublicKey::new(&ED25519, key).verify(text.as_bytes(), &signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_signs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(PublicKey::of_private(&path).is_err());
        let key = SigningKey::of_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = SigningKey::of_file(&path).unwrap();
        assert_eq!(key.public(), again.public());
        assert_eq!(PublicKey::of_private(&path).unwrap(), key.public());
        let signature = key.sign("said");
        let public = PublicKey::read(&key.public().to_string()).unwrap();
        assert!(public.has_signed("said", &signature));
        assert!(!public.has_signed("said!", &signature));
        assert!(!public.has_signed("said", ""));
    }

    #[test]
    fn a_key_that_others_may_read_or_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "abc").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(SigningKey::of_file(&path), Err(KeyError::Open { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(SigningKey::of_file(&path), Err(KeyError::NoKey(_))));
        assert!(PublicKey::read("0123").is_err());
    }
}
