//! The lines in which the Java program answers, of the same version on both sides.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use thalweg_codec::decode;

use super::cluster::Cluster;
use super::error::StormError;
use super::standing::Rebalance;
use crate::look::{Finding, Look};

/// What is spoken here, as in `Beside.java`.
const VERSION: u64 = 2;
/// As much of a line as tells what it is.
const SHOWN: usize = 200;

#[derive(Debug, Deserialize)]
struct Hello {
    #[serde(default)]
    version: String,
    #[serde(default)]
    place: String,
    #[serde(default)]
    settings: Map<String, Value>,
    has_thalweg: Option<bool>,
    failed: Option<Failed>,
}

#[derive(Debug, Deserialize)]
struct Looked {
    observation: Option<String>,
    #[serde(default)]
    findings: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Failed {
    code: String,
    text: String,
}

impl From<Failed> for StormError {
    fn from(failed: Failed) -> Self {
        match failed.code.as_str() {
            "UNREACHABLE" => Self::Unreachable(failed.text),
            "REFUSED" => Self::Refused(failed.text),
            _ => Self::Unreadable(failed.text),
        }
    }
}

/// What is asked, each kind by a word of its own; answers name it, with the number of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question<'a> {
    /// For an observation.
    Look,
    /// How the topology of this id stands.
    Standing(&'a str),
    /// For other executor counts.
    Rebalance(&'a Rebalance),
}

impl Question<'_> {
    fn word(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Standing(_) => "standing",
            Self::Rebalance(_) => "rebalance",
        }
    }

    /// The line that asks it.
    pub fn line(self, number: u64) -> String {
        let word = self.word();
        match self {
            Self::Look => format!("{word} {number}"),
            Self::Standing(topology) => {
                format!("{word} {number} {}", json!({ "topology": topology }))
            }
            Self::Rebalance(order) => format!("{word} {number} {}", json!(order)),
        }
    }

    /// Reads its answer.
    ///
    /// # Errors
    /// When it is none, or says why there is none.
    pub fn answer<T: DeserializeOwned>(self, number: u64, line: &str) -> Result<T, StormError> {
        let mut answer: Map<String, Value> = parsed(line)?;
        if answer.get(self.word()).and_then(Value::as_u64) != Some(number) {
            return Err(garbled(line, "it answers another question"));
        }
        let unreadable = |error: serde_json::Error| garbled(line, &error.to_string());
        match answer.remove("failed") {
            Some(failed) => Err(Failed::deserialize(failed).map_or_else(unreadable, Into::into)),
            None => T::deserialize(Value::Object(answer)).map_err(unreadable),
        }
    }
}

/// Reads the first line.
///
/// # Errors
/// When it is none of this version, or says that there is no cluster.
pub fn hello(line: &str) -> Result<Cluster, StormError> {
    // Another version may have other fields, so its number is read alone.
    let told: Value = parsed(line)?;
    let got = told["thalweg_storm"].as_u64().ok_or_else(|| garbled(line, "it names no version"))?;
    if got != VERSION {
        return Err(StormError::OtherVersion { got, expected: VERSION });
    }
    let Hello { version, place, settings, has_thalweg, failed } = parsed(line)?;
    match failed {
        Some(failed) => Err(failed.into()),
        None => Ok(Cluster { version, place, settings, has_thalweg }),
    }
}

/// Reads the answer to a look.
///
/// # Errors
/// When it is none, or says why there is no observation.
pub fn look(line: &str, number: u64) -> Result<Look, StormError> {
    let answer: Looked = Question::Look.answer(number, line)?;
    let encoded = answer.observation.ok_or_else(|| garbled(line, "it has no observation"))?;
    let bytes = STANDARD.decode(encoded).map_err(|error| garbled(line, &error.to_string()))?;
    let observation = decode(&bytes).map_err(|error| garbled(line, &error.to_string()))?;
    let findings = answer.findings.into_iter().map(|(about, text)| Finding { about, text });
    Ok(Look { observation, findings: findings.collect() })
}

fn parsed<T: DeserializeOwned>(line: &str) -> Result<T, StormError> {
    thalweg_bounds::read(line.as_bytes()).map_err(|error| garbled(line, &error.to_string()))
}

fn garbled(line: &str, reason: &str) -> StormError {
    StormError::Garbled { line: line.chars().take(SHOWN).collect(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::json;
    use thalweg_codec::encode;
    use thalweg_core::model::Observation;
    use thalweg_core::units::Timestamp;

    use super::*;

    #[test]
    fn the_first_line_names_the_cluster_or_why_there_is_none() {
        let line = json!({ "thalweg_storm": 2, "version": "2.8.3", "place": "n:6627",
            "settings": { "executor.metrics.frequency.secs": 60 }, "has_thalweg": true, "more": true });
        let cluster = hello(&line.to_string()).unwrap();
        assert_eq!((cluster.version.as_str(), cluster.place.as_str()), ("2.8.3", "n:6627"));
        assert_eq!(cluster.settings["executor.metrics.frequency.secs"], 60);
        assert_eq!(cluster.has_thalweg, Some(true));
        let failed = |code: &str| {
            let line = json!({ "thalweg_storm": 2, "failed": { "code": code, "text": "why" } });
            hello(&line.to_string()).unwrap_err()
        };
        assert_eq!(failed("REFUSED"), StormError::Refused("why".to_owned()));
        assert_eq!(failed("UNREACHABLE"), StormError::Unreachable("why".to_owned()));
        assert_eq!(failed("something new"), StormError::Unreadable("why".to_owned()));
    }

    #[test]
    fn another_version_is_named_whatever_else_it_says() {
        let error = hello(r#"{"thalweg_storm": 3, "version": {"storm": 3}}"#).unwrap_err();
        assert_eq!(error, StormError::OtherVersion { got: 3, expected: 2 });
    }

    #[test]
    fn what_is_no_answer_is_shown_and_never_taken_for_one() {
        for line in ["", "Exception in thread main", "{}", "[1]", r#"{"look":2}"#, r#"{"look":1}"#]
        {
            assert_eq!(hello(line).unwrap_err().code(), "GARBLED", "{line}");
            assert_eq!(look(line, 1).unwrap_err().code(), "GARBLED", "{line}");
        }
        let garbage = r#"{"look":1,"observation":"AAAA"}"#;
        assert_eq!(look(garbage, 1).unwrap_err().code(), "GARBLED");
        let long = "x".repeat(10_000);
        assert!(hello(&long).unwrap_err().to_string().len() < 500);
    }

    #[test]
    fn an_observation_comes_with_what_could_not_be_read() {
        let seen = Observation { at: Timestamp::from_millis(7), ..Observation::default() };
        let line = json!({ "look": 3, "observation": STANDARD.encode(encode(&seen).unwrap()),
            "findings": { "": "of all", "words-1": "of one" } });
        let answer = look(&line.to_string(), 3).unwrap();
        assert_eq!(answer.observation, seen);
        let [all, one] = &answer.findings[..] else { panic!("{answer:?}") };
        assert_eq!((all.about.as_str(), one.text.as_str()), ("", "of one"));
    }

    #[test]
    fn who_is_asked_for_a_rebalance_answers_by_its_number_or_with_why_not() {
        let order = Rebalance {
            topology: "words \"1\"".to_owned(),
            executors: [("split".to_owned(), 2)].into(),
            wait_secs: 30,
        };
        let question = Question::Rebalance(&order);
        let asked =
            r#"rebalance 3 {"executors":{"split":2},"topology":"words \"1\"","wait_secs":30}"#;
        assert_eq!(question.line(3), asked);
        let taken = |line: &str| question.answer::<Map<String, Value>>(3, line);
        assert!(taken(r#"{"rebalance":3}"#).is_ok());
        assert_eq!(taken(r#"{"rebalance":4}"#).unwrap_err().code(), "GARBLED");
        let refused = taken(r#"{"rebalance":3,"failed":{"code":"REFUSED","text":"no"}}"#);
        assert_eq!(refused.unwrap_err(), StormError::Refused("no".to_owned()));
        let odd = taken(r#"{"rebalance":3,"failed":{"text":"no"}}"#);
        assert_eq!(odd.unwrap_err().code(), "GARBLED");
    }

    proptest! {
        #[test]
        fn no_line_is_a_panic(line in ".{0,80}", number in any::<u64>()) {
            prop_assert!(hello(&line).is_err());
            prop_assert!(look(&line, number).is_err());
        }
    }
}
