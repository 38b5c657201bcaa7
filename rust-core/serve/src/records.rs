//! What is remembered of engines' ledgers, in short.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::view::ReasonShown;

/// Records that are kept of an engine.
pub const KEPT: usize = 100_000;

/// A record of the ledger.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Record {
    /// Its number in the engine's ledger.
    pub seq: u64,
    /// The engine.
    pub engine: String,
    /// When, in ms since 1970.
    pub at: i64,
    /// `decision`, `action`, `outcome` or `order`.
    pub kind: String,
    /// The topology's id.
    pub topology: String,
    /// The topology's name.
    pub name: String,
    /// The verdict of a decision, `finished` or `given up`, `helped` or `did not help`.
    pub result: String,
    /// The first reason's text, or what was said of it.
    pub text: String,
    /// The plan, where there is one.
    pub plan: Option<String>,
    /// The reasons of a decision.
    pub reasons: Vec<ReasonShown>,
}

/// The records of one engine, the oldest first.
#[derive(Debug, Default)]
pub struct Records {
    kept: VecDeque<Record>,
}

impl Records {
    /// Takes in what an engine answered, and says whether anything was new.
    pub fn take(&mut self, engine: &str, answer: &Value) -> bool {
        let last = self.kept.back().map_or(0, |record| record.seq);
        let read = answer.get("records").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut read: Vec<Record> = read.iter().filter_map(|told| record(engine, told)).collect();
        // A ledger whose numbers begin anew is another one.
        let newest = read.iter().map(|record| record.seq).max();
        let last = match newest {
            Some(newest) if newest < last => {
                self.kept.clear();
                0
            }
            _ => last,
        };
        read.retain(|record| record.seq > last);
        read.sort_by_key(|record| record.seq);
        let new = !read.is_empty();
        self.kept.extend(read);
        while self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        new
    }

    /// The records, the newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Record> {
        self.kept.iter().rev()
    }
}

fn record(engine: &str, told: &Value) -> Option<Record> {
    let content = told.get("content")?;
    let text =
        |at: &str| content.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = told.get("kind")?.as_str()?.to_owned();
    let first = |names: [&str; 3]| names.into_iter().map(text).find(|found| !found.is_empty());
    let reasons: Vec<ReasonShown> = content
        .get("reasons")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(reason)
        .collect();
    let result = match kind.as_str() {
        "decision" => text("/verdict"),
        "outcome" => {
            let helped = content.get("helped").and_then(Value::as_bool).unwrap_or_default();
            if helped { "helped" } else { "did not help" }.to_owned()
        }
        "action" => {
            let failed = content.get("code").is_some_and(|code| !code.is_null());
            if failed { "given up" } else { "finished" }.to_owned()
        }
        _ => text("/fate/state"),
    };
    let said = match kind.as_str() {
        "decision" => reasons.first().map(|reason| reason.text.clone()).unwrap_or_default(),
        "outcome" => text("/text"),
        "action" => first(["/code", "/how", "/plan/kind"]).unwrap_or_default(),
        _ => first(["/why", "/text", "/order/topology"]).unwrap_or_default(),
    };
    let plan = match kind.as_str() {
        "outcome" => Some(text("/plan")),
        _ => first(["/plan/id", "/fate/plan", "/fate/plan"]),
    };
    Some(Record {
        seq: told.get("seq")?.as_u64()?,
        engine: engine.to_owned(),
        at: content.get("at").and_then(Value::as_i64).unwrap_or_default(),
        kind,
        topology: first(["/topology", "/plan/topology", "/order/topology"]).unwrap_or_default(),
        name: first(["/name", "/plan/name", "/order/topology"]).unwrap_or_default(),
        result,
        text: said,
        plan: plan.filter(|plan| !plan.is_empty()),
        reasons,
    })
}

fn reason(told: &Value) -> ReasonShown {
    let text = |key: &str| told.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| told.get(key).and_then(Value::as_f64);
    ReasonShown {
        code: text("code").unwrap_or_default(),
        text: text("text").unwrap_or_default(),
        measured: number("measured"),
        limit: number("limit"),
        setting: text("setting"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(numbers: std::ops::Range<u64>) -> Value {
        let record = |seq| {
            json!({"seq": seq, "kind": "outcome", "content": {
                "plan": "p1", "topology": "words-1", "at": 5, "helped": true, "text": "faster"}})
        };
        json!({ "records": numbers.rev().map(record).collect::<Vec<_>>() })
    }

    #[test]
    fn each_record_is_taken_once_and_a_new_ledger_replaces_the_old() {
        let mut records = Records::default();
        assert!(records.take("a", &answer(1..5)));
        assert!(records.take("a", &answer(3..7)));
        assert!(!records.take("a", &answer(3..7)));
        let numbers: Vec<u64> = records.newest_first().map(|r| r.seq).collect();
        assert_eq!(numbers, [6, 5, 4, 3, 2, 1]);
        assert!(records.take("a", &answer(1..3)));
        assert_eq!(records.newest_first().count(), 2);
        let first = records.newest_first().next().map(|r| (r.result.clone(), r.plan.clone()));
        assert_eq!(first, Some(("helped".to_owned(), Some("p1".to_owned()))));
    }
}
