//! What the OpenAPI document tells of all operations alike.

use utoipa::Modify;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response};

use crate::problem::{KINDS, MEDIA_TYPE};

/// Names the token that operations need.
pub struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

/// Adds the problems that an operation gives because of what it takes, and tells of all problems in the same words. Those
/// that come from what it does stand beside its handler.
pub struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut document.paths.paths {
            let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                add(path, operation);
            }
        }
    }
}

fn add(path: &str, operation: &mut Operation) {
    let named = path.contains('{');
    let body = operation.request_body.is_some();
    for (status, given) in [
        (400, true),
        (401, true),
        (404, named),
        (406, true),
        (408, body),
        (413, body),
        (415, body),
        (421, true),
        (422, body),
    ] {
        if given {
            operation.responses.responses.entry(status.to_string()).or_insert_with(empty);
        }
    }
    for (status, kind, when) in KINDS {
        if let Some(response) = operation.responses.responses.get_mut(&status.to_string()) {
            *response = RefOr::T(problem(&format!("{when} (`{kind}`)")));
        }
    }
}

fn empty() -> RefOr<Response> {
    RefOr::T(Response::new(""))
}

fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let mut response = Response::new(description);
    response.content.insert(MEDIA_TYPE.to_owned(), RefOr::T(content));
    response
}
