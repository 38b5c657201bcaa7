//! The subtasks of a vertex, as `/jobs/ID/vertices/ID` tells of them: exact cumulative counters, never the gauges that
//! average over a minute.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::json::{amount, count, list, number, text, whole};
use super::super::view::{Spent, StateOf, Task, Totals};
use super::caches::Lookups;
use super::states::Checkpoints;

/// What is known of a vertex beyond its subtasks' own counters.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Its id.
    pub vertex: &'a str,
    /// The records that each subtask of a source brought in, by its index; nothing where it is none.
    pub brought: Option<&'a BTreeMap<u32, f64>>,
    /// How often all subtasks looked for state.
    pub lookups: Option<Lookups>,
    /// The job's checkpoints.
    pub checkpoints: &'a Checkpoints,
}

/// Its subtasks, by their indexes.
pub fn tasks(vertex: &Value, seen: &Seen<'_>) -> Vec<Task> {
    let all = list(vertex, "subtasks").count();
    let each = seen.lookups.and_then(|lookups| lookups.each(all));
    let task = |json: &Value| {
        let index = count(json, "subtask").unwrap_or(0);
        let totals = totals(json, index, seen.brought);
        let status = text(json, "status");
        let told = |field| json["metrics"][field] == true;
        let complete = told("read-records-complete") && told("write-records-complete");
        let node = text(json, "taskmanager-id");
        let placed = !node.is_empty() && !node.contains("unassigned");
        Task {
            index,
            attempt: whole(json, "attempt").unwrap_or(0),
            node: placed.then(|| node.to_owned()),
            running: status == "RUNNING" && complete && totals.is_some(),
            finished: status == "FINISHED",
            totals,
            state: StateOf {
                bytes: seen.checkpoints.bytes(seen.vertex, index as usize, all),
                lookups: each.map(|each| each.all),
                hits: each.map(|each| each.hits),
            },
        }
    };
    let mut tasks: Vec<Task> = list(vertex, "subtasks").map(task).collect();
    tasks.sort_by_key(|task| task.index);
    tasks.dedup_by_key(|task| task.index);
    tasks
}

/// What a subtask has done, as far as Flink tells. What a source that is not asked itself brought in is what its task gave
/// out.
fn totals(task: &Value, index: u32, brought: Option<&BTreeMap<u32, f64>>) -> Option<Totals> {
    let metrics = &task["metrics"];
    let written = amount(metrics, "write-records")?;
    let read = match brought {
        None => amount(metrics, "read-records")?,
        Some(brought) => brought.get(&index).copied().unwrap_or(written),
    };
    let spent = || {
        Some(Spent {
            busy: number(metrics, "accumulated-busy-time")?,
            backpressured: amount(metrics, "accumulated-backpressured-time")?,
            idle: amount(metrics, "accumulated-idle-time")?,
        })
    };
    match spent() {
        Some(spent) => Some(Totals::timed(read, written, spent)),
        // As sources of the old kind: Flink does not tell what they do with their time.
        None if brought.is_some() => {
            Some(Totals::untimed(read, written, amount(task, "duration")?))
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(subtask: &Value, brought: Option<&BTreeMap<u32, f64>>) -> Task {
        let checkpoints = Checkpoints::default();
        let seen = Seen { vertex: "v", brought, lookups: None, checkpoints: &checkpoints };
        tasks(&json!({ "subtasks": [subtask] }), &seen).remove(0)
    }

    fn subtask() -> Value {
        json!({ "subtask": 0, "attempt": 2, "status": "RUNNING", "taskmanager-id": "n1", "duration": 4000,
            "metrics": { "read-records-complete": true, "write-records-complete": true,
                "read-records": 5, "write-records": 9, "accumulated-busy-time": 10,
                "accumulated-backpressured-time": 0, "accumulated-idle-time": 90 } })
    }

    fn with(field: &str, value: Value) -> Value {
        let mut subtask = subtask();
        subtask["metrics"][field] = value;
        subtask
    }

    fn spent(busy: f64) -> Spent {
        Spent { busy, backpressured: 0.0, idle: 90.0 }
    }

    #[test]
    fn an_operator_takes_in_what_it_reads() {
        let task = read(&subtask(), None);
        assert_eq!(task.totals, Some(Totals::timed(5.0, 9.0, spent(10.0))));
        assert!(task.running && !task.finished && task.attempt == 2);
        assert_eq!(task.node.as_deref(), Some("n1"));
    }

    #[test]
    fn a_source_brings_in_what_its_operator_counts_or_else_what_it_gives_out() {
        let none = BTreeMap::new();
        assert_eq!(
            read(&subtask(), Some(&none)).totals,
            Some(Totals::timed(9.0, 9.0, spent(10.0)))
        );
        let counted = BTreeMap::from([(0, 900.0)]);
        let task = read(&subtask(), Some(&counted));
        assert_eq!(task.totals, Some(Totals::timed(900.0, 9.0, spent(10.0))));
    }

    #[test]
    fn a_source_whose_times_are_not_told_is_measured_all_the_same() {
        let untold = with("accumulated-busy-time", "NaN".into());
        let task = read(&untold, Some(&BTreeMap::new()));
        assert!(task.running);
        assert_eq!(task.totals, Some(Totals::untimed(9.0, 9.0, 4000.0)));
        // An operator always tells, once it has begun.
        assert!(!read(&untold, None).running);
    }

    #[test]
    fn counters_that_are_not_complete_or_missing_are_not_zero() {
        for wrong in [
            with("read-records-complete", false.into()),
            with("write-records", Value::Null),
            with("accumulated-idle-time", Value::Null),
            with("read-records", "NaN".into()),
        ] {
            assert!(!read(&wrong, None).running, "{wrong}");
        }
    }

    #[test]
    fn a_subtask_without_a_taskmanager_runs_nowhere() {
        let mut waiting = subtask();
        waiting["taskmanager-id"] = "(unassigned)".into();
        waiting["status"] = "SCHEDULED".into();
        let task = read(&waiting, None);
        assert_eq!((task.node, task.running), (None, false));
    }
}
