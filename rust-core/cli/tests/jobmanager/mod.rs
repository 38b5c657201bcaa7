//! A JobManager that is none, as it answers over REST: one job that is short of subtasks.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};

use crate::server::{Answer, answer};

const JOB: &str = "/jobs/a";

/// A JobManager with one job `words`: a source that brings 150 records a second if it may, and a step that works on 100 of
/// them and is busy all the time. With checkpoints or without.
pub fn jobmanager(checkpoints: bool) -> Answer {
    let begun = Instant::now();
    Box::new(move |asked| {
        let target = asked[0].split(' ').nth(1).expect("a request line");
        let secs = 60.0 + begun.elapsed().as_secs_f64();
        match said(target, secs, checkpoints) {
            Some(body) => answer("200 OK", &body.to_string()),
            None => answer("404 Not Found", "{\"errors\": [\"not found\"]}"),
        }
    })
}

/// What it says at a path, after so many seconds; nothing where there is none.
pub fn said(target: &str, secs: f64, checkpoints: bool) -> Option<Value> {
    let path = target.split('?').next()?;
    let pending = target.contains("pendingRecords");
    let of_job = path.strip_prefix(JOB);
    Some(match (path, of_job) {
        ("/config", _) => json!({ "flink-version": "1.20.5" }),
        ("/jobmanager/config", _) => json!([
            { "key": "metrics.fetcher.update-interval", "value": "500 ms" }]),
        ("/jobmanager/metrics", _) => json!([]),
        ("/taskmanagers", _) => json!({ "taskmanagers": [
            { "id": "tm1", "path": "pekko.tcp://flink@10.0.0.1:1/x", "slotsNumber": 4, "freeSlots": 3 }] }),
        ("/jobs", _) => json!({ "jobs": [{ "id": "a", "status": "RUNNING" }] }),
        (_, Some("")) => job(),
        (_, Some("/checkpoints/config")) if checkpoints => json!({ "interval": 2000 }),
        (_, Some("/checkpoints")) if checkpoints => json!({ "history": [], "latest": {
            "completed": { "id": 1, "end_to_end_duration": 40, "checkpointed_size": 900 } } }),
        (_, Some("/checkpoints/details/1/subtasks/s" | "/checkpoints/details/1/subtasks/t")) => {
            json!({ "subtasks": [{ "state_size": 10 }] })
        }
        (_, Some("/vertices/s")) => subtask(secs, (0.0, 100.0), [100.0, 400.0, 500.0]),
        (_, Some("/vertices/t")) => subtask(secs, (100.0, 0.0), [1000.0, 0.0, 0.0]),
        (_, Some("/vertices/s/subtasks/metrics")) if pending => json!([
            { "id": "Source__lines.pendingRecords", "sum": (50.0 * secs).round() }]),
        (_, Some("/vertices/s/subtasks/metrics")) => json!([
            { "id": "Source__lines.pendingRecords" }, { "id": "Source__lines.numRecordsIn" }]),
        (_, Some("/vertices/s/metrics")) => json!([
            { "id": "0.Source__lines.numRecordsIn", "value": (100.0 * secs).round().to_string() }]),
        (_, Some("/vertices/t/subtasks/metrics")) => json!([]),
        (_, Some("/resource-requirements")) => json!({
            "s": { "parallelism": { "lowerBound": 1, "upperBound": 1 } },
            "t": { "parallelism": { "lowerBound": 1, "upperBound": 1 } } }),
        _ => return None,
    })
}

fn job() -> Value {
    json!({ "jid": "a", "name": "words", "state": "RUNNING", "job-type": "STREAMING",
        "vertices": [{ "id": "s", "name": "Source: lines", "maxParallelism": 128 },
            { "id": "t", "name": "split", "maxParallelism": 128 }],
        "plan": { "nodes": [{ "id": "s" },
            { "id": "t", "inputs": [{ "id": "s", "ship_strategy": "REBALANCE" }] }] } })
}

/// One that so many seconds did this much in each of them.
fn subtask(secs: f64, (read, written): (f64, f64), [busy, held, idle]: [f64; 3]) -> Value {
    let so_far = |each: f64| (each * secs).round();
    json!({ "subtasks": [{ "subtask": 0, "attempt": 0, "status": "RUNNING", "taskmanager-id": "tm1",
        "metrics": { "read-records-complete": true, "write-records-complete": true,
            "read-records": so_far(read), "write-records": so_far(written),
            "accumulated-busy-time": so_far(busy), "accumulated-backpressured-time": so_far(held),
            "accumulated-idle-time": so_far(idle) } }] })
}

/// One that can be asked for other parallelism.
#[derive(Clone, Default)]
pub struct Obedient(Arc<Mutex<Asked>>);

/// What it was asked for, and how it takes that.
#[derive(Default)]
struct Asked {
    /// The bounds that hold, once some were asked for.
    bounds: Option<Value>,
    /// How often others were asked for.
    times: usize,
    /// Whether whatever is asked for is refused,
    refuses: bool,
    /// or taken and never done.
    dawdles: bool,
    configuration: Vec<Value>,
    is_cancelled: bool,
}

impl Obedient {
    /// One that refuses what it is asked for.
    pub fn refuses(self) -> Self {
        self.asked().refuses = true;
        self
    }

    /// One that takes what it is asked for, and never gets to it.
    pub fn dawdles(self) -> Self {
        self.asked().dawdles = true;
        self
    }

    /// One with this in its configuration.
    pub fn with(self, key: &str, value: &str) -> Self {
        self.asked().configuration.push(json!({ "key": key, "value": value }));
        self
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.0.lock().expect("no test panics with it")
    }

    /// Somebody cancels the job.
    pub fn cancel(&self) {
        self.asked().is_cancelled = true;
    }

    /// The bounds that were asked for last.
    pub fn bounds(&self) -> Option<Value> {
        self.asked().bounds.clone()
    }

    /// How often it was asked for others.
    pub fn times(&self) -> usize {
        self.asked().times
    }

    /// Answers, of a job with checkpoints or without.
    pub fn answers(&self, checkpoints: bool) -> Answer {
        let (begun, own) = (Instant::now(), self.clone());
        Box::new(move |asked| {
            let mut words = asked[0].split(' ');
            let (method, target) = (words.next(), words.next().expect("a request line"));
            if method == Some("PUT") {
                return own.put(asked.last().expect("a body"));
            }
            let secs = 60.0 + begun.elapsed().as_secs_f64();
            match own.said(target, secs, checkpoints) {
                Some(body) => answer("200 OK", &body.to_string()),
                None => answer("404 Not Found", "{\"errors\": [\"not found\"]}"),
            }
        })
    }

    fn put(&self, body: &str) -> Vec<u8> {
        let mut asked = self.asked();
        asked.times += 1;
        if asked.refuses {
            return answer("400 Bad Request", "{\"errors\": [\"not today\"]}");
        }
        asked.bounds = Some(serde_json::from_str(body).expect("JSON"));
        answer("200 OK", "{}")
    }

    fn said(&self, target: &str, secs: f64, checkpoints: bool) -> Option<Value> {
        let asked = self.asked();
        let mut told = said(target, secs, checkpoints);
        match target {
            JOB if asked.is_cancelled => {
                Some(json!({ "jid": "a", "name": "words", "state": "CANCELED" }))
            }
            "/jobs" if asked.is_cancelled => {
                Some(json!({ "jobs": [{ "id": "a", "status": "CANCELED" }] }))
            }
            _ if asked.is_cancelled && target.starts_with(JOB) => None,
            "/jobs/a/resource-requirements" => asked.bounds.clone().or(told),
            "/jobs/a/exceptions" => Some(json!({ "exceptionHistory": { "entries": [] } })),
            "/jobmanager/config" => {
                told.as_mut()?.as_array_mut()?.extend(asked.configuration.clone());
                told
            }
            JOB => {
                for vertex in told.as_mut()?["vertices"].as_array_mut()? {
                    let most = asked.bounds.as_ref().map(|bounds| {
                        bounds[vertex["id"].as_str().unwrap_or_default()]["parallelism"]["upperBound"].clone()
                    });
                    vertex["status"] = json!("RUNNING");
                    vertex["parallelism"] = most.filter(|_| !asked.dawdles).unwrap_or(json!(1));
                }
                told
            }
            _ => told,
        }
    }
}
