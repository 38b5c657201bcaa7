//! From an assessed topology to a placement problem, and from its solution to a plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::assess::Assessment;
use crate::explain::{Plan, PlanKind};
use crate::model::{ComponentKind, Node, Observation, SlotRef, TaskRange, Topology};
use crate::place::{
    PlaceExecutor, PlaceNode, PlaceSlot, Problem, Role, Shortage, migration, place,
};
use crate::plan::partition::partition;
use crate::settings::{Settings, SlotRule};
use crate::state::Learned;
use crate::units::Timestamp;

/// Demands are counted in millionths of one executor's time.
pub const MICROS: f64 = 1e6;

/// What placement must know of the cluster, whichever topology is to be placed.
#[derive(Debug, Clone, PartialEq)]
pub struct Terrain {
    /// Speed of each node, the fastest having 1.
    pub abilities: Vec<f64>,
    /// Nodes that were reached too slowly not long ago.
    pub far: Vec<bool>,
    /// Nodes that may hold executors: neither forbidden nor far, unless all open ones are far.
    pub usable: Vec<bool>,
    /// Whether a usable node has a slot that nobody holds.
    pub free_slot: bool,
    /// Which topology holds each slot in use, by its index.
    holders: BTreeMap<SlotRef, usize>,
}

impl Terrain {
    /// The terrain of an observation.
    pub fn of(
        observation: &Observation,
        learned: &Learned,
        settings: &Settings,
        now: Timestamp,
    ) -> Self {
        let nodes = &observation.nodes;
        let memory = |id: &String| learned.nodes.get(id);
        let far: Vec<bool> =
            nodes.iter().map(|n| memory(&n.id).is_some_and(|m| m.is_far(now, settings))).collect();
        let open: Vec<bool> = nodes.iter().map(|n| !n.blacklisted && !n.draining).collect();
        let near: Vec<bool> = open.iter().zip(&far).map(|(open, far)| *open && !far).collect();
        let usable = if near.contains(&true) { near } else { open };
        let mut holders = BTreeMap::new();
        for (index, topology) in observation.topologies.iter().enumerate() {
            for slot in topology.executors.iter().filter_map(|e| e.slot) {
                holders.entry(slot).or_insert(index);
            }
        }
        let free_slot = nodes.iter().zip(&usable).enumerate().any(|(index, (node, usable))| {
            let free =
                |port: &u32| !holders.contains_key(&SlotRef { node: index as u32, port: *port });
            *usable && node.ports.iter().any(free)
        });
        let abilities = crate::assess::abilities(observation, learned, settings, now);
        Self { abilities, far, usable, free_slot, holders }
    }
}

/// The terrain as one topology finds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ground<'a> {
    /// The cluster.
    pub terrain: &'a Terrain,
    /// Index of the topology.
    pub own: usize,
    /// Demand of other topologies on each node.
    pub base_demands: Vec<f64>,
    /// Slots that were promised to other topologies in this round.
    pub promised: BTreeSet<SlotRef>,
}

impl Ground<'_> {
    /// Slots of usable nodes that the topology holds or may have.
    pub fn open_slots(&self, observation: &Observation) -> u32 {
        let nodes = (0..).zip(&observation.nodes).zip(&self.terrain.usable);
        let open = |((node, of), usable): ((u32, &Node), &bool)| {
            let free = |port: &&u32| !self.is_taken(SlotRef { node, port: **port });
            if *usable { of.ports.iter().filter(free).count() } else { 0 }
        };
        u32::try_from(nodes.map(open).sum::<usize>()).unwrap_or(u32::MAX)
    }

    /// Whether another topology holds a slot, or is about to.
    pub fn is_taken(&self, slot: SlotRef) -> bool {
        let held = self.terrain.holders.get(&slot).is_some_and(|&holder| holder != self.own);
        held || self.promised.contains(&slot)
    }
}

/// An executor that is wished for: ordinal of its component, and its tasks.
pub type Wished = (u32, TaskRange);

/// The executors a topology has now.
pub fn present(topology: &Topology) -> Vec<Wished> {
    topology.executors.iter().map(|e| (e.component, e.tasks)).collect()
}

/// The executors a topology would have with new counts for some components.
pub fn scaled(topology: &Topology, counts: &BTreeMap<u32, u32>) -> Vec<Wished> {
    let mut wished: Vec<Wished> = topology
        .executors
        .iter()
        .filter(|e| !counts.contains_key(&e.component))
        .map(|e| (e.component, e.tasks))
        .collect();
    for (&component, &count) in counts {
        if let Some(found) = topology.components.get(component as usize) {
            wished
                .extend(partition(found.tasks, count).into_iter().map(|tasks| (component, tasks)));
        }
    }
    wished.sort_unstable_by_key(|(_, tasks)| *tasks);
    wished
}

/// How components' demands fall to their executors: groupings deal tuples out to tasks, so an
/// executor's part is that of its tasks.
struct Parts<'a> {
    demands: &'a [f64],
    tasks: Vec<f64>,
}

impl<'a> Parts<'a> {
    fn of(wished: &[Wished], demands: &'a [f64]) -> Self {
        let mut tasks = vec![0.0; demands.len()];
        for &(component, range) in wished {
            if let Some(all) = tasks.get_mut(component as usize) {
                *all += f64::from(range.count());
            }
        }
        Self { demands, tasks }
    }

    fn of_executor(&self, component: u32, range: TaskRange) -> f64 {
        match (self.demands.get(component as usize), self.tasks.get(component as usize)) {
            (Some(demand), Some(all)) if *all > 0.0 => demand * f64::from(range.count()) / all,
            _ => 0.0,
        }
    }
}

/// The load of the worst node as things are.
pub fn worst_load(topology: &Topology, demands: &[f64], ground: &Ground<'_>) -> f64 {
    let parts = Parts::of(&present(topology), demands);
    let mut node_demands = ground.base_demands.clone();
    for executor in &topology.executors {
        let Some(slot) = executor.slot else { continue };
        if let Some(demand) = node_demands.get_mut(slot.node as usize) {
            *demand += parts.of_executor(executor.component, executor.tasks);
        }
    }
    let loads = node_demands.iter().zip(&ground.terrain.abilities);
    loads.map(|(demand, ability)| demand / ability.max(1e-3)).fold(0.0, f64::max)
}

/// The problem of placing `wished`, given each component's demand.
pub fn problem(
    observation: &Observation,
    topology: &Topology,
    wished: &[Wished],
    demands: &[f64],
    ground: &Ground<'_>,
    settings: &Settings,
) -> Problem {
    let terrain = ground.terrain;
    let nodes = observation.nodes.iter().enumerate().map(|(index, node)| PlaceNode {
        ability_milli: (terrain.abilities[index] * 1000.0).round().max(1.0) as u32,
        base_load: (ground.base_demands[index] * MICROS) as u64,
        usable: terrain.usable[index],
        slots: node
            .ports
            .iter()
            .map(|&port| PlaceSlot {
                port,
                taken: ground.is_taken(SlotRef { node: index as u32, port }),
            })
            .collect(),
    });
    let parts = Parts::of(wished, demands);
    let now: BTreeMap<TaskRange, SlotRef> =
        topology.executors.iter().filter_map(|e| Some((e.tasks, e.slot?))).collect();
    let mut held: BTreeMap<SlotRef, u32> = BTreeMap::new();
    for slot in now.values() {
        *held.entry(*slot).or_default() += 1;
    }
    let executors = wished.iter().map(|&(component, tasks)| {
        let near =
            || now.range(..=tasks).next_back().filter(|(range, _)| range.contains(tasks.first));
        PlaceExecutor {
            role: role(topology, component),
            component,
            demand: (parts.of_executor(component, tasks) * MICROS) as u64,
            current: now.get(&tasks).copied(),
            near: near().map(|(_, slot)| slot.node),
        }
    });
    Problem {
        nodes: nodes.collect(),
        executors: executors.collect(),
        held,
        wished_workers: topology.wished_workers,
        anchors_per_worker: settings.anchors_per_worker,
        rule: settings.slots,
    }
}

/// Whether an executor of a component can be replaced while the topology runs.
pub fn role(topology: &Topology, component: u32) -> Role {
    match topology.components.get(component as usize).map(|c| c.kind) {
        Some(ComponentKind::Operator) => Role::Work,
        _ => Role::Anchor,
    }
}

/// Places the topology with new counts, for the demand that its components will have, and writes down
/// the way there; nothing if nothing would change.
///
/// # Errors
/// When the cluster has no room.
pub fn plan(
    observation: &Observation,
    assessment: &Assessment<'_>,
    demands: &[f64],
    ground: &Ground<'_>,
    counts: &BTreeMap<u32, u32>,
    settings: &Settings,
) -> Result<Option<Plan>, Shortage> {
    let topology = assessment.topology;
    let wished = scaled(topology, counts);
    let problem = problem(observation, topology, &wished, demands, ground, settings);
    let placement = place(&problem)?;
    let rows = migration(observation, topology, &wished, &placement);
    if counts.is_empty() && rows.iter().all(|row| !row.moves()) {
        return Ok(None);
    }
    // Where a change restarts everything anyway, anchors are not worth a kind of their own.
    let anchors_move = settings.slots == SlotRule::Workers
        && wished
            .iter()
            .zip(&rows)
            .any(|(&(component, _), row)| role(topology, component) == Role::Anchor && row.moves());
    let named = counts.iter().filter_map(|(&component, &count)| {
        Some((topology.components.get(component as usize)?.id.clone(), count))
    });
    let mut slots = placement;
    slots.sort_unstable();
    slots.dedup();
    Ok(Some(Plan {
        id: String::new(),
        epoch: 0,
        topology: topology.id.clone(),
        name: topology.name.clone(),
        kind: match (anchors_move, counts.is_empty()) {
            (true, _) => PlanKind::Layout,
            (false, false) => PlanKind::Counts,
            (false, true) => PlanKind::Move,
        },
        counts: named.collect(),
        wished_tasks: BTreeMap::new(),
        workers: u32::try_from(slots.len()).unwrap_or(u32::MAX),
        rows,
    }))
}
