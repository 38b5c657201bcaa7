//! The books of a placement in the making: what each node has left, and what each topology has
//! where.

use std::collections::{BTreeMap, BTreeSet};

use crate::classes::{TopologySummaries, TopologySummary};
use crate::problem::{Placement, Problem, SlotId};
use crate::units::Load;

/// No memory limit.
const BOUNDLESS: i64 = i64::MAX / 4;

/// What a node has and what of it is used.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub open: bool,
    pub rack: u32,
    pub compute: i64,
    pub compute_used: i64,
    pub memory: i64,
    pub memory_used: i64,
    pub free_slots: u32,
    /// Topologies that have executors here.
    pub tenants: u32,
    /// The compute that may be used here.
    pub ceiling: i64,
    /// Whether some executors have to leave it.
    pub left: bool,
}

impl Room {
    pub fn load(&self) -> Load {
        Load::of(self.compute_used, self.compute)
    }

    /// The load with more, or less, demand.
    pub fn load_with(&self, compute: i64) -> Load {
        Load::of(self.compute_used + compute, self.compute)
    }

    pub fn compute_left(&self) -> i64 {
        self.ceiling - self.compute_used
    }

    pub fn memory_left(&self) -> i64 {
        self.memory - self.memory_used
    }
}

/// A worker: present, or to be started.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    /// The slot it has now.
    pub slot: Option<u32>,
    pub pinned: bool,
    pub heap_left: i64,
    /// Compute of its executors.
    pub compute: i64,
    /// Executors by class.
    pub counts: Vec<u32>,
    /// Those of them that run in it already and stay.
    pub staying: Vec<u32>,
}

impl Worker {
    /// Whether it has an executor of a class that does not run in it yet.
    fn may_lose(&self, class: usize) -> bool {
        self.counts[class] > self.staying.get(class).copied().unwrap_or(0)
    }

    /// The compute that it counts as, where a worker counts as so much at least.
    fn charge(&self, least: i64) -> i64 {
        match self.counts.iter().all(|count| *count == 0) {
            true => 0,
            false => self.compute.max(least),
        }
    }
}

/// What one topology has on one node.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub counts: Vec<u32>,
    pub workers: Vec<Worker>,
}

/// What a topology had on two nodes.
pub(crate) struct Saved {
    sites: [(u32, Option<Site>); 2],
    workers: u32,
    rooms: [Room; 2],
    rest: Vec<u32>,
    racks: Option<BTreeMap<(usize, usize, u32), u32>>,
}

/// A placement in the making.
#[derive(Clone)]
pub(crate) struct Draft<'a> {
    pub problem: &'a Problem,
    pub summaries: &'a TopologySummaries,
    pub rooms: Vec<Room>,
    pub sites: Vec<BTreeMap<u32, Site>>,
    /// Executors to be placed, by topology and class.
    pub rest: Vec<Vec<u32>>,
    /// How many workers each topology has.
    workers: Vec<u32>,
    /// Executors per rack, by topology, first of the classes that share limits, and rack; only where limits ask for it.
    racks: BTreeMap<(usize, usize, u32), u32>,
}

impl<'a> Draft<'a> {
    /// Begins with what runs and may go on running.
    pub fn new(
        problem: &'a Problem,
        summaries: &'a TopologySummaries,
        previous: &Placement,
    ) -> Self {
        let rooms = problem.nodes.iter().map(|node| Room {
            open: node.open,
            rack: node.rack,
            compute: node.compute.wide(),
            compute_used: node.base.wide(),
            memory: node.memory.map_or(BOUNDLESS, |memory| memory.wide()),
            memory_used: 0,
            free_slots: node.slots.saturating_sub(blocked(&node.blocked, node.slots)),
            tenants: 0,
            ceiling: i64::MAX / 4,
            left: false,
        });
        let mut draft = Self {
            problem,
            summaries,
            rooms: rooms.collect(),
            sites: vec![BTreeMap::new(); problem.topologies.len()],
            workers: vec![0; problem.topologies.len()],
            rest: summaries
                .summaries
                .iter()
                .map(|s| s.classes.iter().map(|k| k.executors).collect())
                .collect(),
            racks: BTreeMap::new(),
        };
        for node in
            summaries.summaries.iter().flat_map(|s| &s.classes).filter_map(|class| class.leaves)
        {
            if let Some(room) = draft.rooms.get_mut(node as usize) {
                room.left = true;
            }
        }
        for (topology, slots) in previous.0.iter().enumerate() {
            draft.settle(topology, slots);
        }
        draft
    }

    /// Enters the present workers of a topology.
    fn settle(&mut self, topology: usize, slots: &[Option<SlotId>]) {
        let executors = &self.problem.topologies[topology].executors;
        let mut workers: BTreeMap<SlotId, Vec<u32>> = BTreeMap::new();
        for (&component, slot) in executors.iter().zip(slots) {
            if let Some(slot) = slot.filter(|slot| stays(self.problem, *slot)) {
                let classes = self.summary(topology).classes.len();
                workers.entry(slot).or_insert_with(|| vec![0; classes])[component as usize] += 1;
            }
        }
        for (slot, counts) in workers {
            let summary = &self.summaries.summaries[topology];
            let pinned = summary
                .classes
                .iter()
                .zip(&counts)
                .any(|(class, &count)| count > 0 && class.pinned);
            let staying = counts.clone();
            let at = self.site(topology, slot.node).workers.len();
            self.site(topology, slot.node).workers.push(Worker {
                slot: Some(slot.slot),
                pinned,
                heap_left: summary.heap_limit,
                compute: 0,
                counts: vec![0; counts.len()],
                staying,
            });
            self.workers[topology] += 1;
            let room = &mut self.rooms[slot.node as usize];
            room.free_slots = room.free_slots.saturating_sub(1);
            for (class, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
                self.book(topology, slot.node, (class, at), i64::from(count));
                self.rest[topology][class] -= count;
            }
        }
    }

    pub fn summary(&self, topology: usize) -> &'a TopologySummary {
        &self.summaries.summaries[topology]
    }

    fn site(&mut self, topology: usize, node: u32) -> &mut Site {
        let classes = self.summary(topology).classes.len();
        let rooms = &mut self.rooms;
        self.sites[topology].entry(node).or_insert_with(|| {
            rooms[node as usize].tenants += 1;
            Site { counts: vec![0; classes], workers: Vec::new() }
        })
    }

    /// How many executors of a class a topology has on a node.
    pub fn count(&self, topology: usize, node: u32, class: usize) -> u32 {
        self.sites[topology].get(&node).map_or(0, |site| site.counts[class])
    }

    /// Whether memory and spread allow one more executor on a node; workers are not looked at.
    pub fn allows(&self, topology: usize, node: u32, class: usize) -> bool {
        let (room, demand) = (&self.rooms[node as usize], &self.summary(topology).classes[class]);
        room.open
            && room.memory_left() >= demand.memory
            && demand.leaves != Some(node)
            && self.node_allows(topology, node, class)
            && demand.anti_affinity.iter().all(|&other| self.count(topology, node, other) == 0)
            && self.rack_allows(topology, room.rack, class)
    }

    fn node_allows(&self, topology: usize, node: u32, class: usize) -> bool {
        let demand = &self.summary(topology).classes[class];
        let present =
            || demand.peers.iter().map(|&peer| self.count(topology, node, peer)).sum::<u32>();
        demand.most_per_node == u32::MAX || present() < demand.most_per_node
    }

    fn rack_allows(&self, topology: usize, rack: u32, class: usize) -> bool {
        let demand = &self.summary(topology).classes[class];
        let present = self.racks.get(&(topology, demand.peers[0], rack)).copied();
        demand.most_per_rack == u32::MAX || present.unwrap_or(0) < demand.most_per_rack
    }

    /// The worker that would take one more executor: one of its role with heap left, else a new one,
    /// else any with heap left.
    fn worker_for(&self, topology: usize, node: u32, class: usize) -> Option<Option<usize>> {
        let summary = self.summary(topology);
        let demand = &summary.classes[class];
        if demand.heap > summary.heap_limit {
            return None;
        }
        let free = self.rooms[node as usize].free_slots > 0 && self.may_start(topology);
        let Some(site) = self.sites[topology].get(&node) else {
            return free.then_some(None);
        };
        let takes = |worker: &Worker| worker.slot.is_none() && worker.heap_left >= demand.heap;
        let like = |worker: &Worker| takes(worker) && worker.pinned == demand.pinned;
        if let Some(found) = site.workers.iter().position(like) {
            return Some(Some(found));
        }
        if free {
            return Some(None);
        }
        let any = site.workers.iter().position(takes);
        // A present worker that gains an executor restarts: the last resort.
        let present = || site.workers.iter().position(|w| w.heap_left >= demand.heap);
        any.or_else(|| if summary.sealed { None } else { present() }).map(Some)
    }

    /// Whether a topology may have one more worker.
    pub fn may_start(&self, topology: usize) -> bool {
        self.workers[topology] < self.summary(topology).most_workers
    }

    /// How much more a node counts as using with one more executor in this worker, or in a new one.
    fn extra(&self, topology: usize, node: u32, class: usize, worker: Option<usize>) -> i64 {
        let summary = self.summary(topology);
        let compute = summary.classes[class].compute;
        match worker {
            None => compute.max(summary.worker_compute),
            Some(at) => {
                let worker = &self.sites[topology][&node].workers[at];
                let before = worker.charge(summary.worker_compute);
                (worker.compute + compute).max(summary.worker_compute) - before
            }
        }
    }

    /// Whether one more executor can be put on a node.
    pub fn fits(&self, topology: usize, node: u32, class: usize) -> bool {
        let found = self.worker_for(topology, node, class);
        self.allows(topology, node, class)
            && found.is_some_and(|at| {
                self.extra(topology, node, class, at) <= self.rooms[node as usize].compute_left()
            })
    }

    /// Puts one executor on a node if it fits there.
    pub fn add(&mut self, topology: usize, node: u32, class: usize) -> bool {
        if !self.allows(topology, node, class) {
            return false;
        }
        let Some(found) = self.worker_for(topology, node, class) else {
            return false;
        };
        if self.extra(topology, node, class, found) > self.rooms[node as usize].compute_left() {
            return false;
        }
        let summary = self.summary(topology);
        let at = found.unwrap_or_else(|| {
            self.rooms[node as usize].free_slots -= 1;
            self.workers[topology] += 1;
            let workers = &mut self.site(topology, node).workers;
            workers.push(Worker {
                slot: None,
                pinned: summary.classes[class].pinned,
                heap_left: summary.heap_limit,
                compute: 0,
                counts: vec![0; summary.classes.len()],
                staying: Vec::new(),
            });
            workers.len() - 1
        });
        self.book(topology, node, (class, at), 1);
        self.rest[topology][class] -= 1;
        true
    }

    /// Takes one executor that was put on a node off it: from a worker to be started if there is one, then
    /// from the smallest.
    pub fn remove(&mut self, topology: usize, node: u32, class: usize) {
        let site = &self.sites[topology][&node];
        let holders = site.workers.iter().enumerate().filter(|(_, worker)| worker.may_lose(class));
        let of = |(at, worker): &(usize, &Worker)| {
            (worker.slot.is_some(), worker.counts.iter().sum::<u32>(), std::cmp::Reverse(*at))
        };
        let (at, _) =
            holders.min_by_key(of).expect("what was put on a node is in one of its workers");
        self.book(topology, node, (class, at), -1);
        self.rest[topology][class] += 1;
        let site = self.sites[topology].get_mut(&node).expect("it had an executor");
        if site.workers[at].counts.iter().all(|count| *count == 0) {
            site.workers.remove(at);
            self.rooms[node as usize].free_slots += 1;
            self.workers[topology] -= 1;
        }
        if site.workers.is_empty() {
            self.sites[topology].remove(&node);
            self.rooms[node as usize].tenants -= 1;
        }
    }

    fn book(&mut self, topology: usize, node: u32, (class, worker): (usize, usize), by: i64) {
        let summary = self.summary(topology);
        let demand = &summary.classes[class];
        let change = |count: &mut u32| *count = (i64::from(*count) + by) as u32;
        let site = self.site(topology, node);
        change(&mut site.counts[class]);
        let worker = &mut site.workers[worker];
        let before = worker.charge(summary.worker_compute);
        change(&mut worker.counts[class]);
        worker.compute += by * demand.compute;
        let more = worker.charge(summary.worker_compute) - before;
        worker.heap_left -= by * demand.heap;
        let room = &mut self.rooms[node as usize];
        room.compute_used += more;
        room.memory_used += by * demand.memory;
        let rack = room.rack;
        if summary.racks_matter {
            change(self.racks.entry((topology, demand.peers[0], rack)).or_default());
        }
    }

    /// The weight of what one more executor of a class would exchange with those on a node.
    pub fn pull(&self, topology: usize, node: u32, class: usize) -> i64 {
        let site = self.sites[topology].get(&node);
        site.map_or(0, |site| self.pull_at(topology, site, class))
    }

    /// The same where what the topology has on the node is at hand.
    pub fn pull_at(&self, topology: usize, site: &Site, class: usize) -> i64 {
        let neighbours = &self.summary(topology).classes[class].neighbours;
        neighbours.iter().map(|&(other, weight)| weight * i64::from(site.counts[other])).sum()
    }

    /// The weight of what an executor on a node exchanges with the others there.
    pub fn hold(&self, topology: usize, node: u32, class: usize) -> i64 {
        self.pull(topology, node, class) - self.summary(topology).classes[class].joint(class)
    }

    /// The weight of what a topology's executors on a node exchange with each other.
    pub fn local_at(&self, topology: usize, node: u32) -> i64 {
        let Some(site) = self.sites[topology].get(&node) else {
            return 0;
        };
        let mut sum = 0;
        for (class, demand) in self.summary(topology).classes.iter().enumerate() {
            let count = i64::from(site.counts[class]);
            if count == 0 {
                continue;
            }
            for &(other, weight) in demand.neighbours.iter().filter(|(other, _)| *other >= class) {
                let pairs = match other == class {
                    true => count * (count - 1) / 2,
                    false => count * i64::from(site.counts[other]),
                };
                sum += weight * pairs;
            }
        }
        sum
    }

    /// The weight of what a topology's placed executors exchange within nodes.
    pub fn local(&self, topology: usize) -> i64 {
        self.sites[topology].keys().map(|&node| self.local_at(topology, node)).sum()
    }

    /// The weight of what crosses nodes.
    pub fn crossing(&self) -> i64 {
        (0..self.sites.len())
            .map(|topology| self.summary(topology).traffic - self.local(topology))
            .sum()
    }

    /// The weight of what one more executor of a class would exchange with all that are placed.
    pub fn pull_of_placed(&self, topology: usize, class: usize) -> i64 {
        let neighbours = &self.summary(topology).classes[class].neighbours;
        neighbours.iter().map(|&(other, weight)| weight * self.placed(topology, other)).sum()
    }

    fn placed(&self, topology: usize, class: usize) -> i64 {
        let executors = self.summary(topology).classes[class].executors;
        i64::from(executors - self.rest[topology][class])
    }

    /// The weight of what crosses nodes between executors that are placed.
    pub fn crossing_of_placed(&self) -> i64 {
        let all = |topology: usize| -> i64 {
            let classes = 0..self.summary(topology).classes.len();
            classes
                .map(|class| self.pull_of_placed(topology, class) * self.placed(topology, class))
                .sum::<i64>()
                - (0..self.summary(topology).classes.len())
                    .map(|class| {
                        self.summary(topology).classes[class].joint(class)
                            * self.placed(topology, class)
                    })
                    .sum::<i64>()
        };
        (0..self.sites.len()).map(|topology| all(topology) / 2 - self.local(topology)).sum()
    }

    /// The load of the worst open node that holds executors: nothing that is placed here changes what something
    /// unknown uses of the others.
    pub fn worst(&self) -> Load {
        let used = self.rooms.iter().filter(|room| room.open && room.tenants > 0);
        used.map(Room::load).max().unwrap_or_default()
    }

    /// The load up to which more demand fills the open nodes, the emptiest first: a level that no placement stays
    /// below.
    pub fn level_with(&self, demand: i64) -> Load {
        let open = self.rooms.iter().filter(|room| room.open && room.compute > 0);
        let mut rooms: Vec<(Load, &Room)> = open.map(|room| (room.load(), room)).collect();
        rooms.sort_unstable_by_key(|(load, _)| *load);
        let (mut used, mut compute, mut level) = (demand, 0, Load::ZERO);
        for (load, room) in rooms {
            if compute > 0 && load >= level {
                break;
            }
            used += room.compute_used;
            compute += room.compute;
            level = Load::of(used, compute);
        }
        level
    }

    /// What a topology has on some nodes, to be restored if a change turns out worse.
    pub fn save(&self, topology: usize, nodes: [u32; 2]) -> Saved {
        Saved {
            sites: nodes.map(|node| (node, self.sites[topology].get(&node).cloned())),
            workers: self.workers[topology],
            rooms: nodes.map(|node| self.rooms[node as usize].clone()),
            rest: self.rest[topology].clone(),
            racks: self.summary(topology).racks_matter.then(|| self.racks.clone()),
        }
    }

    /// Undoes what happened to a topology on these nodes since.
    pub fn restore(&mut self, topology: usize, saved: Saved) {
        for ((node, site), room) in saved.sites.into_iter().zip(saved.rooms) {
            match site {
                Some(site) => self.sites[topology].insert(node, site),
                None => self.sites[topology].remove(&node),
            };
            self.rooms[node as usize] = room;
        }
        self.rest[topology] = saved.rest;
        self.workers[topology] = saved.workers;
        if let Some(racks) = saved.racks {
            self.racks = racks;
        }
    }

    /// The compute and memory that may be used on a node.
    pub fn limits(&self, node: u32) -> (i64, i64) {
        let room = &self.rooms[node as usize];
        (room.ceiling, room.memory)
    }

    /// Sets the compute and memory that may be used on a node.
    pub fn set_limits(&mut self, node: u32, (ceiling, memory): (i64, i64)) {
        let room = &mut self.rooms[node as usize];
        (room.ceiling, room.memory) = (ceiling, memory);
    }

    /// Whether a node uses no more than these limits.
    pub fn keeps(&self, node: u32, (ceiling, memory): (i64, i64)) -> bool {
        let room = &self.rooms[node as usize];
        room.compute_used <= ceiling && room.memory_used <= memory
    }

    /// Whether a node has an executor of a class in a worker that is not running yet.
    pub fn movable(&self, topology: usize, node: u32, class: usize) -> bool {
        let site = self.sites[topology].get(&node);
        site.is_some_and(|site| {
            site.workers.iter().any(|w| w.slot.is_none() && w.counts[class] > 0)
        })
    }

    /// Whether nothing distinguishes two nodes: nobody has anything on them, and they offer the same.
    pub fn alike(&self, one: u32, other: u32) -> bool {
        let (one, other) = (&self.rooms[one as usize], &self.rooms[other as usize]);
        let of = |room: &Room| {
            (
                room.compute,
                room.compute_used,
                room.memory,
                room.memory_used,
                room.free_slots,
                room.rack,
            )
        };
        let plain = |room: &Room| room.tenants == 0 && !room.left;
        plain(one) && plain(other) && of(one) == of(other)
    }

    /// Lets every open node be loaded as far as memory goes.
    pub fn lift_ceilings(&mut self) {
        for room in &mut self.rooms {
            room.ceiling = i64::MAX / 4;
        }
    }

    /// Lets every open node be loaded up to `load`; one that is above it keeps what it has.
    pub fn raise_ceilings(&mut self, load: Load) {
        for room in &mut self.rooms {
            room.ceiling = load.share(room.compute).max(room.compute_used);
        }
    }

    /// How many executors of these topologies have no place.
    pub fn missing_of(&self, topologies: &[usize]) -> u32 {
        topologies.iter().map(|&topology| self.missing(topology)).sum()
    }

    /// How many executors have no place.
    pub fn missing(&self, topology: usize) -> u32 {
        self.rest[topology].iter().sum()
    }
}

/// Whether something that runs in a slot may go on running there.
fn stays(problem: &Problem, slot: SlotId) -> bool {
    let node = problem.nodes.get(slot.node as usize);
    node.is_some_and(|node| slot.slot < node.slots && !node.blocked.contains(&slot.slot))
}

fn blocked(slots: &[u32], offered: u32) -> u32 {
    let distinct: BTreeSet<&u32> = slots.iter().filter(|slot| **slot < offered).collect();
    distinct.len() as u32
}
