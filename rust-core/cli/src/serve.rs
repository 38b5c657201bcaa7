//! `thalweg serve`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use thalweg_control::token::{Role as May, TokenFile};
use thalweg_serve::{Engine, Role, Settings, Socket};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Shows engines over HTTP, in a dashboard and to Prometheus
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Serve {
    #[command(subcommand)]
    command: Option<Command>,
    /// An engine to show, as NAME=PLACE, the place being its folder or its socket; may be given several times
    #[arg(long = "engine", value_name = "NAME=PLACE")]
    engines: Vec<String>,
    /// Where it listens; beyond this machine only with tokens and a certificate
    #[arg(long, default_value = "127.0.0.1:7480")]
    listen: SocketAddr,
    /// The file with the token by which engines know this server as a delegate, as `thalweg token` makes it; with it each
    /// user's order and approval count as that user's own
    #[arg(long, value_name = "FILE")]
    engine_token: Option<PathBuf>,
    /// The file of tokens; without one everybody on this machine may read, and nobody may give orders
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// The certificate with its chain, PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// Its key, PEM
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// Seconds between two looks at an engine
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a token, shows it once, and keeps its hash
    Token(Token),
    /// Writes the OpenAPI document of the interface
    Openapi,
}

#[derive(Debug, Args)]
struct Token {
    /// Whose it is
    name: String,
    /// What he may do; several with commas between them
    #[arg(long, value_delimiter = ',', default_value = "reader")]
    roles: Vec<Role>,
    /// The file of tokens
    #[arg(long, value_name = "FILE")]
    tokens: PathBuf,
}

impl Serve {
    /// Serves until it is interrupted.
    pub fn run(self) -> Result<()> {
        match &self.command {
            Some(Command::Token(token)) => {
                println!("{}", thalweg_serve::add_token(&token.tokens, &token.name, &token.roles)?);
                return Ok(());
            }
            Some(Command::Openapi) => {
                println!("{}", thalweg_serve::openapi().to_pretty_json()?);
                return Ok(());
            }
            None => {}
        }
        let engines = engines(&self.engines, self.engine_token.as_deref())?;
        let settings = Settings {
            listen: self.listen,
            tokens: self.tokens,
            tls: self.certificate.zip(self.key),
            pause: Duration::from_secs(self.every),
            patience: Settings::PATIENCE,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("no threads to be had")?;
        runtime.block_on(async {
            // Listened for before anybody is told that this is up.
            let end = End::listen()?;
            let served = thalweg_serve::start(&settings, engines).await?;
            let scheme = if settings.tls.is_some() { "https" } else { "http" };
            println!("listening at {scheme}://{}", served.address());
            end.comes().await;
            served.stop();
            Ok(())
        })
    }
}

/// An interrupt, or the word to end: as a container's first process it would not be ended by that word alone.
struct End {
    interrupt: Signal,
    terminate: Signal,
}

impl End {
    fn listen() -> Result<Self> {
        let of = |kind| signal(kind).context("no signals to be had");
        Ok(Self {
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
        })
    }

    async fn comes(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn engines(given: &[String], token: Option<&Path>) -> Result<Vec<(String, Arc<dyn Engine>)>> {
    if given.is_empty() {
        bail!("--engine NAME=PLACE is missing: nothing would be shown");
    }
    let token = token.map(delegate).transpose()?;
    let mut engines: Vec<(String, Arc<dyn Engine>)> = Vec::new();
    for pair in given {
        let Some((name, place)) = pair.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            bail!("--engine {pair}: expected NAME=PLACE");
        };
        if engines.iter().any(|(other, _)| other == name) {
            bail!("--engine {pair}: there is an engine {name} already");
        }
        let socket = Socket::at(place);
        let socket = match &token {
            Some(token) => socket.signing(Arc::clone(token)),
            None => socket,
        };
        engines.push((name.to_owned(), Arc::new(socket)));
    }
    Ok(engines)
}

/// A file whose first token is a delegate's.
fn delegate(file: &Path) -> Result<Arc<TokenFile>> {
    let tokens = TokenFile::open(file)?;
    let first = tokens.tokens().0.first().cloned();
    let token = first.with_context(|| format!("{} holds no token", file.display()))?;
    if token.role != May::Delegate {
        bail!("{}: {} is no delegate's: thalweg token NAME --delegate", file.display(), token.name);
    }
    Ok(Arc::new(tokens))
}
