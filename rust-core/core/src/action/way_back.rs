//! What leads back from an action that did harm.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::baseline::Baseline;
use super::origin::Origin;
use crate::model::{Observation, SlotRef, TaskRange, Topology};
use crate::plan::{Plan, Slot};
use crate::reason::Reason;
use crate::settings::Settings;

/// What leads back from a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WayBack {
    /// Executors before, of the components whose number the plan changes.
    pub counts: BTreeMap<String, u32>,
    /// Memory of each executor before in MiB, of the components whose memory the plan changes.
    pub memory_mib: BTreeMap<String, u32>,
    /// Where its executors were before.
    #[serde(with = "super::pairs")]
    pub former: BTreeMap<TaskRange, Slot>,
    /// Where the plan puts them.
    #[serde(with = "super::pairs")]
    pub planned: BTreeMap<TaskRange, Slot>,
}

/// An action that did harm.
#[derive(Debug, Clone, PartialEq)]
pub struct Harm {
    /// The plan that was carried out.
    pub plan: String,
    /// What it made worse.
    pub reason: Reason,
    /// What leads back.
    pub way: WayBack,
    /// How the topology did when the harm was seen.
    pub baseline: Baseline,
}

impl WayBack {
    /// What will lead back from a plan, if that may be undone.
    pub fn of(
        plan: &Plan,
        topology: &Topology,
        origin: Origin,
        settings: &Settings,
    ) -> Option<Self> {
        if origin != Origin::Policy || !settings.rollback {
            return None;
        }
        let executors = |id: &String| {
            let named = |component: u32| topology.components.get(component as usize);
            let of = |component| named(component).is_some_and(|component| component.id == *id);
            topology.executors.iter().filter(|executor| of(executor.component)).count()
        };
        let count = |id: &String| u32::try_from(executors(id)).unwrap_or(u32::MAX);
        let memory = |id: &String| {
            let mut components = topology.components.iter();
            let mib = components.find(|component| component.id == *id)?.memory_mib?;
            Some((id.clone(), mib.round() as u32))
        };
        Some(Self {
            memory_mib: plan.memory_mib.keys().filter_map(memory).collect(),
            counts: plan.counts.keys().map(|id| (id.clone(), count(id))).collect(),
            former: plan
                .rows
                .iter()
                .filter_map(|r| Some((r.executor, r.before.clone()?)))
                .collect(),
            planned: plan.rows.iter().map(|row| (row.executor, row.after.clone())).collect(),
        })
    }

    /// Whether the topology has the executors that the plan gave it, and nobody changed their number since.
    pub fn led_to(&self, topology: &Topology) -> bool {
        topology.executors.len() == self.planned.len()
            && topology.executors.iter().all(|e| self.planned.contains_key(&e.tasks))
    }

    /// The largest part by which a component has more executors than before.
    pub fn added(&self, topology: &Topology) -> f64 {
        let added = |(id, former): (&String, &u32)| {
            let index = topology.components.iter().position(|component| component.id == *id)?;
            let now = topology.executors_of(u32::try_from(index).ok()?);
            Some(f64::from(now) / f64::from((*former).max(1)) - 1.0)
        };
        self.counts.iter().filter_map(added).fold(0.0, f64::max)
    }

    /// Whether the topology is as the plan left it, so that what it does is the plan's doing. Where the
    /// engine chooses the slots, only the executors are.
    pub fn is_as_planned(
        &self,
        observation: &Observation,
        topology: &Topology,
        settings: &Settings,
    ) -> bool {
        let in_place = |tasks: TaskRange, slot: Option<SlotRef>| {
            let planned = self.planned.get(&tasks);
            let found = || {
                slot.and_then(|slot| Some((slot, &observation.nodes.get(slot.node as usize)?.id)))
            };
            planned.is_some_and(|planned| {
                !settings.slots.is_ours()
                    || found().is_some_and(|(slot, node)| {
                        *node == planned.node && slot.port == planned.port
                    })
            })
        };
        self.led_to(topology)
            && topology.executors.iter().all(|executor| in_place(executor.tasks, executor.slot))
    }
}
