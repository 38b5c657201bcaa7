//! A driver of Spark that is none, with the agent in it: one query that is short of executors.

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::server::{Answer, answer};

pub const TOKEN: &str = "a-token-of-a-test-alone";

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A driver with a query of this interval in ms, whose two executors are busy all the time with 100 rows a second, while 150
/// arrive and the others wait before its source.
pub fn driver(interval: i64) -> Value {
    let now = now();
    let newest = now / 500 - 1;
    let batch = |id: i64| {
        json!({ "id": id, "at_ms": id * 500, "took_ms": 500, "rows": 50,
            "sources": [{ "behind": (id % 100_000) * 25, "partitions": 8 }], "state": null })
    };
    let batches: Vec<Value> = (newest - 40..=newest).map(batch).collect();
    json!({ "form": 1, "at_ms": now, "spark": "4.2.1",
        "application": { "id": "app-1", "name": "words", "master": "spark" },
        "dynamic_allocation": false, "shuffle_partitions": 200,
        "executors": { "running": [{ "id": "0", "host": "10.0.0.1", "cores": 1 }, { "id": "1", "host": "10.0.0.2", "cores": 1 }],
            "changed_at_ms": null, "cores": 1, "asked": null, "most": 6 },
        "queries": [{ "id": "q", "run_id": "r", "name": "words", "trigger": "processing_time", "interval_ms": interval,
            "max_offsets_per_trigger": 50, "idle_at_ms": null, "batches": batches }] })
}

/// An agent that tells of a driver as it is at each question, who has the token.
pub fn agent(told: impl Fn() -> Value + Send + Sync + 'static) -> Answer {
    Box::new(move |asked| {
        let sent = format!("authorization: bearer {TOKEN}");
        if !asked.iter().any(|line| line.to_lowercase() == sent) {
            return answer("401 Unauthorized", "{}");
        }
        match asked[0].split(' ').nth(1) {
            Some("/v1/queries") => answer("200 OK", &told().to_string()),
            _ => answer("404 Not Found", "{}"),
        }
    })
}

/// A driver whose agent can be told to ask for executors.
#[derive(Clone, Default)]
pub struct Obedient(Arc<Mutex<Asked>>);

/// What it was asked for, and how it takes that.
#[derive(Default)]
struct Asked {
    /// The numbers of executors, the last one holds.
    executors: Vec<u64>,
    /// When that was, in ms.
    at: i64,
    /// Whether whatever is asked for is refused,
    refuses: bool,
    /// or taken, and none ever comes.
    dawdles: bool,
    /// What somebody else had asked for before all began.
    earlier: Option<u64>,
    has_ended: bool,
}

impl Obedient {
    /// One that refuses what it is asked for.
    pub fn refuses(self) -> Self {
        self.asked().refuses = true;
        self
    }

    /// One that takes what it is asked for, and has no room for more than there are.
    pub fn dawdles(self) -> Self {
        self.asked().dawdles = true;
        self
    }

    /// One that somebody else has asked for so many.
    pub fn asked_earlier(self, executors: u64) -> Self {
        self.asked().earlier = Some(executors);
        self
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.0.lock().expect("no test panics with it")
    }

    /// The query ends.
    pub fn end(&self) {
        self.asked().has_ended = true;
    }

    /// The numbers of executors that it was asked for.
    pub fn executors(&self) -> Vec<u64> {
        self.asked().executors.clone()
    }

    /// Answers as an agent does.
    pub fn answers(&self) -> Answer {
        let own = self.clone();
        Box::new(move |asked| match asked[0].starts_with("PUT /v1/executors ") {
            true => own.put(asked.last().expect("a body")),
            false => answer("200 OK", &own.told().to_string()),
        })
    }

    fn put(&self, body: &str) -> Vec<u8> {
        let mut asked = self.asked();
        let body: Value = serde_json::from_str(body).expect("JSON");
        let total = body["total"].as_u64().expect("a number");
        if asked.refuses {
            return answer("409 Conflict", "{\"code\": \"TOO_MANY\", \"text\": \"not today\"}");
        }
        asked.executors.push(total);
        asked.at = now();
        answer("200 OK", &json!({ "total": total, "running": 2, "given_back": [] }).to_string())
    }

    fn told(&self) -> Value {
        let asked = self.asked();
        let mut told = driver(500);
        if asked.has_ended {
            told["queries"] = json!([]);
        }
        told["executors"]["asked"] = json!(asked.earlier);
        let Some(last) = asked.executors.last() else { return told };
        told["executors"]["asked"] = json!(last);
        if !asked.dawdles {
            let one = |id: u64| json!({ "id": id.to_string(), "host": "10.0.0.1", "cores": 1 });
            told["executors"]["running"] = (0..*last).map(one).collect();
            told["executors"]["changed_at_ms"] = json!(asked.at);
        }
        told
    }
}
