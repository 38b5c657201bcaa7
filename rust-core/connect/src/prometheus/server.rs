//! Asks a Prometheus, or whatever answers as one: Thanos, Mimir, VictoriaMetrics.

use std::collections::BTreeMap;

use serde_json::Value;
use thalweg_core::units::{Millis, Timestamp};

use super::error::PrometheusError;
use super::names::GROUPS;
use super::series::{Point, Series, Span};
use crate::http::{self, Access, Client, HttpError, encoded};

/// The most points that a Prometheus answers for one series.
pub const MOST_POINTS: u64 = 11_000;

/// A Prometheus, and how it is asked.
#[derive(Debug)]
pub struct Server {
    client: Client,
    /// Matchers that all series have to fit, as `job="node"`.
    matchers: String,
}

impl Server {
    /// Prepares to ask; nothing is sent yet. All series have to fit the matchers, which may be none.
    ///
    /// # Errors
    /// When a file of certificates or a key cannot be used.
    pub fn new(access: Access, matchers: &str) -> Result<Self, PrometheusError> {
        Ok(Self { client: Client::new(access)?, matchers: matchers.trim().to_owned() })
    }

    /// All that is read of nodes, with the values that were scraped within a span.
    ///
    /// # Errors
    /// When nobody answers, nobody may ask, or it is no Prometheus.
    pub fn nodes(&self, span: Span) -> Result<Vec<Series>, PrometheusError> {
        // A Prometheus knows no range of nothing.
        let long = format!("{}ms", span.long.get().round().max(1.0));
        self.groups(|selector| self.query(&format!("{selector}[{long}]"), span.until))
    }

    /// The same at the ends of steps: of each the last value that was scraped within it, at its end.
    ///
    /// # Errors
    /// As for [`Server::nodes`].
    pub fn nodes_over(&self, span: Span, step: Millis) -> Result<Vec<Series>, PrometheusError> {
        // What was not scraped within a step is missing there; without this Prometheus would look five minutes back.
        let long = format!("{}ms", step.get().round());
        self.groups(|selector| {
            self.query_range(&format!("last_over_time({selector}[{long}])"), span, step)
        })
    }

    fn groups(
        &self,
        ask: impl Fn(&str) -> Result<Vec<Series>, PrometheusError>,
    ) -> Result<Vec<Series>, PrometheusError> {
        let mut all = Vec::new();
        for names in GROUPS {
            let (names, more) = (names.join("|"), if self.matchers.is_empty() { "" } else { "," });
            all.extend(ask(&format!("{{__name__=~\"{names}\"{more}{}}}", self.matchers))?);
        }
        Ok(all)
    }

    /// What an expression is at a time: series with one value each, or with all within a range that it names.
    ///
    /// # Errors
    /// When there is no answer, or none of series.
    pub fn query(&self, expression: &str, at: Timestamp) -> Result<Vec<Series>, PrometheusError> {
        self.series(&format!("/api/v1/query?query={}&time={}", encoded(expression), secs(at)))
    }

    /// What an expression is at the ends of steps that end with the span.
    ///
    /// # Errors
    /// When there is no answer, or none of series.
    pub fn query_range(
        &self,
        expression: &str,
        span: Span,
        step: Millis,
    ) -> Result<Vec<Series>, PrometheusError> {
        let expression = encoded(expression);
        let (from, until) = (secs(span.until.minus(span.long)), secs(span.until));
        let step = step.get() / 1000.0;
        self.series(&format!(
            "/api/v1/query_range?query={expression}&start={from}&end={until}&step={step}"
        ))
    }

    fn series(&self, path: &str) -> Result<Vec<Series>, PrometheusError> {
        let place = self.client.access().address.to_string();
        let stranger = |reason: String| {
            let place = place.clone();
            HttpError::Stranger { place, expected: http::Server::Prometheus, reason }
        };
        let answer = self.client.get(path, "application/json").map_err(|error| match error {
            // With these a Prometheus says that a question is wrong, or takes too much.
            HttpError::Refused { status: 400 | 422, text, .. } => {
                PrometheusError::Question { place: place.clone(), reason: reason(&text) }
            }
            HttpError::Refused { status: 300..500, text, .. } => stranger(text).into(),
            other => without_question(other).into(),
        })?;
        series_of(&answer.body).map_err(|reason| stranger(reason).into())
    }
}

/// The series of an answer.
///
/// # Errors
/// Why it is none of series.
pub fn series_of(answer: &[u8]) -> Result<Vec<Series>, String> {
    let json: Value = thalweg_bounds::read(answer).map_err(|error| error.to_string())?;
    read(&json).ok_or_else(|| "no series in the answer".to_owned())
}

/// What a refusal says of itself; all of it where it is not in the shape of one.
fn reason(text: &str) -> String {
    let json: Option<Value> = serde_json::from_str(text).ok();
    let told = json.as_ref().and_then(|json| json.get("error")?.as_str());
    told.unwrap_or(text).to_owned()
}

/// A path holds the whole question, which nobody wants to read.
fn without_question(error: HttpError) -> HttpError {
    let short = |path: String| match path.split_once('?') {
        Some((path, _)) => path.to_owned(),
        None => path,
    };
    match error {
        HttpError::NotAllowed { path, status } => {
            HttpError::NotAllowed { path: short(path), status }
        }
        HttpError::Refused { path, status, text } => {
            HttpError::Refused { path: short(path), status, text }
        }
        HttpError::Late { path, secs } => HttpError::Late { path: short(path), secs },
        HttpError::BreaksOff { path, reason } => HttpError::BreaksOff { path: short(path), reason },
        HttpError::TooLarge { path, limit } => HttpError::TooLarge { path: short(path), limit },
        other => other,
    }
}

fn secs(at: Timestamp) -> String {
    format!("{:.3}", at.millis() as f64 / 1000.0)
}

/// The series of an answer; nothing where it is none.
fn read(json: &Value) -> Option<Vec<Series>> {
    if json.get("status")?.as_str()? != "success" {
        return None;
    }
    json.pointer("/data/result")?.as_array()?.iter().map(one).collect()
}

fn one(json: &Value) -> Option<Series> {
    let mut labels = BTreeMap::new();
    for (name, value) in json.get("metric")?.as_object()? {
        labels.insert(name.clone(), value.as_str()?.to_owned());
    }
    let points: Vec<Point> = match (json.get("value"), json.get("values")) {
        (Some(value), _) => vec![point(value)?],
        (None, Some(values)) => values.as_array()?.iter().map(point).collect::<Option<_>>()?,
        // Histograms of the newer kind have no single values.
        (None, None) => Vec::new(),
    };
    let name = labels.remove("__name__").unwrap_or_default();
    Some(Series { name, labels, points })
}

fn point(json: &Value) -> Option<Point> {
    let millis = (json.get(0)?.as_f64()? * 1000.0).round();
    let value = json.get(1)?.as_str()?.parse().ok()?;
    Some(Point { at: Timestamp::from_millis(millis as i64), value })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_series_with_one_value_or_several() {
        let answer = json!({ "status": "success", "data": { "resultType": "matrix", "result": [
            { "metric": { "__name__": "up", "instance": "a:1" }, "values": [[1.5, "1"], [2, "NaN"], [3, "+Inf"]] },
            { "metric": { "instance": "b:1" }, "value": [2.25, "-0.5"] },
            { "metric": {}, "histogram": [1, {}] } ] } });
        let found = read(&answer).expect("series");
        assert_eq!((found[0].name.as_str(), found[0].label("instance")), ("up", "a:1"));
        assert_eq!(found[0].points[0], Point { at: Timestamp::from_millis(1500), value: 1.0 });
        assert!(found[0].points[1].value.is_nan() && found[0].points[2].value.is_infinite());
        assert_eq!(found[1].points[0], Point { at: Timestamp::from_millis(2250), value: -0.5 });
        assert_eq!(found[2].points, []);
    }

    #[test]
    fn what_is_no_answer_of_series_is_none() {
        let result = |result: Value| json!({ "status": "success", "data": { "result": result } });
        let table = [
            json!({}),
            json!({ "status": "error", "error": "x" }),
            result(json!("x")),
            result(json!([1, "2"])),
            result(json!([{ "metric": { "a": 1 }, "value": [1, "1"] }])),
            result(json!([{ "metric": {}, "value": [1, 1] }])),
            result(json!([{ "metric": {}, "value": ["x", "1"] }])),
            result(json!([{ "metric": {}, "values": [[]] }])),
        ];
        for answer in table {
            assert_eq!(read(&answer), None, "{answer}");
        }
    }

    #[test]
    fn a_refusal_is_told_in_the_servers_words() {
        assert_eq!(reason("{\"status\":\"error\",\"error\":\"parse error\"}"), "parse error");
        assert_eq!(reason("<html>"), "<html>");
    }
}
