//! What answers have in common: pages and entity tags.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// The most items of a page.
pub const LONGEST_PAGE: usize = 1000;
const USUAL_PAGE: usize = 100;
/// The longest answer that is given a tag.
const TAGGED: usize = 64 << 20;

/// Which page of a list is asked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
pub struct Paging {
    /// At most so many items, from 1 to 1000; 100 unless said otherwise.
    pub limit: Option<usize>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Asks for the page after this one; absent on the last.
    pub next: Option<String>,
    /// How many items all pages have.
    pub total: usize,
}

impl<T> Page<T> {
    /// The page of items that are sorted by a key that grows, after the one that the cursor names.
    pub fn of<'a, S: 'a>(
        sorted: &[&'a S],
        paging: &Paging,
        key: impl Fn(&S) -> String,
        shown: impl Fn(&'a S) -> T,
    ) -> Result<Self, Problem> {
        let limit = paging.limit.unwrap_or(USUAL_PAGE);
        if limit == 0 || limit > LONGEST_PAGE {
            return Err(Problem::bad_request(format!("limit: not from 1 to {LONGEST_PAGE}")));
        }
        let from = match &paging.cursor {
            Some(cursor) => sorted.partition_point(|item| key(item) <= *cursor),
            None => 0,
        };
        let rest = &sorted[from..];
        let page = &rest[..limit.min(rest.len())];
        let next = page.last().filter(|_| rest.len() > limit).map(|last| key(last));
        Ok(Self { items: page.iter().map(|item| shown(item)).collect(), next, total: sorted.len() })
    }
}

/// Gives answers a tag, and answers who has the same already with nothing.
pub async fn tag(request: Request, next: Next) -> Response {
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let response = next.run(request).await;
    let json = response.headers().get(header::CONTENT_TYPE);
    let json = json.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !reads || !json || response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, TAGGED).await else {
        return Problem::internal("the answer is too long").into_response();
    };
    let hash = digest(&SHA256, &bytes);
    let tag: String = hash.as_ref()[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let same = known.as_ref().and_then(|known| known.to_str().ok()).is_some_and(|known| {
        known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)
    });
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, tag);
    }
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if same {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_until_none_is_left() {
        let all: Vec<String> = (0..25).map(|n| format!("t{n:02}")).collect();
        let sorted: Vec<&String> = all.iter().collect();
        let mut paging = Paging { limit: Some(10), cursor: None };
        let mut seen = Vec::new();
        loop {
            let page = Page::of(&sorted, &paging, String::clone, String::clone).expect("a page");
            assert_eq!(page.total, 25);
            seen.extend(page.items);
            match page.next {
                Some(next) => paging.cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, all);
        paging.limit = Some(0);
        assert!(Page::of(&sorted, &paging, String::clone, String::clone).is_err());
    }
}
