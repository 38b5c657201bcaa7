//! A plan that waits for somebody's word.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::origin::Origin;
use crate::context::Context;
use crate::model::{Observation, SlotRef, Topology};
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
    /// The load under which the last decision wanted the same, if it did.
    #[serde(default)]
    pub wanted: Option<RatePerSec>,
    /// Executors of each component at that time.
    pub executors: BTreeMap<String, u32>,
}

/// A plan with what it was made for: as it was shown to whoever wants that very plan carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The plan.
    pub plan: Plan,
    /// Executors of each component at that time.
    pub executors: BTreeMap<String, u32>,
}

impl Shown {
    /// What has changed of what it was made for, if anything.
    pub fn changed(
        &self,
        observation: &Observation,
        topology: &Topology,
        slots: SlotRule,
    ) -> Option<String> {
        changed(&self.plan, &self.executors, (observation, topology), slots)
    }
}

/// What has changed of what a plan was made for, if anything: executors, where they run, and the slots that it needs.
fn changed(
    plan: &Plan,
    executors: &BTreeMap<String, u32>,
    (observation, topology): (&Observation, &Topology),
    slots: SlotRule,
) -> Option<String> {
    let counted = counted(topology);
    if counted != *executors {
        let differ = |(id, now): (&String, &u32)| {
            let was = executors.get(id).copied().unwrap_or(0);
            (was != *now).then(|| format!("{id} has {now} executors now and had {was}"))
        };
        let told: Vec<String> = counted.iter().filter_map(differ).collect();
        let gone = executors.keys().filter(|id| !counted.contains_key(*id));
        let told = told.into_iter().chain(gone.map(|id| format!("{id} has none any more")));
        return Some(told.collect::<Vec<_>>().join(", "));
    }
    if !slots.is_ours() {
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
    let shown = |slot: Option<&Slot>| {
        slot.map_or("nowhere".to_owned(), |slot| format!("at {}:{}", slot.node, slot.port))
    };
    for row in &plan.rows {
        let now = runs(row.executor.first);
        if now != row.before {
            let (now, was) = (shown(now.as_ref()), shown(row.before.as_ref()));
            let (id, task) = (&row.component, row.executor.first);
            return Some(format!("task {task} of {id} runs {now} now and ran {was}"));
        }
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
        live && (slots.is_shared() || !taken.contains(slot))
    };
    let lost = plan.rows.iter().find(|row| row.moves() && !free(&row.after));
    lost.map(|row| format!("slot {}:{} is no longer to be had", row.after.node, row.after.port))
}

/// Whether a load is clearly another than it was.
fn differs(was: RatePerSec, is: RatePerSec) -> bool {
    (is.get() - was.get()).abs() > CLEARLY * was.get().max(f64::EPSILON)
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

    /// Whether the load is clearly another than those that it was made for, and wanted under last: then the policy is asked
    /// before anything is carried out.
    pub fn is_doubtful(&self, load: RatePerSec) -> bool {
        differs(self.load, load) && self.wanted.is_none_or(|wanted| differs(wanted, load))
    }

    /// Why it must not be carried out any more, if so: what it was made for has changed. Another load alone is no reason
    /// while the same is wanted: loads that come in bursts would leave nobody the time to give his word.
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
        if self.wanted.is_none() && differs(self.load, load) {
            let (was, is) = (self.load.get(), load.get());
            return Some(format!("the load is {is:.0}/s now and was {was:.0}/s"));
        }
        changed(&self.plan, &self.executors, (observation, topology), settings.slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(rate: f64) -> RatePerSec {
        RatePerSec::saturating(rate)
    }

    #[test]
    fn before_a_plan_is_carried_out_under_another_load_the_policy_is_asked() {
        let plan = serde_json::json!({ "id": "p", "epoch": 0, "topology": "t", "name": "t", "kind": "counts",
            "counts": { "split": 2 }, "wished_tasks": {}, "workers": 1, "rows": [] });
        let proposed = |wanted: Option<f64>| Proposed {
            plan: serde_json::from_value(plan.clone()).expect("a plan"),
            origin: Origin::Policy,
            reasons: Vec::new(),
            at: Timestamp::from_millis(0),
            expires: Timestamp::from_millis(0),
            load: rate(100.0),
            wanted: wanted.map(rate),
            executors: BTreeMap::new(),
        };
        let wanted = proposed(Some(200.0));
        assert!(!wanted.is_doubtful(rate(100.0)), "as when it was made");
        assert!(!wanted.is_doubtful(rate(190.0)), "as when it was wanted last");
        assert!(wanted.is_doubtful(rate(40.0)), "nobody has judged it under so little");
        assert!(proposed(None).is_doubtful(rate(200.0)), "not wanted any more");
    }
}
