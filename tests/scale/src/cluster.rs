//! A made-up cluster as an engine's shell shows it.

use anyhow::Result;
use thalweg_core::model::{
    Component, ComponentKind, Counters, Edge, Executor, Node, Observation, SlotRef, TaskRange,
    Topology,
};
use thalweg_core::units::{Millis, Timestamp};

use crate::size::Size;

/// Components of a topology, unless it has fewer executors.
const COMPONENTS: u32 = 10;
/// Tasks of an executor: a component may have so many times its executors.
const TASKS: u32 = 3;
/// Executors of a worker.
const WORKER: u32 = 20;
/// Slots of each node that nobody uses.
const FREE: u32 = 4;
const FIRST_PORT: u32 = 6700;
/// Tuples a second that each executor takes in.
const RATE: f64 = 100.0;
/// How long a tuple takes where nothing is amiss, in ms: 20 % of an executor's time.
const CALM_MS: f64 = 2.0;
/// The same of the component that is short, where one is: 96 %.
const SHORT_MS: f64 = 9.6;
/// Seconds from one look to the next, as on Storm.
pub const INTERVAL: u32 = 10;
const BEGUN: i64 = 1_700_000_000_000;

/// How topologies do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// None needs anything.
    Calm,
    /// Each of them has a component that is nearly always busy.
    Short,
}

/// The moment of a look.
pub fn at(look: u32) -> Timestamp {
    Timestamp::from_millis(BEGUN).plus_secs((look * INTERVAL).into())
}

/// The cluster at a look, which begin with 1.
pub fn seen(size: Size, load: Load, look: u32) -> Observation {
    let mut taken = 0;
    let topologies: Vec<Topology> = (0..size.topologies)
        .map(|index| {
            let more = u32::from(index < size.executors % size.topologies);
            let topology =
                topology(index, size.executors / size.topologies + more, (taken, size.nodes));
            taken += topology.desired_workers;
            topology
        })
        .collect();
    let ports = taken.div_ceil(size.nodes) + FREE;
    let node = |index| Node {
        id: format!("node-{index:05}"),
        host: format!("host-{index:05}.example"),
        ports: (FIRST_PORT..FIRST_PORT + ports).collect(),
        ..Node::default()
    };
    let mut seen =
        Observation { at: at(look), nodes: (0..size.nodes).map(node).collect(), topologies };
    for topology in &mut seen.topologies {
        count(topology, load, look * INTERVAL);
    }
    seen
}

/// The same as a shell encodes it.
///
/// # Errors
/// When it cannot be encoded.
pub fn snapshot(size: Size, load: Load, look: u32) -> Result<Vec<u8>> {
    Ok(thalweg_codec::encode(&seen(size, load, look))?)
}

/// A line of components, in workers that begin at a slot of the cluster. Sources have workers of their own, as every topology
/// has that was changed once.
fn topology(index: u32, executors: u32, (taken, nodes): (u32, u32)) -> Topology {
    let count = executors.clamp(1, COMPONENTS);
    let own = |component: u32| executors / count + u32::from(component < executors % count);
    let mut next = 1;
    let components: Vec<Component> = (0..count)
        .map(|component| {
            let tasks = TaskRange::new(next, next + own(component).max(1) * TASKS - 1);
            next = tasks.last + 1;
            let kind = if component == 0 { ComponentKind::Source } else { ComponentKind::Operator };
            Component { id: format!("c{component:02}"), kind, tasks, ..Component::default() }
        })
        .collect();
    let sources = own(0).div_ceil(WORKER).max(1);
    let others = (executors - own(0)).div_ceil(WORKER);
    let executors = (0..).zip(&components).flat_map(|(component, of)| {
        (of.tasks.first..=of.tasks.last).step_by(TASKS as usize).map(move |task| {
            let worker = match component {
                0 => task / TASKS % sources,
                _ => sources + task / TASKS % others.max(1),
            };
            let slot = taken + worker;
            let slot = SlotRef { node: slot % nodes, port: FIRST_PORT + slot / nodes };
            let tasks = TaskRange::new(task, task + TASKS - 1);
            Executor { component, tasks, slot: Some(slot), counters: None }
        })
    });
    Topology {
        id: format!("topology-{index:05}-{}-1700000000", index + 1),
        name: format!("topology-{index:05}"),
        desired_workers: sources + others,
        message_timeout: Millis::from_secs(30),
        executors: executors.collect(),
        edges: (1..count).map(|to| Edge { from: to - 1, to, ..Edge::default() }).collect(),
        components,
        ..Topology::default()
    }
}

/// What all executors have counted after so many seconds.
fn count(topology: &mut Topology, load: Load, secs: u32) {
    let tuples = (f64::from(secs) * RATE) as u64;
    let plain =
        Counters { uptime_secs: secs, emitted: tuples, transferred: tuples, ..Counters::default() };
    let short = (topology.components.len() as u32).saturating_sub(1).min(1);
    for edge in &mut topology.edges {
        edge.sent = Some(tuples);
    }
    for executor in &mut topology.executors {
        let each = match load {
            Load::Short if executor.component == short => SHORT_MS,
            _ => CALM_MS,
        };
        let millis = tuples as f64 * each;
        executor.counters = Some(match executor.component {
            0 => Counters { completed: tuples, complete_ms: millis, ..plain },
            _ => Counters {
                executed: tuples,
                execute_ms: millis,
                acked: tuples,
                process_ms: millis,
                ..plain
            },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_as_large_as_it_is_asked_for() {
        let size = Size { nodes: 7, topologies: 3, executors: 100 };
        let seen = seen(size, Load::Short, 2);
        let executors = || seen.topologies.iter().flat_map(|topology| &topology.executors);
        assert_eq!((seen.nodes.len(), seen.topologies.len(), executors().count()), (7, 3, 100));
        let has = |slot: &SlotRef| seen.nodes[slot.node as usize].ports.contains(&slot.port);
        assert!(executors().all(|executor| executor.slot.as_ref().is_some_and(has)));
        let bytes = snapshot(size, Load::Short, 2).expect("it can be encoded");
        assert_eq!(thalweg_codec::decode(&bytes).expect("it was just written"), seen);
    }
}
