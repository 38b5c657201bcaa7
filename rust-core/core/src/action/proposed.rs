//! A plan that waits for somebody's word.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::origin::Origin;
use crate::context::Context;
use crate::model::{SlotRef, Topology};
use crate::plan::{Plan, Slot};
use crate::reason::Reason;
use crate::settings::SlotRule;
use crate::units::{RatePerSec, Timestamp};

/// A load that differs by this part is clearly another.
const CLEARLY: f64 = 0.3;

/// A plan that waits for somebody's word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposed {
    /// The plan, as it will be carried out.
    pub plan: Plan,
    /// Who wants it.
    pub origin: Origin,
    /// Why.
    pub reasons: Vec<Reason>,
    /// When it was proposed.
    pub at: Timestamp,
    /// When it is no longer to be had.
    pub expires: Timestamp,
    /// The load at that time.
    pub load: RatePerSec,
    /// Executors of each component at that time.
    pub executors: BTreeMap<String, u32>,
}

/// A change that somebody rejected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rejected {
    /// The executor counts that it would have made.
    pub counts: BTreeMap<String, u32>,
    /// The memory that it would have given.
    pub memory_mib: BTreeMap<String, u32>,
    /// Who rejected it.
    pub who: String,
    /// Until when it is not proposed again.
    pub until: Timestamp,
}

impl Rejected {
    /// Whether a plan makes the same change.
    pub fn means(&self, plan: &Plan) -> bool {
        self.counts == plan.counts && self.memory_mib == plan.memory_mib
    }
}

/// Executors of each component of a topology.
pub fn counted(topology: &Topology) -> BTreeMap<String, u32> {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for executor in &topology.executors {
        if let Some(component) = topology.components.get(executor.component as usize) {
            *counts.entry(component.id.clone()).or_default() += 1;
        }
    }
    counts
}

impl Proposed {
    /// Whether another plan makes the same change, though perhaps in other places.
    pub fn is_like(&self, plan: &Plan) -> bool {
        self.plan.counts == plan.counts && self.plan.memory_mib == plan.memory_mib
    }

    /// Why it must not be carried out any more, if so: what it was made for has changed.
    pub fn stale(
        &self,
        context: &Context<'_>,
        topology: &Topology,
        load: RatePerSec,
    ) -> Option<String> {
        let &Context { observation, settings, now, .. } = context;
        if now >= self.expires {
            return Some("it has expired".to_owned());
        }
        if counted(topology) != self.executors {
            return Some("the topology has other numbers of executors by now".to_owned());
        }
        let (was, is) = (self.load.get(), load.get());
        if (is - was).abs() > CLEARLY * was.max(f64::EPSILON) {
            return Some(format!("the load is {is:.0}/s now and was {was:.0}/s"));
        }
        if settings.slots == SlotRule::Engine {
            return None;
        }
        let named = |slot: SlotRef| {
            let node = observation.nodes.get(slot.node as usize)?;
            Some(Slot { node: node.id.clone(), port: slot.port })
        };
        let runs = |task: u32| {
            let executor = topology.executors.iter().find(|e| e.tasks.contains(task));
            executor.and_then(|executor| executor.slot).and_then(named)
        };
        if self.plan.rows.iter().any(|row| runs(row.executor.first) != row.before) {
            return Some("its executors run elsewhere by now".to_owned());
        }
        let others = observation.topologies.iter().filter(|other| other.id != topology.id);
        let taken: BTreeSet<Slot> = others
            .flat_map(|other| &other.executors)
            .filter_map(|executor| executor.slot.and_then(named))
            .collect();
        let free = |slot: &Slot| {
            let live = observation.nodes.iter().any(|node| {
                node.id == slot.node && node.ports.contains(&slot.port) && !node.blacklisted
            });
            live && (settings.slots != SlotRule::Workers || !taken.contains(slot))
        };
        let lost = self.plan.rows.iter().find(|row| row.moves() && !free(&row.after));
        lost.map(|row| format!("slot {}:{} is no longer to be had", row.after.node, row.after.port))
    }
}
