//! The server: settings, layers, and its life.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::access::{AccessError, Tokens};
use crate::api;
use crate::app::App;
use crate::connections::{self, cut_off_deaf};
use crate::engine::Engine;
use crate::exposure::{Exposure, ExposureError};
use crate::extract::LONGEST_BODY;
use crate::problem;
use crate::reply;
use crate::tls::{TlsError, TlsListener, acceptor};
use crate::watch::World;

/// Streams of events at once.
const STREAMS: usize = 256;

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The file of tokens.
    pub tokens: Option<PathBuf>,
    /// Certificate with its chain, and key, both PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Time between two looks at an engine.
    pub pause: Duration,
    /// How long a client may take to say what it wants, to send it, and to take what it is told.
    pub patience: Duration,
}

impl Settings {
    /// The usual patience with clients.
    pub const PATIENCE: Duration = Duration::from_secs(30);
}

/// Why a server cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// It would be reached from other machines without protection.
    #[error(transparent)]
    Exposure(#[from] ExposureError),
    /// Its tokens cannot be used.
    #[error(transparent)]
    Tokens(#[from] AccessError),
    /// Its certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It cannot listen.
    #[error("{address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The system's words.
        error: std::io::Error,
    },
}

/// A server that runs.
#[derive(Debug)]
pub struct Served {
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Served {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it, and all its connections.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.tasks.drain(..).for_each(|task| task.abort());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
    }
}

/// Starts a server over engines, on the runtime that calls.
///
/// # Errors
/// [`ServeError`].
pub async fn start(
    settings: &Settings,
    engines: Vec<(String, Arc<dyn Engine>)>,
) -> Result<Served, ServeError> {
    let tokens = settings.tokens.clone().map(Tokens::open).transpose()?;
    let has_tokens = tokens.as_ref().is_some_and(|tokens| !tokens.is_empty());
    let exposure =
        Exposure { listen: settings.listen, tokens: has_tokens, tls: settings.tls.is_some() };
    exposure.check()?;
    let acceptor = settings.tls.as_ref().map(|(chain, key)| acceptor(chain, key)).transpose()?;
    let world = Arc::new(World::of(engines));
    let app = Arc::new(App {
        world: Arc::clone(&world),
        tokens,
        loopback: settings.listen.ip().to_canonical().is_loopback(),
        streams: Arc::new(Semaphore::new(STREAMS)),
        patience: settings.patience,
        answers: Default::default(),
    });
    let refused = |error| ServeError::Listen { address: settings.listen, error };
    let listener = TcpListener::bind(settings.listen).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let mut tasks: Vec<JoinHandle<()>> = (0..world.engines().len())
        .map(|place| tokio::spawn(Arc::clone(&world).follow(place, settings.pause)))
        .collect();
    cut_off_deaf(&listener, settings.patience).map_err(refused)?;
    let router = router(app);
    tasks.push(match acceptor {
        Some(acceptor) => {
            let listener = TlsListener::over(listener, acceptor).map_err(refused)?;
            tokio::spawn(connections::answer(listener, router, settings.patience))
        }
        None => tokio::spawn(connections::answer(listener, router, settings.patience)),
    });
    Ok(Served { address, tasks })
}

/// What a server on this machine answers over engines that were not looked at yet, without its connections: a service
/// that whoever calls hands requests to.
pub fn answers(engines: Vec<(String, Arc<dyn Engine>)>) -> Router {
    router(Arc::new(App {
        world: Arc::new(World::of(engines)),
        tokens: None,
        loopback: true,
        streams: Arc::new(Semaphore::new(STREAMS)),
        patience: Settings::PATIENCE,
        answers: Default::default(),
    }))
}

fn router(app: Arc<App>) -> Router {
    api::routes()
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(from_fn(problem::every_error))
        .layer(from_fn(reply::tag))
        .layer(from_fn_with_state(Arc::clone(&app), api::guard))
        .with_state(app)
}
