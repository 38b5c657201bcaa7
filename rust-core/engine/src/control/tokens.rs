//! Who is known by a token.

use std::sync::Arc;

use thalweg_control::token::{Token, TokenFile};

/// The tokens that are in the file now; what is wrong with it is in the log.
pub fn known(file: &TokenFile) -> Arc<[Token]> {
    let (tokens, error) = file.tokens();
    if let Some(error) = error {
        tracing::error!(%error, "tokens cannot be read any more, so nobody is known by one");
    }
    tokens
}
