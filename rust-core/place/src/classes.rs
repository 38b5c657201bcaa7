//! What the solver works on: components that still have executors to be placed are counted, not
//! named, because executors of one component are alike.

use std::collections::BTreeMap;

use crate::problem::{Problem, Role, Topology};

/// The weight of all traffic together. Pair weights stay exact enough down to one in 2^40 of it.
const ALL_TRAFFIC: u128 = 1 << 60;
/// Millionths of the traffic unit are what scores are told in.
const MILLIONTHS: u128 = 1_000_000;

/// One component as the solver sees it.
#[derive(Debug, Clone)]
pub(crate) struct ExecutorClass {
    pub pinned: bool,
    pub compute: i64,
    pub heap: i64,
    pub memory: i64,
    pub executors: u32,
    pub most_per_node: u32,
    pub most_per_rack: u32,
    /// Components that share these limits with it, itself among them; the first stands for all.
    pub peers: Vec<usize>,
    pub leaves: Option<u32>,
    /// Components with which it may not share a node.
    pub anti_affinity: Vec<usize>,
    /// Components it exchanges tuples with, and the weight of one pair of executors.
    pub neighbours: Vec<(usize, i64)>,
}

impl ExecutorClass {
    /// The weight of what one executor of this class exchanges with one of another.
    pub fn joint(&self, other: usize) -> i64 {
        self.neighbours.iter().find(|(class, _)| *class == other).map_or(0, |(_, weight)| *weight)
    }
}

/// One topology as the solver sees it.
#[derive(Debug, Clone)]
pub(crate) struct TopologySummary {
    pub classes: Vec<ExecutorClass>,
    pub heap_limit: i64,
    /// What a worker counts as at least.
    pub worker_compute: i64,
    pub most_workers: u32,
    /// Whether present workers take no more executors.
    pub sealed: bool,
    /// Whether rack limits are asked for at all.
    pub racks_matter: bool,
    /// Weight of everything its edges carry between different executors.
    pub traffic: i64,
}

/// All topologies, and how much weight one unit of traffic has.
pub(crate) struct TopologySummaries {
    pub summaries: Vec<TopologySummary>,
    unit: u128,
}

impl TopologySummaries {
    pub fn of(problem: &Problem) -> Self {
        let edges = problem.topologies.iter().flat_map(|topology| &topology.edges);
        let traffic: u128 = edges.map(|edge| edge.traffic.wide() as u128).sum();
        let unit = ALL_TRAFFIC / traffic.max(1);
        let summaries = problem.topologies.iter().map(|topology| summary(topology, unit)).collect();
        Self { summaries, unit }
    }

    /// A weight in millionths of the traffic unit.
    pub fn traffic_of(&self, weight: i64) -> u64 {
        let millionths = weight.max(0) as u128 * MILLIONTHS / self.unit;
        u64::try_from(millionths).unwrap_or(u64::MAX)
    }
}

fn summary(topology: &Topology, unit: u128) -> TopologySummary {
    let mut counts = vec![0u32; topology.components.len()];
    for &component in &topology.executors {
        counts[component as usize] += 1;
    }
    let mut classes: Vec<ExecutorClass> = topology
        .components
        .iter()
        .zip(counts)
        .map(|(component, executors)| ExecutorClass {
            pinned: component.role == Role::Pinned,
            compute: component.compute.wide(),
            heap: component.heap.wide(),
            memory: component.heap.wide() + component.off_heap.wide(),
            executors,
            most_per_node: component.most_per_node.unwrap_or(u32::MAX),
            most_per_rack: component.most_per_rack.unwrap_or(u32::MAX),
            peers: Vec::new(),
            leaves: component.leaves,
            anti_affinity: Vec::new(),
            neighbours: Vec::new(),
        })
        .collect();
    for (index, peers) in peers(topology).into_iter().enumerate() {
        classes[index].peers = peers;
    }
    for &(one, other) in &topology.apart {
        classes[one as usize].anti_affinity.push(other as usize);
        classes[other as usize].anti_affinity.push(one as usize);
    }
    let mut traffic = 0;
    for edge in &topology.edges {
        let (from, to) = (edge.from as usize, edge.to as usize);
        let pairs = u128::from(classes[from].executors) * u128::from(classes[to].executors);
        if pairs == 0 {
            continue;
        }
        let weight = (edge.traffic.wide() as u128 * unit / pairs) as i64;
        let alone = if from == to { i64::from(classes[from].executors) } else { 0 };
        traffic += weight * (pairs as i64 - alone);
        // A component that sends to itself exchanges with its mate in both directions.
        join(&mut classes, from, to, weight);
        join(&mut classes, to, from, weight);
    }
    TopologySummary {
        racks_matter: classes.iter().any(|class| class.most_per_rack != u32::MAX),
        classes,
        worker_compute: topology.worker_compute.wide(),
        heap_limit: topology.heap_limit.map_or(i64::MAX, |limit| limit.wide()),
        most_workers: topology.most_workers.unwrap_or(u32::MAX),
        sealed: topology.sealed,
        traffic,
    }
}

/// For each component those whose executors count for its limits.
fn peers(topology: &Topology) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, component) in topology.components.iter().enumerate() {
        if let Some(group) = component.counts_as {
            groups.entry(group).or_default().push(index);
        }
    }
    let all = topology.components.iter().enumerate();
    all.map(|(index, component)| {
        component.counts_as.map_or_else(|| vec![index], |group| groups[&group].clone())
    })
    .collect()
}

fn join(classes: &mut [ExecutorClass], class: usize, with: usize, weight: i64) {
    let neighbours = &mut classes[class].neighbours;
    match neighbours.iter_mut().find(|(known, _)| *known == with) {
        Some((_, sum)) => *sum += weight,
        None => neighbours.push((with, weight)),
    }
}
