//! Migration tables (table 2 and algorithm 3 of the Me-Stream paper).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Observation, SlotRef, TaskRange, Topology};

/// A slot by the names that stay true outside one observation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// Id of the node.
    pub node: String,
    /// Its port there.
    pub port: u32,
}

/// One executor's row in both tables: its nodes are `N(k, v)`, its ports `P(k, v)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationRow {
    /// Id of the component.
    pub component: String,
    /// The executor's tasks after the plan: the key `k`.
    #[serde(flatten)]
    pub executor: TaskRange,
    /// Where its first task ran before; nothing if it ran nowhere.
    pub before: Option<Slot>,
    /// Where it is to run.
    pub after: Slot,
}

impl MigrationRow {
    /// Whether the executor has to move.
    pub fn moves(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }
}

/// The rows that lead from where a topology's tasks are to where the desired executors belong.
///
/// `desired` names each desired executor by its component's ordinal and tasks, `placement` its slot.
/// Rows come in the order of `desired`.
pub fn migration(
    observation: &Observation,
    topology: &Topology,
    desired: &[(u32, TaskRange)],
    placement: &[SlotRef],
) -> Vec<MigrationRow> {
    let named = |slot: SlotRef| {
        let node = observation.nodes.get(slot.node as usize)?;
        Some(Slot { node: node.id.clone(), port: slot.port })
    };
    let present: BTreeMap<TaskRange, Option<SlotRef>> =
        topology.executors.iter().map(|e| (e.tasks, e.slot)).collect();
    // The executor that has a task begins with it or is the last to begin before it.
    let runs = |task: u32| {
        let last = present.range(..=TaskRange::new(task, u32::MAX)).next_back();
        last.filter(|(range, _)| range.contains(task)).and_then(|(_, slot)| *slot)
    };
    desired
        .iter()
        .zip(placement)
        .filter_map(|(&(component, executor), &slot)| {
            let before = runs(executor.first).and_then(named);
            let component = topology.components.get(component as usize)?.id.clone();
            Some(MigrationRow { component, executor, before, after: named(slot)? })
        })
        .collect()
}
