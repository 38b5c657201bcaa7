//! What the other topologies ask of each node.
//!
//! One topology runs on few nodes of a large cluster. What all of them ask is summed up once; what is left of it
//! without one of them is looked up where that one runs.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// A node is never taken to be able to do less than this.
const LEAST_POWER: f64 = 1e-3;

/// The load that a demand makes on a node of this power.
pub fn load(demand: f64, power: f64) -> f64 {
    demand / power.max(LEAST_POWER)
}

/// What is left on each node of what there is on all, without one topology's part.
pub fn without(all: &[f64], own: &BTreeMap<u32, f64>) -> Vec<f64> {
    let mut left = all.to_vec();
    for (node, part) in own {
        if let Some(left) = left.get_mut(*node as usize) {
            *left = (*left - part).max(0.0);
        }
    }
    left
}

/// Demand of all topologies on each node.
#[derive(Debug, Clone, PartialEq)]
pub struct Demands {
    on_nodes: Vec<f64>,
    sum: f64,
    /// Nodes, the fullest first.
    by_load: Vec<usize>,
}

impl Demands {
    /// Sums up the parts of all topologies, by the index of the node, on nodes of these powers.
    pub fn of<'a>(parts: impl Iterator<Item = &'a BTreeMap<u32, f64>>, powers: &[f64]) -> Self {
        let mut on_nodes = vec![0.0; powers.len()];
        for (node, demand) in parts.flatten() {
            on_nodes[*node as usize] += demand;
        }
        let load = |node: usize| load(on_nodes[node], powers[node]);
        let mut by_load: Vec<usize> = (0..powers.len()).collect();
        by_load.sort_by(|a, b| load(*b).total_cmp(&load(*a)));
        Self { sum: on_nodes.iter().sum(), by_load, on_nodes }
    }
}

/// What other topologies than one demand of each node.
#[derive(Debug, Clone, PartialEq)]
pub enum Others<'a> {
    /// What all demand, but for this topology's part.
    AllBut(&'a Demands, &'a BTreeMap<u32, f64>),
    /// Put together for this topology.
    These(Vec<f64>),
}

impl Others<'_> {
    /// Their demand on each node.
    pub fn on_nodes(&self) -> Cow<'_, [f64]> {
        match self {
            Self::AllBut(all, own) => Cow::Owned(without(&all.on_nodes, own)),
            Self::These(demands) => Cow::Borrowed(demands),
        }
    }

    /// Their demand on all nodes together.
    pub fn sum(&self) -> f64 {
        match self {
            Self::AllBut(all, own) => (all.sum - own.values().sum::<f64>()).max(0.0),
            Self::These(demands) => demands.iter().sum(),
        }
    }

    /// The load of the worst node, of these powers, if the topology demands this of some.
    pub fn worst_load_with(&self, own: &BTreeMap<u32, f64>, powers: &[f64]) -> f64 {
        let of = |node: usize, demand: f64| load(demand, powers[node]);
        let known = own.iter().filter(|(node, _)| (**node as usize) < powers.len());
        let here = known.map(|(&node, part)| of(node as usize, self.on(node) + part));
        let elsewhere = match self {
            // Where the topology has no part, what all demand is what the others demand.
            Self::AllBut(all, had) => {
                let apart = |node: u32| !own.contains_key(&node) && !had.contains_key(&node);
                let fullest = all.by_load.iter().find(|node| apart(**node as u32));
                let left = had.keys().filter(|node| !own.contains_key(node));
                let left = left.map(|&node| of(node as usize, self.on(node)));
                left.chain(fullest.map(|&node| of(node, all.on_nodes[node]))).fold(0.0, f64::max)
            }
            Self::These(demands) => {
                let nodes = demands.iter().enumerate();
                nodes.map(|(node, demand)| of(node, *demand)).fold(0.0, f64::max)
            }
        };
        here.fold(elsewhere, f64::max)
    }

    fn on(&self, node: u32) -> f64 {
        match self {
            Self::AllBut(all, own) => {
                let part = own.get(&node).copied().unwrap_or(0.0);
                (all.on_nodes[node as usize] - part).max(0.0)
            }
            Self::These(demands) => demands[node as usize],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_topology_finds_the_others_without_looking_at_every_node() {
        let powers = [1.0, 0.5, 1.0, 1.0];
        let one = BTreeMap::from([(0, 0.4), (1, 0.1)]);
        let other = BTreeMap::from([(1, 0.3), (3, 0.7)]);
        let all = Demands::of([&one, &other].into_iter(), &powers);
        let others = Others::AllBut(&all, &one);
        let these = Others::These(vec![0.0, 0.3, 0.0, 0.7]);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} and {b}");
        others.on_nodes().iter().zip(these.on_nodes().iter()).for_each(|(a, b)| near(*a, *b));
        near(others.sum(), 1.0);
        // As things are: 0.4 / 1, 0.4 / 0.5, 0, 0.7 / 1.
        near(others.worst_load_with(&one, &powers), 0.8);
        near(these.worst_load_with(&one, &powers), 0.8);
        // All moved to node 2: what the other one does on node 3 is the most.
        let moved = BTreeMap::from([(2, 0.5)]);
        near(others.worst_load_with(&moved, &powers), 0.7);
        near(these.worst_load_with(&moved, &powers), 0.7);
    }
}
