//! A placement problem in ordinals and integers.

use std::collections::{BTreeMap, BTreeSet};

pub use thalweg_place::Role;
use thalweg_place::{Lack, Mebibytes};
use thiserror::Error;

use crate::model::SlotRef;
use crate::settings::SlotRule;

/// Where to place the executors of one topology.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problem {
    /// Every node of the cluster.
    pub nodes: Vec<PlaceNode>,
    /// Every executor of the topology.
    pub executors: Vec<PlaceExecutor>,
    /// The slots the topology holds now, and how many executors run in each.
    pub held: BTreeMap<SlotRef, u32>,
    /// The number of workers that the topology's user asked for, which is no limit.
    pub desired_workers: u32,
    /// The most workers that it may have; nothing where any number will do.
    pub most_workers: Option<u32>,
    /// How many pinned executors share one worker.
    pub pinned_per_worker: u32,
    /// The most executors of a component, by its ordinal, that one node may hold.
    pub most_per_node: BTreeMap<u32, u32>,
    /// The most executors of a component, by its ordinal, that are put on one rack. What runs is not moved for it.
    pub most_per_rack: BTreeMap<u32, u32>,
    /// Pairs of components, by ordinal, whose executors may not share a node.
    pub apart: Vec<(u32, u32)>,
    /// Whether pinned executors stay even on nodes that are far slower than others.
    pub pinned_stay: bool,
    /// The load up to which a node has room to spare; 0 where that is not known.
    pub comfort: u64,
    /// What one slot can hold.
    pub rule: SlotRule,
    /// The streams between its components.
    pub edges: Vec<PlaceEdge>,
    /// The most heap that the executors of one worker may need together, in MiB.
    pub heap_limit_mib: Option<u32>,
    /// Whether the executors' memory was declared; if not it is a guess, and no reason to refuse.
    pub memory_declared: bool,
}

impl Problem {
    /// How many nodes may hold executors.
    pub fn usable_nodes(&self) -> u32 {
        u32::try_from(self.nodes.iter().filter(|node| node.usable).count()).unwrap_or(u32::MAX)
    }

    /// The same where others only take the memory that they declared, if that makes a difference to this one.
    pub(super) fn of_declarations(&self) -> Option<Self> {
        let assumed = self.nodes.iter().any(|node| node.undeclared_mib > 0);
        (self.memory_declared && assumed).then(|| {
            let mut sure = self.clone();
            for node in &mut sure.nodes {
                let more = std::mem::take(&mut node.undeclared_mib);
                node.memory_mib = node.memory_mib.map(|mib| mib.saturating_add(more));
            }
            sure
        })
    }

    /// The demand on each node where executors, by index, run on nodes, by index.
    pub(super) fn node_demands(&self, places: impl Iterator<Item = (usize, usize)>) -> Vec<u64> {
        let mut demands: Vec<u64> = self.nodes.iter().map(|node| node.base_load).collect();
        for (executor, node) in places {
            demands[node] += self.executors[executor].demand;
        }
        demands
    }

    /// The load of the fullest node that executors, by index, run on; what others ask of other nodes is not theirs.
    pub(super) fn worst_load(&self, places: impl Iterator<Item = (usize, usize)> + Clone) -> u64 {
        let used: BTreeSet<usize> = places.clone().map(|(_, node)| node).collect();
        let demands = self.node_demands(places);
        used.into_iter().map(|node| self.nodes[node].load(demands[node])).max().unwrap_or(0)
    }

    /// What is wrong if executors, by index, run on nodes, by index: some are not as far apart as their user asks.
    pub(super) fn crowding(
        &self,
        places: impl Iterator<Item = (usize, usize)>,
    ) -> Option<Shortage> {
        if self.most_per_node.is_empty() && self.apart.is_empty() {
            return None;
        }
        let mut counts: BTreeMap<(u32, usize), u32> = BTreeMap::new();
        for (executor, node) in places {
            *counts.entry((self.executors[executor].component, node)).or_default() += 1;
        }
        let crowded = |(&(component, _), &found): (&(u32, usize), &u32)| {
            let most = *self.most_per_node.get(&component)?;
            (found > most).then_some(Shortage::Crowded { component, found, most })
        };
        let together = |&(one, other): &(u32, u32)| {
            let mut nodes = counts.range((one, 0)..=(one, usize::MAX)).map(|((_, node), _)| *node);
            let both = nodes.any(|node| counts.contains_key(&(other, node)));
            both.then_some(Shortage::Together { one, other })
        };
        counts.iter().find_map(crowded).or_else(|| self.apart.iter().find_map(together))
    }

    /// Whether a slot is on a node that may hold executors, and no other topology has it.
    pub(super) fn is_open(&self, slot: SlotRef) -> bool {
        let node = self.nodes.get(slot.node as usize).filter(|node| node.usable);
        node.is_some_and(|node| node.slots.iter().any(|s| s.port == slot.port && !s.taken))
    }

    /// What is wrong with a placement, as far as it changes anything: executors that are not as far apart as their
    /// user asks, or more memory than was declared to be there.
    pub(super) fn fault(&self, placement: &[Option<SlotRef>]) -> Option<Shortage> {
        let places = placement.iter().enumerate().filter_map(|(e, slot)| Some((e, (*slot)?)));
        let nodes = || places.clone().map(|(executor, slot)| (executor, slot.node as usize));
        let excess = self.excess_workers(placement);
        excess.or_else(|| self.crowding(nodes())).or_else(|| self.memory_fault(nodes())).or_else(
            || {
                let limit = self.heap_limit_mib.filter(|_| self.memory_declared)?;
                let comes = |(e, slot): (usize, SlotRef)| {
                    (e, slot, self.executors[e].current != Some(slot))
                };
                let places = places.clone().map(comes);
                self.overcommitted(places, |e| e.heap_mib, |_| Some(limit), Lack::Heap)
            },
        )
    }

    /// Whether a placement has more workers than the topology may have, some of which would have to start.
    fn excess_workers(&self, placement: &[Option<SlotRef>]) -> Option<Shortage> {
        let most = self.most_workers? as usize;
        let workers: BTreeSet<SlotRef> = placement.iter().flatten().copied().collect();
        let new = |slot: &&SlotRef| !self.held.contains_key(slot);
        if workers.len() <= most || !workers.iter().any(|slot| new(&slot)) {
            return None;
        }
        let comes =
            |(e, slot): &(&PlaceExecutor, &Option<SlotRef>)| slot.is_some() && e.current != **slot;
        let executors = self.executors.iter().zip(placement).filter(comes).count();
        let executors = u32::try_from(executors).unwrap_or(u32::MAX);
        Some(Shortage::Resources { executors, lack: Lack::Worker })
    }

    /// Whether declared memory is overcommitted on a node that gets executors.
    fn memory_fault(&self, places: impl Iterator<Item = (usize, usize)>) -> Option<Shortage> {
        if !self.memory_declared {
            return None;
        }
        let comes = |(e, node): (usize, usize)| {
            let stays = self.executors[e].current.is_some_and(|slot| slot.node as usize == node);
            (e, node, !stays)
        };
        let room = |node: usize| self.nodes.get(node)?.memory_mib;
        self.overcommitted(places.map(comes), PlaceExecutor::memory_mib, room, Lack::Memory)
    }

    /// The first place that gets executors for which it has too little: how many are too many, and how much is
    /// missing for one of them. Places name an executor, where it is, and whether it comes there anew.
    fn overcommitted<P: Ord + Copy>(
        &self,
        places: impl Iterator<Item = (usize, P, bool)>,
        need: impl Fn(&PlaceExecutor) -> u32,
        room: impl Fn(P) -> Option<u32>,
        lack: impl Fn(Mebibytes) -> Lack,
    ) -> Option<Shortage> {
        let mut needs: BTreeMap<P, (Vec<u32>, bool)> = BTreeMap::new();
        for (executor, place, comes) in places {
            let (needs, changes) = needs.entry(place).or_default();
            needs.push(need(&self.executors[executor]));
            *changes |= comes;
        }
        needs.into_iter().filter(|(_, (_, changes))| *changes).find_map(
            |(place, (mut needs, _))| {
                let room = u64::from(room(place)?);
                needs.sort_unstable();
                let mut sum: u64 = needs.iter().copied().map(u64::from).sum();
                let (mut executors, mut missing) = (0, 0);
                while sum > room {
                    missing = u32::try_from(sum - room).unwrap_or(u32::MAX);
                    sum -= u64::from(needs.pop()?);
                    executors += 1;
                }
                let lack = lack(Mebibytes::new(missing));
                (executors > 0).then_some(Shortage::Resources { executors, lack })
            },
        )
    }

    /// Indexes of the executors of one role.
    pub(super) fn of_role(&self, role: Role) -> impl Iterator<Item = usize> + '_ {
        (0..self.executors.len()).filter(move |&index| self.executors[index].role == role)
    }
}

/// A stream as placement sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceEdge {
    /// Ordinal of the sending component.
    pub from: u32,
    /// Ordinal of the receiving component.
    pub to: u32,
    /// What it carries, relative to the other edges.
    pub traffic: u64,
}

/// A node as placement sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlaceNode {
    /// How much work it can do, in thousandths of the reference node; at least 1.
    pub power_milli: u32,
    /// Demand of other topologies on it, in millionths of a reference executor's time.
    pub base_load: u64,
    /// Whether executors may be put here.
    pub usable: bool,
    /// Its live slots, by ascending port.
    pub slots: Vec<PlaceSlot>,
    /// Memory that other topologies leave, in MiB; nothing where it is unknown.
    pub memory_mib: Option<u32>,
    /// How much more they leave if nothing is assumed of what they did not declare.
    pub undeclared_mib: u32,
    /// Ordinal of its rack.
    pub rack: u32,
}

impl PlaceNode {
    /// The load that a demand makes here.
    pub fn load(&self, demand: u64) -> u64 {
        demand.saturating_mul(1000) / u64::from(self.power_milli.max(1))
    }
}

/// One slot of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceSlot {
    /// Its port.
    pub port: u32,
    /// Whether another topology holds it.
    pub taken: bool,
}

/// An executor as placement sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlaceExecutor {
    /// Whether it can be replaced while its topology runs.
    pub role: Role,
    /// Ordinal of its component.
    pub component: u32,
    /// Which components it may share slots with where slots are shared: those of the same group.
    pub group: u32,
    /// Time it is busy on the reference node, in millionths.
    pub demand: u64,
    /// Where this very executor runs now.
    pub current: Option<SlotRef>,
    /// The node on which its tasks run now, if they run in another executor.
    pub near: Option<u32>,
    /// Heap of its worker that it needs, in MiB.
    pub heap_mib: u32,
    /// Memory that it needs besides, in MiB.
    pub off_heap_mib: u32,
}

impl PlaceExecutor {
    /// All memory that it needs, in MiB.
    pub fn memory_mib(&self) -> u32 {
        self.heap_mib.saturating_add(self.off_heap_mib)
    }
}

impl Shortage {
    /// What lets executors that run nowhere wait: by component, how many, and what would let one in.
    pub(super) fn of_missing(self, problem: &Problem) -> Vec<(u32, u32, Lack)> {
        let lack = match self {
            Self::Resources { lack, .. } => lack,
            Self::Slots { .. } => Lack::Slot,
            Self::Crowded { .. } | Self::Together { .. } => Lack::Spread,
        };
        let mut waiting: BTreeMap<u32, u32> = BTreeMap::new();
        for executor in problem.executors.iter().filter(|executor| executor.current.is_none()) {
            *waiting.entry(executor.component).or_default() += 1;
        }
        waiting.into_iter().map(|(component, executors)| (component, executors, lack)).collect()
    }
}

/// Why a topology cannot be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Shortage {
    /// There are too few slots.
    #[error("{needed} more slots are needed on the {usable_nodes} usable nodes")]
    Slots {
        /// Slots that are missing.
        needed: u32,
        /// Nodes that could offer them.
        usable_nodes: u32,
    },
    /// Executors find no room.
    #[error("{executors} executors find no room: {lack} would let the next one in")]
    Resources {
        /// How many.
        executors: u32,
        /// What would let one in.
        lack: Lack,
    },
    /// Too many executors of a component would be on one node.
    #[error(
        "{found} executors of component {component} would be on one node, which may hold {most}"
    )]
    Crowded {
        /// Ordinal of the component.
        component: u32,
        /// How many would be on one node.
        found: u32,
        /// How many may be.
        most: u32,
    },
    /// Components that are to be apart would share a node.
    #[error("components {one} and {other} would share a node, which they may not")]
    Together {
        /// Ordinal of one of them.
        one: u32,
        /// Ordinal of the other.
        other: u32,
    },
}
