//! What `thalweg serve` is asked.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use thalweg_serve::{Asker, Engine, Fault, FaultKind, answers};
use tokio::runtime::Runtime;
use tower_service::Service;

use crate::Then;

/// An answer is read up to here; the document of the interface is the longest.
const LONGEST: usize = 16 << 20;

/// An engine that takes every order and tells nothing.
struct Willing;

impl Engine for Willing {
    fn ask(&self, command: &Value, _: &Asker) -> Result<Value, Fault> {
        let told = ["status", "history", "explain", "doctor"]
            .iter()
            .find(|key| command.get(key).is_some());
        match told {
            Some(_) => Err(Fault::of(FaultKind::NotFound, "it tells nothing")),
            None => Ok(json!({ "order": { "id": "o1" }, "state": "waiting", "text": "" })),
        }
    }
}

struct Server {
    runtime: Runtime,
    router: Router,
}

thread_local! {
    static SERVER: Server = Server {
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .max_blocking_threads(1)
            .build()
            .expect("a runtime"),
        router: answers(vec![("storm".to_owned(), Arc::new(Willing))]),
    };
}

/// A request: method and target in the first line, then headers, an empty line, and a body. Its answer is never a fault
/// of the server, and a problem document where it is an error.
pub fn request(bytes: &[u8]) -> Then<'_> {
    let asked = read(bytes)?;
    let (status, kind, body) = SERVER.with(|Server { runtime, router }| {
        runtime.block_on(async {
            let answer: Result<Response, Infallible> = router.clone().call(asked).await;
            let (parts, body) = answer.unwrap_or_else(|never| match never {}).into_parts();
            let kind = parts.headers.get(header::CONTENT_TYPE);
            let kind = kind.map(|kind| kind.as_bytes().to_owned()).unwrap_or_default();
            // A stream of events has no end.
            let all = match kind.starts_with(b"text/event-stream") {
                true => Ok(axum::body::Bytes::new()),
                false => to_bytes(body, LONGEST).await,
            };
            (parts.status, kind, all.expect("answers have an end"))
        })
    });
    Some(Box::new(move || {
        assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{body:?}");
        if status.as_u16() >= 400 && !body.is_empty() {
            assert_eq!(kind, b"application/problem+json", "{status} {body:?}");
            let problem: Value = serde_json::from_slice(&body).expect("a problem is JSON");
            assert_eq!(problem["status"], status.as_u16(), "{problem}");
        }
    }))
}

fn read(bytes: &[u8]) -> Option<Request<Body>> {
    let end = bytes.windows(2).position(|two| two == b"\n\n").unwrap_or(bytes.len());
    let (head, body) = bytes.split_at(end);
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = lines.next()?;
    let at = first.iter().position(|byte| *byte == b' ')?;
    let (method, target) = first.split_at(at);
    let mut request = Request::builder().method(method).uri(&target[1..]);
    for line in lines {
        let at = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at(at);
        request = request.header(name, value[1..].trim_ascii());
    }
    let body = body.get(2..).unwrap_or_default();
    request.body(Body::from(body.to_owned())).ok()
}
