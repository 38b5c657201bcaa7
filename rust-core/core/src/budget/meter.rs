//! What the executors of a topology count as, of each thing that may be limited.

use std::collections::BTreeMap;

use crate::context::Context;
use crate::model::{Component, ComponentKind, Node, Topology};
use crate::settings::{Resource, Settings};

/// Storm counts compute in hundredths of a core, and so do snapshots.
const POINTS_PER_CORE: f64 = 100.0;
const MIB_PER_GIB: f64 = 1024.0;

/// Counts what executors take. What nobody declared counts as nothing, as in placement: a guess refuses nothing.
#[derive(Debug, Default)]
pub struct Meter {
    /// What a core and 1,024 MiB cost in an hour.
    prices: (f64, f64),
    /// Where components share slots, what the mean one has of cores and of MiB.
    slots: Option<(Slot, Slot)>,
}

/// A slot that components share, of the nodes that declare what they have.
#[derive(Debug)]
struct Slot {
    amount: f64,
    /// Which nodes do, by ordinal.
    declared: Vec<bool>,
}

impl Slot {
    fn of(nodes: &[Node], amount: impl Fn(&Node) -> Option<f64>) -> Self {
        let declared = nodes.iter().map(|node| amount(node).is_some()).collect();
        let known = nodes.iter().filter_map(|node| Some((amount(node)?, node.ports.len())));
        let (sum, all) = known.fold((0.0, 0), |(sum, all), (one, ports)| (sum + one, all + ports));
        Self { amount: sum / all.max(1) as f64, declared }
    }

    /// What the slots of a topology have together. A component of which nothing runs but where nothing is declared, as a source
    /// of Spark in its driver, takes none of them.
    fn measure(&self, topology: &Topology, counts: &BTreeMap<u32, u32>) -> f64 {
        let of = |index: usize| {
            let ordinal = index as u32;
            let own = topology.executors.iter().filter(|executor| executor.component == ordinal);
            let mut slots = own.filter_map(|executor| executor.slot).peekable();
            let elsewhere = slots.peek().is_some()
                && slots.all(|slot| self.declared.get(slot.node as usize) == Some(&false));
            if elsewhere { 0 } else { counts.get(&ordinal).copied().unwrap_or(0) }
        };
        let slots: f64 = topology.shared_slots(of).into_values().map(f64::from).sum();
        slots * self.amount
    }
}

impl Meter {
    /// One for the topologies of an observation.
    pub fn of(context: &Context<'_>) -> Self {
        let nodes = &context.observation.nodes;
        let cores = |node: &Node| Some(node.cpu_points? / POINTS_PER_CORE);
        let of = || (Slot::of(nodes, cores), Slot::of(nodes, |node| node.memory_mib));
        let Settings { slots, budget, .. } = context.settings;
        let prices = (budget.core_hour, budget.gib_hour);
        Self { prices, slots: slots.is_shared().then(of) }
    }

    /// What a topology has of a resource with so many executors of each component, by ordinal.
    pub fn measure(
        &self,
        resource: Resource,
        topology: &Topology,
        counts: &BTreeMap<u32, u32>,
    ) -> f64 {
        match resource {
            Resource::Executors => counts.values().copied().map(f64::from).sum(),
            Resource::Cores => match &self.slots {
                Some((cores, _)) => cores.measure(topology, counts),
                None => declared(topology, counts, |c| c.cpu_points) / POINTS_PER_CORE,
            },
            Resource::Memory => match &self.slots {
                Some((_, mib)) => mib.measure(topology, counts),
                None => declared(topology, counts, |c| c.memory_mib),
            },
            Resource::Money => {
                let of = |resource| self.measure(resource, topology, counts);
                let gib = of(Resource::Memory) / MIB_PER_GIB;
                of(Resource::Cores) * self.prices.0 + gib * self.prices.1
            }
        }
    }
}

/// Executors of a topology's sources and operators, by component ordinal.
pub fn present(topology: &Topology) -> BTreeMap<u32, u32> {
    let mut counts = BTreeMap::new();
    for executor in &topology.executors {
        let component = topology.components.get(executor.component as usize);
        if component.is_some_and(|component| component.kind != ComponentKind::System) {
            *counts.entry(executor.component).or_insert(0) += 1;
        }
    }
    counts
}

fn declared(
    topology: &Topology,
    counts: &BTreeMap<u32, u32>,
    amount: impl Fn(&Component) -> Option<f64>,
) -> f64 {
    let of = |(ordinal, count): (&u32, &u32)| {
        Some(amount(topology.components.get(*ordinal as usize)?)? * f64::from(*count))
    };
    counts.iter().filter_map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Observation;
    use crate::namesakes::Namesakes;
    use crate::operator::Operator;
    use crate::settings::SlotRule;
    use crate::units::Timestamp;

    /// A node of four cores, 8 GiB and four slots, one that tells nothing, and a topology whose second component declares nothing.
    fn measured(resource: Resource, slots: SlotRule) -> f64 {
        let node = Node {
            ports: vec![1, 2, 3, 4],
            cpu_points: Some(400.0),
            memory_mib: Some(8192.0),
            ..Node::default()
        };
        let silent = Node { ports: vec![1, 2], ..Node::default() };
        let observation = Observation { nodes: vec![node, silent], ..Observation::default() };
        let mut settings = Settings { slots, ..Settings::default() };
        settings.budget.core_hour = 0.04;
        settings.budget.gib_hour = 0.01;
        let declares = |points: Option<f64>, mib| Component {
            cpu_points: points,
            memory_mib: mib,
            slot_group: 1,
            ..Component::default()
        };
        let topology = Topology {
            components: vec![declares(Some(50.0), Some(512.0)), declares(None, None)],
            ..Topology::default()
        };
        let (operator, namesakes) = (Operator::default(), Namesakes::of(&observation.topologies));
        let context = Context {
            observation: &observation,
            namesakes: &namesakes,
            settings: &settings,
            operator: &operator,
            now: Timestamp::from_millis(0),
        };
        Meter::of(&context).measure(resource, &topology, &BTreeMap::from([(0, 4), (1, 3)]))
    }

    #[test]
    fn declared_compute_and_memory_of_each_executor_are_counted() {
        let of = |resource| measured(resource, SlotRule::Workers);
        assert_eq!([of(Resource::Executors), of(Resource::Cores)], [7.0, 2.0]);
        assert_eq!(of(Resource::Memory), 2048.0);
        // Two cores at 0.04 and two GiB at 0.01.
        assert!((of(Resource::Money) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn what_stands_where_nothing_is_declared_takes_no_cores_and_makes_no_slot_smaller() {
        use crate::model::{Executor, SlotRef, TaskRange};
        // A driver that declares nothing, and two places of four cores; a source stands in the one, its query in another.
        let node = |ports: &[u32], cpu_points| Node {
            ports: ports.to_vec(),
            cpu_points,
            ..Node::default()
        };
        let nodes = [node(&[0], None), node(&[1], Some(400.0)), node(&[2], Some(400.0))];
        let component = |slot_group| Component { slot_group, ..Component::default() };
        let executor = |component, node| Executor {
            component,
            tasks: TaskRange::new(1, 1),
            slot: Some(SlotRef { node, port: node }),
            counters: None,
        };
        let topology = Topology {
            components: vec![component(2), component(1)],
            executors: vec![executor(0, 1), executor(1, 0)],
            ..Topology::default()
        };
        let slot = Slot::of(&nodes, |node| node.cpu_points);
        let of = |query| slot.measure(&topology, &BTreeMap::from([(0, query), (1, 1)]));
        assert_eq!([of(1), of(2)], [400.0, 800.0]);
    }

    #[test]
    fn where_components_share_slots_these_are_counted() {
        let of = |resource| measured(resource, SlotRule::Shared);
        // Four slots hold both components: a core and 2,048 MiB each.
        assert_eq!([of(Resource::Cores), of(Resource::Memory)], [4.0, 8192.0]);
        assert!((of(Resource::Money) - 0.24).abs() < 1e-12);
    }
}
