//! What may stand in the query of each operation: what the document of the interface names, and nothing else, so that a
//! mistyped name is not taken for a question without it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{MatchedPath, Query, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{OpenApi, RefOr};

use crate::problem::Problem;

/// The names by method and path.
#[derive(Clone)]
pub struct Parameters(Arc<BTreeMap<(Method, String), BTreeSet<String>>>);

impl Parameters {
    /// Those that a document names.
    pub fn of(document: &OpenApi) -> Self {
        let operations = document.paths.paths.iter().flat_map(|(path, item)| {
            [(Method::GET, &item.get), (Method::POST, &item.post), (Method::DELETE, &item.delete)]
                .map(|(method, operation)| ((method, path.clone()), operation.as_ref()))
        });
        let named = operations.filter_map(|(place, operation)| Some((place, names(operation?))));
        Self(Arc::new(named.collect()))
    }

    /// The first name in a query that an operation does not know, with those that it knows.
    fn unknown(&self, request: &Request) -> Option<(String, Vec<String>)> {
        let path = request.extensions().get::<MatchedPath>()?.as_str();
        let Query(given) = Query::<Vec<(String, String)>>::try_from_uri(request.uri()).ok()?;
        let method = match *request.method() {
            Method::HEAD => Method::GET,
            ref method => method.clone(),
        };
        let known = self.0.get(&(method, path.to_owned()));
        if known.is_none() && self.0.keys().any(|(_, documented)| documented == path) {
            // The method is what is wrong, and the router says which there are.
            return None;
        }
        let is_known = |name: &String| known.is_some_and(|known| known.contains(name));
        let (name, _) = given.into_iter().find(|(name, _)| !is_known(name))?;
        Some((name, known.into_iter().flatten().cloned().collect()))
    }
}

fn names(operation: &Operation) -> BTreeSet<String> {
    let given = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    });
    given
        .filter(|parameter| parameter.parameter_in == ParameterIn::Query)
        .map(|parameter| parameter.name.clone())
        .collect()
}

/// Answers only who asks with parameters that there are.
pub async fn known_only(
    State(parameters): State<Parameters>,
    request: Request,
    next: Next,
) -> Response {
    let Some((name, known)) = parameters.unknown(&request) else {
        return next.run(request).await;
    };
    let there = match known.is_empty() {
        true => "there are none here".to_owned(),
        false => format!("there are {}", known.join(", ")),
    };
    Problem::query(&name, format!("no such parameter; {there}")).into_response()
}
