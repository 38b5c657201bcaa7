//! Whether an order can mean anything in the cluster as it was seen last: if not, it is refused before anybody waits.

use std::collections::BTreeMap;

use thalweg_control::{ErrorCode, Refusal, Scale};
use thalweg_core::model::{Component, Observation, Obstacle, Topology};
use thalweg_core::state::Order;

/// The order that a request asks for.
///
/// # Errors
/// The first field that cannot be meant so.
pub fn order(scale: &Scale, seen: &Observation) -> Result<Order, Refusal> {
    let topology = topology(&scale.topology, seen)?;
    judged(topology)?;
    for (id, &count) in &scale.counts {
        let field = format!("counts.{id}");
        let tasks = component(&field, id, topology)?.tasks.count();
        if count == 0 || count > tasks {
            let text = format!(
                "{id} has {tasks} tasks, so it can have 1 to {tasks} executors, not {count}"
            );
            return Err(Refusal::of(ErrorCode::Invalid, &field, text));
        }
    }
    for (id, &mib) in &scale.memory_mib {
        let field = format!("memory_mib.{id}");
        if component(&field, id, topology)?.memory_mib.is_none() {
            let text = "its memory is not known, so nothing can change it";
            return Err(Refusal::of(ErrorCode::Invalid, &field, text));
        }
        if mib == 0 {
            return Err(Refusal::of(ErrorCode::Invalid, &field, "it needs some memory, not 0 MiB"));
        }
    }
    for (place, name) in scale.leave.iter().enumerate() {
        host(&format!("leave.{place}"), name, seen)?;
    }
    let changes =
        !(scale.counts.is_empty() && scale.memory_mib.is_empty() && scale.leave.is_empty());
    if !changes && !scale.adopt {
        let text = "it changes nothing: give counts, memory_mib, leave or adopt";
        return Err(Refusal::of(ErrorCode::Invalid, "counts", text));
    }
    Ok(Order {
        topology: scale.topology.clone(),
        counts: scale.counts.clone(),
        memory_mib: scale.memory_mib.clone(),
        leave: scale.leave.clone(),
        adopt: scale.adopt,
        plan: None,
        while_drained: false,
    })
}

/// Whether anything is decided about a topology at all.
///
/// # Errors
/// Why nothing is.
pub fn judged(topology: &Topology) -> Result<(), Refusal> {
    let why = match topology.obstacle {
        Some(Obstacle::Batch) => "it is a batch job, which works off what is there and ends",
        Some(Obstacle::OtherScheduler) => "the engine schedules it by other means",
        Some(Obstacle::Unreadable) => "the engine does not say what it does",
        _ => return Ok(()),
    };
    let text = format!("{} is left alone: {why}", topology.name);
    Err(Refusal::of(ErrorCode::Invalid, "topology", text))
}

/// The topology of a name or id.
///
/// # Errors
/// When there is none, or several have the name.
pub fn topology<'a>(wanted: &str, seen: &'a Observation) -> Result<&'a Topology, Refusal> {
    let by_id = seen.topologies.iter().find(|topology| topology.id == wanted);
    let mut named = seen.topologies.iter().filter(|topology| topology.name == wanted);
    let (first, second) = (named.next(), named.next());
    match (by_id, first, second) {
        (Some(topology), ..) | (None, Some(topology), None) => Ok(topology),
        (None, Some(_), Some(_)) => {
            let ids = seen.topologies.iter().filter(|topology| topology.name == wanted);
            let text = format!(
                "several are named {wanted}: name one by its id, of {}",
                list(ids.map(|t| &*t.id))
            );
            Err(Refusal::of(ErrorCode::Invalid, "topology", text))
        }
        (None, None, _) => {
            let there = list(seen.topologies.iter().map(|topology| &*topology.name));
            let text = format!("there is no {wanted}; there is {there}");
            Err(Refusal::of(ErrorCode::NotFound, "topology", text))
        }
    }
}

/// Whether there is such a host.
///
/// # Errors
/// When there is none.
pub fn host(field: &str, wanted: &str, seen: &Observation) -> Result<(), Refusal> {
    if seen.nodes.iter().any(|node| node.host == wanted) {
        return Ok(());
    }
    let there = list(seen.nodes.iter().map(|node| &*node.host));
    let text = format!("there is no host {wanted}; there is {there}");
    Err(Refusal::of(ErrorCode::NotFound, field, text))
}

/// The component of an id.
///
/// # Errors
/// When the topology has none.
pub fn component<'a>(
    field: &str,
    id: &str,
    topology: &'a Topology,
) -> Result<&'a Component, Refusal> {
    topology.components.iter().find(|component| component.id == id).ok_or_else(|| {
        let there = list(topology.components.iter().map(|component| &*component.id));
        let text = format!("{} has no component {id}; it has {there}", topology.name);
        Refusal::of(ErrorCode::NotFound, field, text)
    })
}

/// The names, not too many of them.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 20;
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    match (names.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    }
}

/// The memory in MiB that executors of some components have now.
pub fn memory(topology: &Topology, of: &BTreeMap<String, u32>) -> BTreeMap<String, u32> {
    let known = |id: &String| {
        let component = topology.components.iter().find(|component| component.id == *id)?;
        Some((id.clone(), component.memory_mib?.round() as u32))
    };
    of.keys().filter_map(known).collect()
}
