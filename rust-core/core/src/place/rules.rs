//! What a search for nodes has to keep to.

use std::collections::BTreeMap;

use crate::model::SlotRef;

/// What of the present is to stay, and what is not.
#[derive(Clone, Default)]
pub(super) struct Rules {
    /// Present workers that stay as they are.
    pub kept: BTreeMap<SlotRef, Vec<usize>>,
    /// Executors that must not be put on this node.
    pub barred: BTreeMap<usize, usize>,
    /// Whether new workers start while those that they replace still hold their slots.
    pub beside: bool,
}

impl Rules {
    pub fn bar(&mut self, executors: &[usize], slot: SlotRef) {
        self.barred.extend(executors.iter().map(|&executor| (executor, slot.node as usize)));
    }
}
