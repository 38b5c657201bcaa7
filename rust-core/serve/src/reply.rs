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
/// The digits in front of a cursor that tell whether it is one of the list.
const CHECK: usize = 8;

/// Which page of a list is asked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
pub struct Paging {
    /// At most so many items, from 1 to 1000; 100 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
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
    /// The page of items that are sorted by a key that grows, after the one that the cursor names. What was asked is which
    /// list in which order, and which page: cursors are good for one list in one order.
    pub fn of<'a, S: 'a>(
        sorted: &[&'a S],
        asked: (&str, &Paging),
        key: impl Fn(&S) -> String,
        shown: impl Fn(&'a S) -> T,
    ) -> Result<Self, Problem> {
        let (list, paging) = asked;
        let limit = paging.limit.unwrap_or(USUAL_PAGE);
        if limit == 0 || limit > LONGEST_PAGE {
            return Err(Problem::query("limit", format!("not from 1 to {LONGEST_PAGE}")));
        }
        let from = match &paging.cursor {
            Some(cursor) => {
                let last = opened(list, cursor)?;
                sorted.partition_point(|item| key(item) <= last)
            }
            None => 0,
        };
        let rest = &sorted[from..];
        let page = &rest[..limit.min(rest.len())];
        let next = page.last().filter(|_| rest.len() > limit).map(|last| sealed(list, &key(last)));
        Ok(Self { items: page.iter().map(|item| shown(item)).collect(), next, total: sorted.len() })
    }
}

/// A key as the cursor of a list: it goes into an address as it is, and of others than its list's own it is told apart by the
/// hash in front.
fn sealed(list: &str, key: &str) -> String {
    format!("{}{}", &hex(hash(list, key.as_bytes()).as_ref())[..CHECK], hex(key.as_bytes()))
}

/// The key in a cursor of a list.
fn opened(list: &str, cursor: &str) -> Result<String, Problem> {
    let wrong =
        || Problem::query("cursor", "it is not the `next` of a page of this list in this order");
    let (check, rest) = cursor.split_at_checked(CHECK).ok_or_else(wrong)?;
    let digits = rest.as_bytes().chunks(2).map(|two| {
        let two = std::str::from_utf8(two).ok().filter(|two| two.len() == 2)?;
        u8::from_str_radix(two, 16).ok()
    });
    let key: Vec<u8> = digits.collect::<Option<_>>().ok_or_else(wrong)?;
    let same = hex(hash(list, &key).as_ref()).starts_with(check);
    String::from_utf8(key).ok().filter(|_| same).ok_or_else(wrong)
}

fn hash(list: &str, key: &[u8]) -> ring::digest::Digest {
    digest(&SHA256, &[list.as_bytes(), b"\0", key].concat())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
    let tag = format!("\"{}\"", hex(&hash.as_ref()[..12]));
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
            let page =
                Page::of(&sorted, ("all", &paging), String::clone, String::clone).expect("a page");
            assert_eq!(page.total, 25);
            seen.extend(page.items);
            match page.next {
                Some(next) => paging.cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, all);
        paging.limit = Some(0);
        assert!(Page::of(&sorted, ("all", &paging), String::clone, String::clone).is_err());
    }
}
