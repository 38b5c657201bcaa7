//! What handlers are given of a request, refused with a problem that names the place.

use std::error::Error;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::app::App;
use crate::problem::{Part, Problem};

/// The longest request body.
pub const LONGEST_BODY: usize = 64 * 1024;

/// The parameters of a path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(names)| Self(names)).map_err(|rejected| {
            let name = match &rejected {
                PathRejection::FailedToDeserializePathParams(error) => match error.kind() {
                    ErrorKind::InvalidUtf8InPathParam { key } => key.as_str(),
                    _ => "",
                },
                _ => "",
            };
            Problem::of(rejected.status(), rejected.body_text()).at(Part::Path, name)
        })
    }
}

/// The parameters of a query.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::try_from_uri(&parts.uri);
        read.map(|axum::extract::Query(asked)| Self(asked)).map_err(|rejected| {
            match with_path(&rejected) {
                Some(error) => {
                    let path = named(error.path());
                    // A parameter that comes twice is named in the text alone.
                    let text = error.inner().to_string();
                    let twice = text.strip_prefix("duplicate field `");
                    let twice = twice.and_then(|rest| rest.strip_suffix('`'));
                    match twice {
                        Some(name) => Problem::query(name, "it is given more than once"),
                        None => Problem::query(&path, text),
                    }
                }
                None => Problem::query("", rejected.body_text()),
            }
        })
    }
}

type Located = serde_path_to_error::Error<serde::de::value::Error>;

/// The error with its path that is somewhere below a rejection.
fn with_path<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Located> {
    let mut below = std::iter::successors(Some(error), |&error| error.source());
    below.find_map(|error| error.downcast_ref::<Located>())
}

/// A path for people; nothing where it is the whole.
fn named(path: &serde_path_to_error::Path) -> String {
    path.to_string().trim_matches('.').to_owned()
}

/// A JSON body.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let text = "the body has to be JSON: Content-Type: application/json";
            let problem = Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
            return Err(problem.at(Part::Header, "Content-Type"));
        }
        let coming = timeout(app.patience, Bytes::from_request(request, app)).await;
        let bytes = coming.map_err(|_| Problem::too_slow())?.map_err(|rejected| {
            let text = match rejected.status() {
                StatusCode::PAYLOAD_TOO_LARGE => {
                    format!("the body is longer than {LONGEST_BODY} bytes")
                }
                _ => rejected.body_text(),
            };
            Problem::of(rejected.status(), text).at(Part::Body, "")
        })?;
        read(&bytes).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        // Serde would take a list for the fields in their order.
        serde_json::from_slice::<serde::de::IgnoredAny>(bytes)
            .map_err(|error| body_problem("", &error))?;
        let text = "the body has to be an object";
        return Err(Problem::of(StatusCode::UNPROCESSABLE_ENTITY, text).at(Part::Body, ""));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = named(error.path());
        body_problem(&path, error.inner())
    })?;
    reader.end().map_err(|error| body_problem("", &error))?;
    Ok(read)
}

/// What is no JSON is named by its line, what does not fit by its field.
fn body_problem(path: &str, error: &serde_json::Error) -> Problem {
    if !error.is_data() {
        let place = format!("line {} column {}", error.line(), error.column());
        return Problem::bad_request(format!("the body is no JSON: {error}")).at(Part::Body, place);
    }
    let text = if path.is_empty() { error.to_string() } else { format!("{path}: {error}") };
    Problem::of(StatusCode::UNPROCESSABLE_ENTITY, text).at(Part::Body, path)
}

/// Answers only who takes the kind that there is.
pub async fn negotiate(
    State(offered): State<&'static str>,
    request: Request,
    next: Next,
) -> Response {
    let accepted = request.headers().get_all(header::ACCEPT).iter();
    let accepted: Vec<&str> = accepted.filter_map(|value| value.to_str().ok()).collect();
    if takes(&accepted.join(","), offered) {
        return next.run(request).await;
    }
    let text = format!("there is only {offered}, which Accept leaves out");
    let problem = Problem::of(StatusCode::NOT_ACCEPTABLE, text);
    problem.at(Part::Header, "Accept").into_response()
}

/// Whether a header `Accept` takes a kind. Of several ranges that the kind is in the narrowest counts.
fn takes(accept: &str, offered: &str) -> bool {
    let family = offered.split('/').next().unwrap_or_default();
    let ranges = accept.split(',').map(str::trim).filter(|range| !range.is_empty());
    let mut narrowest: Option<(u8, bool)> = None;
    let mut any = false;
    for range in ranges {
        any = true;
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let width = match kind.split_once('/') {
            Some(("*", "*")) => 0,
            Some((of, "*")) if of == family => 1,
            _ if kind == offered => 2,
            _ => continue,
        };
        let wanted = parts.all(|part| !is_zero_weight(part));
        if narrowest.is_none_or(|(before, _)| width >= before) {
            narrowest = Some((width, wanted));
        }
    }
    // Who says nothing takes everything.
    narrowest.map_or(!any, |(_, wanted)| wanted)
}

/// Whether headers `Accept-Encoding` take a coding; without any, all are taken.
pub fn takes_coding(headers: &HeaderMap, coding: &str) -> bool {
    let mut given = headers.get_all(header::ACCEPT_ENCODING).iter().peekable();
    if given.peek().is_none() {
        return true;
    }
    let (mut named, mut any) = (None, None);
    for range in given.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let wanted = parts.all(|part| !is_zero_weight(part));
        if name.eq_ignore_ascii_case(coding) {
            named = Some(wanted);
        } else if name == "*" {
            any = Some(wanted);
        }
    }
    named.or(any).unwrap_or(false)
}

fn is_zero_weight(part: &str) -> bool {
    let (name, weight) = part.split_once('=').unwrap_or((part, ""));
    name.trim().eq_ignore_ascii_case("q") && weight.trim().parse::<f32>() == Ok(0.0)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_coding_is_taken_unless_a_header_leaves_it_out() {
        let takes = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            }
            takes_coding(&headers, "gzip")
        };
        let taken: [&[&'static str]; 6] =
            [&[], &["gzip"], &["br, GZIP;q=0.5"], &["*"], &["*;q=0, gzip"], &["br", "gzip"]];
        for values in taken {
            assert!(takes(values), "{values:?}");
        }
        let left_out: [&[&'static str]; 6] =
            [&[""], &["identity"], &["gzip;q=0"], &["gzip; q=0.0, *"], &["*;q=0"], &["gzipped"]];
        for values in left_out {
            assert!(!takes(values), "{values:?}");
        }
    }
}
