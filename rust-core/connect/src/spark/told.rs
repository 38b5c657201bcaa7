//! What an agent tells of its driver. What Spark does not say is nothing, never zero.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// The form that is understood here.
pub const FORM: u32 = 1;

/// Why something is no answer of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum NotTold {
    /// It is in a form that another version of the agent has.
    #[error("its answer has form {0}, and {FORM} is understood here")]
    OtherForm(u64),
    /// It is no such answer.
    #[error("{0}")]
    Unreadable(String),
}

/// A driver, at one instant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Told {
    /// When, by the driver's clock, in ms.
    pub at_ms: i64,
    /// Spark's version.
    pub spark: String,
    /// What runs there.
    pub application: Application,
    /// Whether Spark itself asks for executors and gives them back.
    pub dynamic_allocation: bool,
    /// Partitions that rows are shuffled into where a query begins.
    pub shuffle_partitions: Option<u32>,
    /// What queries run on.
    pub executors: Executors,
    /// The queries that run.
    pub queries: Vec<Query>,
}

impl Told {
    /// Reads the bytes of an answer.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read_bytes(bytes: &[u8]) -> Result<Self, String> {
        let value = thalweg_bounds::read(bytes).map_err(|error| error.to_string())?;
        Self::read(value).map_err(|error| error.to_string())
    }

    /// Reads an answer.
    pub(super) fn read(value: Value) -> Result<Self, NotTold> {
        match value.get("form").and_then(Value::as_u64) {
            Some(form) if form == u64::from(FORM) => {}
            Some(form) => return Err(NotTold::OtherForm(form)),
            None => return Err(NotTold::Unreadable("its answer has no form".to_owned())),
        }
        serde_json::from_value(value).map_err(|error| NotTold::Unreadable(error.to_string()))
    }
}

impl Told {
    /// The query of this run, if it is there.
    pub fn query(&self, run: &str) -> Option<&Query> {
        self.queries.iter().find(|query| query.run_id == run)
    }
}

/// A Spark application.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Application {
    /// Spark's id of it.
    pub id: String,
    /// The name its user gave it.
    pub name: String,
    /// The kind of its master, as `spark`, `yarn`, `k8s` or `local`.
    pub master: String,
}

/// The executors of a driver.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Executors {
    /// Those that run.
    pub running: Vec<Running>,
    /// When one came or went last, by the driver's clock, in ms.
    pub changed_at_ms: Option<i64>,
    /// Cores that are set for each of them.
    pub cores: Option<u32>,
    /// How many the agent was told to ask for last.
    pub asked: Option<u32>,
    /// The most that it asks for.
    pub most: Option<u32>,
}

impl Executors {
    /// How many run.
    pub fn count(&self) -> u32 {
        u32::try_from(self.running.len()).unwrap_or(u32::MAX)
    }

    /// How many there are to be: what was asked for last, or what runs where nobody has asked.
    pub fn wanted(&self) -> u32 {
        self.asked.unwrap_or_else(|| self.count())
    }

    /// Tasks that one of them runs at once: as it is set, or as most of them have it.
    pub fn cores_of_one(&self) -> u32 {
        self.known_cores().unwrap_or(1).max(1)
    }

    /// The same, where it is told.
    pub fn known_cores(&self) -> Option<u32> {
        let seen = self.running.iter().filter_map(|one| one.cores).max();
        self.cores.or(seen)
    }
}

/// An executor.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Running {
    /// Spark's id of it.
    pub id: String,
    /// The host it runs on.
    pub host: String,
    /// Its cores.
    pub cores: Option<u32>,
}

/// A streaming query.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Query {
    /// Its id, the same for all runs from one checkpoint.
    pub id: String,
    /// The id of this run.
    pub run_id: String,
    /// The name its user gave it, if any.
    pub name: Option<String>,
    /// What starts its batches, as `processing_time`; nothing where that cannot be told.
    pub trigger: Option<String>,
    /// The time from the start of a batch to that of the next, in ms; 0 where they follow on each other.
    pub interval_ms: Option<i64>,
    /// The most offsets that a batch takes.
    pub max_offsets_per_trigger: Option<u64>,
    /// Its last batches, oldest first.
    pub batches: Vec<Batch>,
    /// When it had nothing to do last, in ms.
    pub idle_at_ms: Option<i64>,
}

impl Query {
    /// As people know it.
    pub fn name(&self) -> &str {
        self.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.id)
    }

    /// The state that it keeps; nothing where it keeps none, or has done no batch yet.
    pub fn state(&self) -> Option<&StateTold> {
        self.batches.last()?.state.as_ref()
    }
}

/// A batch that has ended.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Batch {
    /// Its number.
    pub id: Option<i64>,
    /// When it started, in ms.
    pub at_ms: Option<i64>,
    /// How long it took, in ms.
    pub took_ms: Option<u64>,
    /// Rows that it took in.
    pub rows: Option<u64>,
    /// What parts of it took, in ms, by Spark's names of them.
    #[serde(default)]
    pub durations_ms: BTreeMap<String, u64>,
    /// What it read from.
    #[serde(default)]
    pub sources: Vec<SourceTold>,
    /// The state of all its operators together.
    pub state: Option<StateTold>,
}

impl Batch {
    /// What the driver took alone, for planning and its log, in ms: all but what executors worked on.
    pub fn planning_ms(&self) -> Option<u64> {
        let worked = self.durations_ms.get("addBatch").copied();
        // A batch without data is planned only.
        let worked = worked.or((!self.durations_ms.is_empty()).then_some(0))?;
        Some(self.took_ms?.saturating_sub(worked))
    }

    /// Rows that it left to wait, if each source tells that.
    pub fn behind(&self) -> Option<u64> {
        let each = self.sources.iter().map(|source| source.behind);
        each.reduce(|sum, one| Some(sum?.saturating_add(one?))).flatten()
    }

    /// Partitions that it read, if each source tells that.
    pub fn partitions(&self) -> Option<u32> {
        let each = self.sources.iter().map(|source| source.partitions);
        each.reduce(|sum, one| Some(sum?.saturating_add(one?))).flatten()
    }
}

/// A source, as a batch read it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SourceTold {
    /// Rows that wait after the batch, where its offsets count rows.
    pub behind: Option<u64>,
    /// Partitions that it has.
    pub partitions: Option<u32>,
}

/// What a query keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct StateTold {
    /// Its size in memory, in bytes.
    pub bytes: Option<u64>,
    /// The partitions it is kept in, for as long as its checkpoint lives.
    pub partitions: Option<u32>,
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// What an agent told of a real query on Spark 4.2, with two executors of a core.
    pub fn answer() -> Value {
        json!({ "form": 1, "at_ms": 1_796_075_020_000_i64, "spark": "4.2.1",
            "application": { "id": "app-1", "name": "words", "master": "spark" },
            "dynamic_allocation": false, "shuffle_partitions": 6,
            "executors": { "running": [{ "id": "0", "host": "10.0.0.1", "cores": 1 },
                { "id": "3", "host": "10.0.0.2", "cores": 1 }],
                "changed_at_ms": 1_796_075_000_000_i64, "cores": 1, "asked": null, "most": 5 },
            "queries": [{ "id": "q", "run_id": "r", "name": "words", "trigger": "processing_time",
                "interval_ms": 2000, "max_offsets_per_trigger": null, "idle_at_ms": null,
                "batches": [{ "id": 3, "at_ms": 1_796_075_011_218_i64, "took_ms": 1704, "rows": 100,
                    "durations_ms": { "addBatch": 1468 }, "input_rows_per_second": 56.2,
                    "processed_rows_per_second": 58.7,
                    "sources": [{ "description": "RateStreamV2", "rows": 100, "behind": 0, "partitions": null }],
                    "state": { "rows": 5, "bytes": 3512, "partitions": 6 } }] }] })
    }

    /// The same, read.
    pub fn told() -> Told {
        Told::read(answer()).expect("an answer")
    }

    #[test]
    fn an_answer_of_the_agent_is_read() {
        let told = told();
        let query = &told.queries[0];
        assert_eq!((query.name(), query.batches[0].behind()), ("words", Some(0)));
        assert_eq!(query.state().and_then(|state| state.partitions), Some(6));
        assert_eq!(query.batches[0].partitions(), None, "one that is not told is not 0");
        assert_eq!(told.executors.cores_of_one(), 1);
    }

    #[test]
    fn what_another_version_says_is_not_guessed_at() {
        let mut other = answer();
        other["form"] = json!(2);
        assert_eq!(Told::read(other), Err(NotTold::OtherForm(2)));
        for wrong in [json!({}), json!([]), json!({ "form": 1 }), json!(null)] {
            assert!(matches!(Told::read(wrong), Err(NotTold::Unreadable(_))));
        }
    }

    #[test]
    fn what_waits_is_known_if_all_sources_tell_it() {
        let source = |behind| SourceTold { behind, partitions: Some(4) };
        let batch = |sources| Batch { sources, ..told().queries[0].batches[0].clone() };
        let two = batch(vec![source(Some(3)), source(Some(4))]);
        assert_eq!((two.behind(), two.partitions()), (Some(7), Some(8)));
        assert_eq!(batch(vec![source(Some(3)), source(None)]).behind(), None);
        assert_eq!(batch(Vec::new()).behind(), None);
    }
}
