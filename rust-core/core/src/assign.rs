//! What a scheduling round does: from routing tables and the cluster as it is to a slot per executor.
//!
//! Input: the cluster as the engine sees it in this round, and the table of each topology. Output:
//! for each executor to keep it or to put it somewhere, and the rows that no longer fit, with
//! reasons. A row that does not fit loses its executor to the placement function, never to nowhere.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thalweg_place::Lack;

use crate::arrange::{
    ClusterView, MemoryUse, PlacementContext, asked_workers, is_declared, present, problem, role,
};
use crate::background::{BackgroundLoad, without};
use crate::cluster::{self, Lacking, Slots, Supply};
use crate::context::Context;
use crate::model::{Executor, Observation, Obstacle, SlotRef, TaskRange, Topology};
use crate::namesakes::Namesakes;
use crate::operator::Operator;
use crate::permission::Charter;
use crate::place::{Completed, Role, complete};
use crate::plan::{MigrationRow, Slot};
use crate::settings::Settings;
use crate::state::Learned;
use crate::units::Timestamp;

/// Where one executor belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assigned {
    /// Left to the engine's own scheduler.
    NotOurs,
    /// Stays where it is.
    Keep,
    /// Belongs into this slot.
    To(SlotRef),
    /// Has no slot that can take it, and stays without one until there is.
    NoRoom,
}

/// The table of a topology, as far as a scheduling round needs it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Routes {
    /// Where each executor belongs, and the component it is of.
    pub rows: BTreeMap<TaskRange, (String, Slot)>,
    /// Whether executors that run elsewhere are to be moved there in this round.
    pub committed: bool,
}

impl Routes {
    /// The routes that a plan's rows lay down.
    pub fn of(rows: &[MigrationRow], committed: bool) -> Self {
        let rows = rows
            .iter()
            .map(|row| (row.executor, (row.component.clone(), row.after.clone())))
            .collect();
        Self { rows, committed }
    }
}

/// Why a row was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RowFault {
    /// No such executor is in the topology.
    UnknownExecutor,
    /// The executor belongs to another component than the row says.
    WrongComponent,
    /// The node is not alive.
    DeadNode,
    /// The node has no such live port.
    UnknownPort,
    /// Another topology holds the slot.
    SlotOccupied,
    /// The node may not take work.
    NodeForbidden,
    /// It would be one more worker than the topology may have.
    TooManyWorkers,
}

/// A row that was dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedRow {
    /// The topology's id.
    pub topology: String,
    /// The row's executor.
    pub executor: TaskRange,
    /// Where it pointed.
    pub slot: Slot,
    /// What is wrong with it.
    pub fault: RowFault,
}

/// The answer to one scheduling round.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Assignment {
    /// Per executor, in the order of topologies and their executors.
    pub executors: Vec<Assigned>,
    /// Rows that do not fit the cluster.
    pub dropped: Vec<DroppedRow>,
    /// What keeps executors from being placed.
    pub lacking: Vec<Lacking>,
}

/// The topologies, by index, of which nothing may be changed, so that the engine's own scheduler places them.
pub fn not_ours(
    view: &Observation,
    settings: &Settings,
    operator: &Operator,
    now: Timestamp,
) -> BTreeSet<usize> {
    let namesakes = &Namesakes::of(&view.topologies);
    let context = &Context { observation: view, namesakes, settings, operator, now };
    let topologies = view.topologies.iter().enumerate();
    let left = topologies.filter(|(_, topology)| !Charter::of(context, topology).changes());
    left.map(|(index, _)| index).collect()
}

/// Assigns every executor of every topology.
///
/// A fully assigned topology is kept as it is unless its routes are committed. Executors that run
/// nowhere go where their row says, or, where there is no fitting row, where placement puts them.
pub fn assign(
    view: &Observation,
    routes: &BTreeMap<String, Routes>,
    learned: &Learned,
    settings: &Settings,
    now: Timestamp,
) -> Assignment {
    let mut answer = Assignment::default();
    let namesakes = &Namesakes::of(&view.topologies);
    let operator = Operator::SILENT;
    let context = &Context { observation: view, namesakes, settings, operator, now };
    let cluster = ClusterView::of(context, learned);
    let mut slots: Slots = Vec::with_capacity(view.topologies.len());
    let mut books = Books::of(view.nodes.len());
    let nobody = Routes::default();
    for (own, topology) in view.topologies.iter().enumerate() {
        let table = routes.get(&topology.id).unwrap_or(&nobody);
        let placing = books.placing(own, &cluster);
        let most = asked_workers(topology, settings);
        let known = Round { context, topology, placing }.known(table, most, &mut answer.dropped);
        books.promise(own, topology, &known);
        slots.push(known);
    }
    let waits = |own: usize, slots: &[Option<SlotRef>]| {
        slots.iter().all(Option::is_none) && !is_declared(&view.topologies[own])
    };
    let mut waiting = slots.iter().enumerate().filter(|(own, slots)| waits(*own, slots)).count();
    let supply = Supply { free: cluster.free_slots(view, &books.promised), others: waiting };
    answer.lacking = cluster::complete(view, &cluster, &mut slots, settings, supply);
    for (own, (topology, slots)) in view.topologies.iter().zip(&slots).enumerate() {
        books.promise(own, topology, slots);
        books.enter(topology, slots);
    }
    let mut crowded = BTreeSet::new();
    let mut free = cluster.free_slots(view, &books.promised);
    for (own, topology) in view.topologies.iter().enumerate() {
        if slots[own].iter().any(Option::is_none) && !is_declared(topology) {
            waiting -= usize::from(waits(own, &slots[own]));
            let mut placing = books.placing_without(own, topology, &slots[own], &cluster);
            // Whoever still waits for a first slot gets one before this one gets more.
            placing.most_slots = Some(shared_out(slots_in(&slots[own]), free, waiting));
            let found = Round { context, topology, placing }.complete(&slots[own]);
            answer.lacking.extend(lacking(topology, &found.lacking));
            if found.lacking.iter().any(|(.., lack)| *lack == Lack::Spread) {
                crowded.insert(own);
            }
            let news = slots[own].iter().zip(&found.slots);
            let news: Vec<_> = news.map(|(old, new)| new.filter(|_| old.is_none())).collect();
            books.promise(own, topology, &news);
            free = free.saturating_sub(slots_in(&found.slots) - slots_in(&slots[own]));
            books.enter(topology, &news);
            slots[own] = found.slots;
        }
    }
    for (own, (topology, slots)) in view.topologies.iter().zip(&slots).enumerate() {
        if topology.obstacle == Some(Obstacle::KeptApart) {
            answer.executors.extend(topology.executors.iter().map(|_| Assigned::NotOurs));
            continue;
        }
        // The engine's own scheduler runs what cannot be spread as its user asks.
        let without = if crowded.contains(&own) { Assigned::NotOurs } else { Assigned::NoRoom };
        answer.executors.extend(topology.executors.iter().zip(slots).map(|(executor, slot)| {
            match slot {
                Some(slot) if executor.slot == Some(*slot) => Assigned::Keep,
                Some(slot) => Assigned::To(*slot),
                None => without,
            }
        }));
    }
    answer
}

/// How many slots executors are in.
fn slots_in(slots: &[Option<SlotRef>]) -> usize {
    slots.iter().flatten().collect::<BTreeSet<_>>().len()
}

/// How many slots a topology may have that has some, where so many are free and so many others have none.
fn shared_out(has: usize, free: usize, waiting: usize) -> u32 {
    let most = has.saturating_add(free.saturating_sub(waiting)).max(1);
    u32::try_from(most).unwrap_or(u32::MAX)
}

/// What a topology's executors lack, by names.
fn lacking<'a>(
    topology: &'a Topology,
    lacking: &'a [(u32, u32, Lack)],
) -> impl Iterator<Item = Lacking> + 'a {
    lacking.iter().filter_map(|&(component, executors, lack)| {
        let component = topology.components.get(component as usize)?.id.clone();
        Some(Lacking { topology: topology.id.clone(), component, executors, lack })
    })
}

/// What is taken for an executor's demand while nothing is measured. Users give components executors for
/// the work that they expect, so each counts the same; but a source waits more than it works, and what
/// the engine adds hardly works.
fn unmeasured(topology: &Topology, component: u32) -> f64 {
    match role(topology, component) {
        Role::Work => 1.0,
        Role::Pinned => 0.5,
    }
}

/// What a round has given out so far, summed up once for all topologies.
struct Books {
    /// What is demanded of each node.
    demands: Vec<f64>,
    /// Memory that is taken of each node.
    memory: MemoryUse,
    /// The slots that executors are to move into, and whose those are.
    promised: BTreeMap<SlotRef, usize>,
}

impl Books {
    fn of(nodes: usize) -> Self {
        Self { demands: vec![0.0; nodes], memory: MemoryUse::of(nodes), promised: BTreeMap::new() }
    }

    /// Promises a topology the slots that its executors are to move into.
    fn promise(&mut self, own: usize, topology: &Topology, slots: &[Option<SlotRef>]) {
        let moves = topology.executors.iter().zip(slots).filter(|(e, slot)| e.slot != **slot);
        for slot in moves.filter_map(|(_, slot)| *slot) {
            self.promised.entry(slot).or_insert(own);
        }
    }

    /// Adds what a topology's executors ask of the nodes of their slots.
    fn enter(&mut self, topology: &Topology, slots: &[Option<SlotRef>]) {
        for (executor, slot) in topology.executors.iter().zip(slots) {
            let Some(node) = slot.map(|slot| slot.node as usize) else { continue };
            if let Some(demand) = self.demands.get_mut(node) {
                *demand += unmeasured(topology, executor.component);
            }
        }
        self.memory.enter(topology, slots.iter().copied());
    }

    /// The cluster as a topology finds it, whatever others ask of nodes.
    fn placing<'a>(&'a self, own: usize, cluster: &'a ClusterView) -> PlacementContext<'a> {
        let demands = BackgroundLoad::These(Vec::new());
        let promised = Some(&self.promised);
        PlacementContext { cluster, own, demands, memory: None, promised, most_slots: None }
    }

    /// The cluster as a topology finds it, without what it asks of nodes itself.
    fn placing_without<'a>(
        &'a self,
        own: usize,
        topology: &Topology,
        slots: &[Option<SlotRef>],
        cluster: &'a ClusterView,
    ) -> PlacementContext<'a> {
        let mut demands = BTreeMap::new();
        for (executor, slot) in topology.executors.iter().zip(slots) {
            let Some(slot) = slot else { continue };
            *demands.entry(slot.node).or_insert(0.0) += unmeasured(topology, executor.component);
        }
        PlacementContext {
            demands: BackgroundLoad::These(without(&self.demands, &demands)),
            memory: Some(self.memory.clone().without(topology, slots.iter().copied())),
            ..self.placing(own, cluster)
        }
    }
}

/// One topology in one scheduling round.
struct Round<'a> {
    context: &'a Context<'a>,
    topology: &'a Topology,
    placing: PlacementContext<'a>,
}

impl Round<'_> {
    /// Where each executor runs, or belongs by its row; nothing where neither says so.
    fn known(
        &self,
        table: &Routes,
        most: Option<u32>,
        dropped: &mut Vec<DroppedRow>,
    ) -> Vec<Option<SlotRef>> {
        let executors = &self.topology.executors;
        let all_run = executors.iter().all(|e| e.slot.is_some());
        let same_executors = executors.len() == table.rows.len()
            && executors.iter().all(|e| table.rows.contains_key(&e.tasks));
        let commit = table.committed && same_executors;
        if all_run && !commit {
            return executors.iter().map(|e| e.slot).collect();
        }
        let fitting = self.fitting(table, dropped);
        let most = most.map_or(usize::MAX, |most| most as usize);
        let (mut slots, mut too_many) = self.led(&fitting, commit, most);
        if commit && slots_in(&slots) > most {
            // Some cannot follow their rows, and so none does: the others would only add workers.
            (slots, too_many) = self.led(&fitting, false, most);
        }
        dropped.extend(too_many.into_iter().filter_map(|executor| {
            let (_, slot) = table.rows.get(&executor)?;
            Some(self.dropped(executor, slot, RowFault::TooManyWorkers))
        }));
        slots
    }

    /// Where executors are once rows have led them, those that run as well if `all`; and the executors whose rows
    /// would lead to one worker too many.
    fn led(
        &self,
        rows: &BTreeMap<TaskRange, SlotRef>,
        all: bool,
        most: usize,
    ) -> (Vec<Option<SlotRef>>, Vec<TaskRange>) {
        let executors = &self.topology.executors;
        let row = |e: &Executor| rows.get(&e.tasks).copied().filter(|_| all || e.slot.is_none());
        let stay = executors.iter().filter(|e| row(e).is_none_or(|row| e.slot == Some(row)));
        let mut workers: BTreeSet<SlotRef> = stay.filter_map(|e| e.slot).collect();
        let mut too_many = Vec::new();
        let mut slot = |e: &Executor| {
            let Some(row) = row(e) else { return e.slot };
            if !workers.contains(&row) && workers.len() >= most {
                too_many.push(e.tasks);
                return e.slot;
            }
            workers.insert(row);
            Some(row)
        };
        (executors.iter().map(&mut slot).collect(), too_many)
    }

    fn dropped(&self, executor: TaskRange, slot: &Slot, fault: RowFault) -> DroppedRow {
        let topology = self.topology.id.clone();
        DroppedRow { topology, executor, slot: slot.clone(), fault }
    }

    /// The rows that fit the cluster; the others go to the answer with what is wrong with them.
    fn fitting(
        &self,
        table: &Routes,
        dropped: &mut Vec<DroppedRow>,
    ) -> BTreeMap<TaskRange, SlotRef> {
        let mut fitting = BTreeMap::new();
        let executors: BTreeMap<TaskRange, &Executor> =
            self.topology.executors.iter().map(|e| (e.tasks, e)).collect();
        let nodes: BTreeMap<&str, usize> = match table.rows.is_empty() {
            true => BTreeMap::new(),
            false => self
                .context
                .observation
                .nodes
                .iter()
                .enumerate()
                .map(|(i, n)| (n.id.as_str(), i))
                .collect(),
        };
        for (&executor, (component, slot)) in &table.rows {
            let found = executors.get(&executor).copied();
            match self.check(found, component, nodes.get(slot.node.as_str()).copied(), slot) {
                Ok(slot) => {
                    fitting.insert(executor, slot);
                }
                Err(fault) => dropped.push(self.dropped(executor, slot, fault)),
            }
        }
        fitting
    }

    fn check(
        &self,
        found: Option<&Executor>,
        component: &str,
        node: Option<usize>,
        slot: &Slot,
    ) -> Result<SlotRef, RowFault> {
        let found = found.ok_or(RowFault::UnknownExecutor)?;
        let own = self.topology.components.get(found.component as usize);
        if own.is_none_or(|own| own.id != component) {
            return Err(RowFault::WrongComponent);
        }
        let index = node.ok_or(RowFault::DeadNode)?;
        let node = &self.context.observation.nodes[index];
        let slot = SlotRef { node: index as u32, port: slot.port };
        // What runs on a node that is being emptied stays until a plan leads away; nothing comes back to it.
        if node.blacklisted || node.draining && found.slot != Some(slot) {
            return Err(RowFault::NodeForbidden);
        }
        if !node.ports.contains(&slot.port) {
            return Err(RowFault::UnknownPort);
        }
        if self.placing.is_taken(slot) {
            return Err(RowFault::SlotOccupied);
        }
        Ok(slot)
    }

    /// Fills the gaps of a placement; what already has a slot keeps it.
    fn complete(&self, present_slots: &[Option<SlotRef>]) -> Completed {
        // The placement function looks at where executors are, so it is shown where they will be.
        let mut seen = self.topology.clone();
        for (executor, slot) in seen.executors.iter_mut().zip(present_slots) {
            executor.slot = *slot;
        }
        let mut demands = vec![0.0; seen.components.len()];
        for executor in &seen.executors {
            if let Some(demand) = demands.get_mut(executor.component as usize) {
                *demand += unmeasured(&seen, executor.component);
            }
        }
        let mut problem = problem(self.context, &seen, &present(&seen), &demands, &self.placing);
        // Receivers are not crowded around a source before it is known what work they are: next to
        // each other operators are spread evenly.
        let works = |component| role(&seen, component) == Role::Work;
        problem.edges.retain(|edge| works(edge.from) && works(edge.to));
        let found = complete(&problem);
        // What runs in a slot that another topology holds as well is not moved from here.
        let slots = present_slots.iter().zip(found.slots).map(|(slot, new)| slot.or(new)).collect();
        Completed { slots, ..found }
    }
}

#[cfg(test)]
mod tests;
