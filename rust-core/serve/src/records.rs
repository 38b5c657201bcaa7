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
    /// `decision`, `action`, `outcome`, `order`, `approval`, `operator`, `config`, …
    pub kind: String,
    /// The topology's id.
    pub topology: String,
    /// The topology's name.
    pub name: String,
    /// Who did it.
    pub who: String,
    /// The verdict of a decision, `finished` or `given up`, `helped` or `did not help`, the state of an order.
    pub result: String,
    /// The first reason's text, or what was said of it.
    pub text: String,
    /// The plan, where there is one.
    pub plan: Option<String>,
    /// The order's id, where it is a record of one.
    pub order: Option<String>,
    /// The reasons of a decision.
    pub reasons: Vec<ReasonShown>,
}

/// The records of one engine, the oldest first.
#[derive(Debug, Default)]
pub struct Records {
    kept: VecDeque<Record>,
    /// Whether the engine has none that is older.
    from_the_beginning: bool,
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

    /// Takes in older ones, and says whether there were any.
    pub fn take_older(&mut self, engine: &str, answer: &Value) -> bool {
        let first = self.kept.front().map_or(u64::MAX, |record| record.seq);
        let read = answer.get("records").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut read: Vec<Record> = read.iter().filter_map(|told| record(engine, told)).collect();
        read.retain(|record| record.seq < first);
        read.sort_by_key(|record| std::cmp::Reverse(record.seq));
        read.truncate(KEPT - self.kept.len().min(KEPT));
        self.from_the_beginning = read.is_empty() || answer.get("more") != Some(&Value::Bool(true));
        let any = !read.is_empty();
        read.into_iter().for_each(|record| self.kept.push_front(record));
        any
    }

    /// The number before which older records are wanted, if any are.
    pub fn wants_before(&self) -> Option<u64> {
        let first = self.kept.front().map(|record| record.seq);
        first.filter(|_| !self.from_the_beginning && self.kept.len() < KEPT)
    }

    /// The number of the newest record.
    pub fn last(&self) -> u64 {
        self.kept.back().map_or(0, |record| record.seq)
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
    let of = |key: &str| told.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
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
        _ => text("/state"),
    };
    let said = match kind.as_str() {
        "decision" => reasons.first().map(|reason| reason.text.clone()).unwrap_or_default(),
        "outcome" => text("/text"),
        "action" => first(["/code", "/how", "/plan/kind"]).unwrap_or_default(),
        "order" => first(["/why", "/text", "/order/topology"]).unwrap_or_default(),
        _ => Some(text("/said")).filter(|said| !said.is_empty()).unwrap_or(of("why")),
    };
    let plan = match kind.as_str() {
        "outcome" => Some(text("/plan")),
        "order" => Some(text("/plan")),
        _ => first(["/plan/id", "/request/plan", "/plan/id"]),
    };
    let order = (kind == "order").then(|| text("/id")).filter(|id| !id.is_empty());
    // What an order says of itself is when it was given, in each of its records.
    let times = if kind == "order" { [told, content] } else { [content, told] };
    Some(Record {
        seq: told.get("seq")?.as_u64()?,
        engine: engine.to_owned(),
        at: times.iter().find_map(|one| one.get("at")?.as_i64()).unwrap_or_default(),
        kind,
        topology: of("topology"),
        name: of("name"),
        who: of("who"),
        result,
        text: said,
        plan: plan.filter(|plan| !plan.is_empty()),
        order,
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
            json!({"seq": seq, "kind": "outcome", "topology": "words-1", "who": "thalweg", "content": {
                "plan": "p1", "topology": "words-1", "at": 5, "helped": true, "text": "faster"}})
        };
        json!({ "more": numbers.start > 1, "records": numbers.rev().map(record).collect::<Vec<_>>() })
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

    #[test]
    fn what_became_of_an_order_is_told_with_the_time_at_which_it_did() {
        let mut records = Records::default();
        let record = |seq, at, state| {
            json!({ "seq": seq, "at": at, "kind": "order", "topology": "words-1",
                "content": { "id": "o1", "at": 5, "state": state } })
        };
        let told = [record(2, 90, "done"), record(1, 6, "waiting")];
        records.take("a", &json!({ "more": false, "records": told }));
        let times: Vec<i64> = records.newest_first().map(|record| record.at).collect();
        assert_eq!(times, [90, 6]);
    }

    #[test]
    fn older_ones_are_asked_for_until_there_are_none() {
        let mut records = Records::default();
        assert_eq!(records.wants_before(), None, "the newest come first");
        records.take("a", &answer(8..10));
        assert_eq!((records.wants_before(), records.last()), (Some(8), 9));
        assert!(records.take_older("a", &answer(4..8)));
        assert_eq!(records.wants_before(), Some(4));
        assert!(records.take_older("a", &answer(1..4)));
        assert_eq!(records.wants_before(), None);
        let numbers: Vec<u64> = records.newest_first().map(|r| r.seq).collect();
        assert_eq!(numbers, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    }
}
