//! Whether the rules hold.

use std::collections::BTreeSet;

use serde_json::Value;
use thalweg_engine::Request;
use thalweg_store::Store;

use super::cluster::Held;
use super::rules::Rule;
use super::shell::subject;
use super::world::{Broken, World};

impl World {
    /// What one action has left behind is not forgotten for another; `before` is the note as it was.
    pub fn check_one_at_a_time(&self, before: Option<String>) -> Result<(), Broken> {
        let (Some(before), Some(after)) = (before, self.cluster.note.as_deref()) else {
            return Ok(());
        };
        if before == after {
            return Ok(());
        }
        let ((plan, topology), (next, _)) = (subject(&before), subject(after));
        let stopped = self.cluster.topologies.get(topology).is_some_and(|held| !held.active);
        let left = stopped || self.cluster.beside.contains(topology);
        if left && plan != next {
            return Err(self.broken(Rule::OneAtATime, (before, after)));
        }
        Ok(())
    }

    /// No topology that nothing was decided about is touched.
    pub fn check_others(&self) -> Result<(), Broken> {
        for (id, held) in &self.untouched {
            let now = &self.cluster.topologies[id];
            if now != held {
                return Err(self.broken(Rule::OthersUntouched, (id, held, now)));
            }
        }
        Ok(())
    }

    /// What holds once all is quiet.
    pub fn check_rest(&self) -> Result<(), Broken> {
        for (id, held) in &self.cluster.topologies {
            if !held.active || held.slots.iter().any(Option::is_none) {
                return Err(self.broken(Rule::Runs, (id, held)));
            }
        }
        let rebalancing: Vec<&String> = self
            .cluster
            .topologies
            .iter()
            .filter(|(_, held)| held.rebalancing)
            .map(|(id, _)| id)
            .collect();
        if !self.cluster.beside.is_empty() || self.cluster.note.is_some() || !rebalancing.is_empty()
        {
            let left = (&self.cluster.beside, &self.cluster.note, rebalancing);
            return Err(self.broken(Rule::NothingLeft, left));
        }
        let of = |held: &Held| -> BTreeSet<(u32, u32)> {
            held.slots.iter().flatten().map(|slot| (slot.node, slot.port)).collect()
        };
        let all: Vec<(u32, u32)> = self.cluster.topologies.values().flat_map(of).collect();
        if all.iter().collect::<BTreeSet<_>>().len() != all.len() {
            return Err(self.broken(Rule::OneTopologyPerSlot, &self.cluster.topologies));
        }
        let leader = self.cluster.leader.ok_or_else(|| self.broken(Rule::SomebodyLeads, ()))?;
        let process = &self.processes[leader];
        let engine = process.engine.as_ref().filter(|_| process.term.is_some());
        let engine = engine.ok_or_else(|| self.broken(Rule::SomebodyLeads, leader))?;
        let status = engine.request(Request::Status, self.now(leader)).unwrap();
        if !status["plan"].is_null() {
            return Err(self.broken(Rule::Ends, &status["plan"]));
        }
        let ended: Vec<&Value> =
            status["ended"].as_array().unwrap().iter().map(|ended| &ended["plan"]["id"]).collect();
        let once: BTreeSet<String> = ended.iter().map(|id| id.to_string()).collect();
        if once.len() != ended.len() {
            return Err(self.broken(Rule::EndsOnce, ended));
        }
        self.check_tables(leader)
    }

    /// The stored tables say where executors run.
    fn check_tables(&self, leader: usize) -> Result<(), Broken> {
        let store = &self.processes[leader].store;
        for (id, held) in &self.cluster.topologies {
            let table = store.table(id).unwrap().map(|loaded| loaded.table);
            let rows = table.as_ref().map_or(&[][..], |table| &table.rows);
            let stored: Vec<(String, u32)> =
                rows.iter().map(|row| (row.node.after.clone(), row.port.after)).collect();
            let truth: Vec<(String, u32)> = held
                .slots
                .iter()
                .flatten()
                .map(|slot| (format!("n{}", slot.node), slot.port))
                .collect();
            if stored != truth {
                return Err(self.broken(Rule::TableIsTruth, (id, stored, truth)));
            }
        }
        let tables = store.tables().unwrap();
        let gone = tables.iter().find(|id| !self.cluster.topologies.contains_key(*id));
        gone.map_or(Ok(()), |gone| Err(self.broken(Rule::NoTableOfGone, gone)))
    }
}
