//! Why a topology is as it is: what was decided last, who ordered what, what was done, and how an executor came to its
//! place.

use super::alternatives;
use serde_json::{Value, json};
use thalweg_control::{ErrorCode, Refusal};
use thalweg_core::model::{Executor, Observation, Topology};
use thalweg_store::{Loaded, Store};

use crate::status::Shown;

/// What the engine showed last of one topology.
pub fn topology(topology: &Topology, shown: &Shown) -> Value {
    let status = &shown.summary;
    let of = |list: &str, key: &str| {
        let all = status[list].as_array().into_iter().flatten();
        let mine =
            all.filter(|item| item.pointer(key).and_then(Value::as_str) == Some(&*topology.id));
        mine.cloned().collect::<Vec<Value>>()
    };
    let active = &status["plan"];
    let mine = active.pointer("/plan/topology").and_then(Value::as_str) == Some(&*topology.id);
    json!({
        "topology": topology.id,
        "name": topology.name,
        "status": topology.status,
        "at": status["at"],
        "mode": status["mode"],
        "problems": status["problems"],
        "decision": shown.decision(&topology.id),
        "under_way": if mine { active.clone() } else { Value::Null },
        "ended": of("ended", "/plan/topology"),
        "outcomes": of("outcomes", "/topology"),
    })
}

/// Where an executor is, with whom, and by which plan.
///
/// # Errors
/// When the topology has no such executor.
pub fn executor(
    wanted: &str,
    (topology, decision): (&Topology, &Value),
    seen: &Observation,
    store: &dyn Store,
) -> Result<Value, Refusal> {
    let executor = find(wanted, topology)?;
    let id = |executor: &Executor| {
        topology.components.get(executor.component as usize).map_or("", |component| &*component.id)
    };
    let node = executor.slot.and_then(|slot| seen.nodes.get(slot.node as usize));
    let beside = topology.executors.iter().filter(|other| {
        other.tasks != executor.tasks && other.slot.is_some() && other.slot == executor.slot
    });
    let beside: Vec<String> =
        beside.map(|other| format!("{} {}", id(other), other.tasks)).collect();
    let table = store.table(&topology.id).ok().flatten().map(|Loaded { table, .. }| table);
    let row = table
        .as_ref()
        .and_then(|table| table.rows.iter().find(|row| row.executor == executor.tasks));
    let seats = alternatives::seats(executor, topology, seen, decision);
    Ok(json!({
        "component": id(executor),
        "tasks": executor.tasks.to_string(),
        "node": node.map(|node| &node.id),
        "host": node.map(|node| &node.host),
        "port": executor.slot.map(|slot| slot.port),
        "draining": node.is_some_and(|node| node.draining),
        "beside": beside,
        "plan": table.as_ref().map(|table| &table.plan),
        "since": table.as_ref().map(|table| table.at),
        "seats": seats,
        "verdict": alternatives::verdict(&seats),
        "desired": row.map(|row| json!({ "node": row.node.after, "port": row.port.after })),
        "before": row.map(|row| json!({ "node": row.node.before, "port": row.port.before })),
    }))
}

fn find<'a>(wanted: &str, topology: &'a Topology) -> Result<&'a Executor, Refusal> {
    let bare = wanted.trim().trim_start_matches('[').trim_end_matches(']');
    let first = bare.split('-').next().unwrap_or_default();
    let found = first
        .parse::<u32>()
        .ok()
        .and_then(|task| topology.executors.iter().find(|executor| executor.tasks.contains(task)));
    found.ok_or_else(|| {
        let all: Vec<String> =
            topology.executors.iter().take(20).map(|executor| executor.tasks.to_string()).collect();
        let text = format!("{} has no executor {wanted}; it has {}", topology.name, all.join(" "));
        Refusal::of(ErrorCode::NotFound, "executor", text)
    })
}
