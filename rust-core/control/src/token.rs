//! Tokens of operators: who may ask over a store that others reach too, and what they may.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;

use crate::stamp::Stamp;

/// The fewest letters of a secret.
const SHORTEST: usize = 32;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// To ask.
    Viewer,
    /// Also to give orders.
    Operator,
    /// To give orders in other people's names, as a server does that knows them by tokens of its own.
    Delegate,
}

impl Role {
    /// All, with the word for each in a file of tokens.
    pub const WORDS: [(&'static str, Self); 3] =
        [("viewer", Self::Viewer), ("operator", Self::Operator), ("delegate", Self::Delegate)];
}

/// A token: a name, what it allows, and a secret with which its owner signs.
#[derive(Clone)]
pub struct Token {
    /// Its name, which is kept with every order.
    pub name: String,
    /// What it allows.
    pub role: Role,
    key: hmac::Key,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("name", &self.name).field("role", &self.role).finish()
    }
}

/// Why tokens cannot be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The file cannot be read.
    #[error("{path}: {error}")]
    Unreadable {
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
    /// A line is none of a token.
    #[error("{path}:{line}: {reason}")]
    Line {
        /// The file.
        path: String,
        /// The line's number.
        line: usize,
        /// What is wrong; never the secret.
        reason: &'static str,
    },
    /// No random bits are to be had.
    #[error("the system gives no random bits")]
    NoRandom,
}

impl Token {
    /// A token of a name and a secret.
    ///
    /// # Errors
    /// What is wrong with either.
    pub fn new(name: &str, role: Role, secret: &str) -> Result<Self, &'static str> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            return Err("a name has 1 to 64 letters, digits, and - _ . @");
        }
        if secret.len() < SHORTEST {
            return Err("a secret has at least 32 letters");
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        Ok(Self { name: name.to_owned(), role, key })
    }

    /// The signature of a text.
    pub(crate) fn sign(&self, text: &str) -> String {
        hex(hmac::sign(&self.key, text.as_bytes()).as_ref())
    }

    /// Whether a text has this signature; in the same time whatever differs.
    pub(crate) fn has_signed(&self, text: &str, signature: &str) -> bool {
        unhex(signature)
            .is_some_and(|bytes| hmac::verify(&self.key, text.as_bytes(), &bytes).is_ok())
    }
}

/// The tokens in a file. It is read again when it has changed, so that a token taken out of it is worth nothing from then on,
/// and a new one is known, without a restart.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
    read: Mutex<(Option<Stamp>, Arc<[Token]>)>,
}

impl TokenFile {
    /// Reads a file of tokens.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, TokenError> {
        let path = path.into();
        let stamp = Stamp::of(&path);
        let tokens = read(&path)?.into();
        Ok(Self { path, read: Mutex::new((stamp, tokens)) })
    }

    /// The tokens that are in the file now. None as long as it cannot be read, as nobody knows then who is still meant to be
    /// known; why is said once for each change of it.
    pub fn tokens(&self) -> (Arc<[Token]>, Option<TokenError>) {
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Stamp::of(&self.path);
        if now == known.0 {
            return (Arc::clone(&known.1), None);
        }
        let (tokens, error) = match read(&self.path) {
            Ok(tokens) => (tokens, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        *known = (now, tokens.into());
        (Arc::clone(&known.1), error)
    }
}

/// Reads a file of tokens, one a line: name, `viewer`, `operator` or `delegate`, secret. Nobody else may read it.
///
/// # Errors
/// [`TokenError`].
pub fn read(path: &Path) -> Result<Vec<Token>, TokenError> {
    let shown = path.display().to_string();
    let unreadable = |error| TokenError::Unreadable { path: shown.clone(), error };
    let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(TokenError::Open { path: shown });
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let mut tokens: Vec<Token> = Vec::new();
    for (place, line) in text.lines().enumerate() {
        let wrong = |reason| TokenError::Line { path: shown.clone(), line: place + 1, reason };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[name, role, secret] = words.as_slice() else {
            return Err(wrong("expected a name, viewer, operator or delegate, and a secret"));
        };
        let Some(&(_, role)) = Role::WORDS.iter().find(|(word, _)| *word == role) else {
            return Err(wrong("expected viewer, operator or delegate in the second place"));
        };
        if tokens.iter().any(|token| token.name == name) {
            return Err(wrong("this name is there already"));
        }
        tokens.push(Token::new(name, role, secret).map_err(wrong)?);
    }
    Ok(tokens)
}

/// A secret of 256 random bits.
///
/// # Errors
/// [`TokenError::NoRandom`].
pub fn secret() -> Result<String, TokenError> {
    random::<32>()
}

/// A name that nobody else has.
///
/// # Errors
/// [`TokenError::NoRandom`].
pub fn nonce() -> Result<String, TokenError> {
    random::<16>()
}

fn random<const N: usize>() -> Result<String, TokenError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| TokenError::NoRandom)?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if digits.len().is_multiple_of(2) { digits.chunks(2).map(byte).collect() } else { None }
}
