//! How topologies are wired and where they run, as the status shows it beside what was decided.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;
use thalweg_core::model::{Edge, Grouping, Observation, Topology, TopologyStatus};
use thalweg_core::units::{Millis, RatePerSec, Timestamp};

use crate::present::forget_absent;

/// A node as it was seen last.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct SeenNode {
    id: String,
    host: String,
    rack: String,
    /// The ports of its slots.
    ports: Vec<u32>,
    draining: bool,
}

/// A stream between two components.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Stream {
    from: String,
    to: String,
    grouping: Grouping,
    /// Tuples received along it per second, where the engine counts them.
    rate: Option<RatePerSec>,
}

/// What runs in one slot.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct SeenWorker {
    node: String,
    port: u32,
    /// Executors by component.
    executors: BTreeMap<String, u32>,
}

/// One topology.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Arrangement {
    topology: String,
    name: String,
    status: TopologyStatus,
    desired_workers: u32,
    streams: Vec<Stream>,
    workers: Vec<SeenWorker>,
    /// Executors that run nowhere.
    unassigned: u32,
    /// Records that wait, by component.
    backlog: BTreeMap<String, u64>,
    /// Memory of each executor in MiB, by component, where it is declared.
    memory_mib: BTreeMap<String, f64>,
}

/// What was seen of the cluster last, and of each stream long enough to tell its rate.
#[derive(Debug, Default)]
pub(crate) struct Arrangements {
    pub(crate) nodes: Arc<[SeenNode]>,
    pub(crate) topologies: Arc<[Arrangement]>,
    sent: BTreeMap<String, VecDeque<(Timestamp, Vec<Edge>)>>,
}

impl Arrangements {
    /// Takes in an observation; rates are those over `window`.
    pub(crate) fn see(&mut self, observation: &Observation, window: Millis) {
        forget_absent(&mut self.sent, observation);
        self.nodes = observation
            .nodes
            .iter()
            .map(|node| SeenNode {
                id: node.id.clone(),
                host: node.host.clone(),
                rack: node.rack.clone(),
                ports: node.ports.clone(),
                draining: node.draining,
            })
            .collect();
        self.topologies = observation
            .topologies
            .iter()
            .map(|topology| {
                let sent = self.sent.entry(topology.id.clone()).or_default();
                sent.push_back((observation.at, topology.edges.clone()));
                while sent.get(1).is_some_and(|(at, _)| observation.at.since(*at) >= window) {
                    sent.pop_front();
                }
                arrangement(observation, topology, sent)
            })
            .collect();
    }
}

fn arrangement(
    observation: &Observation,
    topology: &Topology,
    sent: &VecDeque<(Timestamp, Vec<Edge>)>,
) -> Arrangement {
    let named = |index: u32| topology.components.get(index as usize).map(|c| c.id.clone());
    let streams = topology.edges.iter().filter_map(|edge| {
        let (from, to) = (named(edge.from)?, named(edge.to)?);
        Some(Stream { from, to, grouping: edge.grouping, rate: rate(edge, observation.at, sent) })
    });
    let mut workers: BTreeMap<(u32, u32), BTreeMap<String, u32>> = BTreeMap::new();
    let mut unassigned = 0;
    for executor in &topology.executors {
        match (executor.slot, named(executor.component)) {
            (Some(slot), Some(component)) => {
                let worker = workers.entry((slot.node, slot.port)).or_default();
                *worker.entry(component).or_default() += 1;
            }
            _ => unassigned += 1,
        }
    }
    let workers = workers.into_iter().filter_map(|((node, port), executors)| {
        let node = observation.nodes.get(node as usize)?.id.clone();
        Some(SeenWorker { node, port, executors })
    });
    let components = || topology.components.iter();
    Arrangement {
        topology: topology.id.clone(),
        name: topology.name.clone(),
        status: topology.status,
        desired_workers: topology.desired_workers,
        streams: streams.collect(),
        workers: workers.collect(),
        unassigned,
        backlog: components().filter_map(|c| Some((c.id.clone(), c.backlog?))).collect(),
        memory_mib: components().filter_map(|c| Some((c.id.clone(), c.memory_mib?))).collect(),
    }
}

/// What a stream carried since the oldest count of it that is remembered; nothing where its count began anew.
fn rate(edge: &Edge, at: Timestamp, sent: &VecDeque<(Timestamp, Vec<Edge>)>) -> Option<RatePerSec> {
    let same = |other: &&Edge| {
        (other.from, other.to, other.grouping) == (edge.from, edge.to, edge.grouping)
    };
    let (since, before) =
        sent.iter().find_map(|(since, edges)| Some((*since, edges.iter().find(same)?.sent?)))?;
    let secs = at.since(since).get() / 1000.0;
    let more = edge.sent?.checked_sub(before)?;
    (secs > 0.0).then(|| RatePerSec::saturating(more as f64 / secs))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use thalweg_core::model::{Component, Executor, Node, SlotRef, TaskRange};

    fn seen(secs: i64, sent: u64) -> Observation {
        let component = |id: &str| Component { id: id.to_owned(), ..Component::default() };
        let executor = |component, task, port| Executor {
            component,
            tasks: TaskRange::new(task, task),
            slot: Some(SlotRef { node: 0, port }),
            counters: None,
        };
        let topology = Topology {
            id: "words-1".to_owned(),
            components: vec![component("spout"), component("split")],
            edges: vec![Edge { from: 0, to: 1, sent: Some(sent), ..Edge::default() }],
            executors: vec![executor(0, 1, 6700), executor(1, 2, 6701), executor(1, 3, 6701)],
            ..Topology::default()
        };
        Observation {
            at: Timestamp::from_millis(secs * 1000),
            nodes: vec![Node { id: "n1".to_owned(), ..Node::default() }],
            topologies: vec![topology],
        }
    }

    fn rate_of(arrangements: &Arrangements) -> Option<f64> {
        arrangements.topologies[0].streams[0].rate.map(RatePerSec::get)
    }

    #[test]
    fn a_streams_rate_is_that_of_the_window_and_missing_when_counts_begin_anew() {
        let mut arrangements = Arrangements::default();
        let window = Millis::saturating(60_000.0);
        let mut see = |secs, sent| {
            arrangements.see(&seen(secs, sent), window);
            rate_of(&arrangements)
        };
        assert_eq!(see(0, 1000), None);
        assert_eq!(see(30, 4000), Some(100.0));
        assert_eq!(see(60, 4000), Some(50.0));
        assert_eq!(see(90, 7000), Some(50.0));
        assert_eq!(see(100, 10), None);
    }

    #[test]
    fn executors_are_counted_by_the_worker_they_run_in() {
        let mut arrangements = Arrangements::default();
        arrangements.see(&seen(0, 0), Millis::saturating(60_000.0));
        let workers = &arrangements.topologies[0].workers;
        let held: Vec<_> = workers.iter().map(|w| (w.port, w.executors.clone())).collect();
        let of = |id: &str, count| BTreeMap::from([(id.to_owned(), count)]);
        assert_eq!(held, [(6700, of("spout", 1)), (6701, of("split", 2))]);
    }
}
