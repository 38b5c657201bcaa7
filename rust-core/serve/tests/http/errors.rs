//! Whatever is refused is a problem document that names what is wrong and where, and the reference tells of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use thalweg_serve::openapi;

use crate::Sample;
use crate::client::{Answer, ask};

const SCALE: &str = "/v1/engines/storm/topologies/words/scale";
/// A name that is no UTF-8.
const BROKEN: &str = "/v1/engines/%ff/doctor";

/// An answer that is a problem as it has to be.
fn problem(answer: &Answer, status: u16, what: &str) -> Value {
    assert_eq!(answer.status, status, "{what}: {answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
    let told = answer.json();
    assert_eq!(told["status"], status, "{what}: {told}");
    assert!(told["type"].as_str().unwrap().starts_with("urn:thalweg:problem:"), "{what}: {told}");
    assert!(!told["title"].as_str().unwrap().is_empty(), "{what}: {told}");
    assert!(!told["detail"].as_str().unwrap().is_empty(), "{what}: {told}");
    told
}

#[test]
fn what_is_wrong_with_a_question_is_named_with_its_place() {
    let (sample, _) = Sample::new(false);
    sample.get_until("/v1/engines", "", |engines| engines[1]["up"] == true);
    for (path, status, within, name) in [
        ("/v1/engines/nobody/topologies/words", 404, "path", "engine"),
        ("/v1/engines/storm/topologies/nothing", 404, "path", "topology"),
        ("/v1/engines/storm/topologies/nothing/series", 404, "path", "topology"),
        ("/v1/engines/storm/topologies/nothing/explain", 404, "path", "topology"),
        ("/v1/nothing", 404, "path", ""),
        ("/v1/engines/", 404, "path", ""),
        ("/v1/", 404, "path", ""),
        ("/v1", 404, "path", ""),
        ("/assets/nothing.js", 404, "path", ""),
        ("/v1/topologies?limit=0", 400, "query", "limit"),
        ("/v1/topologies?limit=1001", 400, "query", "limit"),
        ("/v1/topologies?limit=x", 400, "query", "limit"),
        ("/v1/plans?limit=-1", 400, "query", "limit"),
        ("/v1/history?limit=1&limit=2", 400, "query", "limit"),
        ("/v1/topologies?cursor=x", 400, "query", "cursor"),
        ("/v1/plans?cursor=", 400, "query", "cursor"),
        ("/v1/history?cursor=%ff", 400, "query", "cursor"),
        ("/v1/topologies?sort=name", 400, "query", "sort"),
        ("/v1/topologies?plan=all", 400, "query", "plan"),
        ("/v1/engines/storm/topologies/words/series?since=monday", 400, "query", "since"),
        ("/v1/topologies?limit=1&sorted=busy", 400, "query", "sorted"),
        ("/v1/engines?limit=1", 400, "query", "limit"),
        ("/v1/events?%ff=", 400, "query", "\u{fffd}"),
        ("/v1/openapi.json?x", 400, "query", "x"),
        (BROKEN, 400, "path", "engine"),
        ("/v1/engines/storm/topologies/%ff/series", 400, "path", "topology"),
    ] {
        let told = problem(&sample.get(path, ""), status, path);
        assert_eq!(told["place"]["in"], within, "{path}: {told}");
        if !name.is_empty() {
            assert_eq!(told["place"]["name"], name, "{path}: {told}");
        }
    }
    for (path, status) in [
        ("/v1/engines/gone/topologies/words", 503),
        ("/v1/engines/gone/topologies/words/explain", 502),
        ("/v1/engines/gone/doctor", 502),
    ] {
        let told = problem(&sample.get(path, ""), status, path);
        assert!(told["detail"].as_str().unwrap().contains("gone"), "{path}: {told}");
    }
}

#[test]
fn a_cursor_is_of_the_list_and_the_order_that_it_was_made_for() {
    let (sample, _) = Sample::new(false);
    sample.get_until("/v1/history", "", |page| page["total"].as_u64() > Some(1));
    let page = sample.get("/v1/history?limit=1", "").json();
    let next = page["next"].as_str().unwrap();
    assert!(next.bytes().all(|b| b.is_ascii_graphic()), "a cursor goes into an address: {next}");
    let second = sample.get(&format!("/v1/history?limit=1&cursor={next}"), "");
    assert_eq!(second.status, 200, "{second:?}");
    assert_ne!(second.json()["items"], page["items"]);
    for path in ["/v1/plans", "/v1/topologies", "/v1/topologies?sort=busy"] {
        let sign = if path.contains('?') { '&' } else { '?' };
        let answer = sample.get(&format!("{path}{sign}cursor={next}"), "");
        problem(&answer, 400, path);
    }
    problem(&sample.get(&format!("/v1/history?cursor={next}0"), ""), 400, "a changed cursor");
}

#[test]
fn a_method_that_is_not_allowed_is_told_with_those_that_are() {
    let (sample, _) = Sample::new(false);
    for (method, path, allowed) in [
        ("POST", "/v1/engines", "GET,HEAD"),
        ("DELETE", "/v1/topologies", "GET,HEAD"),
        ("PUT", SCALE, "POST"),
        ("GET", SCALE, "POST"),
        ("PUT", "/v1/engines/storm/hosts/a/drain", "POST,DELETE"),
        ("OPTIONS", "/v1/me", "GET,HEAD"),
        ("POST", "/v1/events", "GET,HEAD"),
        ("POST", "/v1/openapi.json", "GET,HEAD"),
        ("POST", "/metrics", "GET,HEAD"),
        ("POST", "/healthz", "GET,HEAD"),
        ("POST", "/", "GET,HEAD"),
        ("NONSENSE", "/v1/engines", "GET,HEAD"),
    ] {
        let answer = ask(sample.address(), method, path, &[], "");
        let told = problem(&answer, 405, path);
        let set =
            |text: &str| text.split(',').map(|m| m.trim().to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(set(answer.header("allow").unwrap()), set(allowed), "{path}: {answer:?}");
        assert_eq!(told["place"], json!({ "in": "method", "name": method }), "{path}: {told}");
    }
    problem(&ask(sample.address(), "PUT", "/v1/nothing", &[], ""), 404, "no such path at all");
}

#[test]
fn who_takes_none_of_what_there_is_is_told_so() {
    let (sample, _) = Sample::new(false);
    sample.get_until("/v1/engines", "", |engines| engines[1]["up"] == true);
    let asked =
        |path: &str, kinds: &str| ask(sample.address(), "GET", path, &[("Accept", kinds)], "");
    for (path, kinds) in [
        ("/v1/engines", "text/csv"),
        ("/v1/topologies", "application/xml, text/*;q=0.5"),
        ("/v1/me", "application/json;q=0, */*"),
        ("/v1/plans", "text/html, application/json;q=0.0"),
        ("/v1/openapi.json", "application/yaml"),
        ("/v1/events", "application/json"),
    ] {
        let told = problem(&asked(path, kinds), 406, path);
        assert_eq!(told["place"], json!({ "in": "header", "name": "Accept" }), "{path}: {told}");
        let offered = if path == "/v1/events" { "text/event-stream" } else { "application/json" };
        assert!(told["detail"].as_str().unwrap().contains(offered), "{path}: {told}");
    }
    for kinds in [
        "",
        "*/*",
        "application/*",
        "text/csv, Application/JSON; charset=utf-8;q=0.1",
        "text/csv,*/*;q=0.1",
    ] {
        assert_eq!(asked("/v1/engines", kinds).status, 200, "{kinds}");
    }
    // Prometheus asks for what it likes best, and takes what there is.
    assert_eq!(asked("/metrics", "application/openmetrics-text;version=1.0.0").status, 200);
    // The dashboard is there compressed, or not at all in this build.
    let page = |coding: &[(&str, &str)]| ask(sample.address(), "GET", "/", coding, "");
    let plain = page(&[]);
    match plain.status {
        200 => assert_eq!(plain.header("content-encoding"), Some("gzip")),
        _ => drop(problem(&plain, 404, "/")),
    }
    let left_out = page(&[("Accept-Encoding", "identity")]);
    problem(&left_out, if plain.status == 200 { 406 } else { 404 }, "/");
}

#[test]
fn what_is_wrong_with_an_order_is_named_with_its_place() {
    let (sample, [reader, operator]) = Sample::new(true);
    sample.get_until("/v1/engines", &operator, |engines| engines[1]["up"] == true);
    let post = |path: &str, kind: &str, body: &str| {
        let bearer = format!("Bearer {operator}");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", kind)];
        ask(sample.address(), "POST", path, &headers, body)
    };
    let long = format!("{{\"why\": \"{}\"}}", "x".repeat(70_000));
    let chatty = format!("{{\"why\": \"{}\"}}", "x".repeat(500));
    let json = "application/json";
    for (kind, body, status, within, name) in [
        ("text/plain", "{}", 415, "header", "Content-Type"),
        ("application/x-www-form-urlencoded", "why=so", 415, "header", "Content-Type"),
        (json, long.as_str(), 413, "body", ""),
        (json, chatty.as_str(), 400, "body", "why"),
        (json, "{\"counts\": ", 400, "body", "line 1 column 11"),
        (json, "{} {}", 400, "body", "line 1 column 4"),
        (json, "{\"counts\": {\"split\": \"four\"}}", 422, "body", "counts.split"),
        (json, "{\"counts\": {\"split\": -1}}", 422, "body", "counts.split"),
        (json, "{\"count\": {}}", 422, "body", "count"),
        (json, "[]", 422, "body", ""),
        (json, "{\"counts\": {\"spilt\": 4}}", 404, "body", "counts.spilt"),
        ("application/json; charset=utf-8", "{\"leave\": [7]}", 422, "body", "leave[0]"),
    ] {
        let told = problem(&post(SCALE, kind, body), status, &body[..body.len().min(40)]);
        assert_eq!(told["place"]["in"], within, "{told}");
        assert_eq!(
            told["place"].get("name").and_then(Value::as_str).unwrap_or_default(),
            name,
            "{told}"
        );
    }
    let bearer = format!("Bearer {operator}");
    let none = ask(sample.address(), "POST", SCALE, &[("Authorization", &bearer)], "");
    problem(&none, 415, "no body at all");
    let unknown = post("/v1/engines/storm/hosts/nowhere/drain", json, "{}");
    let told = problem(&unknown, unknown.status, "a host that is not there");
    assert_eq!(told["place"], json!({ "in": "path", "name": "host" }), "{told}");
    let told = problem(&post("/v1/engines/gone/pause", json, "{}"), 502, "nobody answers");
    assert!(told["detail"].as_str().unwrap().contains("gone"), "{told}");
    // Who may not is told that first.
    let bearer = format!("Bearer {reader}");
    problem(
        &ask(sample.address(), "POST", SCALE, &[("Authorization", &bearer)], "{"),
        403,
        "a reader",
    );
    let told = problem(&sample.get("/v1/engines", "nobody's"), 401, "a token that is unknown");
    assert_eq!(told["place"], json!({ "in": "header", "name": "Authorization" }), "{told}");
    let foreign = ask(sample.address(), "GET", "/v1/engines", &[("Host", "evil.example")], "");
    let told = problem(&foreign, 421, "another host");
    assert_eq!(told["place"], json!({ "in": "header", "name": "Host" }), "{told}");
}

/// An operation of the document.
struct Operation {
    method: String,
    path: String,
    body: bool,
    documented: BTreeSet<u16>,
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let statuses = operation["responses"].as_object().unwrap();
            found.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                body: operation.get("requestBody").is_some(),
                documented: statuses.keys().map(|status| status.parse().unwrap()).collect(),
            });
        }
    }
    found
}

/// Whose token, what it takes, and what it sends as which kind.
struct Try<'a> {
    engine: &'a str,
    query: &'a str,
    token: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
}

fn tries<'a>(tokens: &'a [String; 3], long: &'a str) -> Vec<Try<'a>> {
    let [reader, operator, approver] = tokens;
    let plain = Try { engine: "storm", query: "", token: operator, headers: &[], body: "{}" };
    let kind = &[("Content-Type", "text/plain")];
    let mut all = vec![
        Try { token: "", ..plain },
        Try { token: reader, ..plain },
        Try { headers: &[("Accept", "text/csv")], ..plain },
        Try { headers: &[("Host", "evil.example")], ..plain },
        Try { query: "?limit=x&since=x", ..plain },
    ];
    for token in [operator, approver] {
        let plain = Try { token, ..plain };
        for engine in ["storm", "gone", "fresh", "nobody", "%ff"] {
            all.push(Try { engine, ..plain });
        }
        all.push(Try { headers: kind, ..plain });
        for body in ["{", "{\"no\": 1}", long] {
            all.push(Try { body, ..plain });
        }
    }
    all
}

#[test]
fn what_an_operation_can_be_answered_is_what_is_documented() {
    let (sample, tokens, _fresh) = Sample::with_fresh();
    sample.get_until("/v1/engines", &tokens[0], |engines| engines[2]["up"] == true);
    let document = serde_json::to_value(openapi()).unwrap();
    let long = format!("{{\"why\": \"{}\"}}", "x".repeat(70_000));
    for operation in operations(&document) {
        let mut given = BTreeMap::new();
        for one in tries(&tokens, &long) {
            // A stream has no end that could be waited for.
            let refused = one.headers.iter().any(|(name, _)| ["Accept", "Host"].contains(name));
            let refused = refused || !one.query.is_empty();
            if operation.path == "/v1/events" && !one.token.is_empty() && !refused {
                continue;
            }
            let path =
                operation.path.replace("{engine}", one.engine).replace("{topology}", "words");
            let path = path.replace(['{', '}'], "") + one.query;
            let bearer = format!("Bearer {}", one.token);
            let mut headers = vec![("Authorization", bearer.as_str())];
            headers.extend(one.headers);
            let body = if operation.body { one.body } else { "" };
            let answer = ask(sample.address(), &operation.method, &path, &headers, body);
            if answer.status >= 400 {
                problem(&answer, answer.status, &path);
            }
            given.insert(answer.status, path);
        }
        let Operation { method, path, documented, .. } = &operation;
        for (status, by) in &given {
            assert!(documented.contains(status), "{method} {path} answers {status} to {by}");
        }
        // What takes a world of its own to be seen: tests of each are elsewhere, or a failure of the server itself.
        let rare = [200, 408, 409, 500, 503];
        for status in documented.iter().filter(|status| !rare.contains(status)) {
            assert!(
                given.contains_key(status),
                "{method} {path} never answers {status}: {given:?}"
            );
        }
    }
}

#[test]
fn problems_are_documented_as_what_they_are() {
    let document = serde_json::to_value(openapi()).unwrap();
    for operation in operations(&document) {
        let method = operation.method.to_lowercase();
        let answers = &document["paths"][&operation.path][&method]["responses"];
        for status in operation.documented.iter().filter(|status| **status >= 400) {
            let answer = &answers[status.to_string()];
            let content = answer["content"].as_object().unwrap();
            let kinds: Vec<&String> = content.keys().collect();
            assert_eq!(kinds, ["application/problem+json"], "{method} {} {status}", operation.path);
            assert!(!answer["description"].as_str().unwrap().is_empty(), "{answer}");
        }
        for status in [401, 406, 421] {
            assert!(operation.documented.contains(&status), "{method} {}", operation.path);
        }
    }
}
