//! Plans as differences.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use thalweg_core::explain::Decision;
use thalweg_core::plan::{Plan, Slot};
use thalweg_core::units::Share;
use utoipa::ToSchema;

use crate::names::word;
use crate::status::{ActivePlan, Arrangement, EndedPlan, Status};

/// What a plan changes of a component.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Change {
    /// The component.
    pub component: String,
    /// Executors before; unknown for plans that are over.
    pub executors_before: Option<u32>,
    /// Executors after.
    pub executors_after: Option<u32>,
    /// Memory of each executor before, in MiB.
    pub memory_before: Option<f64>,
    /// Memory of each executor after, in MiB.
    pub memory_after: Option<u32>,
    /// How busy its executors are on average.
    pub busy_before: Option<f64>,
    /// How busy they will be at the same load.
    pub busy_after: Option<f64>,
}

/// What is asked of people about a plan.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct OfferShown {
    /// When it is no longer to be had, in ms since 1970.
    pub expires: i64,
    /// About how long it will take, in seconds.
    pub takes_secs: f64,
    /// Whether the topology stops for it.
    pub stops: bool,
    /// Who has approved of it so far.
    pub approved_by: Vec<String>,
    /// How many have to.
    pub people: u32,
}

/// A slot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Place {
    /// What people call the node; absent where it is not among the cluster's nodes any more.
    pub host: Option<String>,
    /// The node's id.
    pub node: String,
    /// The port there.
    pub port: u32,
}

/// Executors that go from one slot to another.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Move {
    /// The component.
    pub component: String,
    /// How many of its executors.
    pub executors: u32,
    /// Where they ran; absent if nowhere.
    pub from: Option<Place>,
    /// Where they are to run.
    pub to: Place,
}

/// What was reported of a step.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Step {
    /// Its name.
    pub step: String,
    /// When it began, in ms since 1970.
    pub at: Option<i64>,
    /// How long it took, in ms.
    pub millis: Option<i64>,
    /// More about it.
    pub text: String,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PlanView {
    /// Its id.
    pub id: String,
    /// The engine.
    pub engine: String,
    /// The topology's id.
    pub topology: String,
    /// The topology's name.
    pub name: String,
    /// `counts`, `move` or `layout`.
    pub kind: String,
    /// `proposed`, `waiting` for somebody's word, how far it is carried out, or `finished` or `given_up`.
    pub state: String,
    /// Since when, in ms since 1970.
    pub since: i64,
    /// How it is carried out.
    pub strategy: Option<String>,
    /// What it changes of components.
    pub changes: Vec<Change>,
    /// What moves.
    pub moves: Vec<Move>,
    /// How busy the busiest executor is expected to be afterwards at the same load; unknown where executors only move.
    pub expected_busy: Option<f64>,
    /// Executors that stay where they are.
    pub stay: u32,
    /// Workers afterwards.
    pub workers: u32,
    /// Stages of the way that are left after it.
    pub stages_left: u32,
    /// Whether the topology stops meanwhile for want of room.
    pub no_room_beside: bool,
    /// What was reported of its steps.
    pub steps: Vec<Step>,
    /// Why it ended as it did.
    pub code: Option<String>,
    /// What is asked of people, where it waits for their word.
    pub offer: Option<OfferShown>,
}

/// A plan that a decision proposes.
pub fn proposed(
    (engine, status): (&str, &Status),
    plan: &Plan,
    decision: &Decision,
    arrangement: Option<&Arrangement>,
) -> PlanView {
    let view = &decision.view;
    let at = decision.at.millis();
    let executors = view.components.iter().map(|c| (c.id.as_str(), c.executors)).collect();
    let memory = arrangement.map(|a| &a.memory_mib);
    let offer = decision.offer.as_ref().filter(|offer| offer.plan == plan.id);
    let mut shown = base((engine, status), plan, "proposed".to_owned(), at);
    shown.changes = changes(plan, &executors, memory);
    shown.expected_busy = decision.expected_busy.map(Share::get);
    let Some(offer) = offer else { return shown };
    for change in &mut shown.changes {
        let told = offer.diff.iter().find(|told| told.component == change.component);
        let busy = told.and_then(|told| told.busy);
        (change.busy_before, change.busy_after) = busy.unzip();
    }
    let asked = OfferShown {
        expires: offer.expires.millis(),
        takes_secs: offer.takes_secs,
        stops: offer.stops,
        approved_by: offer.approved_by.clone(),
        people: offer.people,
    };
    let (state, since) = ("waiting".to_owned(), offer.at.millis());
    PlanView { state, since, offer: Some(asked), ..shown }
}

/// The plan under way.
pub fn active((engine, status): (&str, &Status), active: &ActivePlan) -> PlanView {
    let before = before(&active.plan);
    PlanView {
        changes: changes(&active.plan, &borrowed(&before), None),
        strategy: active.strategy.clone(),
        steps: active.steps.iter().map(step).collect(),
        expected_busy: active.expected_busy.map(Share::get),
        ..base((engine, status), &active.plan, word(&active.state), active.since.millis())
    }
}

/// A plan that is over.
pub fn ended((engine, status): (&str, &Status), ended: &EndedPlan) -> PlanView {
    let state = if ended.code.is_none() { "finished" } else { "given_up" };
    let before = before(&ended.plan);
    PlanView {
        changes: changes(&ended.plan, &borrowed(&before), None),
        strategy: Some(ended.how.clone()).filter(|how| !how.is_empty()),
        steps: ended.steps.iter().map(step).collect(),
        code: ended.code.clone(),
        ..base((engine, status), &ended.plan, state.to_owned(), ended.at.millis())
    }
}

fn base((engine, status): (&str, &Status), plan: &Plan, state: String, since: i64) -> PlanView {
    PlanView {
        id: plan.id.clone(),
        engine: engine.to_owned(),
        topology: plan.topology.clone(),
        name: plan.name.clone(),
        kind: word(&plan.kind),
        state,
        since,
        strategy: None,
        changes: Vec::new(),
        moves: moves(plan, status),
        expected_busy: None,
        stay: count(plan.rows.iter().filter(|row| !row.moves()).count()),
        workers: plan.workers,
        stages_left: plan.stages_left,
        no_room_beside: plan.no_room_beside,
        steps: Vec::new(),
        code: None,
        offer: None,
    }
}

fn moves(plan: &Plan, status: &Status) -> Vec<Move> {
    let place = |slot: &Slot| Place {
        host: status.host(&slot.node).map(str::to_owned),
        node: slot.node.clone(),
        port: slot.port,
    };
    let mut counted: BTreeMap<(String, Option<Place>, Place), u32> = BTreeMap::new();
    for row in plan.rows.iter().filter(|row| row.moves()) {
        let key = (row.component.clone(), row.before.as_ref().map(place), place(&row.after));
        *counted.entry(key).or_default() += 1;
    }
    let shown = |((component, from, to), executors)| Move { component, executors, from, to };
    counted.into_iter().map(shown).collect()
}

fn changes(
    plan: &Plan,
    executors: &BTreeMap<&str, u32>,
    memory: Option<&BTreeMap<String, f64>>,
) -> Vec<Change> {
    let changed: BTreeSet<&String> = plan.counts.keys().chain(plan.memory_mib.keys()).collect();
    let change = |component: &String| Change {
        component: component.clone(),
        executors_before: executors.get(component.as_str()).copied(),
        executors_after: plan.counts.get(component).copied(),
        memory_before: memory.and_then(|memory| memory.get(component)).copied(),
        memory_after: plan.memory_mib.get(component).copied(),
        busy_before: None,
        busy_after: None,
    };
    changed.into_iter().map(change).collect()
}

/// Nothing is known of counts before a plan that began, except where each of its executors stays what it was.
fn before(plan: &Plan) -> BTreeMap<String, u32> {
    if !plan.counts.is_empty() {
        return BTreeMap::new();
    }
    let mut counts = BTreeMap::new();
    for row in &plan.rows {
        *counts.entry(row.component.clone()).or_default() += 1;
    }
    counts
}

fn borrowed(counts: &BTreeMap<String, u32>) -> BTreeMap<&str, u32> {
    counts.iter().map(|(component, count)| (component.as_str(), *count)).collect()
}

fn step(step: &Value) -> Step {
    let text = |key: &str| step.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |key: &str| step.get(key).and_then(Value::as_i64);
    Step { step: text("step"), at: number("at"), millis: number("millis"), text: text("text") }
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
