//! Topologies of one name: what was learned of a name is not to be believed of each of them.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use crate::model::Topology;

/// Which topologies of an observation share a name. Looked up for each topology of a decision, so it is found once; whoever
/// does not ask pays nothing.
#[derive(Debug)]
pub struct Namesakes<'a> {
    topologies: &'a [Topology],
    /// The indices of those of which there are several, by their name.
    by_name: OnceCell<BTreeMap<String, Vec<usize>>>,
}

impl<'a> Namesakes<'a> {
    /// Those among these topologies.
    pub fn of(topologies: &'a [Topology]) -> Self {
        Self { topologies, by_name: OnceCell::new() }
    }

    /// The others of a topology's name.
    pub fn beside(&self, topology: &Topology) -> impl Iterator<Item = &'a Topology> {
        let by_name = self.by_name.get_or_init(|| several_by_name(self.topologies));
        let all = by_name.get(&topology.name).into_iter().flatten();
        all.map(|index| &self.topologies[*index]).filter(|other| other.id != topology.id)
    }
}

fn several_by_name(topologies: &[Topology]) -> BTreeMap<String, Vec<usize>> {
    let name = |index: &usize| &topologies[*index].name;
    let mut by_name: Vec<usize> = (0..topologies.len()).collect();
    by_name.sort_by_key(name);
    let several = by_name.chunk_by(|one, other| name(one) == name(other)).filter(|of| of.len() > 1);
    several.map(|of| (name(&of[0]).clone(), of.to_vec())).collect()
}
