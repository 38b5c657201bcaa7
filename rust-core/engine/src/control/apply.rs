//! Plans that were shown: kept for a while, so that somebody who has read one can have that very plan carried out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use thalweg_control::{Apply, ErrorCode, Refusal};
use thalweg_core::action::Shown;
use thalweg_core::explain::Decision;
use thalweg_core::model::{Observation, Topology};
use thalweg_core::plan::Plan;
use thalweg_core::settings::SlotRule;
use thalweg_core::state::Order;

/// Plans that are kept of a topology.
const PLANS: usize = 16;
/// Names under which the same plan is kept: while nothing changes, each look makes it anew.
const NAMES: usize = 512;

/// The plans that were shown last.
#[derive(Debug, Default)]
pub struct ShownPlans {
    by_topology: BTreeMap<String, VecDeque<Kept>>,
}

#[derive(Debug)]
struct Kept {
    names: VecDeque<String>,
    shown: Shown,
}

impl ShownPlans {
    /// Keeps the plans of decisions; those of topologies that are gone are forgotten.
    pub fn note(&mut self, decisions: &[Decision]) {
        let present: BTreeSet<&str> = decisions.iter().map(|one| &*one.topology).collect();
        self.by_topology.retain(|topology, _| present.contains(topology.as_str()));
        for decision in decisions {
            let Some(plan) = &decision.plan else { continue };
            let kept = self.by_topology.entry(decision.topology.clone()).or_default();
            let id = plan.id.clone();
            if id.is_empty() || kept.iter().any(|kept| kept.names.contains(&id)) {
                continue;
            }
            let shown = Shown { plan: plan.clone(), executors: executors(decision) };
            match kept.front_mut().filter(|last| is_same(&last.shown, &shown)) {
                Some(last) => {
                    last.names.push_front(id);
                    last.names.truncate(NAMES);
                }
                None => {
                    kept.push_front(Kept { names: VecDeque::from([id]), shown });
                    kept.truncate(PLANS);
                }
            }
        }
    }

    fn find(&self, id: &str) -> Option<Shown> {
        let kept = self.by_topology.values().flatten();
        let found = kept.into_iter().find(|kept| kept.names.iter().any(|name| name == id))?;
        let plan = Plan { id: id.to_owned(), ..found.shown.plan.clone() };
        Some(Shown { plan, executors: found.shown.executors.clone() })
    }
}

/// Whether two differ in their names only.
fn is_same(one: &Shown, other: &Shown) -> bool {
    let nameless = |plan: &Plan| Plan { id: String::new(), epoch: 0, ..plan.clone() };
    one.executors == other.executors && nameless(&one.plan) == nameless(&other.plan)
}

/// The executors that a decision's plan was made for.
fn executors(decision: &Decision) -> BTreeMap<String, u32> {
    let components = decision.view.components.iter().filter(|component| component.executors > 0);
    components.map(|component| (component.id.clone(), component.executors)).collect()
}

/// The plan that is asked for.
///
/// # Errors
/// When it is not known, or what came with the request is none.
pub fn wanted(apply: &Apply, kept: &ShownPlans) -> Result<Shown, Refusal> {
    let Some(value) = &apply.shown else {
        let text = format!(
            "plan {} is not known any more: thalweg plan shows what would be done now, and with --json keeps it",
            apply.plan
        );
        return kept
            .find(&apply.plan)
            .ok_or_else(|| Refusal::of(ErrorCode::NotFound, "plan", text));
    };
    let shown: Shown = serde_path_to_error::deserialize(value).map_err(|error| {
        let field = format!("shown.{}", error.path());
        Refusal::of(ErrorCode::BadRequest, &field, error.into_inner().to_string())
    })?;
    if shown.plan.id != apply.plan {
        let text = format!("it is plan {}, not {}", shown.plan.id, apply.plan);
        return Err(Refusal::of(ErrorCode::Invalid, "shown.plan.id", text));
    }
    Ok(shown)
}

/// The order that carries a plan out, if nothing has changed of what it was made for.
///
/// # Errors
/// What has changed, or why it is no plan of this topology.
pub fn order(
    shown: Shown,
    adopt: bool,
    (topology, seen): (&Topology, &Observation),
    slots: SlotRule,
) -> Result<Order, Refusal> {
    let id = shown.plan.id.clone();
    let refuse = |text: String| Err(Refusal::of(ErrorCode::Invalid, "plan", text));
    if shown.plan.stages_left > 0 {
        let text = "is the first of several stages: thalweg scale gives an order for the whole way";
        return refuse(format!("plan {id} {text}"));
    }
    if let Some(why) = shown.changed(seen, topology, slots) {
        return refuse(format!("plan {id} was made for something else: {why}"));
    }
    if let Err(why) = fits(&shown, topology) {
        return refuse(format!("plan {id} is none of {}: {why}", topology.name));
    }
    Ok(Order {
        topology: topology.id.clone(),
        plan: Some(Box::new(shown)),
        adopt,
        ..Order::default()
    })
}

/// Whether a plan names each task of the topology once, in as many executors as it says. It may have been in a file that
/// somebody has changed.
fn fits(shown: &Shown, topology: &Topology) -> Result<(), String> {
    let Shown { plan, executors } = shown;
    for id in plan.counts.keys().chain(plan.rows.iter().map(|row| &row.component)) {
        if !topology.components.iter().any(|component| component.id == *id) {
            return Err(format!("there is no component {id}"));
        }
    }
    for component in &topology.components {
        let id = &component.id;
        let mut rows: Vec<_> =
            plan.rows.iter().filter(|row| row.component == *id).map(|row| row.executor).collect();
        rows.sort_unstable_by_key(|range| range.first);
        if rows.is_empty() && !plan.counts.contains_key(id) {
            continue;
        }
        let count = plan.counts.get(id).or(executors.get(id)).copied().unwrap_or(0);
        if rows.len() != count as usize {
            return Err(format!("{id} has {} rows for {count} executors", rows.len()));
        }
        let tasks = component.tasks;
        let whole = rows.first().is_some_and(|range| range.first == tasks.first)
            && rows.last().is_some_and(|range| range.last == tasks.last)
            && rows.windows(2).all(|pair| pair[0].last + 1 == pair[1].first);
        if !whole {
            return Err(format!("its rows do not name each task of {id} once"));
        }
    }
    Ok(())
}
