//! One simulated job as many, on a cluster that has room for all.

use std::collections::BTreeMap;
use std::sync::Arc;

use thalweg_core::Decided;
use thalweg_core::model::{Node, Observation, SlotRef, Topology};
use thalweg_core::settings::Settings;
use thalweg_core::state::State;
use thalweg_core::units::{Millis, Timestamp};
use thalweg_engine::Engine;
use thalweg_sim::{Brain, Core};

/// Nodes of the cluster.
const NODES: usize = 100;
const FIRST_PORT: u32 = 6700;
/// Slots of each node that nobody uses.
const FREE: u32 = 8;

/// The name of a copy.
pub fn name(copy: u32) -> String {
    const TEAMS: [&str; 8] =
        ["orders", "clicks", "trips", "payments", "sensors", "mail", "search", "billing"];
    const PLACES: [&str; 5] = ["fra", "ams", "dub", "iad", "sin"];
    let (team, place) = (TEAMS[copy as usize % TEAMS.len()], PLACES[copy as usize % PLACES.len()]);
    format!("{team}-{place}-{copy:04}")
}

/// The id of a copy.
pub fn id(copy: u32) -> String {
    format!("{}-{}-1790000000", name(copy), copy + 1)
}

/// Shows an engine the copies of what is simulated.
pub struct Copies {
    engine: Arc<Engine>,
    topologies: u32,
    /// From simulated to shown time.
    shift: Millis,
}

impl Copies {
    /// Shows an engine so many topologies.
    pub fn new(engine: Arc<Engine>, topologies: u32, shift: Millis) -> Self {
        Self { engine, topologies, shift }
    }

    fn of(&self, seen: &Observation) -> Observation {
        let mut nodes: Vec<Node> = (0..NODES).map(|node| Self::node(&seen.nodes, node)).collect();
        let mut topologies = Vec::new();
        for copy in 0..self.topologies {
            for one in &seen.topologies {
                topologies.push(copied(one, copy, (&mut nodes, seen.nodes.len())));
            }
        }
        for node in &mut nodes {
            let used = node.ports.len() as u32;
            node.ports = (FIRST_PORT..FIRST_PORT + used + FREE).collect();
        }
        Observation { at: seen.at.plus(self.shift), nodes, topologies }
    }

    fn node(like: &[Node], number: usize) -> Node {
        let like = &like[number % like.len()];
        // An id as Storm gives them: it says nothing to people.
        let id =
            format!("{:08x}-4c1d-4d6e-9a53-{number:012x}", number * 2_654_435_761 % 0xffff_ffff);
        Node { id, host: format!("node-{number:03}.example"), ports: Vec::new(), ..like.clone() }
    }
}

/// A copy of a topology, with workers in slots that nobody else has, and a load of its own.
fn copied(one: &Topology, copy: u32, (nodes, apart): (&mut [Node], usize)) -> Topology {
    let load = 0.2 + f64::from(copy.wrapping_mul(7919) % 1000) / 900.0;
    let mut slots: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    let mut copied = Topology { id: id(copy), name: name(copy), ..one.clone() };
    for executor in &mut copied.executors {
        if let Some(SlotRef { node, port }) = &mut executor.slot {
            let to = (copy as usize * apart + *node as usize) % nodes.len();
            let ports = &mut nodes[to].ports;
            let free = FIRST_PORT + ports.len() as u32;
            *port = *slots.entry((*node, *port)).or_insert_with(|| {
                ports.push(free);
                free
            });
            *node = to as u32;
        }
        let Some(counters) = &mut executor.counters else { continue };
        for spent in [&mut counters.execute_ms, &mut counters.process_ms, &mut counters.complete_ms]
        {
            *spent *= load;
        }
        for count in [
            &mut counters.executed,
            &mut counters.acked,
            &mut counters.emitted,
            &mut counters.transferred,
            &mut counters.completed,
        ] {
            *count = (*count as f64 * load) as u64;
        }
    }
    copied
}

impl Brain for Copies {
    fn decide(
        &mut self,
        observation: &Observation,
        state: State,
        settings: &Settings,
        now: Timestamp,
    ) -> Decided {
        let seen = self.of(observation);
        self.engine.observe(seen, now.plus(self.shift)).expect("it only writes its own folder");
        Core.decide(observation, state, settings, now)
    }
}
