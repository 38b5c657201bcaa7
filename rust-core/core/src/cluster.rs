//! From a scheduling round to the placement problem of the whole cluster, and back.
//!
//! Only topologies whose users declared compute are placed this way: what was declared is a promise in
//! units that can be added up. The others know no such sums and are spread by
//! [`place`](crate::place).

use std::collections::BTreeSet;

use thalweg_place::{
    Budget, Component, Edge, Lack, Load, Mebibytes, MilliPoints, Node, Placed, Placement, Problem,
    SlotId, Traffic,
};

use crate::arrange::{ClusterView, edges, is_declared, memory_of, most_per_rack, role};
use crate::model::{Observation, SlotRef, Topology};
use crate::place::PlaceEdge;
use crate::settings::Settings;

/// Compute of an executor that declares none, in points. Storm assumes the same.
const ASSUMED_POINTS: f64 = 10.0;
/// Compute of a node that declares none, in points. Storm assumes the same.
const ASSUMED_NODE_POINTS: f64 = 400.0;

/// Where the executors of every topology run or are to run, in the view's order.
pub type Slots = Vec<Vec<Option<SlotRef>>>;

/// What keeps executors of one component from being placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// The topology's id.
    pub topology: String,
    /// The component's id.
    pub component: String,
    /// How many of its executors have no slot.
    pub executors: u32,
    /// What would let the next one in.
    pub lack: Lack,
}

/// The slots that there are for all who are to be placed in a round.
#[derive(Debug, Clone, Copy)]
pub struct Supply {
    /// Slots that nobody has.
    pub free: usize,
    /// Topologies without any slot that are placed after the declared ones.
    pub others: usize,
}

/// Fills the gaps of the declared topologies in `slots`, and tells what is missing for the rest.
///
/// A topology that ran nowhere is placed whole or not at all: half of it would only hold slots that
/// others could use. Where slots are scarce, none gets a second one while another waits for its first, unless it needs it.
pub fn complete(
    view: &Observation,
    cluster: &ClusterView,
    slots: &mut Slots,
    settings: &Settings,
    supply: Supply,
) -> Vec<Lacking> {
    let gapped = |topology: usize| slots[topology].iter().any(Option::is_none);
    let mut wanted: BTreeSet<usize> = (0..view.topologies.len())
        .filter(|&topology| is_declared(&view.topologies[topology]) && gapped(topology))
        .collect();
    let mut lacking = Vec::new();
    while !wanted.is_empty() {
        let mut problem_topologies = DeclaredProblem::of(view, cluster, slots, &wanted, settings);
        let placed = problem_topologies.solve(view, (slots, &wanted), settings, supply);
        let refused: BTreeSet<usize> = placed
            .shortages
            .iter()
            .map(|shortage| problem_topologies.topologies[shortage.topology as usize])
            .filter(|&topology| slots[topology].iter().all(Option::is_none))
            .collect();
        let told = placed.shortages.iter().filter_map(|shortage| {
            let topology = problem_topologies.topologies[shortage.topology as usize];
            if !refused.is_empty() && !refused.contains(&topology) {
                // It is asked again, without those that take its room.
                return None;
            }
            let topology = view.topologies.get(topology)?;
            let component = topology.components.get(shortage.component as usize)?;
            let (topology, component) = (topology.id.clone(), component.id.clone());
            Some(Lacking {
                topology,
                component,
                executors: shortage.executors,
                lack: shortage.lack,
            })
        });
        lacking.extend(told);
        if refused.is_empty() {
            problem_topologies.answer(view, &placed.placement, slots);
            break;
        }
        wanted.retain(|topology| !refused.contains(topology));
    }
    lacking
}

/// A problem, and which topologies of the view it is about.
struct DeclaredProblem {
    problem: Problem,
    previous: Placement,
    topologies: Vec<usize>,
}

impl DeclaredProblem {
    fn of(
        view: &Observation,
        cluster: &ClusterView,
        slots: &Slots,
        wanted: &BTreeSet<usize>,
        settings: &Settings,
    ) -> Self {
        let nodes: Vec<Node> = view
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| Node {
                compute: millipoints(
                    node.cpu_points.unwrap_or(ASSUMED_NODE_POINTS) * cluster.abilities[index],
                ),
                memory: node.memory_mib.map(|mib| Mebibytes::new(mib as u32)),
                slots: node.ports.len() as u32,
                blocked: Vec::new(),
                open: cluster.usable[index],
                rack: cluster.racks[index],
                base: MilliPoints::ZERO,
            })
            .collect();
        let id = |slot: SlotRef| {
            let port = view.nodes.get(slot.node as usize)?.ports.binary_search(&slot.port).ok()?;
            Some(SlotId { node: slot.node, slot: port as u32 })
        };
        // Topologies that want nothing and run nowhere do not matter.
        let topologies: Vec<usize> = (0..view.topologies.len())
            .filter(|topology| {
                wanted.contains(topology) || slots[*topology].iter().any(Option::is_some)
            })
            .collect();
        let mut previous = Vec::with_capacity(topologies.len());
        let mut problem_topologies = Vec::with_capacity(topologies.len());
        for &index in &topologies {
            let topology = &view.topologies[index];
            let running = slots[index].iter().map(|slot| slot.and_then(id));
            let mut placing = placing(topology, cluster, settings);
            if wanted.contains(&index) {
                previous.push(running.collect());
            } else {
                // It only takes room: executors without a slot are not this problem's.
                let (kept, at): (Vec<u32>, Vec<_>) = placing
                    .executors
                    .iter()
                    .zip(running)
                    .filter_map(|(component, slot)| Some((*component, Some(slot?))))
                    .unzip();
                placing.executors = kept;
                previous.push(at);
            }
            problem_topologies.push(placing);
        }
        let problem = Problem { nodes, topologies: problem_topologies };
        Self { problem, previous: Placement(previous), topologies }
    }

    /// Places them with as many workers as they like where there are slots enough, else with their share of the slots if
    /// that does as well.
    fn solve(
        &mut self,
        view: &Observation,
        (slots, wanted): (&Slots, &BTreeSet<usize>),
        settings: &Settings,
        supply: Supply,
    ) -> Placed {
        let place = |problem: &Problem, previous: &Placement| {
            thalweg_place::place(problem, previous, &mut Budget::steps(settings.place_steps))
        };
        let mut freely = place(&self.problem, &self.previous);
        if freely.shortages.iter().any(|short| matches!(short.lack, Lack::Memory(_))) {
            // What nobody declared is a guess, and refuses nothing.
            self.forget_guesses(view);
            freely = place(&self.problem, &self.previous);
        }
        if freely.score.unplaced == 0 && self.started(&freely) + supply.others <= supply.free {
            return freely;
        }
        let new = wanted.iter().filter(|own| slots[**own].iter().all(Option::is_none)).count();
        let spare = supply.free.saturating_sub(supply.others + new) / wanted.len().max(1);
        for (&own, topology) in self.topologies.iter().zip(&mut self.problem.topologies) {
            if wanted.contains(&own) {
                let has = slots[own].iter().flatten().collect::<BTreeSet<_>>().len();
                topology.most_workers = u32::try_from(has.max(1) + spare).ok();
            }
        }
        let fairly = place(&self.problem, &self.previous);
        let missed = |placed: &Placed| (placed.score.unplaced, placed.score.worst);
        if missed(&fairly) <= missed(&freely) { fairly } else { freely }
    }

    /// Takes no memory for what did not declare any.
    fn forget_guesses(&mut self, view: &Observation) {
        for (&own, topology) in self.topologies.iter().zip(&mut self.problem.topologies) {
            let components = view.topologies[own].components.iter();
            for (seen, component) in components.zip(&mut topology.components) {
                if seen.memory_mib.is_none() {
                    (component.heap, component.off_heap) = (Mebibytes::ZERO, Mebibytes::ZERO);
                }
            }
        }
    }

    /// How many workers a placement starts.
    fn started(&self, placed: &Placed) -> usize {
        let workers = |placement: &Placement| {
            let of = |slots: &Vec<_>| slots.iter().flatten().collect::<BTreeSet<_>>().len();
            placement.0.iter().map(of).sum::<usize>()
        };
        workers(&placed.placement).saturating_sub(workers(&self.previous))
    }

    fn answer(&self, view: &Observation, placement: &Placement, slots: &mut Slots) {
        for (&topology, placed) in self.topologies.iter().zip(&placement.0) {
            if placed.len() != slots[topology].len() {
                continue;
            }
            for (slot, placed) in slots[topology].iter_mut().zip(placed) {
                let named = |placed: SlotId| {
                    let port =
                        view.nodes.get(placed.node as usize)?.ports.get(placed.slot as usize)?;
                    Some(SlotRef { node: placed.node, port: *port })
                };
                *slot = slot.or_else(|| placed.and_then(named));
            }
        }
    }
}

fn placing(
    topology: &Topology,
    cluster: &ClusterView,
    settings: &Settings,
) -> thalweg_place::Topology {
    let executors = topology.executors.iter().map(|executor| executor.component);
    let most_per_rack = most_per_rack(topology, executors, cluster, settings);
    let components = topology.components.iter().zip(0..).map(|(component, index)| {
        let (memory, heap) = memory_of(topology, index);
        Component {
            role: role(topology, index),
            compute: millipoints(component.cpu_points.unwrap_or(ASSUMED_POINTS)),
            heap: mebibytes(heap),
            off_heap: mebibytes(memory - heap),
            most_per_node: component.most_per_node,
            most_per_rack: most_per_rack.get(&index).copied(),
            counts_as: None,
            leaves: None,
        }
    });
    let edges = edges(topology).into_iter().map(|PlaceEdge { from, to, traffic }| {
        let traffic = Traffic::new(u32::try_from(traffic).unwrap_or(u32::MAX));
        Edge { from, to, traffic }
    });
    thalweg_place::Topology {
        components: components.collect(),
        edges: edges.collect(),
        apart: topology.apart.clone(),
        executors: topology.executors.iter().map(|executor| executor.component).collect(),
        worker_compute: MilliPoints::new(topology.worker_millipoints),
        heap_limit: topology.worker_heap_mib.map(|mib| Mebibytes::new(mib as u32)),
        most_workers: None,
        sealed: false,
        comfort: Load::FULL,
    }
}

/// A demand is rounded up and a float beyond all bounds to the largest.
fn mebibytes(mib: f64) -> Mebibytes {
    Mebibytes::new(mib.ceil() as u32)
}

fn millipoints(points: f64) -> MilliPoints {
    MilliPoints::new((points * 1000.0).round() as u32)
}
