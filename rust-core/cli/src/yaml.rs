//! Configurations in YAML, as Storm and Flink have them.

use anyhow::{Result, anyhow};
use serde_json::{Map, Value, json};
use yaml_rust2::{Yaml, YamlLoader};

/// All that a configuration sets, under dotted keys.
///
/// # Errors
/// When it is no YAML.
pub fn read(text: &str) -> Result<Map<String, Value>> {
    let documents = YamlLoader::load_from_str(text).map_err(|error| anyhow!("no YAML: {error}"))?;
    let mut given = Map::new();
    if let Some(document) = documents.first() {
        flatten("", document, &mut given);
    }
    Ok(given)
}

/// Nested keys as dotted ones, as Flink's configuration has them.
fn flatten(path: &str, yaml: &Yaml, into: &mut Map<String, Value>) {
    match yaml {
        Yaml::Hash(hash) => {
            for (key, value) in hash {
                let key = key.as_str().map_or_else(|| format!("{key:?}"), str::to_owned);
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                flatten(&path, value, into);
                // Maps are values too, as that of machines by topology.
                if matches!(value, Yaml::Hash(_)) && !path.starts_with("thalweg") {
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
