//! Node abilities from the two-way fit `ln EL(c,n) = ln m(c) - ln p(n)`.

use std::collections::BTreeMap;

use crate::units::Ability;

/// How often the two sides of the fit are improved in turn; it converges geometrically, and a
/// cluster whose nodes share components needs a few dozen rounds.
const ROUNDS: usize = 500;
/// The fit ends when no logarithm moves by more than this.
const TOLERANCE: f64 = 1e-10;

/// The mean execute latency of one component on one node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatencyPoint {
    /// Ordinal of the component.
    pub component: usize,
    /// Ordinal of the node.
    pub node: usize,
    /// Its mean execute latency there, in ms; above 0.
    pub latency_ms: f64,
    /// How many tuples that mean stands for.
    pub weight: f64,
}

/// The two sides of the fit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Abilities {
    /// Ability of each node that can be compared with others; a node that is missing here shares no
    /// component with the rest, and counts as the reference.
    pub nodes: BTreeMap<usize, Ability>,
    /// Work of one tuple of each component on the reference node, in ms.
    pub work_ms: BTreeMap<usize, f64>,
}

impl Abilities {
    /// The ability of a node, 1 where nothing is known.
    pub fn of(&self, node: usize) -> f64 {
        self.nodes.get(&node).map_or(1.0, |ability| ability.get())
    }
}

/// Fits abilities and work by weighted least squares, the mean of `ln p` over the compared nodes
/// being 0.
///
/// Points without weight or latency say nothing and are left out. Only the largest set of nodes
/// that are connected by shared components is compared; every other node keeps ability 1.
pub fn fit(points: &[LatencyPoint]) -> Abilities {
    let usable: Vec<&LatencyPoint> =
        points.iter().filter(|p| p.latency_ms > 0.0 && p.weight > 0.0).collect();
    let (components, nodes) = (Side::of(&usable, |p| p.component), Side::of(&usable, |p| p.node));
    let compared = largest_connected(&components, &nodes);
    let logs: Vec<f64> = usable.iter().map(|p| p.latency_ms.ln()).collect();
    let weights: Vec<f64> = usable.iter().map(|p| p.weight).collect();
    let mut ln_work = vec![0.0; components.ids.len()];
    let mut ln_ability = vec![0.0; nodes.ids.len()];
    for _ in 0..ROUNDS {
        components.improve(&mut ln_work, &weights, |i| logs[i] + ln_ability[nodes.ordinals[i]]);
        let before = ln_ability.clone();
        nodes.improve(&mut ln_ability, &weights, |i| ln_work[components.ordinals[i]] - logs[i]);
        centre(&mut ln_ability, &compared);
        let moved = ln_ability.iter().zip(&before).map(|(is, was)| (is - was).abs());
        if moved.fold(0.0, f64::max) < TOLERANCE {
            break;
        }
    }
    components.improve(&mut ln_work, &weights, |i| logs[i] + ln_ability[nodes.ordinals[i]]);
    let abilities =
        nodes.ids.iter().zip(&ln_ability).zip(&compared).filter(|(_, compared)| **compared);
    Abilities {
        nodes: abilities.map(|((id, ln), _)| (*id, Ability::saturating(ln.exp()))).collect(),
        work_ms: components.ids.iter().zip(&ln_work).map(|(id, ln)| (*id, ln.exp())).collect(),
    }
}

/// One side of the fit, components or nodes, in ordinals of its own.
struct Side {
    /// The ids, ascending.
    ids: Vec<usize>,
    /// The ordinal of each point's id.
    ordinals: Vec<usize>,
}

impl Side {
    fn of(points: &[&LatencyPoint], id: impl Fn(&LatencyPoint) -> usize) -> Self {
        let mut ids: Vec<usize> = points.iter().map(|p| id(p)).collect();
        ids.sort_unstable();
        ids.dedup();
        let ordinal = |p: &&LatencyPoint| ids.partition_point(|known| *known < id(p));
        let ordinals = points.iter().map(ordinal).collect();
        Self { ids, ordinals }
    }

    /// Sets each value to the weighted mean of what its points want it to be.
    fn improve(&self, values: &mut [f64], weights: &[f64], wanted: impl Fn(usize) -> f64) {
        let mut sums = vec![(0.0, 0.0); values.len()];
        for (point, &ordinal) in self.ordinals.iter().enumerate() {
            sums[ordinal].0 += weights[point] * wanted(point);
            sums[ordinal].1 += weights[point];
        }
        for (value, (sum, weight)) in values.iter_mut().zip(sums) {
            *value = sum / weight;
        }
    }
}

/// Shifts the compared nodes so that their mean logarithm is 0, and fixes all others at 0.
fn centre(ln_ability: &mut [f64], compared: &[bool]) {
    let among = || ln_ability.iter().zip(compared).filter(|(_, compared)| **compared);
    let mean = among().map(|(value, _)| value).sum::<f64>() / among().count().max(1) as f64;
    for (value, compared) in ln_ability.iter_mut().zip(compared) {
        *value = if *compared { *value - mean } else { 0.0 };
    }
}

/// Which nodes belong to the largest set of at least two that share components, directly or through
/// others; of equally large sets the one with the first node.
fn largest_connected(components: &Side, nodes: &Side) -> Vec<bool> {
    let mut groups = Groups { parents: (0..nodes.ids.len()).collect() };
    let mut first: Vec<Option<usize>> = vec![None; components.ids.len()];
    for (&component, &node) in components.ordinals.iter().zip(&nodes.ordinals) {
        let joined = *first[component].get_or_insert(node);
        groups.join(node, joined);
    }
    let group_of: Vec<usize> = (0..nodes.ids.len()).map(|node| groups.find(node)).collect();
    let mut sizes = vec![0usize; group_of.len()];
    for &group in &group_of {
        sizes[group] += 1;
    }
    let largest = (0..sizes.len()).max_by_key(|&group| (sizes[group], std::cmp::Reverse(group)));
    let chosen = largest.filter(|&group| sizes[group] > 1);
    group_of.iter().map(|group| chosen == Some(*group)).collect()
}

/// Disjoint sets; the smallest member stands for its set.
struct Groups {
    parents: Vec<usize>,
}

impl Groups {
    fn find(&mut self, member: usize) -> usize {
        let mut root = member;
        while self.parents[root] != root {
            self.parents[root] = self.parents[self.parents[root]];
            root = self.parents[root];
        }
        root
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.parents[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(component: usize, node: usize, latency_ms: f64) -> LatencyPoint {
        LatencyPoint { component, node, latency_ms, weight: 100.0 }
    }

    #[test]
    fn exact_latencies_give_back_work_and_ability() {
        // Work 8 ms and 2 ms; abilities 2, 1, 0.5, whose mean logarithm is 0.
        let abilities = fit(&[
            point(0, 0, 4.0),
            point(0, 1, 8.0),
            point(0, 2, 16.0),
            point(1, 1, 2.0),
            point(1, 2, 4.0),
        ]);
        for (node, expected) in [(0, 2.0), (1, 1.0), (2, 0.5)] {
            assert!((abilities.of(node) - expected).abs() < 1e-6, "node {node}");
        }
        assert!((abilities.work_ms[&0] - 8.0).abs() < 1e-6);
        assert!((abilities.work_ms[&1] - 2.0).abs() < 1e-6);
    }

    #[test]
    fn a_node_that_shares_nothing_keeps_the_reference() {
        let abilities = fit(&[point(0, 0, 4.0), point(0, 1, 8.0), point(1, 2, 100.0)]);
        assert_eq!(abilities.of(2), 1.0);
        assert!(!abilities.nodes.contains_key(&2));
        assert!((abilities.of(0) / abilities.of(1) - 2.0).abs() < 1e-6);
        assert!((abilities.work_ms[&1] - 100.0).abs() < 1e-6);
    }

    #[test]
    fn nothing_measured_means_reference_nodes() {
        assert_eq!(fit(&[]), Abilities::default());
        assert_eq!(fit(&[point(0, 0, 0.0)]).of(0), 1.0);
    }

    #[test]
    fn heavier_points_count_more() {
        let mut heavy = point(0, 1, 8.0);
        heavy.weight = 1e6;
        let abilities = fit(&[point(0, 0, 4.0), heavy, point(0, 1, 4.0)]);
        assert!((abilities.of(0) / abilities.of(1) - 2.0).abs() < 0.01);
    }
}
