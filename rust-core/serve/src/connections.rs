//! Connections: how many there are at once, and for how long one is kept that does nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Connections at once, streams of events among them. Whoever comes then waits in the system's queue; a process may usually
/// have twice as many files open.
const CONNECTIONS: usize = 512;
/// How many of them may stay open after an answer. Those that come when so many are taken are closed after it, so that who
/// waits in the queue has his turn; without that whoever came first kept the others out for as long as he asked now and then.
/// With all streams of events that there may be, a quarter of all connections is left for that.
const STAYING: usize = 128;

/// Has the system cut off clients of a listener that do not take what they are told.
pub fn cut_off_deaf(listener: &TcpListener, patience: Duration) -> std::io::Result<()> {
    let millis = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
    // What is accepted inherits it, below TLS too.
    Ok(set_tcp_user_timeout(listener, millis)?)
}

/// Answers whoever comes, until it is dropped with all connections. Who has not said all of what he wants in time is cut off,
/// also after an answer.
pub async fn answer<L: Listener>(mut listener: L, router: Router, patience: Duration) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut open = JoinSet::new();
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        let (stream, _) = listener.accept().await;
        // What is over is let go of here, as nobody else asks for it.
        while open.try_join_next().is_some() {}
        let service = TowerToHyperService::new(router.clone());
        let stays = CONNECTIONS - room.available_permits() <= STAYING;
        open.spawn(async move {
            let mut speaking = http1::Builder::new();
            let speaking = speaking.timer(TokioTimer::new()).header_read_timeout(patience);
            let speaking = speaking.keep_alive(stays);
            // How a connection ends is its client's business.
            let _ = speaking.serve_connection(TokioIo::new(stream), service).await;
            drop(place);
        });
    }
}
