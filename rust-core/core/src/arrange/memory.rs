//! Memory that executors take of nodes.

use crate::model::{SlotRef, Topology};

/// Memory of an executor that declares none, in MiB. Storm assumes the same.
const ASSUMED_MIB: f64 = 128.0;

/// The memory of one executor in MiB, and what of it is heap of its worker: as declared, or as Storm
/// assumes.
pub fn memory_of(topology: &Topology, component: u32) -> (f64, f64) {
    let declared = topology.components.get(component as usize);
    let memory = declared.and_then(|component| component.memory_mib).unwrap_or(ASSUMED_MIB);
    let heap = declared.and_then(|component| component.heap_mib).unwrap_or(memory).min(memory);
    (memory, heap)
}

/// Memory that executors take of each node, in MiB.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryUse {
    /// With what is only assumed of some.
    taken: Vec<f64>,
    /// As far as it was declared: what is assumed is a reason to go elsewhere, but not to refuse.
    declared: Vec<f64>,
}

impl MemoryUse {
    /// Nothing taken of so many nodes.
    pub fn of(nodes: usize) -> Self {
        Self { taken: vec![0.0; nodes], declared: vec![0.0; nodes] }
    }

    /// Adds what a topology's executors take in these slots.
    pub fn enter(&mut self, topology: &Topology, slots: impl IntoIterator<Item = Option<SlotRef>>) {
        self.book(topology, slots, 1.0);
    }

    /// Without what a topology's executors take in these slots.
    #[must_use]
    pub fn without(
        mut self,
        topology: &Topology,
        slots: impl IntoIterator<Item = Option<SlotRef>>,
    ) -> Self {
        self.book(topology, slots, -1.0);
        self
    }

    fn book(
        &mut self,
        topology: &Topology,
        slots: impl IntoIterator<Item = Option<SlotRef>>,
        sign: f64,
    ) {
        for (executor, slot) in topology.executors.iter().zip(slots) {
            let Some(node) = slot.map(|slot| slot.node as usize) else { continue };
            let (Some(taken), Some(declared)) =
                (self.taken.get_mut(node), self.declared.get_mut(node))
            else {
                continue;
            };
            let mib = sign * memory_of(topology, executor.component).0;
            *taken = (*taken + mib).max(0.0);
            let component = topology.components.get(executor.component as usize);
            if component.is_some_and(|component| component.memory_mib.is_some()) {
                *declared = (*declared + mib).max(0.0);
            }
        }
    }

    /// What was declared of a node's, in MiB.
    pub fn declared(&self, node: usize) -> f64 {
        self.declared.get(node).copied().unwrap_or(0.0)
    }

    /// What is left of so many MiB of a node, and what would be if only what was declared were taken.
    pub fn left(&self, node: usize, mib: f64) -> [u32; 2] {
        [&self.taken, &self.declared]
            .map(|taken| (mib - taken.get(node).copied().unwrap_or(0.0)).max(0.0) as u32)
    }
}
