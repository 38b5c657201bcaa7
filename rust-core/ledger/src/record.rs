//! One record, as a line of JSON that ends with its own hash.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::hex;

/// The version of the format. Every version begins a record with its number and ends it with the hash of what stands before,
/// so that an older one knows it for a record, and leaves it alone.
const VERSION: u32 = 1;
/// How a record of this version begins.
pub(crate) const BEGINS: &[u8] = b"{\"v\":1,";
/// What stands for the hash before the first record.
pub(crate) const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// What stands between a record and its hash.
const BEFORE_HASH: &[u8] = b",\"hash\":\"";
/// What stands behind the hash.
const AFTER_HASH: &[u8] = b"\"}";

/// Something to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it is: `decision`, `order`, …
    pub kind: &'static str,
    /// When, in ms since 1970.
    pub at: i64,
    /// The term in which whoever records it leads, or led last.
    pub term: u64,
    /// The topology's id, if it is about one.
    pub topology: String,
    /// Its name.
    pub name: String,
    /// Who did it.
    pub who: String,
    /// Why.
    pub why: String,
    /// All of it, as JSON text in one line.
    pub content: String,
}

impl Entry {
    /// An entry of this moment about nothing in particular.
    pub fn of(kind: &'static str, content: &Value) -> Self {
        Self {
            kind,
            at: now(),
            term: 0,
            topology: String::new(),
            name: String::new(),
            who: String::new(),
            why: String::new(),
            content: content.to_string(),
        }
    }

    /// Bytes that it takes while it waits.
    pub(crate) fn size(&self) -> usize {
        self.content.len() + self.why.len() + self.who.len() + 256
    }
}

/// Milliseconds since 1970 by this machine's clock.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A record as it was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// The version of the format.
    pub v: u32,
    /// Its number: one more than that of the record before.
    pub seq: u64,
    /// When it was recorded, in ms since 1970.
    pub at: i64,
    /// What it is.
    pub kind: String,
    /// The engine that recorded it.
    pub engine: String,
    /// The engine's last term of leadership.
    #[serde(default)]
    pub term: u64,
    /// The topology's id, if it is about one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub topology: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Who did it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub who: String,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// All of it.
    pub content: Box<RawValue>,
    /// The hash of the record before.
    pub prev: String,
    /// Its own hash; nothing before it is sealed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
}

/// The end of a chain: the next record follows this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) seq: u64,
    pub(crate) hash: String,
}

impl Tail {
    /// The end of a chain without records.
    pub(crate) fn none() -> Self {
        Self { seq: 0, hash: NO_HASH.to_owned() }
    }
}

impl Record {
    /// The line of an entry that follows a record, without its newline, and the new end of the chain.
    pub(crate) fn seal(entry: &Entry, engine: &str, after: &Tail) -> (Vec<u8>, Tail) {
        let content = RawValue::from_string(entry.content.clone()).unwrap_or_else(|_| {
            // What is no JSON is text.
            serde_json::value::to_raw_value(&entry.content).unwrap_or_default()
        });
        let record = Self {
            v: VERSION,
            seq: after.seq + 1,
            at: entry.at,
            kind: entry.kind.to_owned(),
            engine: engine.to_owned(),
            term: entry.term,
            topology: entry.topology.clone(),
            name: entry.name.clone(),
            who: entry.who.clone(),
            why: entry.why.clone(),
            content,
            prev: after.hash.clone(),
            hash: String::new(),
        };
        let mut line = serde_json::to_vec(&record).unwrap_or_default();
        line.pop();
        let hash = hash_of(&line);
        line.extend_from_slice(BEFORE_HASH);
        line.extend_from_slice(hash.as_bytes());
        line.extend_from_slice(AFTER_HASH);
        (line, Tail { seq: record.seq, hash })
    }

    /// The version of a record that a newer version has written; nothing of any other line.
    pub(crate) fn newer(line: &[u8]) -> Option<u32> {
        if line.starts_with(BEGINS) {
            return None;
        }
        let versioned: Versioned = serde_json::from_slice(line).ok()?;
        // Whoever changed the number alone has not made it a record.
        (versioned.v > VERSION && unsealed(line).is_ok()).then_some(versioned.v)
    }

    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, for people; also when its hash is not that of its bytes.
    pub fn read(line: &[u8]) -> Result<Self, String> {
        unsealed(line)?;
        if let Some(version) = Self::newer(line) {
            return Err(unknown(version));
        }
        let record: Self =
            serde_json::from_slice(line).map_err(|error| format!("it is no record: {error}"))?;
        if record.v != VERSION {
            return Err(format!("it is of version {}, and this reads {VERSION}", record.v));
        }
        Ok(record)
    }

    /// Whether it is about a topology, by its id or name.
    pub fn is_about(&self, topology: &str) -> bool {
        self.topology == topology || self.name == topology
    }

    /// What it follows.
    pub(crate) fn tail(&self) -> Tail {
        Tail { seq: self.seq, hash: self.hash.clone() }
    }

    /// Its content.
    pub fn told(&self) -> Value {
        serde_json::from_str(self.content.get()).unwrap_or_default()
    }
}

/// All that every version has in common, but for the hash.
#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

/// What is wrong with a record of a newer version.
pub(crate) fn unknown(version: u32) -> String {
    format!(
        "it is of version {version}, and this version knows up to {VERSION}: use the version that wrote it, or a newer one"
    )
}

/// Checks that a line ends with the hash of what stands before it.
fn unsealed(line: &[u8]) -> Result<(), String> {
    let sealed = line.len().checked_sub(BEFORE_HASH.len() + NO_HASH.len() + AFTER_HASH.len());
    let (body, seal) = sealed.map_or((line, &[][..]), |at| line.split_at(at));
    let seal = seal.strip_prefix(BEFORE_HASH).and_then(|seal| seal.strip_suffix(AFTER_HASH));
    let seal = seal.ok_or("it is no record: it does not end with a hash")?;
    if seal == hash_of(body).as_bytes() {
        Ok(())
    } else {
        Err("its bytes do not have its hash".to_owned())
    }
}

fn hash_of(body: &[u8]) -> String {
    hex::of(digest(&SHA256, body).as_ref())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_comes_back_and_no_byte_of_it_can_be_changed() {
        let entry = Entry {
            at: 5,
            topology: "words-1".to_owned(),
            why: "a \"reason\"\nin two lines".to_owned(),
            ..Entry::of("decision", &json!({ "verdict": "hold", "n": 1.5 }))
        };
        let (line, tail) = Record::seal(&entry, "nimbus-1", &Tail::none());
        assert!(!line.contains(&b'\n'));
        let record = Record::read(&line).unwrap();
        assert_eq!((record.seq, record.tail()), (1, tail));
        assert_eq!((record.kind.as_str(), record.why.as_str()), ("decision", entry.why.as_str()));
        assert_eq!(record.told(), json!({ "verdict": "hold", "n": 1.5 }));
        for at in 0..line.len() {
            let mut changed = line.clone();
            changed[at] ^= 1;
            assert!(Record::read(&changed).is_err(), "byte {at}");
            assert!(Record::read(&line[..at]).is_err(), "cut at {at}");
        }
    }
}
