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
    /// Where components share slots, the mean slot.
    slot: Option<Slot>,
}

/// A slot that components share.
#[derive(Debug)]
struct Slot {
    cores: f64,
    mib: f64,
}

impl Meter {
    /// One for the topologies of an observation.
    pub fn of(context: &Context<'_>) -> Self {
        let mean = |amount: &dyn Fn(&Node) -> Option<f64>| mean_slot(context, amount);
        let slot = || Slot {
            cores: mean(&|node| node.cpu_points) / POINTS_PER_CORE,
            mib: mean(&|node| node.memory_mib),
        };
        let Settings { slots, budget, .. } = context.settings;
        let prices = (budget.core_hour, budget.gib_hour);
        Self { prices, slot: slots.is_shared().then(slot) }
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
            Resource::Cores => match &self.slot {
                Some(slot) => slots(topology, counts) * slot.cores,
                None => declared(topology, counts, |c| c.cpu_points) / POINTS_PER_CORE,
            },
            Resource::Memory => match &self.slot {
                Some(slot) => slots(topology, counts) * slot.mib,
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

/// The mean slot of the nodes that tell what they have; nothing where none does.
fn mean_slot(context: &Context<'_>, amount: &dyn Fn(&Node) -> Option<f64>) -> f64 {
    let told = context.observation.nodes.iter().filter_map(|n| Some((amount(n)?, n.ports.len())));
    let (all, slots) = told.fold((0.0, 0), |(all, slots), (one, its)| (all + one, slots + its));
    all / f64::from(u32::try_from(slots).unwrap_or(u32::MAX).max(1))
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

fn slots(topology: &Topology, counts: &BTreeMap<u32, u32>) -> f64 {
    let of = |index: usize| counts.get(&(index as u32)).copied().unwrap_or(0);
    topology.shared_slots(of).into_values().map(f64::from).sum()
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
    fn where_components_share_slots_these_are_counted() {
        let of = |resource| measured(resource, SlotRule::Shared);
        // Four slots hold both components: a core and 2,048 MiB each.
        assert_eq!([of(Resource::Cores), of(Resource::Memory)], [4.0, 8192.0]);
        assert!((of(Resource::Money) - 0.24).abs() < 1e-12);
    }
}
