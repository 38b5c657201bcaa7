//! The HTTP interface, version 1.

mod act;
mod document;
mod events;
mod parameters;
mod plans;
mod read;

use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post, put};
use utoipa::OpenApi;

use crate::access::{Caller, Role};
use crate::app::App;
use crate::assets;
use crate::extract::negotiate;
use crate::metrics;
use crate::problem::Problem;
use document::{Bearer, Problems};
use parameters::{Parameters, known_only};

type Shared = State<Arc<App>>;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Thalweg",
        description = "What engines with Thalweg do and why, and orders to them. Every error is a problem document (RFC 9457) that says what is wrong and where, also for a method that a path does not take (405, with `Allow`) and for a path that is not there. Every other answer has an entity tag.",
    ),
    paths(
        read::engines, read::topologies, read::topology, read::series, plans::plans, read::history,
        read::explain, read::doctor, read::who, events::events,
        act::scale, act::rollback, act::drain, act::undrain, act::cancel, act::pause, act::resume, act::expect, act::forget,
        act::approve, act::reject,
    ),
    components(schemas(Problem)),
    modifiers(&Bearer, &Problems),
)]
struct Document;

/// The OpenAPI document of the interface.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// All paths.
pub fn routes() -> Router<Arc<App>> {
    let engine = Router::new()
        .route("/topologies/{topology}", get(read::topology))
        .route("/topologies/{topology}/series", get(read::series))
        .route("/topologies/{topology}/explain", get(read::explain))
        .route("/topologies/{topology}/scale", post(act::scale))
        .route("/topologies/{topology}/rollback", post(act::rollback))
        .route("/hosts/{host}/drain", post(act::drain).delete(act::undrain))
        .route("/orders/{order}/cancel", post(act::cancel))
        .route("/pause", post(act::pause))
        .route("/resume", post(act::resume))
        .route("/peaks/{name}", put(act::expect).delete(act::forget))
        .route("/plans/{plan}/approve", post(act::approve))
        .route("/plans/{plan}/reject", post(act::reject))
        .route("/doctor", get(read::doctor));
    let first = Router::new()
        .route("/engines", get(read::engines))
        .nest("/engines/{engine}", engine)
        .route("/topologies", get(read::topologies))
        .route("/plans", get(plans::plans))
        .route("/history", get(read::history))
        .route("/me", get(read::who))
        .route("/openapi.json", get(document))
        .route_layer(from_fn_with_state("application/json", negotiate));
    let stream = Router::new()
        .route("/events", get(events::events))
        .route_layer(from_fn_with_state("text/event-stream", negotiate));
    let known = from_fn_with_state(Parameters::of(&openapi()), known_only);
    Router::new()
        .nest("/v1", first.merge(stream).route_layer(known).fallback(nothing))
        .route("/v1", any(nothing))
        .route("/v1/", any(nothing))
        .route("/metrics", get(exposition))
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback_service(get(page))
}

/// Written once, as making it takes two megabytes.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    Bytes::from(openapi().to_json().expect("it has texts for keys, and numbers that are finite"))
});

async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.clone()).into_response()
}

/// The problem is made where the whole path is known.
async fn nothing() -> StatusCode {
    StatusCode::NOT_FOUND
}

async fn exposition(State(app): Shared) -> Response {
    let text = metrics::exposition(&app);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

async fn page(uri: Uri, headers: HeaderMap) -> Response {
    assets::answer(uri.path(), &headers)
}

/// Lets in who may come in, and says in every answer what a browser may do with it.
pub async fn guard(State(app): Shared, mut request: Request, next: Next) -> Response {
    let mut response = match admit(&app, &request) {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    let class = usize::from(response.status().as_u16() / 100).clamp(1, 5) - 1;
    app.answers[class].fetch_add(1, Ordering::Relaxed);
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Who asks; nobody needs a name for what is open to all: the dashboard's own files, and whether the server lives.
fn admit(app: &App, request: &Request) -> Result<Option<Caller>, Problem> {
    if app.loopback && !names_loopback(request) {
        // A page of the web may have its own name point here.
        return Err(Problem::other_host());
    }
    let path = request.uri().path();
    if path != "/v1" && !path.starts_with("/v1/") && path != "/metrics" {
        return Ok(None);
    }
    admitted(app, request.headers()).map(Some)
}

/// Who asks, where it takes a token to ask.
fn admitted(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let Some(tokens) = &app.tokens else { return Ok(Caller::local()) };
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = given.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Err(Problem::no_token("a token is needed: Authorization: Bearer <token>"));
    };
    match tokens.caller(token.trim()) {
        Some(caller) => Ok(caller),
        None => Err(Problem::no_token("this token is not known")),
    }
}

fn names_loopback(request: &Request) -> bool {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(named) = named.or_else(|| request.uri().authority().map(|a| a.as_str())) else {
        return true;
    };
    let bare = match named.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => named,
    };
    let bare = bare.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<std::net::IpAddr>();
    bare.eq_ignore_ascii_case("localhost") || address.is_ok_and(|a| a.to_canonical().is_loopback())
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let known = parts.extensions.get::<Self>().cloned();
        known.ok_or_else(|| Problem::internal("nobody looked who asks"))
    }
}

impl Caller {
    /// Refuses who has not this role.
    fn must(&self, role: Role) -> Result<(), Problem> {
        if self.may(role) {
            return Ok(());
        }
        let needed = crate::names::word(&role);
        Err(Problem::forbidden(format!("{} has not the role {needed} that this needs", self.name)))
    }
}
