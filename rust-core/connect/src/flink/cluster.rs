//! What a JobManager says of itself.

use serde_json::Value;
use thalweg_core::units::Millis;

use super::ask::Ask;
use super::json::{elements, text};
use crate::http::{HttpError, Server};

/// How often a JobManager fetches counters where nothing else is set.
const FETCHES_EACH_MS: f64 = 10_000.0;

/// A JobManager, as it is set up.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Its version.
    pub version: String,
    /// Whether Flink alone sets the parallelism of all jobs.
    pub reactive: bool,
    /// How often it fetches counters: they are no fresher than that.
    pub fetches_each: Millis,
    /// Whether it is configured to have a Thalweg in it; unknown where it does not tell its configuration.
    pub has_thalweg: Option<bool>,
}

impl Cluster {
    /// Asks a JobManager.
    ///
    /// # Errors
    /// When nobody answers, or somebody who is none. What it does not tell of its configuration is taken to be as shipped.
    pub fn read(ask: &impl Ask, place: &str) -> Result<Self, HttpError> {
        let not_flink = |reason: String| HttpError::Stranger {
            place: place.to_owned(),
            expected: Server::Flink,
            reason,
        };
        let config = ask.get("/config").map_err(|error| match error.is_of_one_answer() {
            true => not_flink(error.to_string()),
            false => error,
        })?;
        let version = text(&config, "flink-version").to_owned();
        if version.is_empty() {
            return Err(not_flink("/config names no flink-version".to_owned()));
        }
        let configuration = match ask.get("/jobmanager/config") {
            Err(error)
                if !error.is_of_one_answer() && !matches!(error, HttpError::NotAllowed { .. }) =>
            {
                return Err(error);
            }
            answer => answer.unwrap_or_default(),
        };
        Ok(Self::of(version, &configuration))
    }

    /// What `/jobmanager/config` says.
    fn of(version: String, configuration: &Value) -> Self {
        let key = |key: &str| {
            let mut all = elements(configuration);
            all.find(|one| text(one, "key") == key).map(|one| text(one, "value"))
        };
        let each = key("metrics.fetcher.update-interval").and_then(millis);
        Self {
            version,
            reactive: key("scheduler-mode")
                .is_some_and(|mode| mode.eq_ignore_ascii_case("reactive")),
            fetches_each: Millis::saturating(each.unwrap_or(FETCHES_EACH_MS)),
            has_thalweg: configuration.is_array().then(|| {
                key("thalweg.flink.level") != Some("0")
                    && elements(configuration).any(|one| text(one, "key").starts_with("thalweg."))
            }),
        }
    }
}

/// A duration as Flink's configuration has it, in ms; without a unit it is one of milliseconds.
fn millis(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1.0,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000.0,
        "m" | "min" | "minute" | "minutes" => 60_000.0,
        "h" | "hour" | "hours" => 3_600_000.0,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations_are_read_as_each_line_writes_them() {
        let table = [
            ("10000", Some(10_000.0)),
            ("10 s", Some(10_000.0)),
            ("500ms", Some(500.0)),
            ("1 min", Some(60_000.0)),
            ("often", None),
            ("", None),
        ];
        for (text, ms) in table {
            assert_eq!(millis(text), ms, "{text}");
        }
    }

    #[test]
    fn what_is_not_told_is_as_it_is_shipped() {
        let told = json!([
            { "key": "metrics.fetcher.update-interval", "value": "500 ms" },
            { "key": "scheduler-mode", "value": "REACTIVE" },
        ]);
        let cluster = Cluster::of("2.3.0".to_owned(), &told);
        assert!(cluster.reactive);
        assert_eq!(cluster.fetches_each.get(), 500.0);
        let cluster = Cluster::of("2.3.0".to_owned(), &Value::Null);
        assert!(!cluster.reactive && cluster.has_thalweg.is_none());
        assert_eq!(cluster.fetches_each.get(), 10_000.0);
    }

    #[test]
    fn a_jobmanager_with_settings_of_thalweg_has_one_unless_its_level_is_0() {
        let mode = json!({ "key": "thalweg.mode", "value": "act" });
        let off = json!({ "key": "thalweg.flink.level", "value": "0" });
        let has = |told: Value| Cluster::of("2.3.0".to_owned(), &told).has_thalweg;
        assert_eq!(has(json!([mode])), Some(true));
        assert_eq!(has(json!([mode, off])), Some(false));
    }
}
