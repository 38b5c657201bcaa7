//! A plan: how many executors each component should have, which tasks each of them runs, where, and by which
//! measures it will be judged.
//!
//! [`parameter`] is equation 7 and algorithm 2 of the Me-Stream paper. [`partition`] cuts a
//! component's fixed tasks into executors the way the engines do. Where they run is decided by
//! [`crate::place`], and written down in the rows of a migration table.

mod metrics;
pub mod parameter;
pub mod partition;
mod table;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::Topology;
use crate::reason::Reason;

pub use metrics::Metrics;
pub use table::{MigrationRow, Slot, migration};

/// What a plan changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanKind {
    /// Executor counts, and so their task ranges, or executors' memory.
    Counts,
    /// Only where executors run.
    Move,
    /// Also the workers of sources or acknowledging executors, which cannot be replaced beside
    /// themselves.
    Layout,
}

/// What is to be done to one topology.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Its unique name.
    pub id: String,
    /// Grows with every plan of the topology; fences older writers.
    pub epoch: u64,
    /// The topology's id.
    pub topology: String,
    /// The topology's name.
    pub name: String,
    /// What it changes.
    pub kind: PlanKind,
    /// New executor counts, of the components whose count changes.
    pub counts: BTreeMap<String, u32>,
    /// New memory of each executor in MiB, of the components whose memory changes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub memory_mib: BTreeMap<String, u32>,
    /// Tasks that equation 7 asks for at the next submission.
    #[serde(rename = "wished_tasks")]
    pub desired_tasks: BTreeMap<String, u32>,
    /// Workers that the placement uses.
    pub workers: u32,
    /// Stages of the way that are left after this plan; none if it goes all the way.
    #[serde(default, skip_serializing_if = "is_none_left")]
    pub stages_left: u32,
    /// Whether nodes lack slots or memory for the new workers beside the old ones.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_room_beside: bool,
    /// Why it is no better, where that is the topology's own doing; said with the decision.
    #[serde(skip)]
    pub limited: Option<Reason>,
    /// The whole placement; rows of executors that stay have the same slot on both sides.
    pub rows: Vec<MigrationRow>,
}

impl Plan {
    /// Whether executors stay what they are, and only move. How that has to be carried out does not matter.
    pub fn only_moves(&self) -> bool {
        self.counts.is_empty() && self.memory_mib.is_empty()
    }

    /// Whether it gives a component of the topology more memory.
    pub fn raises_memory(&self, topology: &Topology) -> bool {
        topology.components.iter().any(|component| {
            let desired = self.memory_mib.get(&component.id).map(|mib| f64::from(*mib));
            desired.zip(component.memory_mib).is_some_and(|(desired, now)| desired > now)
        })
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "what serde calls it with")]
fn is_none_left(stages: &u32) -> bool {
    *stages == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Component;

    #[test]
    fn a_plan_from_before_there_was_memory_in_plans_is_read_and_changes_none() {
        let old = r#"{"id": "a-p1", "epoch": 1, "topology": "a-1", "name": "a", "kind": "counts",
            "counts": {"join": 4}, "wished_tasks": {}, "workers": 2, "rows": []}"#;
        let plan: Plan = serde_json::from_str(old).expect("it is a plan");
        assert_eq!(plan.memory_mib, BTreeMap::new());
        let again = serde_json::to_string(&plan).expect("it can be written");
        assert!(!again.contains("memory"), "who knows nothing of memory is told nothing: {again}");
    }

    #[test]
    fn memory_alone_is_no_move_and_grows_only_upwards() {
        let old = r#"{"id": "a-p1", "epoch": 1, "topology": "a-1", "name": "a", "kind": "counts",
            "counts": {}, "memory_mib": {"join": 256}, "wished_tasks": {}, "workers": 2, "rows": []}"#;
        let plan: Plan = serde_json::from_str(old).expect("it is a plan");
        assert!(!plan.only_moves());
        let with = |mib| {
            let join = Component { id: "join".to_owned(), memory_mib: mib, ..Component::default() };
            plan.raises_memory(&Topology { components: vec![join], ..Topology::default() })
        };
        assert_eq!([with(Some(128.0)), with(Some(512.0)), with(None)], [true, false, false]);
    }
}
