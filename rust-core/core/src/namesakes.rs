//! Topologies of one name: what was learned of a name is not to be believed of each of them.

use std::collections::BTreeMap;

use crate::model::Topology;

/// Which topologies of an observation share a name, by that name. Looked up for each topology, so it is made once.
#[derive(Debug, Clone, Default)]
pub struct Namesakes(BTreeMap<String, Vec<Namesake>>);

/// One of several of a name.
#[derive(Debug, Clone)]
struct Namesake {
    id: String,
    graph: u64,
}

impl Namesakes {
    /// Those among these topologies.
    pub fn of(topologies: &[Topology]) -> Self {
        let mut by_name: Vec<&Topology> = topologies.iter().collect();
        by_name.sort_by(|one, other| one.name.cmp(&other.name));
        let several =
            by_name.chunk_by(|one, other| one.name == other.name).filter(|of| of.len() > 1);
        let namesake =
            |topology: &&Topology| Namesake { id: topology.id.clone(), graph: graph(topology) };
        let named = |of: &[&Topology]| (of[0].name.clone(), of.iter().map(namesake).collect());
        Self(several.map(named).collect())
    }

    /// The graphs of the others of a topology's name.
    pub fn graphs_beside(&self, topology: &Topology) -> impl Iterator<Item = u64> {
        let all = self.0.get(&topology.name).into_iter().flatten();
        all.filter(|other| other.id != topology.id).map(|other| other.graph)
    }
}

/// A digest of a topology's components and the streams between them (FNV-1a).
pub fn graph(topology: &Topology) -> u64 {
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0]) {
            digest = (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for component in &topology.components {
        add(component.id.as_bytes());
        add(&component.tasks.count().to_le_bytes());
    }
    for edge in &topology.edges {
        add(&edge.from.to_le_bytes());
        add(&edge.to.to_le_bytes());
    }
    digest
}
