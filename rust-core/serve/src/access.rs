//! Who may do what: tokens, kept as hashes, with the roles of their owners.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use thalweg_control::Stamp;
use thiserror::Error;
use utoipa::ToSchema;

/// What the owner of a token may do. Everybody with a token may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything.
    Reader,
    /// Gives orders: scale, drain, pause.
    Operator,
    /// Has a word on plans.
    Approver,
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        serde_json::from_value(text.into())
            .map_err(|_| format!("{text} is none of reader, operator, approver"))
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's name.
    pub name: String,
    /// Its roles.
    pub roles: Vec<Role>,
}

impl Caller {
    /// Whoever asks on this machine where there are no tokens.
    pub fn local() -> Self {
        Self { name: "local".to_owned(), roles: vec![Role::Reader] }
    }

    /// Whether it may act in a role.
    pub fn may(&self, role: Role) -> bool {
        role == Role::Reader || self.roles.contains(&role)
    }
}

/// A token as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    name: String,
    roles: Vec<Role>,
    sha256: String,
}

/// Why tokens cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AccessError {
    /// Their file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// Their file is no list of tokens.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The name is taken.
    #[error("there is a token named {0} already")]
    Taken(String),
    /// The system gives no random numbers.
    #[error("no random numbers to be had")]
    NoRandom,
}

/// The tokens in a file. It is read again when it has changed, so that a token taken out of it is worth nothing at once.
#[derive(Debug)]
pub struct Tokens {
    path: PathBuf,
    read: Mutex<Read>,
}

#[derive(Debug, Default)]
struct Read {
    stamp: Option<Stamp>,
    kept: Vec<Kept>,
}

impl Tokens {
    /// Reads a file of tokens.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, AccessError> {
        let path = path.into();
        let read = Read { stamp: Stamp::of(&path), kept: read(&path)? };
        Ok(Self { path, read: Mutex::new(read) })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).kept.is_empty()
    }

    /// Whose token this is.
    pub fn caller(&self, token: &str) -> Option<Caller> {
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Stamp::of(&self.path);
        if now != known.stamp {
            match read(&self.path) {
                Ok(kept) => *known = Read { stamp: now, kept },
                Err(error) => {
                    // Nobody knows who is still meant to be let in.
                    tracing::error!(%error, "tokens cannot be read any more, so nobody is let in");
                    *known = Read { stamp: None, kept: Vec::new() };
                }
            }
        }
        let hash = hash(token);
        let same = |kept: &&Kept| bool::from(kept.sha256.as_bytes().ct_eq(hash.as_bytes()));
        let found = known.kept.iter().find(same)?;
        Some(Caller { name: found.name.clone(), roles: found.roles.clone() })
    }
}

/// Makes a token of 256 random bits and keeps its hash in a file. The token itself is kept nowhere.
///
/// # Errors
/// [`AccessError`].
pub fn add_token(path: &Path, name: &str, roles: &[Role]) -> Result<String, AccessError> {
    let mut kept = if path.exists() { read(path)? } else { Vec::new() };
    if kept.iter().any(|kept| kept.name == name) {
        return Err(AccessError::Taken(name.to_owned()));
    }
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| AccessError::NoRandom)?;
    let token = hex(&bytes);
    kept.push(Kept { name: name.to_owned(), roles: roles.to_vec(), sha256: hash(&token) });
    let file = |error| AccessError::File { path: path.to_owned(), error };
    let text = serde_json::to_string_pretty(&kept).map_err(|error| file(error.into()))?;
    let part = path.with_extension("part");
    // Whatever has its name goes first: a link would lead elsewhere.
    if let Err(error) = fs::remove_file(&part)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(file(error));
    }
    let mut open = OpenOptions::new();
    let mut written = open.write(true).create_new(true).mode(0o600).open(&part).map_err(file)?;
    written.write_all(text.as_bytes()).and_then(|()| written.sync_all()).map_err(file)?;
    fs::rename(&part, path).map_err(file)?;
    Ok(token)
}

fn read(path: &Path) -> Result<Vec<Kept>, AccessError> {
    let unreadable = |error| AccessError::File { path: path.to_owned(), error };
    let content = |reason: String| AccessError::Content { path: path.to_owned(), reason };
    if fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o022 != 0 {
        return Err(content("others may write to it, and so let themselves in".to_owned()));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    serde_json::from_str(&text).map_err(|error| content(error.to_string()))
}

fn hash(token: &str) -> String {
    hex(digest(&SHA256, token.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_until_it_is_taken_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens.json");
        let token = add_token(&file, "ann", &[Role::Approver]).unwrap();
        assert_eq!(token.len(), 64);
        assert!(!fs::read_to_string(&file).unwrap().contains(&token));
        assert!(add_token(&file, "ann", &[]).is_err());
        let tokens = Tokens::open(&file).unwrap();
        let ann = tokens.caller(&token).unwrap();
        assert!(ann.may(Role::Reader) && ann.may(Role::Approver) && !ann.may(Role::Operator));
        assert_eq!(tokens.caller("no token"), None);
        fs::write(&file, "[]").unwrap();
        assert_eq!(tokens.caller(&token), None);
        fs::write(&file, "no list").unwrap();
        assert_eq!(tokens.caller(&token), None);
    }

    #[test]
    fn a_file_into_which_others_may_write_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens.json");
        let token = add_token(&file, "ann", &[]).unwrap();
        let tokens = Tokens::open(&file).unwrap();
        assert!(tokens.caller(&token).is_some());
        fs::set_permissions(&file, Permissions::from_mode(0o606)).unwrap();
        // What has been read already is read again once the file is another.
        fs::write(&file, fs::read_to_string(&file).unwrap() + "\n").unwrap();
        assert_eq!(tokens.caller(&token), None);
        let error = Tokens::open(&file).unwrap_err().to_string();
        assert!(error.contains("others may write"), "{error}");
        assert!(add_token(&file, "bob", &[]).is_err());
    }

    #[test]
    fn tokens_are_not_written_through_what_others_left() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("tokens.json"), folder.path().join("other"));
        fs::write(&other, "another's").unwrap();
        fs::set_permissions(&other, Permissions::from_mode(0o666)).unwrap();
        std::os::unix::fs::symlink(&other, file.with_extension("part")).unwrap();
        add_token(&file, "ann", &[]).unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "another's");
        assert_eq!(fs::symlink_metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
