//! Which executor's records go where: found once for each arrangement of executors.

use std::ops::Range;

use thalweg_core::model::{Grouping, SlotRef};

use super::executor::Executor;
use crate::hidden::Hidden;
use crate::scenario::{Copies, EdgeSpec, EngineKind, Scenario, copies};

/// The streams of a job between its present executors.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wiring {
    /// Per component: its executors.
    pub ranges: Vec<Range<usize>>,
    /// Per executor: the group of senders that it belongs to within its component. Senders of a
    /// group send alike.
    pub group: Vec<usize>,
    /// Per component: how many groups it has.
    pub groups: Vec<usize>,
    /// Per component: records that it gives out for each that it takes in, whoever gets them.
    pub emits: Vec<f64>,
    /// Per component: streams from it.
    pub out: Vec<Vec<OutEdge>>,
    /// Per executor: processor time of a record on a core of speed 1, in seconds.
    pub cpu_secs: Vec<f64>,
    /// Per executor: time of a record that needs no processor, in seconds.
    pub other_secs: Vec<f64>,
    /// Per executor: its node; beyond the last one if it runs nowhere.
    pub node: Vec<usize>,
    /// Per node: the executors on it.
    pub on_node: Vec<Vec<usize>>,
}

/// A stream from a component.
#[derive(Debug, Clone, PartialEq)]
pub struct OutEdge {
    /// The receiving component.
    pub to: usize,
    /// Records for each one received.
    pub selectivity: f64,
    /// Size of a record.
    pub bytes: f64,
    /// Part of the roots that goes this way.
    pub root_share: f64,
    /// Per group and receiver: part of the records.
    pub shares: Vec<Vec<f64>>,
    /// The parts that hold once receivers in the sender's worker are nearly full; nothing where
    /// queues do not matter.
    pub overflow: Option<Vec<f64>>,
    /// Per sender: part of its records that leaves its node.
    pub remote: Vec<f64>,
}

impl Wiring {
    /// Wires up executors, which stand in the order of their tasks.
    pub fn of(scenario: &Scenario, hidden: &Hidden, executors: &[Executor]) -> Self {
        let ranges = ranges(scenario.components.len(), executors);
        let mut wiring = Self { ranges, group: vec![0; executors.len()], ..Self::default() };
        for component in 0..scenario.components.len() {
            wiring.add_groups(scenario, executors, component);
        }
        for component in 0..scenario.components.len() {
            let own = out_edges(scenario, hidden, executors, &wiring, component);
            wiring.out.push(own);
            wiring.emits.push(emits(scenario, component));
        }
        let nodes = hidden.nodes.len();
        wiring.on_node = vec![Vec::new(); nodes];
        for (index, executor) in executors.iter().enumerate() {
            let component = &hidden.components[executor.component];
            let count = wiring.ranges[executor.component].len() as u32;
            let work = component.work(count);
            wiring.cpu_secs.push(work * component.cpu_share);
            wiring.other_secs.push(work * (1.0 - component.cpu_share));
            let node = executor.slot.map_or(nodes, |slot| slot.node as usize);
            wiring.node.push(node);
            if let Some(on) = wiring.on_node.get_mut(node) {
                on.push(index);
            }
        }
        wiring
    }

    /// Senders that have receivers of their own make a group each, or for each worker where these are in the same one.
    fn add_groups(&mut self, scenario: &Scenario, executors: &[Executor], component: usize) {
        let id = &scenario.components[component].id;
        let any = |of: fn(&Scenario, Grouping) -> bool| {
            scenario.edges.iter().any(|e| e.from == *id && of(scenario, e.grouping))
        };
        if any(is_pointwise) {
            let own = self.ranges[component].clone();
            self.groups.push(own.len().max(1));
            own.enumerate().for_each(|(group, index)| self.group[index] = group);
            return;
        }
        let grouped = any(is_local);
        let mut seen: Vec<Option<SlotRef>> = Vec::new();
        for index in self.ranges[component].clone() {
            let slot = if grouped { executors[index].slot } else { None };
            let known = seen.iter().position(|known| *known == slot);
            self.group[index] = known.unwrap_or_else(|| {
                seen.push(slot);
                seen.len() - 1
            });
        }
        self.groups.push(seen.len().max(1));
    }
}

/// Whether receivers in the sender's worker are preferred.
fn is_local(scenario: &Scenario, grouping: Grouping) -> bool {
    let aware = scenario.storm.locality_aware && grouping == Grouping::Shuffle;
    scenario.engine == EngineKind::Storm && (grouping == Grouping::LocalOrShuffle || aware)
}

/// Whether each sender has receivers of its own, wherever these are: what Flink calls FORWARD and RESCALE.
fn is_pointwise(scenario: &Scenario, grouping: Grouping) -> bool {
    scenario.engine == EngineKind::Flink && grouping == Grouping::LocalOrShuffle
}

fn ranges(components: usize, executors: &[Executor]) -> Vec<Range<usize>> {
    let mut ranges = Vec::with_capacity(components);
    let mut start = 0;
    for component in 0..components {
        let count = executors[start..].iter().take_while(|e| e.component == component).count();
        ranges.push(start..start + count);
        start += count;
    }
    ranges
}

/// What a component gives out for each record: edges that carry the same stream carry the same records.
fn emits(scenario: &Scenario, component: usize) -> f64 {
    let id = &scenario.components[component].id;
    let own: Vec<&EdgeSpec> = scenario.edges.iter().filter(|edge| edge.from == *id).collect();
    let first = |index: usize, edge: &EdgeSpec| {
        edge.stream.is_none() || own[..index].iter().all(|before| before.stream != edge.stream)
    };
    let streams = own.iter().enumerate().filter(|(index, edge)| first(*index, edge));
    streams.map(|(_, edge)| edge.selectivity).sum()
}

fn out_edges(
    scenario: &Scenario,
    hidden: &Hidden,
    executors: &[Executor],
    wiring: &Wiring,
    component: usize,
) -> Vec<OutEdge> {
    let id = &scenario.components[component].id;
    let edges = || scenario.edges.iter().filter(|edge| edge.from == *id);
    let count = edges().count();
    let (senders, groups) = (wiring.ranges[component].clone(), wiring.groups[component]);
    edges()
        .filter_map(|edge| {
            let to = scenario.component(&edge.to)?;
            let receivers = &executors[wiring.ranges[to].clone()];
            let spread = shares(scenario, hidden, edge, receivers);
            let local = is_local(scenario, edge.grouping);
            let of_group = |group: usize| {
                if is_pointwise(scenario, edge.grouping) {
                    return pointwise(group, groups, receivers.len());
                }
                let first = senders.clone().find(|&index| wiring.group[index] == group);
                let slot = first.and_then(|index| executors[index].slot);
                local.then(|| beside(slot, receivers, &spread)).flatten().unwrap_or(spread.clone())
            };
            let shares: Vec<Vec<f64>> = (0..groups).map(of_group).collect();
            let remote = |index: usize| {
                let own = executors[index].slot.map(|slot| slot.node);
                let parts = &shares[wiring.group[index]];
                let all: f64 = parts.iter().sum();
                let far =
                    parts.iter().zip(receivers).filter(|(_, r)| r.slot.map(|s| s.node) != own);
                far.map(|(share, _)| share).sum::<f64>() / all.max(1e-12)
            };
            let remote = senders.clone().map(remote).collect();
            let balanced = local && edge.grouping == Grouping::Shuffle;
            Some(OutEdge {
                to,
                selectivity: edge.selectivity,
                bytes: edge.bytes,
                root_share: edge.selectivity.min(1.0) / count as f64,
                shares,
                overflow: balanced.then_some(spread),
                remote,
            })
        })
        .collect()
}

/// The parts of receivers in the sender's worker; nothing if there are none.
fn beside(slot: Option<SlotRef>, receivers: &[Executor], spread: &[f64]) -> Option<Vec<f64>> {
    let near: f64 =
        receivers.iter().zip(spread).filter(|(r, _)| r.slot == slot).map(|(_, share)| share).sum();
    let of = |(receiver, share): (&Executor, &f64)| {
        if receiver.slot == slot { share / near } else { 0.0 }
    };
    (slot.is_some() && near > 0.0).then(|| receivers.iter().zip(spread).map(of).collect())
}

/// The parts of the receivers of one of so many senders, as Flink connects them: with more receivers than senders, each
/// has the next ones in turn; with fewer, neighbours share one.
fn pointwise(sender: usize, senders: usize, receivers: usize) -> Vec<f64> {
    let own = match receivers >= senders {
        true => {
            (sender * receivers).div_ceil(senders)..((sender + 1) * receivers).div_ceil(senders)
        }
        false => sender * receivers / senders..sender * receivers / senders + 1,
    };
    let part = 1.0 / own.len() as f64;
    (0..receivers).map(|receiver| if own.contains(&receiver) { part } else { 0.0 }).collect()
}

/// Part of a stream's records that each receiver gets.
fn shares(
    scenario: &Scenario,
    hidden: &Hidden,
    edge: &EdgeSpec,
    receivers: &[Executor],
) -> Vec<f64> {
    match copies(scenario, edge) {
        Copies::PerTask => return receivers.iter().map(|r| f64::from(r.tasks.count())).collect(),
        Copies::PerExecutor => return vec![1.0; receivers.len()],
        Copies::One => {}
    }
    let tasks: u32 = receivers.iter().map(|r| r.tasks.count()).sum();
    let first = receivers.iter().map(|r| r.tasks.first).min().unwrap_or(0);
    let of = |(index, receiver): (usize, &Executor)| match edge.grouping {
        Grouping::Global => f64::from(u8::from(index == 0)),
        Grouping::Fields => {
            let weights = &hidden.components[receiver.component].key_weights;
            let own =
                (receiver.tasks.first - first) as usize..=(receiver.tasks.last - first) as usize;
            weights[own].iter().sum()
        }
        // Storm deals tuples out to tasks, Flink to subtasks.
        _ if scenario.engine == EngineKind::Flink => 1.0 / receivers.len() as f64,
        _ => f64::from(receiver.tasks.count()) / f64::from(tasks.max(1)),
    };
    receivers.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sender_has_receivers_of_its_own() {
        assert_eq!(pointwise(1, 2, 2), [0.0, 1.0]);
        // Two senders have three and two of five receivers.
        let third = 1.0 / 3.0;
        assert_eq!(pointwise(0, 2, 5), [third, third, third, 0.0, 0.0]);
        assert_eq!(pointwise(1, 2, 5), [0.0, 0.0, 0.0, 0.5, 0.5]);
        // Of five senders the first three have one receiver, and the others the second.
        let of = |sender| pointwise(sender, 5, 2).iter().position(|part| *part > 0.0);
        assert_eq!([0, 1, 2, 3, 4].map(of), [Some(0), Some(0), Some(0), Some(1), Some(1)]);
    }
}
