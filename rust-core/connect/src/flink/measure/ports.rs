//! Numbers the slots of TaskManagers: each slot has one number in the whole cluster, whichever job holds it.
//!
//! REST does not tell slots apart, so the subtasks of a job are taken to fill one slot after the other, each of which keeps a
//! number that no other slot of its TaskManager has.

use std::collections::{BTreeMap, BTreeSet};

use super::super::view::JobView;

/// A slot: the TaskManager's id, and its number there.
pub type Place = (String, u32);

/// A subtask: the indexes of its job, its vertex and itself among those that were seen.
pub type Seat = (usize, usize, usize);

/// The slot of a job that holds the subtasks of this rank, of one slot sharing group, on a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Share {
    job: String,
    node: String,
    rank: usize,
    group: String,
}

/// The numbers that slots have.
#[derive(Debug, Default)]
pub struct Ports(BTreeMap<Share, Place>);

impl Ports {
    /// The place of every subtask that has a TaskManager.
    pub fn of(&mut self, jobs: &[JobView]) -> BTreeMap<Seat, Place> {
        let shares = shares(jobs);
        let found: BTreeSet<&Share> = shares.values().collect();
        let mut taken = BTreeSet::new();
        let mut numbered = BTreeMap::new();
        // Each share keeps the number that it had,
        for share in &found {
            if let Some(before) = self.0.get(*share)
                && taken.insert(before.clone())
            {
                numbered.insert((*share).clone(), before.clone());
            }
        }
        // and others get the least that is free.
        for share in found {
            if !numbered.contains_key(share) {
                let mut place = (share.node.clone(), 0);
                while !taken.insert(place.clone()) {
                    place.1 += 1;
                }
                numbered.insert(share.clone(), place);
            }
        }
        let places = shares
            .into_iter()
            .filter_map(|(seat, share)| numbered.get(&share).map(|place| (seat, place.clone())));
        let places = places.collect();
        self.0 = numbered;
        places
    }
}

/// The slot in which each subtask is taken to be.
fn shares(jobs: &[JobView]) -> BTreeMap<Seat, Share> {
    let mut shares = BTreeMap::new();
    for (j, job) in jobs.iter().enumerate() {
        for (v, vertex) in job.vertices.iter().enumerate() {
            let mut ranks: BTreeMap<&str, usize> = BTreeMap::new();
            for (t, task) in vertex.tasks.iter().enumerate() {
                let Some(node) = &task.node else { continue };
                let rank = ranks.entry(node).or_default();
                let share = Share {
                    job: job.id.clone(),
                    node: node.clone(),
                    rank: *rank,
                    group: vertex.slot_group.clone(),
                };
                *rank += 1;
                shares.insert((j, v, t), share);
            }
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::super::super::view::{StateOf, Task, Vertex, Waiting};
    use super::*;

    fn vertex(id: &str, group: &str, nodes: &[&str]) -> Vertex {
        let task = |(index, node): (u32, &&str)| Task {
            index,
            attempt: 0,
            node: Some((*node).to_owned()),
            running: true,
            finished: false,
            totals: None,
            state: StateOf::default(),
        };
        Vertex {
            id: id.to_owned(),
            name: id.to_owned(),
            first_task: 0,
            max_parallelism: 4,
            inputs: Vec::new(),
            tasks: (0..).zip(nodes).map(task).collect(),
            waiting: Waiting::default(),
            slot_group: group.to_owned(),
            bounds: None,
        }
    }

    fn job(id: &str, vertices: Vec<Vertex>) -> JobView {
        JobView {
            id: id.to_owned(),
            name: id.to_owned(),
            state: "RUNNING".to_owned(),
            checkpoint: None,
            checkpoint_interval: None,
            obstacle: None,
            vertices,
        }
    }

    /// Vertices x and y, whose subtasks share slots, on these nodes.
    fn pair(id: &str, nodes: &[&str]) -> JobView {
        job(id, vec![vertex("x", "", nodes), vertex("y", "", nodes)])
    }

    fn numbers(places: &BTreeMap<Seat, Place>) -> Vec<(&str, u32)> {
        places.values().map(|(node, port)| (node.as_str(), *port)).collect()
    }

    #[test]
    fn a_slot_is_one_slot_in_the_whole_cluster() {
        let found = Ports::default().of(&[pair("a", &["n1", "n1"]), pair("b", &["n1", "n2"])]);
        let a = [("n1", 0), ("n1", 1), ("n1", 0), ("n1", 1)];
        let b = [("n1", 2), ("n2", 0), ("n1", 2), ("n2", 0)];
        assert_eq!(numbers(&found), [a, b].concat());
    }

    #[test]
    fn vertices_of_another_slot_sharing_group_have_slots_of_their_own() {
        let groups = ["g", "h", "g"].map(|group| vertex(group, group, &["n1"]));
        let found = Ports::default().of(&[job("a", groups.into())]);
        assert_eq!(numbers(&found), [("n1", 0), ("n1", 1), ("n1", 0)]);
    }

    #[test]
    fn slots_keep_their_numbers() {
        let mut ports = Ports::default();
        ports.of(&[pair("b", &["n1"]), pair("c", &["n1"])]);
        let found = ports.of(&[pair("a", &["n1"]), pair("c", &["n1"])]);
        assert_eq!(numbers(&found), [("n1", 0), ("n1", 0), ("n1", 1), ("n1", 1)]);
    }
}
