//! From an assessed topology to a placement problem.

use std::collections::BTreeMap;

use super::memory::{MemoryUse, memory_of};
use crate::background::BackgroundLoad;
use crate::context::Context;
use crate::model::{ComponentKind, Node, Observation, SlotRef, TaskRange, Topology};
use crate::node_capacity::{Powers, abilities, powers, racks};
use crate::place::{PlaceEdge, PlaceExecutor, PlaceNode, PlaceSlot, Problem, Role};
use crate::plan::partition::partition;
use crate::settings::{Settings, WorkerLimit};
use crate::state::Learned;

/// Demands are counted in millionths of one executor's time.
pub const MICROS: f64 = 1e6;
/// A node that does this part of what it can do has room to spare: tuples take at most twice as long as they
/// have to.
const COMFORT: f64 = 0.5;
/// Traffic of an edge of which nothing was measured: all such edges count the same.
const ASSUMED_TRAFFIC: u64 = 1000;

/// What placement must know of the cluster, whichever topology is to be placed.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterView {
    /// Speed of each node, the fastest having 1.
    pub abilities: Vec<f64>,
    /// How much work each node can do, the one that can do most having 1.
    pub powers: Vec<f64>,
    /// Nodes that were reached too slowly not long ago.
    pub far: Vec<bool>,
    /// Nodes that may hold executors: neither forbidden nor far, unless all open ones are far.
    pub usable: Vec<bool>,
    /// The most work a second that any node is known to be able to do; none if nothing is known.
    pub best_power: f64,
    /// How much work all usable nodes can do together, the one that can do most having 1.
    pub usable_power: f64,
    /// Whether a usable node has a slot that nobody holds.
    pub free_slot: bool,
    /// The ordinal of each node's rack.
    pub racks: Vec<u32>,
    /// Memory that executors take of each node.
    memory: MemoryUse,
    /// Which topology holds each slot in use, by its index.
    holders: BTreeMap<SlotRef, usize>,
}

impl ClusterView {
    /// The cluster of an observation.
    pub fn of(context: &Context<'_>, learned: &Learned) -> Self {
        let &Context { observation, settings, now, .. } = context;
        let nodes = &observation.nodes;
        let memory = |id: &String| learned.nodes.get(id);
        let far: Vec<bool> =
            nodes.iter().map(|n| memory(&n.id).is_some_and(|m| m.is_far(now, settings))).collect();
        let open: Vec<bool> = nodes.iter().map(|n| !n.blacklisted && !n.draining).collect();
        let near: Vec<bool> = open.iter().zip(&far).map(|(open, far)| *open && !far).collect();
        let usable = if near.contains(&true) { near } else { open };
        let mut memory = MemoryUse::of(nodes.len());
        for topology in &observation.topologies {
            memory.enter(topology, topology.executors.iter().map(|e| e.slot));
        }
        let holders = holders(observation);
        let free_slot = nodes.iter().zip(&usable).enumerate().any(|(index, (node, usable))| {
            let free =
                |port: &u32| !holders.contains_key(&SlotRef { node: index as u32, port: *port });
            *usable && node.ports.iter().any(free)
        });
        let abilities = abilities(observation, learned, settings, now);
        let Powers { relative: powers, best: best_power } =
            powers(observation, learned, settings, now);
        let usable_powers = powers.iter().zip(&usable).filter(|(_, usable)| **usable);
        let usable_power = usable_powers.fold(0.0, |sum, (power, _)| sum + power);
        Self {
            abilities,
            powers,
            far,
            usable,
            best_power,
            usable_power,
            free_slot,
            racks: racks(nodes),
            memory,
            holders,
        }
    }

    /// The nodes that may hold executors.
    pub fn usable_nodes(&self) -> impl Iterator<Item = usize> + '_ {
        self.usable.iter().enumerate().filter(|(_, usable)| **usable).map(|(index, _)| index)
    }

    /// How many slots of usable nodes nobody holds or is promised.
    pub fn free_slots(
        &self,
        observation: &Observation,
        promised: &BTreeMap<SlotRef, usize>,
    ) -> usize {
        let open = (0..).zip(&observation.nodes).zip(&self.usable).filter(|(_, usable)| **usable);
        let slots = open
            .flat_map(|((node, of), _)| of.ports.iter().map(move |&port| SlotRef { node, port }));
        slots.filter(|s| !self.holders.contains_key(s) && !promised.contains_key(s)).count()
    }

    /// Memory that all topologies but one take of each node.
    fn memory_of_others(&self, own: &Topology) -> MemoryUse {
        self.memory.clone().without(own, own.executors.iter().map(|e| e.slot))
    }
}

/// Which topology holds each slot in use; of several the first.
fn holders(observation: &Observation) -> BTreeMap<SlotRef, usize> {
    let mut held: Vec<(SlotRef, usize)> = Vec::new();
    for (index, topology) in observation.topologies.iter().enumerate() {
        held.extend(topology.executors.iter().filter_map(|e| Some((e.slot?, index))));
    }
    held.sort_unstable();
    held.dedup_by_key(|(slot, _)| *slot);
    held.into_iter().collect()
}

/// The cluster as one topology finds it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacementContext<'a> {
    /// The cluster.
    pub cluster: &'a ClusterView,
    /// Index of the topology.
    pub own: usize,
    /// Demand of other topologies.
    pub demands: BackgroundLoad<'a>,
    /// Memory that other topologies take of each node, where that is not what was observed.
    pub memory: Option<MemoryUse>,
    /// Slots that were promised in this round, with the topologies that get them, by index.
    pub promised: Option<&'a BTreeMap<SlotRef, usize>>,
    /// How many slots it may have so that others get one as well; nothing where all there are.
    pub most_slots: Option<u32>,
}

impl PlacementContext<'_> {
    /// Memory that other topologies take of each node.
    pub fn memory_of_others(&self, observation: &Observation) -> MemoryUse {
        let observed = || self.cluster.memory_of_others(&observation.topologies[self.own]);
        self.memory.clone().unwrap_or_else(observed)
    }

    /// Slots of usable nodes that the topology holds or may have.
    pub fn open_slots(&self, observation: &Observation) -> u32 {
        let nodes = (0..).zip(&observation.nodes).zip(&self.cluster.usable);
        let open = |((node, of), usable): ((u32, &Node), &bool)| {
            let free = |port: &&u32| !self.is_taken(SlotRef { node, port: **port });
            if *usable { of.ports.iter().filter(free).count() } else { 0 }
        };
        u32::try_from(nodes.map(open).sum::<usize>()).unwrap_or(u32::MAX)
    }

    /// Whether another topology holds a slot, or is about to.
    pub fn is_taken(&self, slot: SlotRef) -> bool {
        let other = |holder: Option<&usize>| holder.is_some_and(|&holder| holder != self.own);
        let promised = self.promised.and_then(|promised| promised.get(&slot));
        other(self.cluster.holders.get(&slot)) || other(promised)
    }
}

/// An executor that is to be: ordinal of its component, and its tasks.
pub type DesiredExecutor = (u32, TaskRange);

/// The executors a topology has now.
pub fn present(topology: &Topology) -> Vec<DesiredExecutor> {
    topology.executors.iter().map(|e| (e.component, e.tasks)).collect()
}

/// The executors a topology would have with new counts for some components.
pub fn scaled(topology: &Topology, counts: &BTreeMap<u32, u32>) -> Vec<DesiredExecutor> {
    let mut desired: Vec<DesiredExecutor> = topology
        .executors
        .iter()
        .filter(|e| !counts.contains_key(&e.component))
        .map(|e| (e.component, e.tasks))
        .collect();
    for (&component, &count) in counts {
        if let Some(found) = topology.components.get(component as usize) {
            desired
                .extend(partition(found.tasks, count).into_iter().map(|tasks| (component, tasks)));
        }
    }
    desired.sort_unstable_by_key(|(_, tasks)| *tasks);
    desired
}

/// How components' demands fall to their executors: groupings deal tuples out to tasks, so an
/// executor's part is that of its tasks.
struct Parts<'a> {
    demands: &'a [f64],
    tasks: Vec<f64>,
}

impl<'a> Parts<'a> {
    fn of(desired: &[DesiredExecutor], demands: &'a [f64]) -> Self {
        let mut tasks = vec![0.0; demands.len()];
        for &(component, range) in desired {
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
pub fn worst_load(topology: &Topology, demands: &[f64], placing: &PlacementContext<'_>) -> f64 {
    let parts = Parts::of(&present(topology), demands);
    let mut own = BTreeMap::new();
    for executor in &topology.executors {
        if let Some(slot) = executor.slot {
            *own.entry(slot.node).or_insert(0.0) +=
                parts.of_executor(executor.component, executor.tasks);
        }
    }
    placing.demands.worst_load_with(&own, &placing.cluster.powers)
}

/// The problem of placing `desired`, given each component's demand.
pub fn problem(
    context: &Context<'_>,
    topology: &Topology,
    desired: &[DesiredExecutor],
    demands: &[f64],
    placing: &PlacementContext<'_>,
) -> Problem {
    let &Context { observation, settings, .. } = context;
    let cluster = placing.cluster;
    let (demands_of_others, memory_of_others) =
        (placing.demands.on_nodes(), placing.memory_of_others(observation));
    let left =
        |index: usize, node: &Node| node.memory_mib.map(|mib| memory_of_others.left(index, mib));
    let nodes = observation.nodes.iter().enumerate();
    let nodes = nodes.map(|(index, node)| (index, node, left(index, node)));
    let nodes = nodes.map(|(index, node, memory)| PlaceNode {
        power_milli: (cluster.powers[index] * 1000.0).round().max(1.0) as u32,
        base_load: (demands_of_others[index] * MICROS) as u64,
        usable: cluster.usable[index],
        slots: node
            .ports
            .iter()
            .map(|&port| PlaceSlot {
                port,
                taken: placing.is_taken(SlotRef { node: index as u32, port }),
            })
            .collect(),
        memory_mib: memory.map(|[mib, _]| mib),
        undeclared_mib: memory.map_or(0, |[assumed, declared]| declared - assumed),
        rack: cluster.racks[index],
    });
    let parts = Parts::of(desired, demands);
    // A slot that another topology holds is nobody else's place, whatever was observed.
    let held_by_it = |slot: &SlotRef| !placing.is_taken(*slot);
    let now: BTreeMap<TaskRange, SlotRef> = topology
        .executors
        .iter()
        .filter_map(|e| Some((e.tasks, e.slot.filter(held_by_it)?)))
        .collect();
    let mut held: BTreeMap<SlotRef, u32> = BTreeMap::new();
    for slot in now.values() {
        *held.entry(*slot).or_default() += 1;
    }
    // Where nobody declared memory, workers are as large as their options say, whatever they run. Of slots that
    // several components share, too little is known if some tell nothing; the engine itself cuts them.
    let mut told = topology.components.iter().map(|component| component.memory_mib.is_some());
    let memory_declared = match settings.slots.is_shared() {
        false => told.any(|told| told),
        true => told.all(|told| told),
    };
    let executors = desired.iter().map(|&(component, tasks)| {
        let near =
            || now.range(..=tasks).next_back().filter(|(range, _)| range.contains(tasks.first));
        PlaceExecutor {
            demand: (parts.of_executor(component, tasks) * MICROS) as u64,
            current: now.get(&tasks).copied(),
            near: near().map(|(_, slot)| slot.node),
            ..needs(topology, component, memory_declared)
        }
    });
    Problem {
        nodes: nodes.collect(),
        executors: executors.collect(),
        held,
        desired_workers: topology.desired_workers,
        most_workers: most_workers(topology, placing, settings),
        pinned_per_worker: settings.pinned_per_worker,
        rule: settings.slots,
        edges: edges(topology),
        heap_limit_mib: topology.worker_heap_mib.filter(|_| memory_declared).map(|mib| mib as u32),
        memory_declared,
        most_per_node: (0..)
            .zip(&topology.components)
            .filter_map(|(index, component)| Some((index, component.most_per_node?)))
            .collect(),
        most_per_rack: most_per_rack(
            topology,
            desired.iter().map(|(component, _)| *component),
            cluster,
            settings,
        ),
        apart: topology.apart.clone(),
        pinned_stay: false,
        comfort: (cluster.best_power * COMFORT * MICROS) as u64,
    }
}

/// Whether compute was declared for a topology; memory alone does not tell what loads add up to.
pub fn is_declared(topology: &Topology) -> bool {
    topology.components.iter().any(|component| component.cpu_points.is_some())
}

/// How many workers a topology may have: as many as it asks for, where nothing lets it have more. One that declares
/// compute asks for resources instead, and one that asks for none leaves it open.
pub fn asked_workers(topology: &Topology, settings: &Settings) -> Option<u32> {
    let limited = !settings.slots.is_shared()
        && settings.worker_limit == WorkerLimit::Asked
        && !settings.free_workers.contains(&topology.name)
        && !is_declared(topology);
    Some(topology.desired_workers).filter(|desired| limited && *desired > 0)
}

/// The same, where others wait for a first slot.
fn most_workers(
    topology: &Topology,
    placing: &PlacementContext<'_>,
    settings: &Settings,
) -> Option<u32> {
    let asked = asked_workers(topology, settings);
    asked.into_iter().chain(placing.most_slots).min()
}

/// What an executor of a component is, and the memory that it needs.
pub(super) fn needs(topology: &Topology, component: u32, memory_declared: bool) -> PlaceExecutor {
    let (memory, heap) = memory_of(topology, component);
    let heap = if memory_declared { heap } else { 0.0 };
    PlaceExecutor {
        role: role(topology, component),
        component,
        group: topology.slot_group(component as usize),
        heap_mib: heap.ceil() as u32,
        off_heap_mib: (memory - heap).ceil() as u32,
        ..PlaceExecutor::default()
    }
}

/// How many executors one rack may hold of each operator, by its ordinal, where that is fewer than all: as large a part
/// as the settings say, or as there have to be on that many racks.
pub fn most_per_rack(
    topology: &Topology,
    executors: impl Iterator<Item = u32>,
    cluster: &ClusterView,
    settings: &Settings,
) -> BTreeMap<u32, u32> {
    let racks = cluster.racks.iter().max().map_or(1, |last| last + 1);
    let share = settings.rack_share.get().max(1.0 / f64::from(racks));
    if share >= 1.0 {
        return BTreeMap::new();
    }
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    for component in executors.filter(|c| role(topology, *c) == Role::Work) {
        *counts.entry(component).or_default() += 1;
    }
    let most = |(component, all)| (component, (share * f64::from(all)).ceil() as u32);
    counts.into_iter().map(most).collect()
}

/// What streams carry, as far as it was counted. Counts only compare where all streams have them; if
/// one has none, all count the same.
pub fn edges(topology: &Topology) -> Vec<PlaceEdge> {
    let mut sums: BTreeMap<(u32, u32), Option<u64>> = BTreeMap::new();
    for edge in &topology.edges {
        let sum = sums.entry((edge.from, edge.to)).or_insert(Some(0));
        *sum = sum.zip(edge.sent).map(|(sum, sent)| sum.saturating_add(sent));
    }
    let known = sums.values().all(Option::is_some) && sums.values().any(|sum| *sum > Some(0));
    let edge = |((from, to), sent): ((u32, u32), Option<u64>)| PlaceEdge {
        from,
        to,
        traffic: sent.filter(|_| known).unwrap_or(ASSUMED_TRAFFIC),
    };
    sums.into_iter().map(edge).collect()
}

/// Whether an executor of a component can be replaced while the topology runs.
pub fn role(topology: &Topology, component: u32) -> Role {
    match topology.components.get(component as usize).map(|c| c.kind) {
        Some(ComponentKind::Operator) => Role::Work,
        _ => Role::Pinned,
    }
}
