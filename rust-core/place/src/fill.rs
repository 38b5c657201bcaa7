//! The constructive phase: topologies one after the other, the largest first, each onto as few nodes
//! as it needs, and on each node components that exchange tuples together.

use std::cmp::Reverse;

use crate::classes::TopologySummary;
use crate::draft::{Draft, Room};

/// Fixed-point one for shares of a node.
const ONE: i64 = 1 << 20;
/// Nodes tried for a topology that seems to fit on one, before it is spread.
const TRIES: usize = 4;

/// Places what is to be placed of these topologies, in this order, as far as it fits under the
/// ceilings.
pub(crate) fn fill(draft: &mut Draft<'_>, order: &[usize]) {
    for &topology in order {
        topology_onto_nodes(draft, topology);
    }
}

/// The order to begin with: topologies that fit on one node first, the largest of them first, so that
/// they stay whole; then the others, the smallest first, as those lose most by every cut.
pub(crate) fn first_order(draft: &Draft<'_>, topologies: &[usize]) -> Vec<usize> {
    let mut order: Vec<(i64, Reverse<i64>, usize)> = topologies
        .iter()
        .map(|&topology| {
            let bulk = bulk(draft, topology);
            (bulk.max(ONE), Reverse(bulk), topology)
        })
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, _, topology)| topology).collect()
}

/// How many mean nodes the rest of a topology needs.
fn bulk(draft: &Draft<'_>, topology: usize) -> i64 {
    let open = draft.rooms.iter().filter(|room| room.open);
    let (compute, memory, nodes) = open.fold((0i64, 0i64, 0), |(compute, memory, nodes), room| {
        (
            compute.saturating_add(room.compute.min(room.ceiling)),
            memory.saturating_add(room.memory),
            nodes + 1,
        )
    });
    let need = Need::of_rest(draft, topology);
    need.share_of(compute / nodes.max(1), memory / nodes.max(1))
}

/// Compute and memory together.
#[derive(Clone, Copy, Default)]
struct Need {
    compute: i64,
    memory: i64,
}

impl Need {
    fn of_rest(draft: &Draft<'_>, topology: usize) -> Self {
        Self::of(draft.summary(topology), &draft.rest[topology], |_| true)
    }

    fn of(summary: &TopologySummary, counts: &[u32], within: impl Fn(usize) -> bool) -> Self {
        let mut need = Self::default();
        for (class, demand) in
            summary.classes.iter().enumerate().filter(|(class, _)| within(*class))
        {
            need.compute += demand.compute * i64::from(counts[class]);
            need.memory += demand.memory * i64::from(counts[class]);
        }
        need
    }

    /// What is left and what is needed of the scarcer of compute and memory.
    fn scarcer(self, compute: i64, memory: i64) -> (i64, i64) {
        let (compute, memory) = (compute.max(0), memory.max(0));
        let by_compute = i128::from(compute) * i128::from(self.memory.max(1))
            <= i128::from(memory) * i128::from(self.compute.max(1));
        if by_compute && self.compute > 0 || self.memory == 0 {
            (compute, self.compute.max(1))
        } else {
            (memory, self.memory)
        }
    }

    /// Whether a node has that much left.
    fn fits(self, room: &Room) -> bool {
        self.compute <= room.compute_left() && self.memory <= room.memory_left()
    }

    /// The larger of both shares, of what there is of compute and memory.
    fn share_of(self, compute: i64, memory: i64) -> i64 {
        share(self.compute, compute).max(share(self.memory, memory))
    }
}

/// `part` of `whole`, where `ONE` is all of it; no demand is no share of nothing.
fn share(part: i64, whole: i64) -> i64 {
    match whole {
        _ if part <= 0 => 0,
        ..=0 => i64::MAX,
        // Wide divisions are slow, and this is asked for every node.
        _ => match part.checked_mul(ONE) {
            Some(scaled) => scaled / whole,
            None => i64::try_from(i128::from(part) * i128::from(ONE) / i128::from(whole))
                .unwrap_or(i64::MAX),
        },
    }
}

fn topology_onto_nodes(draft: &mut Draft<'_>, topology: usize) {
    if !draft.sites[topology].is_empty() {
        join_neighbours(draft, topology);
    }
    let mut closed = vec![false; draft.rooms.len()];
    // Nodes only become fuller here. Of a topology that takes many, all but the last few need not be asked all nodes for.
    let most = Most::of(draft);
    while draft.missing(topology) > 0 {
        if most.may_hold(Need::of_rest(draft, topology)) && onto_one_node(draft, topology) {
            return;
        }
        let Some(node) = roomiest(draft, topology, &closed) else {
            return;
        };
        fill_node(draft, topology, node);
        closed[node as usize] = true;
    }
}

/// Puts each missing executor to the neighbours it exchanges most with, where there is room.
fn join_neighbours(draft: &mut Draft<'_>, topology: usize) {
    let nodes: Vec<u32> = draft.sites[topology].keys().copied().collect();
    for class in 0..draft.summary(topology).classes.len() {
        while draft.rest[topology][class] > 0 {
            let pulling = nodes.iter().copied().filter(|&node| draft.fits(topology, node, class));
            let best = pulling.map(|node| (draft.pull(topology, node, class), Reverse(node))).max();
            let Some((1.., Reverse(node))) = best else {
                break;
            };
            while draft.rest[topology][class] > 0 && draft.add(topology, node, class) {}
        }
    }
}

/// The fraction of the rest's need that a node could take.
fn holds(draft: &Draft<'_>, need: Need, node: usize) -> i64 {
    let room = &draft.rooms[node];
    let of = |left: i64, need: i64| if need == 0 { i64::MAX } else { share(left, need) };
    of(room.compute_left(), need.compute).min(of(room.memory_left(), need.memory))
}

/// No node has more left.
struct Most {
    compute: i64,
    memory: i64,
}

impl Most {
    fn of(draft: &Draft<'_>) -> Self {
        let rooms = || draft.rooms.iter().filter(|room| room.open && room.free_slots > 0);
        Self {
            compute: rooms().map(Room::compute_left).max().unwrap_or(i64::MIN),
            memory: rooms().map(Room::memory_left).max().unwrap_or(i64::MIN),
        }
    }

    fn may_hold(&self, need: Need) -> bool {
        need.compute <= self.compute && need.memory <= self.memory
    }
}

/// Puts the whole rest on one node, the fullest that can hold it.
fn onto_one_node(draft: &mut Draft<'_>, topology: usize) -> bool {
    #[cfg(test)]
    tests::SCANS.set(tests::SCANS.get() + 1);
    let need = Need::of_rest(draft, topology);
    let usable = |node: &usize| draft.rooms[*node].open && draft.rooms[*node].free_slots > 0;
    let mut fitting: Vec<(bool, i64, usize)> = (0..draft.rooms.len())
        .filter(usable)
        .filter(|&node| need.fits(&draft.rooms[node]))
        .map(|node| (draft.rooms[node].tenants == 0, holds(draft, need, node), node))
        .collect();
    fitting.sort_unstable();
    let classes: Vec<usize> = by_size(draft, topology);
    for (_, _, node) in fitting.into_iter().take(TRIES) {
        let before = draft.rest[topology].clone();
        for &class in &classes {
            while draft.rest[topology][class] > 0 && draft.add(topology, node as u32, class) {}
        }
        if draft.missing(topology) == 0 {
            return true;
        }
        take_back(draft, topology, node as u32, &before);
    }
    false
}

/// Undoes what was added to a node since the rest was `before`.
fn take_back(draft: &mut Draft<'_>, topology: usize, node: u32, before: &[u32]) {
    for (class, &rest) in before.iter().enumerate() {
        while draft.rest[topology][class] < rest {
            draft.remove(topology, node, class);
        }
    }
}

/// Kinds by the heap they need, the largest first: what is hardest to pack.
fn by_size(draft: &Draft<'_>, topology: usize) -> Vec<usize> {
    let classes = &draft.summary(topology).classes;
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by_key(|&class| (Reverse((classes[class].heap, classes[class].compute)), class));
    order
}

/// The node that could take the largest part of the rest; of several, one the topology is on, then the first.
fn roomiest(draft: &Draft<'_>, topology: usize, closed: &[bool]) -> Option<u32> {
    let need = Need::of_rest(draft, topology);
    let usable = |node: &usize| draft.rooms[*node].open && !closed[*node];
    let offer = |node: usize, known: bool| (holds(draft, need, node), known, Reverse(node));
    // Most nodes of a large cluster offer no more than the best one before them.
    let may_beat = |node: usize, best: usize| {
        let (room, best) = (&draft.rooms[node], &draft.rooms[best]);
        room.compute_left() > best.compute_left() || room.memory_left() > best.memory_left()
    };
    let mut best: Option<(i64, bool, Reverse<usize>)> = None;
    for node in (0..draft.rooms.len()).filter(usable) {
        if best.is_none_or(|(.., best)| may_beat(node, best.0)) {
            best = best.max(Some(offer(node, false)));
        }
    }
    let known = draft.sites[topology].keys().map(|&node| node as usize).filter(usable);
    let known = known.map(|node| offer(node, true));
    best.into_iter().chain(known).max().map(|(.., node)| node.0 as u32)
}

/// Fills one node with executors of a topology: components that exchange much for their size in
/// equal proportions, then whatever exchanges most with what is there.
fn fill_node(draft: &mut Draft<'_>, topology: usize, node: u32) {
    loop {
        let before = draft.missing(topology);
        let dense = densest(draft, topology, node);
        add_in_proportion(draft, topology, node, &dense);
        if draft.missing(topology) == before {
            add_seed(draft, topology, node);
        }
        add_pulled(draft, topology, node);
        if draft.missing(topology) == before || draft.missing(topology) == 0 {
            return;
        }
    }
}

/// What one executor of each class takes of what a node has left.
fn sizes(draft: &Draft<'_>, topology: usize, node: u32) -> Vec<i64> {
    let room = &draft.rooms[node as usize];
    let (compute, memory) = (room.compute_left(), room.memory_left());
    let size = |class: &crate::classes::ExecutorClass| {
        share(class.compute, compute).saturating_add(share(class.memory, memory)).clamp(1, 1 << 40)
    };
    draft.summary(topology).classes.iter().map(size).collect()
}

/// The components whose remaining executors exchange most for the room they take: the densest
/// subgraph, found by peeling off the component that adds least.
///
/// A node filled with a set of components in equal proportions keeps the square of its part of their
/// traffic local, so over all nodes that takes weight over size of the set.
fn densest(draft: &Draft<'_>, topology: usize, node: u32) -> Vec<usize> {
    let (summary, rest) = (draft.summary(topology), &draft.rest[topology]);
    let size = sizes(draft, topology, node);
    let mut members: Vec<usize> = (0..rest.len()).filter(|&class| rest[class] > 0).collect();
    let extent = |class: usize| i128::from(size[class]) * i128::from(rest[class]);
    let mut incident: Vec<i128> = (0..rest.len())
        .map(|class| {
            let weights = summary.classes[class].neighbours.iter();
            weights
                .map(|&(other, w)| {
                    i128::from(w) * i128::from(rest[class]) * i128::from(rest[other])
                })
                .sum()
        })
        .collect();
    let mut weight: i128 = members.iter().map(|&class| incident[class]).sum::<i128>() / 2;
    let mut total: i128 = members.iter().map(|&class| extent(class)).sum();
    let (mut best, mut best_density) = (members.clone(), (weight, total.max(1)));
    while members.len() > 1 {
        let least = |&(_, a): &(usize, &usize), &(_, b): &(usize, &usize)| {
            // a/x < b/y without division
            (incident[*a] >> 20)
                .saturating_mul(extent(*b))
                .cmp(&(incident[*b] >> 20).saturating_mul(extent(*a)))
        };
        let (at, _) = members.iter().enumerate().min_by(least).expect("there are members");
        let class = members.remove(at);
        weight -= incident[class];
        total -= extent(class);
        for &(other, w) in &summary.classes[class].neighbours {
            incident[other] -= i128::from(w) * i128::from(rest[class]) * i128::from(rest[other]);
        }
        let denser = (weight >> 20) * best_density.1 > (best_density.0 >> 20) * total.max(1);
        if denser {
            (best, best_density) = (members.clone(), (weight, total.max(1)));
        }
    }
    best
}

/// Adds as much of a set of components as the node holds, each in proportion to what is left of it.
fn add_in_proportion(draft: &mut Draft<'_>, topology: usize, node: u32, set: &[usize]) {
    let need =
        Need::of(draft.summary(topology), &draft.rest[topology], |class| set.contains(&class));
    let room = &draft.rooms[node as usize];
    let (left, all) = need.scarcer(room.compute_left(), room.memory_left());
    let desired: Vec<(usize, i64)> = by_size(draft, topology)
        .into_iter()
        .filter(|class| set.contains(class))
        .map(|class| (class, i64::from(draft.rest[topology][class])))
        .map(|(class, rest)| {
            (class, rest.min((i128::from(rest) * i128::from(left) / i128::from(all)) as i64))
        })
        .collect();
    for (class, count) in desired {
        for _ in 0..count {
            if !draft.add(topology, node, class) {
                break;
            }
        }
    }
}

/// Adds one executor where no proportion is a whole one: of the pair that exchanges most for its
/// size, else the largest that fits.
fn add_seed(draft: &mut Draft<'_>, topology: usize, node: u32) {
    let size = sizes(draft, topology, node);
    let (summary, rest) = (draft.summary(topology), draft.rest[topology].clone());
    let here = |class: &usize| rest[*class] > 0 && draft.fits(topology, node, *class);
    let fitting: Vec<usize> = (0..rest.len()).filter(here).collect();
    let rate = |class: usize| {
        let mates = summary.classes[class].neighbours.iter().filter(|(other, _)| rest[*other] > 0);
        mates.map(|&(other, w)| (w >> 10) / (size[class] + size[other]).max(1)).max().unwrap_or(0)
    };
    let best = fitting.into_iter().max_by_key(|&class| (rate(class), size[class], Reverse(class)));
    if let Some(class) = best {
        draft.add(topology, node, class);
    }
}

/// Adds what exchanges most, for its size, with what is on the node already.
fn add_pulled(draft: &mut Draft<'_>, topology: usize, node: u32) {
    let size = sizes(draft, topology, node);
    let classes = draft.summary(topology).classes.len();
    loop {
        let left = (0..classes).filter(|&class| draft.rest[topology][class] > 0);
        let rate = |class: usize| (draft.pull(topology, node, class) / size[class], Reverse(class));
        let mut rates: Vec<_> = left.map(rate).filter(|(rate, _)| *rate > 0).collect();
        rates.sort_unstable();
        let added = rates.into_iter().rev().find(|(_, class)| draft.add(topology, node, class.0));
        if added.is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::classes::TopologySummaries;
    use crate::problem::{Component, Node, Placement, Problem, Topology};
    use crate::units::{Load, MilliPoints};

    thread_local! {
        /// How often all nodes were asked whether they can hold a whole rest.
        pub(super) static SCANS: Cell<u32> = const { Cell::new(0) };
    }

    /// Scans while one topology is spread over this many nodes, two executors to each.
    fn scans(nodes: u32) -> u32 {
        let node =
            Node { compute: MilliPoints::new(2_000), slots: 4, open: true, ..Node::default() };
        let component = Component { compute: MilliPoints::new(1_000), ..Component::default() };
        let topology = Topology {
            components: vec![component],
            executors: vec![0; 2 * nodes as usize],
            ..Topology::default()
        };
        let problem = Problem { nodes: vec![node; nodes as usize], topologies: vec![topology] };
        let summaries = TopologySummaries::of(&problem);
        let nowhere = Placement(vec![vec![None; 2 * nodes as usize]]);
        let mut draft = Draft::new(&problem, &summaries, &nowhere);
        draft.raise_ceilings(Load::from_millionths(1_000_000));
        SCANS.set(0);
        fill(&mut draft, &[0]);
        assert_eq!(draft.missing(0), 0, "there is room for all");
        SCANS.get()
    }

    #[test]
    fn nodes_are_asked_for_a_whole_topology_only_while_one_might_hold_it() {
        assert_eq!((scans(10), scans(1_000)), (1, 1));
    }
}
