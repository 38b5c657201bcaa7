//! How a server is spoken to.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::address::Address;
use super::error::HttpError;

/// What says who asks.
const EXPECTED: &str = "expected user:password, or a word and a token as `Bearer …`";
const EXPECTED_TOKEN: &str = "expected a token, and nothing else";

/// Where a server is, and what it takes to be answered there.
#[derive(Debug, Clone)]
pub struct Access {
    /// Where.
    pub address: Address,
    /// Who asks, where somebody wants to know.
    pub authorization: Authorization,
    /// A file with the certificates of the authorities that are trusted, as PEM; those of this machine if none.
    pub authorities: Option<PathBuf>,
    /// Files with our own certificate, with its chain, and its key, as PEM: for servers that ask who comes.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// How long to wait for a whole answer.
    pub timeout: Duration,
    /// The most bytes of an answer.
    pub longest_answer: usize,
    /// The most questions within any second.
    pub most_a_second: usize,
}

impl Access {
    /// Bytes of an answer: of a job with thousands of subtasks it has some.
    pub const LONGEST_ANSWER: usize = 64 << 20;
    /// Questions within any second, as the shell in the JobManager asks.
    pub const MOST_A_SECOND: usize = 50;

    /// Speaks to an address where nobody wants to know who comes.
    pub fn plain(address: Address) -> Self {
        Self {
            address,
            authorization: Authorization::None,
            authorities: None,
            identity: None,
            timeout: Duration::from_secs(5),
            longest_answer: Self::LONGEST_ANSWER,
            most_a_second: Self::MOST_A_SECOND,
        }
    }
}

/// Who asks, where a proxy wants to know. Never shown.
#[derive(Clone, Default)]
pub enum Authorization {
    /// Nobody wants to know.
    #[default]
    None,
    /// `user:password`, or what the header `Authorization` is to say.
    Given(String),
    /// A file with either, read anew for each question: tokens change.
    File(PathBuf),
    /// A file with a token alone, sent as `Bearer …`; read anew for each question.
    Token(PathBuf),
}

impl Authorization {
    /// What the header is to say now.
    pub(super) fn header(&self) -> Result<Option<String>, HttpError> {
        match self {
            Self::None => Ok(None),
            Self::Given(secret) => {
                header(secret).map(Some).ok_or_else(|| HttpError::Setup(EXPECTED.to_owned()))
            }
            Self::File(file) => from_file(file, EXPECTED, header).map(Some),
            Self::Token(file) => from_file(file, EXPECTED_TOKEN, bearer).map(Some),
        }
    }
}

/// What the header is to say by what stands in a file.
fn from_file(
    file: &Path,
    expected: &str,
    header: impl Fn(&str) -> Option<String>,
) -> Result<String, HttpError> {
    let wrong = |reason: String| HttpError::Credentials { file: file.to_owned(), reason };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    header(&text).ok_or_else(|| wrong(expected.to_owned()))
}

/// A token alone.
fn bearer(token: &str) -> Option<String> {
    let token = token.trim();
    let is_one = !token.is_empty() && !token.contains(char::is_whitespace);
    is_one.then(|| format!("Bearer {token}"))
}

/// A pair of name and password is encoded; what has a word before it, as `Bearer`, is sent as it is.
fn header(secret: &str) -> Option<String> {
    let secret = secret.trim();
    let scheme = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    match secret.split_once(' ') {
        Some((word, _)) if scheme(word) => Some(secret.to_owned()),
        _ if secret.contains(':') => Some(format!("Basic {}", STANDARD.encode(secret))),
        _ => None,
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Given(_) => f.write_str("Given(…)"),
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
            Self::Token(file) => f.debug_tuple("Token").field(file).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_password_are_encoded_and_a_token_is_sent_as_it_is() {
        let table = [
            ("me:open sesame\n", Some("Basic bWU6b3BlbiBzZXNhbWU=")),
            ("Bearer abc.def", Some("Bearer abc.def")),
            ("Basic bWU6eA==\n", Some("Basic bWU6eA==")),
            ("", None),
            ("secret", None),
        ];
        for (secret, said) in table {
            assert_eq!(header(secret).as_deref(), said, "{secret}");
        }
    }

    #[test]
    fn a_token_alone_is_sent_with_its_word() {
        assert_eq!(bearer("abc.def\n").as_deref(), Some("Bearer abc.def"));
        assert_eq!((bearer(""), bearer("two words")), (None, None));
    }

    #[test]
    fn what_a_file_says_now_counts_and_what_is_wrong_with_it_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        let who = Authorization::File(file.clone());
        assert!(matches!(who.header(), Err(HttpError::Credentials { .. })));
        std::fs::write(&file, "me:one").expect("written");
        let first = who.header();
        std::fs::write(&file, "me:two").expect("written");
        assert_ne!(first, who.header());
        std::fs::write(&file, "hunter2").expect("written");
        let error = who.header().expect_err("no pair");
        assert!(!format!("{error} {who:?}").contains("hunter2"), "{error}");
    }
}
