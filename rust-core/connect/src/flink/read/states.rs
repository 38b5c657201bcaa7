//! How large the state of subtasks was when their job last completed a checkpoint, and what that took.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use thalweg_core::model::{Checkpoint, Obstacle};
use thalweg_core::units::Millis;

use super::super::ask::Ask;
use super::super::json::{list, whole};
use super::recovery::{interval, newest, obstacle};
use crate::http::{HttpError, encoded};

/// What is known of the checkpoints of one job.
#[derive(Debug, Clone, Default)]
pub struct Checkpoints {
    /// Its settings, which a job keeps for its life; nothing until they were read.
    settings: Option<Value>,
    /// What stands against a restart now.
    pub obstacle: Option<Obstacle>,
    id: Option<u64>,
    /// The last one.
    pub checkpoint: Option<Checkpoint>,
    /// Bytes of the state of each subtask, by vertex.
    sizes: BTreeMap<String, Vec<Option<u64>>>,
}

impl Checkpoints {
    /// The time between two of them.
    pub fn interval(&self) -> Option<Millis> {
        interval(self.settings.as_ref())
    }

    /// The bytes of a subtask's state; nothing where unknown, as when there were another number of subtasks.
    pub fn bytes(&self, vertex: &str, subtask: usize, subtasks: usize) -> Option<u64> {
        let sizes = self.sizes.get(vertex).filter(|sizes| sizes.len() == subtasks)?;
        sizes.get(subtask).copied().flatten()
    }
}

/// What is known of the checkpoints of all jobs.
#[derive(Debug, Default)]
pub struct States(BTreeMap<String, Checkpoints>);

impl States {
    /// Reads what the newest checkpoint of a job tells, if it is a new one.
    pub fn look(
        &mut self,
        ask: &impl Ask,
        job: &str,
        vertices: &[String],
    ) -> Result<&Checkpoints, HttpError> {
        let mut known = self.0.get(job).cloned().unwrap_or_default();
        let path = format!("/jobs/{}/checkpoints", encoded(job));
        // A job that is about to run has no settings yet: they are asked for again.
        if known.settings.is_none() {
            known.settings = ask.get_if_there(&format!("{path}/config"))?;
        }
        let statistics = ask.get_if_there(&path)?;
        known.obstacle = obstacle(known.settings.as_ref(), statistics.as_ref());
        let (id, checkpoint) = newest(statistics.as_ref());
        if id != known.id {
            known.sizes = match id {
                Some(id) => sizes(ask, &format!("{path}/details/{id}/subtasks"), vertices)?,
                None => BTreeMap::new(),
            };
            known.checkpoint = checkpoint;
            known.id = id;
        }
        let kept = self.0.entry(job.to_owned()).or_default();
        *kept = known;
        Ok(kept)
    }

    /// Forgets all other jobs.
    pub fn keep(&mut self, jobs: &BTreeSet<String>) {
        self.0.retain(|job, _| jobs.contains(job));
    }
}

/// Of each vertex; none where the checkpoint was replaced meanwhile.
fn sizes(
    ask: &impl Ask,
    path: &str,
    vertices: &[String],
) -> Result<BTreeMap<String, Vec<Option<u64>>>, HttpError> {
    let mut sizes = BTreeMap::new();
    for vertex in vertices {
        match ask.get(&format!("{path}/{}", encoded(vertex))) {
            Ok(answer) => {
                let of = list(&answer, "subtasks").map(|subtask| whole(subtask, "state_size"));
                sizes.insert(vertex.clone(), of.collect());
            }
            Err(HttpError::Refused { .. }) => return Ok(BTreeMap::new()),
            Err(error) => return Err(error),
        }
    }
    Ok(sizes)
}
