//! Tells at once when anything has changed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};

use super::{Shared, admitted};
use crate::problem::Problem;

/// Changes that come one after the other are told as one.
const GATHERED: Duration = Duration::from_millis(250);

/// A stream of server-sent events: `changed`, whenever anything may look different. It carries nothing itself, and is
/// not repeated: who reconnects asks anew.
#[utoipa::path(get, path = "/v1/events", security(("token" = [])), responses(
    (status = 200, content_type = "text/event-stream"), (status = 503)))]
pub async fn events(State(app): Shared, headers: HeaderMap) -> Response {
    let Ok(permit) = Arc::clone(&app.streams).try_acquire_owned() else {
        return Problem::busy("too many streams of events are open").into_response();
    };
    let mut changes = app.world.changes();
    // Whoever begins to listen is told how things stand.
    changes.mark_changed();
    let alive = KeepAlive::new().interval(Duration::from_secs(15));
    Sse::new(told((changes, permit), move || admitted(&app, &headers).is_ok()))
        .keep_alive(alive)
        .into_response()
}

type Listening = (tokio::sync::watch::Receiver<u64>, tokio::sync::OwnedSemaphorePermit);

/// The changes as a stream that ends with the server, or once whoever listens may not listen any more.
fn told(
    state: Listening,
    may: impl Fn() -> bool + Send + 'static,
) -> impl futures_core::Stream<Item = Result<Event, Infallible>> {
    let (send, receive) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let (mut changes, permit) = state;
        loop {
            tokio::select! {
                () = send.closed() => break,
                changed = changes.changed() => {
                    if changed.is_err() {
                        break;
                    }
                }
            }
            if !may() {
                break;
            }
            let number = *changes.borrow_and_update();
            let event = Event::default().event("changed").data(number.to_string());
            if send.send(Ok(event)).await.is_err() {
                break;
            }
            tokio::time::sleep(GATHERED).await;
        }
        drop(permit);
    });
    Received(receive)
}

/// A channel's end as a stream.
struct Received(tokio::sync::mpsc::Receiver<Result<Event, Infallible>>);

impl futures_core::Stream for Received {
    type Item = Result<Event, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}
