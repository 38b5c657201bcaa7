//! From what the user wrote to values that fit the table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use thalweg_core::units::{Millis, Share};

use super::key::{Key, Kind};
use super::keys::keys;
use crate::error::kind_of;

/// A value for every key of the table.
pub(super) struct Values {
    values: BTreeMap<&'static str, Value>,
    written: BTreeSet<&'static str>,
}

impl Values {
    /// Takes each key's value where it is allowed, else its default; tells what is wrong.
    pub(super) fn read(given: &Map<String, Value>) -> (Self, Vec<String>) {
        let mut problems: Vec<String> = given
            .keys()
            .filter(|name| name.starts_with("thalweg.") && !keys().any(|key| key.name == *name))
            .map(|name| unknown(name))
            .collect();
        let mut values = BTreeMap::new();
        let mut written = BTreeSet::new();
        for key in keys() {
            let default = default(key);
            let value = match given.get(key.name) {
                None | Some(Value::Null) => default,
                Some(given) => accept(key, given)
                    .inspect(|_| _ = written.insert(key.name))
                    .unwrap_or_else(|| {
                        problems.push(not_allowed(key, given, &default));
                        default
                    }),
            };
            values.insert(key.name, value);
        }
        (Self { values, written }, problems)
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.values.get(key).and_then(Value::as_str).expect("the table has this key as text")
    }

    pub(super) fn number(&self, key: &str) -> f64 {
        self.values.get(key).and_then(Value::as_f64).expect("the table has this key as a number")
    }

    pub(super) fn texts(&self, key: &str) -> Vec<&str> {
        let list = self.values.get(key).and_then(Value::as_array);
        let list = list.expect("the table has this key as a list");
        list.iter().filter_map(Value::as_str).collect()
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.values.get(key).and_then(Value::as_bool).expect("the table has this key as a flag")
    }

    /// Whether the user gave the key a value that is allowed.
    fn is_written(&self, key: &str) -> bool {
        self.written.contains(key)
    }

    pub(super) fn secs(&self, key: &str) -> Millis {
        Millis::saturating(self.number(key) * 1000.0)
    }

    pub(super) fn share(&self, key: &str) -> Share {
        Share::saturating(self.number(key))
    }

    /// The time of a key where it was written, else what the policy recommends.
    pub(super) fn secs_or(&self, key: &str, recommended: Millis) -> Millis {
        if self.is_written(key) { self.secs(key) } else { recommended }
    }

    /// The count of a key where it was written, else what the policy recommends.
    pub(super) fn count_or(&self, key: &str, recommended: u32) -> u32 {
        if self.is_written(key) { self.count(key) } else { recommended }
    }

    /// The flag of a key where it was written, else what the policy recommends.
    pub(super) fn flag_or(&self, key: &str, recommended: bool) -> bool {
        if self.is_written(key) { self.flag(key) } else { recommended }
    }

    /// A whole number; the table keeps such keys within `u32`.
    pub(super) fn count(&self, key: &str) -> u32 {
        self.number(key) as u32
    }
}

fn default(key: &Key) -> Value {
    match key.kind {
        Kind::Choice(_) | Kind::Text | Kind::Secret => Value::from(key.default),
        _ => serde_json::from_str(key.default).expect("the table's defaults are JSON"),
    }
}

/// The value if it is allowed. Numbers and flags may be written as text, as YAML files often do.
fn accept(key: &Key, written: &Value) -> Option<Value> {
    let number = || match written {
        Value::String(text) => text.trim().parse::<f64>().ok(),
        other => other.as_f64(),
    };
    match key.kind {
        Kind::Choice(words) => {
            let word = written.as_str()?.trim().to_lowercase();
            words.contains(&word.as_str()).then(|| Value::from(word))
        }
        Kind::Number(low, high) => number().filter(|n| (low..=high).contains(n)).map(Value::from),
        Kind::Whole(low, high) => {
            number().filter(|n| (low..=high).contains(n) && n.fract() == 0.0).map(Value::from)
        }
        Kind::Flag => match written {
            Value::Bool(_) => Some(written.clone()),
            Value::String(text) => text.trim().parse::<bool>().ok().map(Value::from),
            _ => None,
        },
        Kind::Text | Kind::Secret => written.as_str().map(Value::from),
        Kind::Entries => match written {
            Value::Array(list) => list.iter().all(Value::is_string).then(|| written.clone()),
            Value::String(text) => {
                Some(text.split(';').map(str::trim).filter(|entry| !entry.is_empty()).collect())
            }
            _ => None,
        },
        Kind::Texts => match written {
            Value::Array(list) => list.iter().all(Value::is_string).then(|| written.clone()),
            Value::String(text) => {
                Some(text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect())
            }
            _ => None,
        },
    }
}

/// Says what is wrong with a value; of what may be a password it names the type alone.
fn not_allowed(key: &Key, given: &Value, default: &Value) -> String {
    let (name, allowed) = (key.name, key.kind.allowed());
    match key.kind {
        Kind::Secret => format!(
            "{name}: {} (not shown) is not allowed, it must be {allowed}; digits need quotes",
            kind_of(given)
        ),
        _ => format!("{name}: {given} is not allowed, it must be {allowed} (using {default})"),
    }
}

/// Names an unknown key and the known one that is most like it.
fn unknown(name: &str) -> String {
    let shared = |key: &&'static Key| {
        let words: Vec<&str> = key.name.split(['.', '-']).collect();
        name.split(['.', '-']).filter(|word| words.contains(word)).count()
    };
    match keys().max_by_key(shared) {
        Some(key) if shared(&key) > 1 => {
            format!("{name}: there is no such key; did you mean {}?", key.name)
        }
        _ => format!("{name}: there is no such key"),
    }
}
