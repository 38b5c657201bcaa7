//! The JobManager's REST interface, as far as tests need it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

/// On a busy machine a JobManager takes long to set up its first job.
const TIMEOUT_SECS: u64 = 30;

/// Speaks to one JobManager.
#[derive(Debug, Clone)]
pub struct FlinkRest {
    base: String,
    port: u16,
}

/// A job as REST shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobInfo {
    /// Its id.
    #[serde(rename = "jid")]
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its state, such as `RUNNING`.
    pub state: String,
    /// Its steps.
    #[serde(default)]
    pub vertices: Vec<Vertex>,
}

/// A step of a job.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Vertex {
    /// Its id.
    pub id: String,
    /// Its name, for a source with `Source: ` in front.
    pub name: String,
    /// Its subtasks.
    pub parallelism: u32,
    /// How many of them are in each state.
    pub tasks: BTreeMap<String, u32>,
}

/// One of a vertex's subtasks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Subtask {
    /// Its index.
    pub subtask: u32,
    /// Its state.
    pub status: String,
    /// The TaskManager it runs on.
    #[serde(rename = "taskmanager-id")]
    pub node: String,
}

impl JobInfo {
    /// Whether it and all of its subtasks run.
    pub fn runs(&self) -> bool {
        let whole = |vertex: &Vertex| vertex.tasks.get("RUNNING") == Some(&vertex.parallelism);
        self.state == "RUNNING" && self.vertices.iter().all(whole)
    }

    /// The vertex of this name, with or without what Flink puts in front.
    ///
    /// # Errors
    /// When there is none.
    pub fn vertex(&self, name: &str) -> Result<&Vertex> {
        let found = self.vertices.iter().find(|v| v.name.trim_start_matches("Source: ") == name);
        found.with_context(|| format!("no vertex {name} in {self:?}"))
    }
}

impl FlinkRest {
    /// Speaks to this address.
    pub fn new(host: &str, port: u16) -> Self {
        Self { base: format!("http://{host}:{port}"), port }
    }

    /// The address.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the JobManager answers.
    pub fn answers(&self) -> bool {
        self.get("/overview").is_ok()
    }

    /// Asks.
    ///
    /// # Errors
    /// When nobody answers, or the answer is a refusal.
    pub fn get(&self, path: &str) -> Result<Value> {
        let ask = || self.send(minreq::get(format!("{}{path}", self.base)), path);
        // While tasks restart Flink may cancel a lookup that it has under way; the next one is answered.
        match ask() {
            Err(error) if error.to_string().contains("CancellationException") => ask(),
            answer => answer,
        }
    }

    /// Orders, with a JSON body.
    ///
    /// # Errors
    /// As for [`FlinkRest::get`].
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(with_body(minreq::post(format!("{}{path}", self.base)), body), path)
    }

    /// Changes, with a JSON body.
    ///
    /// # Errors
    /// As for [`FlinkRest::get`].
    pub fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(with_body(minreq::put(format!("{}{path}", self.base)), body), path)
    }

    /// Bounds the parallelism of a job's vertex, as a user does by hand.
    ///
    /// # Errors
    /// As for [`FlinkRest::get`], or when there is no such vertex.
    pub fn bound(&self, job: &JobInfo, vertex: &str, (lower, upper): (u32, u32)) -> Result<()> {
        let path = format!("/jobs/{}/resource-requirements", job.id);
        let mut bounds = self.get(&path)?;
        bounds[&job.vertex(vertex)?.id] =
            json!({"parallelism": {"lowerBound": lower, "upperBound": upper}});
        self.put(&path, &bounds).map(drop)
    }

    /// The ids of all registered TaskManagers.
    ///
    /// # Errors
    /// As for [`FlinkRest::get`].
    pub fn task_managers(&self) -> Result<Vec<String>> {
        let answer = self.get("/taskmanagers")?;
        let all = answer["taskmanagers"].as_array().context("no list of TaskManagers")?;
        Ok(all.iter().filter_map(|one| one["id"].as_str().map(str::to_owned)).collect())
    }

    /// A job.
    ///
    /// # Errors
    /// As for [`FlinkRest::get`].
    pub fn job(&self, id: &str) -> Result<JobInfo> {
        Ok(serde_json::from_value(self.get(&format!("/jobs/{id}"))?)?)
    }

    /// The subtasks of a vertex, by index.
    ///
    /// # Errors
    /// As for [`FlinkRest::get`].
    pub fn subtasks(&self, job: &str, vertex: &str) -> Result<Vec<Subtask>> {
        let answer = self.get(&format!("/jobs/{job}/vertices/{vertex}"))?;
        Ok(serde_json::from_value(answer["subtasks"].clone())?)
    }

    /// Cancels a job.
    ///
    /// # Errors
    /// As for [`FlinkRest::get`].
    pub fn cancel(&self, job: &str) -> Result<()> {
        let path = format!("/jobs/{job}?mode=cancel");
        self.send(minreq::patch(format!("{}{path}", self.base)), &path).map(drop)
    }

    fn send(&self, request: minreq::Request, path: &str) -> Result<Value> {
        let answer = request
            .with_timeout(TIMEOUT_SECS)
            .send()
            .with_context(|| format!("{}{path}", self.base))?;
        let text = answer.as_str().context("no UTF-8")?;
        if !(200..300).contains(&answer.status_code) {
            bail!("{path}: {} {text}", answer.status_code);
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(text).with_context(|| format!("{path}: {text}"))
    }
}

fn with_body(request: minreq::Request, body: &Value) -> minreq::Request {
    request.with_header("Content-Type", "application/json").with_body(body.to_string())
}
