//! What clusters and what stands beside them answer: Prometheus and what it scrapes, Flink, Storm's client, and the
//! properties of Kafka's clients.

use std::cell::Cell;

use serde_json::Value;
use thalweg_connect::flink::{Ask, Cluster, Reader, read_answer};
use thalweg_connect::http::HttpError;
use thalweg_connect::kafka::read_properties;
use thalweg_connect::prometheus::exposition::{Format, Limits, parse};
use thalweg_connect::prometheus::series_of;
use thalweg_connect::spark::{Reader as Driver, Told};
use thalweg_connect::storm::{read_hello, read_look};
use thalweg_core::model::Observation;
use thalweg_core::units::Timestamp;

use crate::Then;

/// What a target of Prometheus exposes, in either format.
pub fn exposition(bytes: &[u8]) -> Then<'_> {
    for format in [Format::Text, Format::OpenMetrics] {
        drop(parse(bytes, format, &Limits::default()));
    }
    None
}

/// What a Prometheus answers.
pub fn prometheus(bytes: &[u8]) -> Then<'_> {
    drop(series_of(bytes));
    None
}

/// A JobManager that answers each question with the next line.
struct Lines<'a> {
    lines: Vec<&'a [u8]>,
    next: Cell<usize>,
}

impl Ask for Lines<'_> {
    fn get(&self, path: &str) -> Result<Value, HttpError> {
        let path = path.to_owned();
        let line = self.lines.get(self.next.replace(self.next.get() + 1));
        let Some(line) = line.filter(|line| !line.is_empty()) else {
            let text = "there is no line for it".to_owned();
            return Err(HttpError::Refused { path, status: 404, text });
        };
        read_answer(line).map_err(|reason| HttpError::NoJson { path, reason })
    }
}

/// What a JobManager says of itself, and answers to three looks. Whatever that is, the observation is one that can be
/// recorded.
pub fn flink(bytes: &[u8]) -> Then<'_> {
    let lines = bytes.split(|byte| *byte == b'\n').collect();
    let lines = Lines { lines, next: Cell::new(0) };
    let mut reader = Reader::new(&Cluster::read(&lines, "fuzzed").ok()?);
    let mut seen = Vec::new();
    for secs in [10, 20, 30] {
        let at = Timestamp::from_millis(1_700_000_000_000 + secs * 1000);
        let Ok(look) = reader.look(&lines, at) else { break };
        seen.push(look.observation);
    }
    can_be_recorded(seen)
}

/// What the agent in a driver of Spark answers to some looks, a line each.
pub fn spark(bytes: &[u8]) -> Then<'_> {
    let mut reader = Driver::default();
    let mut seen = Vec::new();
    for (line, secs) in bytes.split(|byte| *byte == b'\n').zip(0..4) {
        let Ok(told) = Told::read_bytes(line) else { continue };
        let at = Timestamp::from_millis(1_700_000_000_000 + secs * 1000);
        seen.push(reader.look(&told, at).observation);
    }
    can_be_recorded(seen)
}

/// Whatever was seen can be written and read again.
fn can_be_recorded<'a>(seen: Vec<Observation>) -> Then<'a> {
    Some(Box::new(move || {
        for observation in seen {
            let line = serde_json::to_string(&observation).expect("it is JSON");
            let again: Observation = serde_json::from_str(&line).expect("it was just written");
            assert!(again == observation, "{observation:?} is read as {again:?}");
        }
    }))
}

/// What the program in Storm's own client says: a first line, or an answer.
pub fn storm(bytes: &[u8]) -> Then<'_> {
    let text = std::str::from_utf8(bytes).ok()?;
    drop(read_hello(text));
    drop(read_look(text, 1));
    None
}

/// A file of properties of a Kafka client.
pub fn properties(bytes: &[u8]) -> Then<'_> {
    let read = read_properties(bytes).ok()?;
    let _ = read.are_secret();
    None
}
