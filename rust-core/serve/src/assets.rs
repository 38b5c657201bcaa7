//! The dashboard, packed into the binary as it was built: each file compressed.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::extract::takes_coding;
use crate::problem::{Part, Problem};

/// A file of the dashboard.
struct Asset {
    /// Its path below the root.
    path: &'static str,
    /// Its bytes, compressed by gzip.
    packed: &'static [u8],
    /// Its tag.
    tag: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Answers with a file of the dashboard; the page itself for every path that names none.
pub fn answer(path: &str, asked: &HeaderMap) -> Response {
    let path = path.trim_start_matches('/');
    let page = || ASSETS.iter().find(|asset| asset.path == "index.html");
    let named = ASSETS.iter().find(|asset| asset.path == path);
    let found = if path.starts_with("assets/") { named } else { named.or_else(page) };
    let Some(asset) = found else {
        return Problem::not_found(match ASSETS.is_empty() {
            true => "this build has no dashboard: make build makes one",
            false => "there is no such file",
        })
        .at(Part::Path, "")
        .into_response();
    };
    let known = asked.get(header::IF_NONE_MATCH).is_some_and(|known| known == asset.tag);
    if !takes_coding(asked, "gzip") {
        let detail = "the dashboard is sent compressed: ask with Accept-Encoding: gzip";
        let problem = Problem::of(StatusCode::NOT_ACCEPTABLE, detail);
        return problem.at(Part::Header, "Accept-Encoding").into_response();
    }
    let body = if known { Body::empty() } else { Body::from(asset.packed) };
    let mut response = body.into_response();
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    // Names of assets change with their content.
    let keep = match asset.path.starts_with("assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(asset.path)));
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.insert(header::ETAG, HeaderValue::from_static(asset.tag));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    response
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
