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
pub struct ClusterDemand {
    on_nodes: Vec<f64>,
    sum: f64,
}

impl ClusterDemand {
    /// Sums up the parts of all topologies, by the index of the node, on so many nodes.
    pub fn of<'a>(parts: impl Iterator<Item = &'a BTreeMap<u32, f64>>, nodes: usize) -> Self {
        let mut on_nodes = vec![0.0; nodes];
        for (node, demand) in parts.flatten() {
            if let Some(sum) = on_nodes.get_mut(*node as usize) {
                *sum += demand;
            }
        }
        Self { sum: on_nodes.iter().sum(), on_nodes }
    }
}

/// What other topologies than one demand of each node.
#[derive(Debug, Clone, PartialEq)]
pub enum BackgroundLoad<'a> {
    /// What all demand, but for this topology's part.
    AllBut(&'a ClusterDemand, &'a BTreeMap<u32, f64>),
    /// Put together for this topology.
    These(Vec<f64>),
}

impl BackgroundLoad<'_> {
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

    /// The load of the fullest node, of these powers, of those on which the topology demands this. What others do
    /// elsewhere is no measure of how well it is placed.
    pub fn worst_load_with(&self, own: &BTreeMap<u32, f64>, powers: &[f64]) -> f64 {
        let known = own.iter().filter_map(|(&node, part)| {
            let power = *powers.get(node as usize)?;
            Some(load(self.on(node) + part, power))
        });
        known.fold(0.0, f64::max)
    }

    fn on(&self, node: u32) -> f64 {
        match self {
            Self::AllBut(all, own) => {
                let part = own.get(&node).copied().unwrap_or(0.0);
                (at(&all.on_nodes, node) - part).max(0.0)
            }
            Self::These(demands) => at(demands, node),
        }
    }
}

fn at(demands: &[f64], node: u32) -> f64 {
    demands.get(node as usize).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_topology_finds_what_the_others_ask_of_its_nodes() {
        let powers = [1.0, 0.5, 1.0, 1.0];
        let one = BTreeMap::from([(0, 0.4), (1, 0.1)]);
        let other = BTreeMap::from([(1, 0.3), (3, 0.7)]);
        let all = ClusterDemand::of([&one, &other].into_iter(), powers.len());
        let others = BackgroundLoad::AllBut(&all, &one);
        let these = BackgroundLoad::These(vec![0.0, 0.3, 0.0, 0.7]);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} and {b}");
        others.on_nodes().iter().zip(these.on_nodes().iter()).for_each(|(a, b)| near(*a, *b));
        near(others.sum(), 1.0);
        // As things are: 0.4 / 1 and 0.4 / 0.5; the 0.7 on node 3 are not its own.
        near(others.worst_load_with(&one, &powers), 0.8);
        near(these.worst_load_with(&one, &powers), 0.8);
        let moved = BTreeMap::from([(2, 0.5)]);
        near(others.worst_load_with(&moved, &powers), 0.5);
        near(these.worst_load_with(&moved, &powers), 0.5);
    }
}
