//! `thalweg token`: a line for the file of tokens.

use anyhow::{Result, anyhow};
use clap::Args;
use thalweg_control::token::{Role, Token, secret};

/// Prints a new token for `thalweg.control.tokens.file` of the schedulers and `--token-file` of its owner
#[derive(Debug, Args)]
pub struct NewToken {
    /// The name that is kept with every order
    name: String,
    /// It may only ask, and give no orders
    #[arg(long)]
    viewer: bool,
    /// It gives orders in others' names only: of a `thalweg serve`, for its `--engine-token`
    #[arg(long, conflicts_with = "viewer")]
    delegate: bool,
}

impl NewToken {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        let secret = secret().map_err(|error| anyhow!(error.to_string()))?;
        let (role, word) = match (self.viewer, self.delegate) {
            (true, _) => (Role::Viewer, "viewer"),
            (_, true) => (Role::Delegate, "delegate"),
            _ => (Role::Operator, "operator"),
        };
        Token::new(&self.name, role, &secret).map_err(|reason| anyhow!(reason))?;
        println!("{} {word} {secret}", self.name);
        Ok(())
    }
}
