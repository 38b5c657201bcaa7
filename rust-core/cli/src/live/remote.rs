//! Asking over a shared Redis: signed with an operator's token, answered by whoever leads.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::Value;
use thalweg_control::envelope::{Envelope, SealedAnswer};
use thalweg_control::token::{self, Token};
use thalweg_control::wire::Outcome;
use thalweg_control::{Answer, Request, now_millis};
use thalweg_store::{Mailbox, Secret, StoreError, StoreKind, StoreSettings};

use crate::exit::Failure;
use crate::settings::holds_password;

/// How often the answer is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// Options of asking over Redis, in place of a folder on this machine.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which scheduler, over a shared Redis")]
pub struct Remote {
    /// Where Redis is: `redis://host:port`, or `rediss://` for TLS
    #[arg(long, value_name = "URL", env = "THALWEG_REDIS", conflicts_with_all = ["dir", "socket"], requires = "token_file")]
    redis: Option<String>,
    /// File with the token to sign with, as `thalweg token` prints it; of several the first
    #[arg(long, value_name = "FILE", env = "THALWEG_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    server: Server,
}

/// How a shared Redis is reached, wherever it is.
#[derive(Debug, Clone, Args)]
pub struct Server {
    /// Redis's ACL user
    #[arg(long, value_name = "USER", env = "THALWEG_REDIS_USER")]
    redis_user: Option<String>,
    /// File with Redis's password
    #[arg(long, value_name = "FILE", env = "THALWEG_REDIS_PASSWORD_FILE")]
    redis_password_file: Option<PathBuf>,
    /// PEM file of the authorities to trust
    #[arg(long, value_name = "FILE", env = "THALWEG_REDIS_CA_FILE")]
    redis_ca_file: Option<PathBuf>,
    /// What every key in Redis begins with
    #[arg(long, value_name = "PREFIX", env = "THALWEG_REDIS_PREFIX", default_value = "thalweg")]
    redis_prefix: String,
}

impl Remote {
    /// Where Redis is, if this way was asked for.
    pub fn place(&self) -> Option<&str> {
        self.redis.as_deref()
    }

    /// Asks, and waits for the answer of whoever leads.
    pub fn ask(&self, request: &Request, patience: Duration) -> Result<Value, Failure> {
        let token = self.token()?;
        let url = self.redis.as_deref().unwrap_or_default();
        if holds_password(url) && std::env::args().any(|argument| argument.contains(url)) {
            let text = "others on this machine see what a process is started with, so a password belongs into a file: --redis-password-file FILE";
            return Err(anyhow!("--redis: {text}").into());
        }
        let settings = self.server.settings(url)?;
        let mailbox = Mailbox::new(&settings).map_err(|error| anyhow!(error.to_string()))?;
        let life = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
        let envelope =
            Envelope::seal(request, &token, now_millis(), life).map_err(|error| anyhow!(error))?;
        let bytes = serde_json::to_vec(&envelope).map_err(|error| anyhow!(error))?;
        mailbox.post(&bytes).map_err(unreachable)?;
        let end = Instant::now() + patience;
        while Instant::now() < end {
            if let Some(bytes) = mailbox.answered(&envelope.id).map_err(unreachable)? {
                return opened(&bytes, &envelope.id, &token);
            }
            std::thread::sleep(LOOK);
        }
        let text = "nobody who leads has answered: does one run with this Redis, and does its thalweg.control.tokens.file have this token?";
        Err(Failure::Unreachable(text.to_owned()))
    }

    fn token(&self) -> Result<Token, Failure> {
        let file = self.token_file.as_ref().context("--redis needs --token-file FILE")?;
        let tokens = token::read(file).map_err(|error| anyhow!(error.to_string()))?;
        let first = tokens.into_iter().next();
        Ok(first.with_context(|| format!("{} holds no token", file.display()))?)
    }
}

impl Server {
    /// The settings of a store there.
    pub fn settings(&self, url: &str) -> Result<StoreSettings, Failure> {
        let password = self
            .redis_password_file
            .as_ref()
            .map(|file| std::fs::read_to_string(file).with_context(|| file.display().to_string()));
        let password = password.transpose()?.map(|text| Secret::new(text.trim_end()));
        Ok(StoreSettings {
            kind: StoreKind::Redis,
            url: url.to_owned(),
            user: self.redis_user.clone(),
            password,
            ca_file: self.redis_ca_file.clone(),
            prefix: self.redis_prefix.clone(),
            ..StoreSettings::default()
        })
    }
}

fn unreachable(error: StoreError) -> Failure {
    Failure::Unreachable(error.to_string())
}

fn opened(bytes: &[u8], id: &str, token: &Token) -> Result<Value, Failure> {
    let sealed: SealedAnswer = serde_json::from_slice(bytes).map_err(|error| anyhow!(error))?;
    let answer = sealed.open(id, token).context("the answer is not signed with this token")?;
    let answer = Answer::read(answer.as_bytes()).map_err(|error| anyhow!(error))?;
    match answer.outcome {
        Outcome::Result(value) => Ok(value),
        Outcome::Error(refusal) => Err(Failure::Refused(refusal)),
    }
}
