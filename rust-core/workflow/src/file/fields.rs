//! Values of the tree as what they have to be, with errors that name the key, and what was expected.

use std::collections::BTreeMap;

use super::error::{At, Fault};
use super::yaml::{Entry, Node, Value};

/// The entries of a map whose keys are known.
pub(super) struct Fields<'a> {
    place: String,
    line: usize,
    entries: BTreeMap<&'a str, &'a Node>,
}

impl<'a> Fields<'a> {
    /// Those of a node; any other key is refused.
    pub fn of(node: &'a Node, place: &str, known: &[&str]) -> Result<Self, At> {
        let mut entries = BTreeMap::new();
        for (key, line, value) in map(node, place)? {
            if !known.contains(&&**key) {
                let fault = Fault::Key {
                    place: if place.is_empty() { "the file".to_owned() } else { place.to_owned() },
                    key: key.to_string(),
                    expected: known.join(", "),
                };
                return Err(At { line: *line, fault });
            }
            entries.insert(&**key, value);
        }
        Ok(Self { place: place.to_owned(), line: node.line, entries })
    }

    /// Where a key of it is, from the beginning of the file.
    pub fn at(&self, key: &str) -> String {
        below(&self.place, key)
    }

    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.get(key).copied()
    }

    pub fn need(&self, key: &str) -> Result<&'a Node, At> {
        let place = if self.place.is_empty() { "the file" } else { &self.place };
        let missing = || Fault::Missing { place: place.to_owned(), key: key.to_owned() };
        self.get(key).ok_or_else(|| At { line: self.line, fault: missing() })
    }
}

/// The place of a key in a map.
pub(super) fn below(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

pub(super) fn wrong(node: &Node, place: &str, expected: &str) -> At {
    let fault = Fault::Value { place: place.to_owned(), expected: expected.to_owned() };
    At { line: node.line, fault }
}

pub(super) fn map<'a>(node: &'a Node, place: &str) -> Result<&'a [Entry], At> {
    match &node.value {
        Value::Map(entries) => Ok(entries),
        _ if place.is_empty() => Err(wrong(node, "the file", "a map of keys")),
        _ => Err(wrong(node, place, "a map of keys")),
    }
}

/// A map with at least one entry and at most so many.
pub(super) fn filled<'a>(node: &'a Node, place: &str, most: usize) -> Result<&'a [Entry], At> {
    let entries = map(node, place)?;
    match entries.len() {
        0 => Err(wrong(node, place, "at least one entry")),
        count if count > most => {
            Err(wrong(node, place, &format!("at most {most} entries, not {count}")))
        }
        _ => Ok(entries),
    }
}

/// A list of at most so many.
pub(super) fn list<'a>(node: &'a Node, place: &str, most: usize) -> Result<&'a [Node], At> {
    match &node.value {
        Value::List(items) if items.len() <= most => Ok(items),
        Value::List(items) => {
            Err(wrong(node, place, &format!("at most {most}, not {}", items.len())))
        }
        _ => Err(wrong(node, place, "a list, as [first, second]")),
    }
}

pub(super) fn text<'a>(node: &'a Node, place: &str) -> Result<&'a str, At> {
    match &node.value {
        Value::Text { text, .. } if !text.is_empty() => Ok(text),
        _ => Err(wrong(node, place, "a text")),
    }
}

/// A number as `make` takes it; `expected` says which.
pub(super) fn number<T>(
    node: &Node,
    place: &str,
    expected: &str,
    make: impl Fn(f64) -> Option<T>,
) -> Result<T, At> {
    let number = match &node.value {
        Value::Text { text, is_quoted: false } => text.parse::<f64>().ok(),
        _ => None,
    };
    number.and_then(make).ok_or_else(|| wrong(node, place, expected))
}

/// Names go into other programs' names: no sign that means something there, and none that a terminal would obey.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    (1..=64).contains(&text.len())
        && text.chars().all(plain)
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// What a name may be.
pub(super) const NAME: &str = "a name: a letter, then at most 63 letters, digits, - and _";
