//! What is answered has the shape that the document of the interface gives it, and what the document lets through is taken.

use serde_json::{Value, json};
use thalweg_serve::openapi;

use crate::Sample;
use crate::client::ask;

/// Where a value differs from a schema, as far as the document uses the language of schemas.
fn misfit(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let named = document.pointer(name.strip_prefix('#')?)?;
        return misfit(document, named, value);
    }
    if let Some(any) = schema["oneOf"].as_array() {
        let fits = any.iter().any(|one| misfit(document, one, value).is_none());
        return (!fits).then(|| format!("{value} is none of {any:?}"));
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        Value::Null => Vec::new(),
        kind => vec![kind.clone()],
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| is(value, kind.as_str().unwrap())) {
        return Some(format!("{value} is no {kinds:?}"));
    }
    if let Some(known) = schema["enum"].as_array().filter(|known| !known.contains(value)) {
        return Some(format!("{value} is none of {known:?}"));
    }
    within(document, schema, value)
}

/// Where what a value holds differs.
fn within(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    let mut items = value.as_array().into_iter().flatten();
    if let Some(wrong) = items.find_map(|item| misfit(document, &schema["items"], item)) {
        return Some(wrong);
    }
    let fields = value.as_object()?;
    let required = schema["required"].as_array().into_iter().flatten();
    let mut missing = required.filter(|name| !fields.contains_key(name.as_str().unwrap()));
    if let Some(missing) = missing.next() {
        return Some(format!("{missing} is missing in {value}"));
    }
    fields.iter().find_map(|(name, field)| {
        let known = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
        let wrong = misfit(document, known.filter(|known| known.is_object())?, field)?;
        Some(format!("{name}: {wrong}"))
    })
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

#[test]
fn answers_have_the_shape_that_is_documented() {
    let (sample, _) = Sample::new(false);
    sample.get_until("/v1/plans", "", |page| page["total"].as_u64() > Some(0));
    let document = serde_json::to_value(openapi()).unwrap();
    for (path, asked, status) in [
        ("/v1/engines", "/v1/engines", 200),
        ("/v1/me", "/v1/me", 200),
        ("/v1/topologies", "/v1/topologies", 200),
        ("/v1/plans", "/v1/plans", 200),
        ("/v1/history", "/v1/history", 200),
        ("/v1/engines/{engine}/topologies/{topology}", "/v1/engines/storm/topologies/words", 200),
        (
            "/v1/engines/{engine}/topologies/{topology}/series",
            "/v1/engines/storm/topologies/words/series",
            200,
        ),
        // Each problem has a place in the request, or none.
        ("/v1/plans", "/v1/plans?limit=x", 400),
        ("/v1/engines/{engine}/doctor", "/v1/engines/nobody/doctor", 404),
        ("/v1/engines/{engine}/doctor", "/v1/engines/gone/doctor", 502),
    ] {
        let answer = sample.get(asked, "");
        assert_eq!(answer.status, status, "{asked}: {answer:?}");
        let kind = if status == 200 { "application/json" } else { "application/problem+json" };
        let said = &document["paths"][path]["get"]["responses"][status.to_string()];
        let schema = &said["content"][kind]["schema"];
        assert!(schema.is_object(), "{path}: {said}");
        assert_eq!(misfit(&document, schema, &answer.json()), None, "{asked}");
    }
}

#[test]
fn a_method_that_is_not_there_is_told_whatever_stands_in_the_query() {
    let (sample, _) = Sample::new(false);
    for (method, path) in [
        ("TRACE", "/v1/plans?limit=1"),
        ("PUT", "/v1/engines?no"),
        ("GET", "/v1/engines/storm/pause?x=1"),
    ] {
        let answer = ask(sample.address(), method, path, &[], "");
        assert_eq!(answer.status, 405, "{method} {path}: {answer:?}");
        assert!(answer.header("allow").is_some(), "{method} {path}: {answer:?}");
    }
}

#[test]
fn the_bounds_of_what_is_taken_are_documented() {
    let document = serde_json::to_value(openapi()).unwrap();
    for path in ["/v1/topologies", "/v1/plans", "/v1/history"] {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
        let limit = parameters.iter().find(|one| one["name"] == "limit").unwrap();
        let bounds = (&limit["schema"]["minimum"], &limit["schema"]["maximum"]);
        assert_eq!(bounds, (&json!(1), &json!(1000)), "{path}");
    }
    for body in ["ScaleBody", "PauseBody", "Why"] {
        let why = &document["components"]["schemas"][body]["properties"]["why"];
        assert_eq!((&why["type"], &why["maxLength"]), (&json!("string"), &json!(400)), "{body}");
    }
}

#[test]
fn a_whole_number_is_taken_however_it_is_written_and_no_other_is() {
    let (sample, [_, operator]) = Sample::new(true);
    sample.get_until("/v1/engines", &operator, |engines| engines[1]["up"] == true);
    let bearer = format!("Bearer {operator}");
    let post = |path: &str, body: &str| {
        ask(sample.address(), "POST", path, &[("Authorization", &bearer)], body)
    };
    let scale = "/v1/engines/storm/topologies/words/scale";
    let taken = post(scale, "{\"counts\": {\"split\": 4.0}}");
    assert!(taken.status == 200 || taken.status == 409, "{taken:?}");
    let taken = post("/v1/engines/storm/pause", "{\"until\": 4e12, \"topology\": \"words\"}");
    assert_eq!(taken.status, 200, "{taken:?}");
    for (body, place) in [
        ("{\"counts\": {\"split\": 4.5}}", "counts.split"),
        ("{\"counts\": {\"split\": -4.0}}", "counts.split"),
        ("{\"memory_mib\": {\"split\": 1e300}}", "memory_mib.split"),
        ("{\"memory_mib\": {\"split\": 4294967296.0}}", "memory_mib.split"),
    ] {
        let refused = post(scale, body);
        assert_eq!((refused.status, &refused.json()["place"]["name"]), (422, &json!(place)));
    }
}
