//! Configurations in YAML, as Storm and Flink have them.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};
use serde_json::{Map, Value, json};
use yaml_rust2::parser::Parser;
use yaml_rust2::{Event, Yaml, YamlLoader};

/// How deep values may lie within each other.
const DEEPEST: usize = 64;
/// About what a value takes in memory while it is read.
const VALUE: usize = 400;
/// About what a sign between values takes: the reader keeps lists and maps whole until it knows that they are no key.
const SIGN: usize = 400;
/// What all may take, as a multiple of the text's length and besides.
const FACTOR: usize = 60;
const BESIDES: usize = 24 << 10;

/// All that a configuration sets, under dotted keys.
///
/// # Errors
/// When it is no YAML, or would take far more memory than it has bytes.
pub fn read(text: &str) -> Result<Map<String, Value>> {
    check(text)?;
    let documents = YamlLoader::load_from_str(text).map_err(|error| anyhow!("no YAML: {error}"))?;
    let mut given = Map::new();
    if let Some(document) = documents.first() {
        flatten("", document, &mut given);
    }
    Ok(given)
}

/// Looks at a text before its values are made: those that an alias stands for are made again each time, and a few lines of
/// aliases of aliases stand for millions.
fn check(text: &str) -> Result<()> {
    let allowed = |length: usize| length.saturating_mul(FACTOR) + BESIDES;
    let signs = text.bytes().filter(|byte| b"[]{},:".contains(byte)).count();
    if signs.saturating_mul(SIGN) > allowed(text.len()) {
        bail!("too many values in so short a text");
    }
    let mut parser = Parser::new_from_str(text);
    let mut values = 0usize;
    // Those within what is named, and where what is open began.
    let mut named: BTreeMap<usize, usize> = BTreeMap::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    loop {
        let (event, place) = parser.next_token().map_err(|error| anyhow!("no YAML: {error}"))?;
        match event {
            Event::StreamEnd => return Ok(()),
            Event::Alias(of) => {
                values = values.saturating_add(named.get(&of).copied().unwrap_or(1))
            }
            Event::Scalar(_, _, name, _) => {
                values = values.saturating_add(1);
                named.insert(name, 1);
            }
            Event::SequenceStart(name, _) | Event::MappingStart(name, _) => {
                open.push((name, values));
                values = values.saturating_add(1);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((name, before)) = open.pop() {
                    named.insert(name, values - before);
                }
            }
            _ => {}
        }
        if open.len() > DEEPEST {
            bail!("line {}: values lie more than {DEEPEST} deep within each other", place.line());
        }
        if values.saturating_mul(VALUE) > allowed(text.len()) {
            bail!("line {}: too many values in so short a text", place.line());
        }
    }
}

/// Nested keys as dotted ones, as Flink's configuration has them.
fn flatten(path: &str, yaml: &Yaml, into: &mut Map<String, Value>) {
    match yaml {
        Yaml::Hash(hash) => {
            for (key, value) in hash {
                let key = key.as_str().map_or_else(|| format!("{key:?}"), str::to_owned);
                let is_first = path.is_empty();
                let path = if is_first { key } else { format!("{path}.{key}") };
                flatten(&path, value, into);
                // Maps are values too, as that of machines by topology.
                if is_first && matches!(value, Yaml::Hash(_)) && !path.starts_with("thalweg") {
                    into.insert(path, plain(value));
                }
            }
        }
        value if !path.is_empty() => {
            into.insert(path.to_owned(), plain(value));
        }
        _ => {}
    }
}

fn plain(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Real(_) => yaml.as_f64().map_or(Value::Null, |number| json!(number)),
        Yaml::Integer(number) => json!(number),
        Yaml::String(text) => json!(text),
        Yaml::Boolean(flag) => json!(flag),
        Yaml::Array(items) => items.iter().map(plain).collect(),
        Yaml::Hash(hash) => {
            let pairs = hash.iter().filter_map(|(k, v)| Some((k.as_str()?.to_owned(), plain(v))));
            Value::Object(pairs.collect())
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_there_whole_and_by_their_keys() {
        let given = read("machines: {words: 2}\nthalweg: {mode: act}\na: &a [1]\nb: *a\n").unwrap();
        let told = json!({ "machines": { "words": 2 }, "machines.words": 2, "thalweg.mode": "act",
            "a": [1], "b": [1] });
        assert_eq!(Value::Object(given), told);
    }

    #[test]
    fn a_few_lines_that_stand_for_millions_of_values_are_refused() {
        let mut text = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for pair in "abcdefgh".as_bytes().windows(2) {
            let (of, name) = (char::from(pair[0]), char::from(pair[1]));
            text += &format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 9].join(","));
        }
        let error = read(&text).unwrap_err().to_string();
        assert!(error.ends_with("too many values in so short a text"), "{error}");
    }

    #[test]
    fn what_lies_too_deep_is_refused_before_the_stack_is_full() {
        for text in ["- ".repeat(200_000), "[".repeat(200_000), "? ".repeat(200_000)] {
            let error = read(&text).unwrap_err().to_string();
            let told = ["more than 64 deep within each other", "in so short a text"];
            assert!(told.iter().any(|told| error.ends_with(told)), "{error}");
        }
    }
}
