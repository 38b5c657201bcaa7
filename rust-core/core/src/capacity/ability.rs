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
    let compared = largest_connected(&usable);
    let mut ln_work: BTreeMap<usize, f64> = usable.iter().map(|p| (p.component, 0.0)).collect();
    let mut ln_ability: BTreeMap<usize, f64> = usable.iter().map(|p| (p.node, 0.0)).collect();
    for _ in 0..ROUNDS {
        improve(
            &mut ln_work,
            &usable,
            |p| p.component,
            |p| p.latency_ms.ln() + ln_ability[&p.node],
        );
        let before = ln_ability.clone();
        improve(
            &mut ln_ability,
            &usable,
            |p| p.node,
            |p| ln_work[&p.component] - p.latency_ms.ln(),
        );
        centre(&mut ln_ability, &compared);
        let moved = ln_ability.iter().map(|(n, v)| (v - before[n]).abs()).fold(0.0, f64::max);
        if moved < TOLERANCE {
            break;
        }
    }
    improve(&mut ln_work, &usable, |p| p.component, |p| p.latency_ms.ln() + ln_ability[&p.node]);
    Abilities {
        nodes: compared.iter().map(|n| (*n, Ability::saturating(ln_ability[n].exp()))).collect(),
        work_ms: ln_work.into_iter().map(|(c, v)| (c, v.exp())).collect(),
    }
}

/// Sets each key's value to the weighted mean of what its points want it to be.
fn improve(
    values: &mut BTreeMap<usize, f64>,
    points: &[&LatencyPoint],
    key: impl Fn(&LatencyPoint) -> usize,
    wanted: impl Fn(&LatencyPoint) -> f64,
) {
    let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for point in points {
        let sum = sums.entry(key(point)).or_default();
        sum.0 += point.weight * wanted(point);
        sum.1 += point.weight;
    }
    for (key, (sum, weight)) in sums {
        values.insert(key, sum / weight);
    }
}

/// Shifts the compared nodes so that their mean logarithm is 0, and fixes all others at 0.
fn centre(ln_ability: &mut BTreeMap<usize, f64>, compared: &[usize]) {
    let mean = if compared.is_empty() {
        0.0
    } else {
        compared.iter().map(|n| ln_ability[n]).sum::<f64>() / compared.len() as f64
    };
    for (node, value) in ln_ability.iter_mut() {
        *value = if compared.contains(node) { *value - mean } else { 0.0 };
    }
}

/// The largest set of at least two nodes that share components, directly or through others; of
/// equally large ones the one with the smallest node.
fn largest_connected(points: &[&LatencyPoint]) -> Vec<usize> {
    let mut group_of: BTreeMap<usize, usize> = points.iter().map(|p| (p.node, p.node)).collect();
    let mut first_of_component: BTreeMap<usize, usize> = BTreeMap::new();
    for point in points {
        let first = *first_of_component.entry(point.component).or_insert(point.node);
        let (from, to) = (
            group_of[&point.node].max(group_of[&first]),
            group_of[&point.node].min(group_of[&first]),
        );
        for group in group_of.values_mut().filter(|g| **g == from) {
            *group = to;
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (node, group) in group_of {
        groups.entry(group).or_default().push(node);
    }
    let largest = groups.values().map(Vec::len).max().unwrap_or(0);
    groups.into_values().find(|nodes| nodes.len() == largest && largest > 1).unwrap_or_default()
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
