//! Errors as problem details (RFC 9457): each says what is wrong, and where.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::{Fault, FaultKind};

/// How problems are sent.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// The longest text that an answer without a problem is looked through for.
const LONGEST_TEXT: usize = 64 * 1024;

/// What each status is called where nothing better is known, and when it is given; the document tells the same.
pub const KINDS: [(u16, &str, &str); 16] = [
    (400, "bad-request", "A value, or the body, cannot be read"),
    (401, "no-valid-token", "No token that is known came with the request"),
    (403, "forbidden", "The token has not the role that this needs"),
    (404, "not-found", "What is named is not there"),
    (405, "method-not-allowed", "The path takes other methods; `Allow` names them"),
    (406, "not-acceptable", "`Accept` leaves out the kind that there is"),
    (408, "too-slow", "The body does not come"),
    (409, "refused-by-engine", "The engine refuses it, and says why"),
    (413, "too-large", "The body is too long"),
    (415, "unsupported-media-type", "The body is not said to be JSON"),
    (421, "other-host", "The server answers to loopback names only, and is called by another"),
    (422, "invalid", "The body is JSON, but a field of it is not possible"),
    (500, "internal", "An error of the server itself"),
    (502, "engine-unreachable", "The engine does not answer"),
    (503, "busy", "Not now: try again; or the engine does not lead yet (`engine-not-ready`)"),
    (504, "timeout", "It took too long"),
];

/// The part of a request that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Its method.
    Method,
    /// Its path; the name is that of the path's parameter.
    Path,
    /// Its query; the name is that of the parameter.
    Query,
    /// Its headers; the name is the header's.
    Header,
    /// Its body; the name is the path of the field, or the line and column.
    Body,
}

/// Where a request is wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ProblemPlace)] // a slot has the name in the document
pub struct Place {
    /// The part of the request.
    #[serde(rename = "in")]
    pub within: Part,
    /// What it is there; absent where it is the whole part.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub name: String,
}

/// Why a request was not answered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A name of this kind of problem, stable for ever.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request.
    pub detail: String,
    /// Where it is wrong; absent where it is not the request that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl Problem {
    /// A problem of the usual kind for a status.
    pub fn of(status: StatusCode, detail: impl Into<String>) -> Self {
        let known = KINDS.iter().find(|(code, ..)| *code == status.as_u16());
        let other = if status.is_client_error() { "bad-request" } else { "internal" };
        Self::named(status, known.map_or(other, |(_, kind, _)| kind), detail)
    }

    fn named(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:thalweg:problem:{kind}"),
            title: kind.replace('-', " "),
            status: status.as_u16(),
            detail: detail.into(),
            place: None,
        }
    }

    /// The same, with the place.
    pub fn at(self, within: Part, name: impl Into<String>) -> Self {
        Self { place: Some(Place { within, name: name.into() }), ..self }
    }

    pub fn not_found(what: impl Into<String>) -> Self {
        Self::of(StatusCode::NOT_FOUND, what)
    }

    pub fn bad_request(what: impl Into<String>) -> Self {
        Self::of(StatusCode::BAD_REQUEST, what)
    }

    /// A value of the query that is not possible.
    pub fn query(name: &str, what: impl std::fmt::Display) -> Self {
        let detail =
            if name.is_empty() { format!("query: {what}") } else { format!("{name}: {what}") };
        Self::bad_request(detail).at(Part::Query, name)
    }

    pub fn no_token(what: impl Into<String>) -> Self {
        Self::of(StatusCode::UNAUTHORIZED, what).at(Part::Header, "Authorization")
    }

    pub fn forbidden(what: impl Into<String>) -> Self {
        Self::of(StatusCode::FORBIDDEN, what)
    }

    pub fn other_host() -> Self {
        let detail = "this server answers requests to loopback addresses and localhost only";
        Self::of(StatusCode::MISDIRECTED_REQUEST, detail).at(Part::Header, "Host")
    }

    pub fn too_slow() -> Self {
        Self::of(StatusCode::REQUEST_TIMEOUT, "the body does not come").at(Part::Body, "")
    }

    pub fn busy(what: impl Into<String>) -> Self {
        Self::of(StatusCode::SERVICE_UNAVAILABLE, what)
    }

    pub fn internal(what: impl Into<String>) -> Self {
        Self::of(StatusCode::INTERNAL_SERVER_ERROR, what)
    }

    /// A method that the path does not take.
    fn method(method: &Method, path: &str, allowed: &str) -> Self {
        let detail = format!("{path} does not take {method}, but {allowed}");
        Self::of(StatusCode::METHOD_NOT_ALLOWED, detail).at(Part::Method, method.as_str())
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let problem = match fault.kind {
            FaultKind::Unreachable => Self::of(StatusCode::BAD_GATEWAY, fault.text),
            FaultKind::NotFound => Self::of(StatusCode::NOT_FOUND, fault.text),
            FaultKind::Refused => Self::of(StatusCode::CONFLICT, fault.text),
            FaultKind::Passing => {
                Self::named(StatusCode::SERVICE_UNAVAILABLE, "engine-not-ready", fault.text)
            }
        };
        match fault.field.as_str() {
            "" => problem,
            // What engines are told by name stands in the path here.
            "topology" | "host" | "order" | "plan" => problem.at(Part::Path, fault.field),
            "scope" => problem.at(Part::Body, "topology"),
            _ => problem.at(Part::Body, fault.field),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let bearer = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

/// Makes a problem of every error that is none yet, so that what the router answers by itself is one too.
pub async fn every_error(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let told = kind.is_some_and(|kind| kind == MEDIA_TYPE);
    if told || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let allowed = parts.headers.get(header::ALLOW).and_then(|value| value.to_str().ok());
    let problem = match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            Problem::method(&method, &path, allowed.unwrap_or_default())
        }
        StatusCode::NOT_FOUND => {
            Problem::not_found(format!("there is no {path}")).at(Part::Path, "")
        }
        _ => {
            let text = to_bytes(body, LONGEST_TEXT).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let reason = status.canonical_reason().unwrap_or("it was not answered");
            Problem::of(status, if text.is_empty() { reason } else { &text })
        }
    };
    let mut made = problem.into_response();
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        parts.headers.remove(name);
    }
    made.headers_mut().extend(parts.headers);
    made
}
