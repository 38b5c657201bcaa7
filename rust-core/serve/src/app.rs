//! What all handlers share.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::access::Tokens;
use crate::watch::World;

/// What all handlers share.
pub struct App {
    pub world: Arc<World>,
    pub tokens: Option<Tokens>,
    /// Whether only requests to loopback names are answered.
    pub loopback: bool,
    /// What streams of events take one each of.
    pub streams: Arc<Semaphore>,
    /// How long a body may take to come.
    pub patience: Duration,
    /// Answers by the first digit of their status.
    pub answers: [AtomicU64; 5],
}
