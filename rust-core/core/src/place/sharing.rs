//! Placement where a slot holds one executor of each component, and a change restarts all of them.
//!
//! **Decides** a slot for each executor so that no slot holds two of one component, in no more slots
//! than the component with most executors of each group needs. **Wanted**, in this order: everything is placed;
//! the worst node's load is small; what nearly is as good already stays as it is.
//!
//! The unit is a *row*: what shares one slot, at first the executors of the same rank of each
//! component, as such engines pair them themselves. Rows go to nodes by longest processing time
//! first; then single executors move from the worst node into rows elsewhere that lack their component.
//! Components of different groups share no slot, so each group has rows of its own.
//!
//! Where not all may stay, rows stay on the nodes where most of what they hold runs now, as long as the
//! worst load is near that of a fresh start: a process that had nothing of a component loads its code
//! anew before it gives out anything.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{PlaceNode, Problem, Shortage};
use super::quality::{LOYALTY_PERCENT, worst_load};
use crate::model::SlotRef;

/// Moves tried; each lowers the worst node, so few are ever needed.
const MOST_MOVES: usize = 1024;

/// Gives each executor of the problem a slot.
///
/// # Errors
/// When the usable nodes have fewer free slots than a component has executors.
pub(super) fn share(problem: &Problem) -> Result<Vec<SlotRef>, Shortage> {
    let (first_rows, rows) = rows_of_groups(problem);
    let ports = free_ports(problem);
    let room: usize = ports.iter().map(Vec::len).sum();
    if rows > room {
        let needed = u32::try_from(rows - room).unwrap_or(u32::MAX);
        return Err(Shortage::Slots { needed, usable_nodes: problem.usable_nodes() });
    }
    let rows = Rows::by_rank(problem, &first_rows, rows);
    let mut fresh = RowPlacement::of(problem, &rows, &ports, None);
    fresh.improve();
    let enough = fresh.worst() * LOYALTY_PERCENT / 100;
    if let Some(present) = present(problem, rows.len(), &ports)
        && worst_load(problem, &present) <= enough
    {
        return Ok(present);
    }
    let loyal = RowPlacement::of(problem, &rows, &ports, Some(enough));
    let chosen = if loyal.worst() <= enough { loyal } else { fresh };
    Ok(chosen.slots(&ports))
}

/// The first row of each group, and how many rows there are: of each group as many as its component with most executors
/// has.
fn rows_of_groups(problem: &Problem) -> (BTreeMap<u32, usize>, usize) {
    let mut counts: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for executor in &problem.executors {
        *counts.entry((executor.group, executor.component)).or_default() += 1;
    }
    let mut most: BTreeMap<u32, usize> = BTreeMap::new();
    for ((group, _), count) in counts {
        let most = most.entry(group).or_default();
        *most = count.max(*most);
    }
    let mut rows = 0;
    for first in most.values_mut() {
        rows += std::mem::replace(first, rows);
    }
    (most, rows)
}

/// The ports of each usable node that no other topology holds.
fn free_ports(problem: &Problem) -> Vec<Vec<u32>> {
    let free = |node: &PlaceNode| {
        let open = node.slots.iter().filter(|slot| node.usable && !slot.taken);
        open.map(|slot| slot.port).collect()
    };
    problem.nodes.iter().map(free).collect()
}

/// The placement that holds now, if all of it may stay.
fn present(problem: &Problem, rows: usize, ports: &[Vec<u32>]) -> Option<Vec<SlotRef>> {
    let mut held: BTreeSet<(SlotRef, u32)> = BTreeSet::new();
    let mut slots: BTreeMap<SlotRef, u32> = BTreeMap::new();
    let mut placement = Vec::with_capacity(problem.executors.len());
    for executor in &problem.executors {
        let slot = executor.current?;
        let open = ports.get(slot.node as usize)?.contains(&slot.port);
        if !open || !held.insert((slot, executor.component)) {
            return None;
        }
        if *slots.entry(slot).or_insert(executor.group) != executor.group {
            return None;
        }
        placement.push(slot);
    }
    (slots.len() <= rows).then_some(placement)
}

/// What shares a slot, before anything moves.
struct Rows {
    /// The row of each executor.
    row_of: Vec<usize>,
    /// The demand of each row.
    weights: Vec<u64>,
    /// The node where most executors of each row run now.
    homes: Vec<Option<usize>>,
}

impl Rows {
    /// Executors of the same rank of each component of a group.
    fn by_rank(problem: &Problem, first_rows: &BTreeMap<u32, usize>, rows: usize) -> Self {
        let mut ranks: BTreeMap<u32, usize> = BTreeMap::new();
        let mut weights = vec![0u64; rows];
        let mut seen: Vec<BTreeMap<usize, usize>> = vec![BTreeMap::new(); rows];
        let mut row_of = Vec::with_capacity(problem.executors.len());
        for executor in &problem.executors {
            let rank = ranks.entry(executor.component).or_default();
            let row = first_rows[&executor.group] + *rank;
            row_of.push(row);
            weights[row] += executor.demand;
            if let Some(node) = executor.current.map(|slot| slot.node).or(executor.near) {
                *seen[row].entry(node as usize).or_default() += 1;
            }
            *rank += 1;
        }
        let most = |seen: &BTreeMap<usize, usize>| {
            let most = seen.iter().max_by_key(|&(node, count)| (*count, std::cmp::Reverse(*node)));
            most.map(|(node, _)| *node)
        };
        let homes = seen.iter().map(most).collect();
        Self { row_of, weights, homes }
    }

    fn len(&self) -> usize {
        self.weights.len()
    }
}

/// Rows on nodes.
struct RowPlacement<'a> {
    problem: &'a Problem,
    /// The row of each executor.
    row_of: Vec<usize>,
    /// The node of each row.
    node_of: Vec<usize>,
    demand: Vec<u64>,
    /// Which components each row has.
    components: BTreeSet<(usize, u32)>,
    /// The group of each row.
    group_of: Vec<u32>,
}

impl<'a> RowPlacement<'a> {
    /// The heaviest row first, each on its home as long as the load there is within the bound, if one is given, else
    /// where the load is least.
    fn of(problem: &'a Problem, rows: &Rows, ports: &[Vec<u32>], bound: Option<u64>) -> Self {
        let executors = rows.row_of.iter().zip(&problem.executors);
        let mut candidate = Self {
            problem,
            row_of: rows.row_of.clone(),
            node_of: vec![0; rows.len()],
            demand: problem.nodes.iter().map(|node| node.base_load).collect(),
            components: executors.clone().map(|(&row, found)| (row, found.component)).collect(),
            group_of: vec![0; rows.len()],
        };
        for (&row, executor) in executors {
            candidate.group_of[row] = executor.group;
        }
        let mut left: Vec<usize> = ports.iter().map(Vec::len).collect();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|&row| (std::cmp::Reverse(rows.weights[row]), row));
        for row in order {
            let weight = rows.weights[row];
            let stays = |&home: &usize| {
                left[home] > 0 && bound.is_some_and(|bound| candidate.load(home, weight) <= bound)
            };
            let home = rows.homes[row].filter(stays);
            let node = home.unwrap_or_else(|| {
                let open = (0..left.len()).filter(|&node| left[node] > 0);
                let best = open.min_by_key(|&node| {
                    (candidate.load(node, weight), std::cmp::Reverse(left[node]), node)
                });
                best.expect("there is room for every row")
            });
            left[node] -= 1;
            candidate.node_of[row] = node;
            candidate.demand[node] += weight;
        }
        candidate
    }

    fn load(&self, node: usize, more: u64) -> u64 {
        self.problem.nodes[node].load(self.demand[node] + more)
    }

    /// The nodes that hold executors: what others ask of other nodes is not theirs.
    fn used(&self) -> BTreeSet<usize> {
        self.row_of.iter().map(|&row| self.node_of[row]).collect()
    }

    fn worst(&self) -> u64 {
        self.used().into_iter().map(|node| self.load(node, 0)).max().unwrap_or(0)
    }

    /// Moves single executors off the worst node as long as that lowers it.
    fn improve(&mut self) {
        for _ in 0..MOST_MOVES {
            let Some((executor, row)) = self.best_move() else { return };
            let component = self.problem.executors[executor].component;
            let demand = self.problem.executors[executor].demand;
            self.demand[self.node_of[self.row_of[executor]]] -= demand;
            self.demand[self.node_of[row]] += demand;
            self.components.remove(&(self.row_of[executor], component));
            self.components.insert((row, component));
            self.row_of[executor] = row;
        }
    }

    /// The move that leaves the two nodes it touches best, if that is better than the worst now.
    fn best_move(&self) -> Option<(usize, usize)> {
        let used = self.used().into_iter();
        let worst = used.max_by_key(|&n| (self.load(n, 0), std::cmp::Reverse(n)))?;
        let limit = self.load(worst, 0);
        let mut best: Option<(u64, usize, usize)> = None;
        for (executor, place) in self.problem.executors.iter().enumerate() {
            if self.node_of[self.row_of[executor]] != worst || place.demand == 0 {
                continue;
            }
            let left = self.problem.nodes[worst].load(self.demand[worst] - place.demand);
            for (row, &node) in self.node_of.iter().enumerate() {
                let shares = self.group_of[row] == place.group;
                if node == worst || !shares || self.components.contains(&(row, place.component)) {
                    continue;
                }
                let load = left.max(self.load(node, place.demand));
                if load < limit && best.is_none_or(|(least, _, _)| load < least) {
                    best = Some((load, executor, row));
                }
            }
        }
        best.map(|(_, executor, row)| (executor, row))
    }

    /// A port for each row: one that most of its executors have now, else the first that is free.
    fn slots(&self, ports: &[Vec<u32>]) -> Vec<SlotRef> {
        let mut desired: Vec<BTreeMap<u32, usize>> = vec![BTreeMap::new(); self.node_of.len()];
        for (executor, &row) in self.problem.executors.iter().zip(&self.row_of) {
            let here = |slot: &SlotRef| slot.node as usize == self.node_of[row];
            if let Some(slot) = executor.current.filter(here) {
                *desired[row].entry(slot.port).or_default() += 1;
            }
        }
        let mut free: Vec<BTreeSet<u32>> =
            ports.iter().map(|ports| ports.iter().copied().collect()).collect();
        let mut port_of: Vec<Option<u32>> = vec![None; self.node_of.len()];
        for (row, desired) in desired.iter().enumerate() {
            let open = &mut free[self.node_of[row]];
            let most = desired.iter().filter(|(port, _)| open.contains(port));
            let most = most.max_by_key(|&(port, count)| (*count, std::cmp::Reverse(*port)));
            port_of[row] = most.map(|(port, _)| *port).filter(|port| open.remove(port));
        }
        for (row, port) in port_of.iter_mut().enumerate() {
            port.get_or_insert_with(|| {
                free[self.node_of[row]].pop_first().expect("a node gets no more rows than ports")
            });
        }
        let slot = |&row: &usize| SlotRef {
            node: u32::try_from(self.node_of[row]).expect("nodes are counted in 32 bits"),
            port: port_of[row].expect("every row has a port"),
        };
        self.row_of.iter().map(slot).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{PlaceExecutor, PlaceNode, PlaceSlot, loads};
    use super::*;

    fn node(power_milli: u32, slots: u32) -> PlaceNode {
        let slots = (0..slots).map(|port| PlaceSlot { port, taken: false }).collect();
        PlaceNode { power_milli, usable: true, slots, ..PlaceNode::default() }
    }

    fn executor(component: u32, demand: u64) -> PlaceExecutor {
        PlaceExecutor { component, demand, ..PlaceExecutor::default() }
    }

    /// A light source, four heavy workers, two counters.
    fn words(nodes: Vec<PlaceNode>) -> Problem {
        let mut executors = vec![executor(0, 50_000)];
        executors.extend((0..4).map(|_| executor(1, 800_000)));
        executors.extend((0..2).map(|_| executor(2, 100_000)));
        Problem { nodes, executors, ..Problem::default() }
    }

    fn check(problem: &Problem, placement: &[SlotRef]) {
        let mut held = BTreeSet::new();
        for (executor, slot) in problem.executors.iter().zip(placement) {
            assert!(held.insert((*slot, executor.component)), "{slot:?} holds two of a component");
            let node = &problem.nodes[slot.node as usize];
            assert!(node.usable && node.slots.iter().any(|s| s.port == slot.port && !s.taken));
        }
        let pairs = problem.executors.iter().zip(placement);
        let slots: BTreeSet<(&SlotRef, u32)> = pairs.map(|(e, slot)| (slot, e.group)).collect();
        assert!(slots.len() <= rows_of_groups(problem).1);
    }

    #[test]
    fn equal_nodes_get_equal_parts_in_as_few_slots_as_possible() {
        let problem = words(vec![node(1000, 4), node(1000, 4)]);
        let placement = share(&problem).unwrap();
        check(&problem, &placement);
        // 1.65 of the heavy on each, the counters apart, the source anywhere: 1.70 and 1.75.
        assert_eq!(loads(&problem, &placement).into_iter().max(), Some(1_750_000));
    }

    #[test]
    fn a_faster_node_gets_more_but_never_two_of_a_component_in_one_slot() {
        let problem = words(vec![node(1000, 4), node(333, 4)]);
        let placement = share(&problem).unwrap();
        check(&problem, &placement);
        let fast = problem.executors.iter().zip(&placement);
        let heavy = fast.filter(|(e, slot)| e.component == 1 && slot.node == 0).count();
        assert_eq!(heavy, 3);
    }

    #[test]
    fn what_was_placed_stays() {
        let mut problem = words(vec![node(1000, 3), node(700, 2)]);
        let placement = share(&problem).unwrap();
        for (executor, slot) in problem.executors.iter_mut().zip(&placement) {
            executor.current = Some(*slot);
        }
        assert_eq!(share(&problem).unwrap(), placement);
    }

    /// A source and a counter beside the first of some workers, all of them on the second node.
    fn grown(workers: usize, demand: u64, nodes: Vec<PlaceNode>) -> Problem {
        let mut executors = vec![executor(0, 50_000), executor(2, 50_000)];
        for executor in &mut executors {
            executor.current = Some(SlotRef { node: 1, port: 0 });
        }
        let worker = PlaceExecutor { near: Some(1), ..executor(1, demand) };
        executors.extend(vec![worker; workers]);
        Problem { nodes, executors, ..Problem::default() }
    }

    #[test]
    fn more_of_a_component_do_not_move_what_shares_its_slots() {
        let problem = grown(4, 800_000, vec![node(1000, 4), node(1000, 4)]);
        let placement = share(&problem).unwrap();
        check(&problem, &placement);
        let on_second = placement.iter().map(|slot| slot.node == 1).collect::<Vec<bool>>();
        assert_eq!(on_second, [true, true, true, true, false, false]);
    }

    #[test]
    fn a_node_with_room_for_all_is_not_left() {
        let problem = grown(1, 800_000, vec![node(1000, 4), node(1000, 4)]);
        let placement = share(&problem).unwrap();
        assert!(placement.iter().all(|slot| slot.node == 1), "{placement:?}");
    }

    #[test]
    fn a_far_slower_node_is_left_all_the_same() {
        let problem = grown(1, 800_000, vec![node(1000, 4), node(200, 4)]);
        let placement = share(&problem).unwrap();
        assert!(placement.iter().all(|slot| slot.node == 0), "{placement:?}");
    }

    #[test]
    fn a_node_that_may_not_be_used_is_left() {
        let mut problem = words(vec![node(1000, 4), node(1000, 4)]);
        problem.nodes[0].usable = false;
        let placement = share(&problem).unwrap();
        check(&problem, &placement);
        assert!(placement.iter().all(|slot| slot.node == 1));
    }

    /// A source and a heavy splitter that share slots, and two counters with slots of their own.
    fn with_own_slots() -> Problem {
        let mut problem = words(vec![node(1000, 2), node(1000, 2)]);
        problem.executors = vec![executor(0, 400_000), executor(1, 800_000)];
        let counter = PlaceExecutor { group: 3, ..executor(2, 50_000) };
        problem.executors.extend([counter; 2]);
        problem
    }

    #[test]
    fn who_has_slots_of_its_own_takes_none_of_others_and_lends_them_none() {
        let mut problem = with_own_slots();
        let placement = share(&problem).unwrap();
        check(&problem, &placement);
        // To part source and splitter would be even, and take a fourth slot.
        assert_eq!(placement[0], placement[1]);
        assert_eq!(placement.iter().collect::<BTreeSet<_>>().len(), 3);
        for (executor, slot) in problem.executors.iter_mut().zip(&placement) {
            executor.current = Some(*slot);
        }
        assert_eq!(share(&problem).unwrap(), placement, "what runs so stays");
        problem.nodes.truncate(1);
        assert_eq!(share(&problem), Err(Shortage::Slots { needed: 1, usable_nodes: 1 }));
    }

    #[test]
    fn too_few_slots_are_a_shortage_with_its_size() {
        let problem = words(vec![node(1000, 1), node(1000, 2)]);
        assert_eq!(share(&problem), Err(Shortage::Slots { needed: 1, usable_nodes: 2 }));
    }
}
