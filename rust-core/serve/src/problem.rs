//! Errors as problem details (RFC 9457).

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::{Fault, FaultKind};

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
}

impl Problem {
    fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:thalweg:problem:{kind}"),
            title: kind.replace('-', " "),
            status: status.as_u16(),
            detail: detail.into(),
        }
    }

    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", what)
    }

    pub fn bad_request(what: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", what)
    }

    pub fn no_token(what: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "no-valid-token", what)
    }

    pub fn forbidden(what: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", what)
    }

    pub fn other_host() -> Self {
        let detail = "this server answers requests to loopback addresses and localhost only";
        Self::new(StatusCode::MISDIRECTED_REQUEST, "other-host", detail)
    }

    pub fn busy(what: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", what)
    }

    pub fn internal(what: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", what)
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let (status, kind) = match fault.kind {
            FaultKind::Unreachable => (StatusCode::BAD_GATEWAY, "engine-unreachable"),
            FaultKind::NotFound => (StatusCode::NOT_FOUND, "not-found"),
            FaultKind::Refused => (StatusCode::CONFLICT, "refused-by-engine"),
            FaultKind::Passing => (StatusCode::SERVICE_UNAVAILABLE, "engine-not-ready"),
        };
        Self::new(status, kind, fault.text)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let bearer = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}
