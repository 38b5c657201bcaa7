//! The streams between users' components, from what engines count.

use std::collections::BTreeMap;

use super::component::ComponentFlow;
use super::graph::{Carries, Stream};
use crate::model::{Edge, Grouping, Topology};
use crate::signals::MetricHistory;

/// Sums up the edges of each kind between each pair of components.
pub(super) fn streams(
    topology: &Topology,
    components: &[ComponentFlow],
    metric_history: &MetricHistory,
) -> Vec<Stream> {
    let mut pairs: BTreeMap<(usize, usize, bool), Vec<usize>> = BTreeMap::new();
    let mut sent_by = vec![0usize; components.len()];
    for (index, edge) in topology.edges.iter().enumerate() {
        if let Some((from, to)) = ends(edge, components) {
            let broadcast = edge.grouping == Grouping::Broadcast;
            pairs.entry((from, to, broadcast)).or_default().push(index);
            sent_by[from] += 1;
        }
    }
    let stream = |((from, to, broadcast), edges): ((usize, usize, bool), Vec<usize>)| {
        let counted = edges.iter().map(|edge| metric_history.sent_rate(*edge)).sum();
        let copies = edges.iter().map(|edge| copies(&topology.edges[*edge], &components[to])).sum();
        let alone = sent_by[from] == 1;
        let carries = carries(&components[from], counted, copies, alone);
        Stream { from, to, broadcast, carries }
    };
    pairs.into_iter().map(stream).collect()
}

/// The users' components that an edge connects.
fn ends(edge: &Edge, components: &[ComponentFlow]) -> Option<(usize, usize)> {
    let (from, to) = (edge.from as usize, edge.to as usize);
    let (sender, receiver) = (components.get(from)?, components.get(to)?);
    (!sender.system && !receiver.system).then_some((from, to))
}

/// How often the receiver gets a record.
fn copies(edge: &Edge, receiver: &ComponentFlow) -> f64 {
    match edge.grouping {
        Grouping::All => f64::from(receiver.tasks),
        Grouping::Broadcast => f64::from(receiver.executors),
        _ => 1.0,
    }
}

/// What a stream carries: what was counted of it, or all that its sender gives out if it goes nowhere else.
/// By one of several that are not counted each, anything up to that may go.
fn carries(sender: &ComponentFlow, counted: Option<f64>, copies: f64, alone: bool) -> Carries {
    let Some(input) = sender.input() else { return Carries::UpTo(f64::INFINITY) };
    let rate = counted.unwrap_or(sender.output * copies);
    match input > 0.0 && (counted.is_some() || alone) {
        true => Carries::Ratio(rate / input),
        false => Carries::UpTo(rate),
    }
}
#[cfg(test)]
#[path = "streams_tests.rs"]
mod tests;
