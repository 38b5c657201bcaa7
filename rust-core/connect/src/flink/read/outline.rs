//! The shape of a job, as `/jobs/ID` tells it.

use std::collections::BTreeMap;

use serde_json::Value;
use thalweg_core::model::Obstacle;

use super::super::json::{count, list, text};
use super::super::view::Input;

const BATCH: &str = "BATCH";
/// Flink's own bound.
const MOST_KEY_GROUPS: u32 = 1 << 15;
/// As far as Flink tells: it does not on older lines.
const ADAPTIVE: &str = "Adaptive";

/// A step of a job, without its subtasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Flink's own id.
    pub id: String,
    /// As users see it, made unique within the job.
    pub name: String,
    /// How many key groups it has, at least one.
    pub max_parallelism: u32,
    /// Streams from other steps.
    pub inputs: Vec<Input>,
    /// Flink's id of the slot sharing group; empty where it tells none.
    pub slot_group: String,
}

/// Why a job is none of ours to judge, if it is not.
pub fn left_alone(job: &Value) -> Option<Obstacle> {
    // Lines that do not tell the type of a job tell that of its plan.
    if text(job, "job-type") == BATCH || text(&job["plan"], "type") == BATCH {
        return Some(Obstacle::Batch);
    }
    let scheduler = job.get("schedulerType").and_then(Value::as_str).unwrap_or(ADAPTIVE);
    (scheduler != ADAPTIVE).then_some(Obstacle::OtherScheduler)
}

/// The steps of a job, in the order of their names.
pub fn outlines(job: &Value) -> Vec<Outline> {
    let plans: BTreeMap<&str, &Value> =
        list(&job["plan"], "nodes").map(|node| (text(node, "id"), node)).collect();
    let mut found: Vec<(String, &Value)> = named(job);
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let index = |id: &str| found.iter().position(|(_, vertex)| text(vertex, "id") == id);
    let outline = |(name, vertex): &(String, &Value)| {
        let id = text(vertex, "id");
        let inputs = plans.get(id).into_iter().flat_map(|plan| list(plan, "inputs"));
        let inputs = inputs.filter_map(|input| {
            let from = index(text(input, "id"))?;
            Some(Input { from, ship_strategy: text(input, "ship_strategy").to_owned() })
        });
        Outline {
            id: id.to_owned(),
            name: name.clone(),
            max_parallelism: count(vertex, "maxParallelism").unwrap_or(0).clamp(1, MOST_KEY_GROUPS),
            inputs: inputs.collect(),
            slot_group: text(vertex, "slotSharingGroupId").to_owned(),
        }
    };
    found.iter().map(outline).collect()
}

fn vertices(job: &Value) -> impl Iterator<Item = &Value> {
    list(job, "vertices").filter(|vertex| vertex.is_object())
}

/// The vertices with their names; those that several share get their id behind.
fn named(job: &Value) -> Vec<(String, &Value)> {
    let mut shares: BTreeMap<&str, u32> = BTreeMap::new();
    for vertex in vertices(job) {
        *shares.entry(text(vertex, "name")).or_default() += 1;
    }
    let named = vertices(job).map(|vertex| {
        let name = text(vertex, "name");
        let alone = shares.get(name).is_none_or(|count| *count <= 1);
        let unique = if alone { name.to_owned() } else { format!("{name}#{}", text(vertex, "id")) };
        (unique, vertex)
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn steps_come_by_their_names_with_streams_between_them() {
        let job = json!({
            "vertices": [
                { "id": "c", "name": "sink", "maxParallelism": 128, "slotSharingGroupId": "g" },
                { "id": "a", "name": "Source: lines", "maxParallelism": 128 },
                { "id": "b", "name": "map", "maxParallelism": 64 },
                { "id": "d", "name": "map" },
            ],
            "plan": { "nodes": [
                { "id": "a" },
                { "id": "b", "inputs": [{ "id": "a", "ship_strategy": "REBALANCE" }] },
                { "id": "c", "inputs": [
                    { "id": "b", "ship_strategy": "HASH" }, { "id": "gone", "ship_strategy": "HASH" },
                ]},
            ]},
        });
        let found = outlines(&job);
        let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["Source: lines", "map#b", "map#d", "sink"]);
        assert_eq!(found[1].inputs, [Input { from: 0, ship_strategy: "REBALANCE".to_owned() }]);
        assert_eq!(found[3].inputs, [Input { from: 1, ship_strategy: "HASH".to_owned() }]);
        assert_eq!((found[3].slot_group.as_str(), found[0].slot_group.as_str()), ("g", ""));
        assert_eq!((found[1].max_parallelism, found[2].max_parallelism), (64, 1));
    }

    #[test]
    fn batch_jobs_and_those_of_another_scheduler_are_left_alone() {
        let table = [
            (json!({ "job-type": "BATCH" }), Some(Obstacle::Batch)),
            (json!({ "plan": { "type": "BATCH" } }), Some(Obstacle::Batch)),
            (
                json!({ "job-type": "STREAMING", "schedulerType": "Default" }),
                Some(Obstacle::OtherScheduler),
            ),
            (json!({ "job-type": "STREAMING", "schedulerType": "Adaptive" }), None),
            (json!({}), None),
        ];
        for (job, obstacle) in table {
            assert_eq!(left_alone(&job), obstacle, "{job}");
        }
    }
}
