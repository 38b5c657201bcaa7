//! One look at a cluster after the other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use thalweg_core::model::Obstacle;
use thalweg_core::units::Timestamp;

use super::ask::Ask;
use super::cluster::Cluster;
use super::json::{list, text};
use super::measure::Observer;
use super::read::{
    Caches, Checkpoints, Collectors, Outline, Seen, Sources, States, left_alone, nodes, outlines,
    tasks,
};
use super::requirements::SharedRequirements;
use super::view::{JobView, Task, Vertex, Waiting, is_ended};
use crate::http::{HttpError, encoded};
use crate::look::{Finding, Look};

const RUNNING: &str = "RUNNING";

/// Looks at one cluster, and keeps what one look needs of the one before.
#[derive(Debug)]
pub struct Reader {
    reactive: bool,
    sources: Sources,
    states: States,
    caches: Caches,
    collectors: Collectors,
    requirements: SharedRequirements,
    observer: Observer,
    /// Jobs as they were last seen, by id.
    before: BTreeMap<String, JobView>,
}

impl Reader {
    /// Looks at a cluster that is set up so.
    pub fn new(cluster: &Cluster) -> Self {
        Self {
            reactive: cluster.reactive,
            sources: Sources::default(),
            states: States::default(),
            caches: Caches::default(),
            collectors: Collectors::default(),
            requirements: SharedRequirements::default(),
            observer: Observer::default(),
            before: BTreeMap::new(),
        }
    }

    /// The same, where somebody else asks for other bounds of parallelism and notes there which are not their users'.
    pub fn knowing(cluster: &Cluster, requirements: SharedRequirements) -> Self {
        Self { requirements, ..Self::new(cluster) }
    }

    /// Has Flink fetch all counters anew. It does so behind the first request that finds them old, and still answers that
    /// one with what it had: without this call, a moment before a look, the look would see some subtasks as they are and
    /// others as they were.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn refresh(ask: &impl Ask) -> Result<(), HttpError> {
        ask.get("/jobmanager/metrics").map(drop)
    }

    /// Looks at the cluster, at a time that is not later than its counters will be as they are read.
    ///
    /// What cannot be read of one job stands against judging that job, and the others are read.
    ///
    /// # Errors
    /// When nobody answers, nobody may ask, or there is no list of jobs or TaskManagers.
    pub fn look(&mut self, ask: &impl Ask, at: Timestamp) -> Result<Look, HttpError> {
        let mut findings = Vec::new();
        let mut jobs = Vec::new();
        for (id, state) in self.present(&ask.get("/jobs")?) {
            match self.job(ask, &id) {
                Ok(seen) => jobs.extend(seen),
                // It may have ended between two questions.
                Err(error) if error.is_not_found() && has_ended(ask, &id)? => {}
                Err(error) if error.is_of_one_answer() => {
                    let text = format!("cannot be read: {error}");
                    findings.push(Finding { about: id.clone(), text });
                    jobs.push(self.unreadable(&id, &state));
                }
                Err(error) => return Err(error),
            }
        }
        self.before = jobs.iter().map(|job| (job.id.clone(), job.clone())).collect();
        for job in &mut jobs {
            self.bound(ask, job, &mut findings)?;
        }
        let mut nodes = nodes(&ask.get("/taskmanagers")?);
        self.collectors.read(ask, &mut nodes)?;
        let ids: BTreeSet<String> = self.before.keys().cloned().collect();
        self.sources.keep(&ids);
        self.states.keep(&ids);
        self.caches.keep(&ids);
        self.requirements.lock().keep(&ids, at);
        let observation = self.observer.observe(at, &nodes, &jobs);
        Ok(Look { observation, findings })
    }

    /// The states of all jobs that have not ended, by id.
    ///
    /// Flink leaves out of its list whatever job does not answer at once, such as one that begins, so what was seen before is
    /// asked for by its id before it counts as ended.
    fn present(&self, answer: &Value) -> BTreeMap<String, String> {
        let before = self.before.iter().map(|(id, job)| (id.clone(), job.state.clone()));
        let mut states: BTreeMap<String, String> = before.collect();
        let listed = list(answer, "jobs");
        states
            .extend(listed.map(|job| (text(job, "id").to_owned(), text(job, "status").to_owned())));
        states.retain(|id, state| !id.is_empty() && !is_ended(state));
        states
    }

    /// A job as it was last seen, with what stands against judging it.
    fn unreadable(&self, id: &str, state: &str) -> JobView {
        match self.before.get(id) {
            Some(last) => JobView { obstacle: Some(Obstacle::Unreadable), ..last.clone() },
            None => JobView::bare(id, id, state, Obstacle::Unreadable),
        }
    }

    /// One job with the counters of every subtask; nothing once it has ended.
    fn job(&mut self, ask: &impl Ask, id: &str) -> Result<Option<JobView>, HttpError> {
        let Some(job) = ask.get_if_there(&format!("/jobs/{}", encoded(id)))? else {
            return Ok(None);
        };
        let (name, state) = (text(&job, "name"), text(&job, "state"));
        if is_ended(state) {
            return Ok(None);
        }
        if let Some(obstacle) = left_alone(&job) {
            return Ok(Some(JobView::bare(id, name, state, obstacle)));
        }
        let outlines = outlines(&job);
        let ids: Vec<String> = outlines.iter().map(|outline| outline.id.clone()).collect();
        let known = self.states.look(ask, id, &ids)?.clone();
        let mut vertices = Vec::new();
        let mut first_task = 0u32;
        for outline in outlines {
            let (waiting, tasks) = self.parts(ask, id, &outline, &known)?;
            let Outline { id, name, max_parallelism, inputs, slot_group } = outline;
            vertices.push(Vertex {
                id,
                name,
                first_task,
                max_parallelism,
                inputs,
                tasks,
                waiting,
                slot_group,
                bounds: None,
            });
            first_task = first_task.saturating_add(max_parallelism);
        }
        let obstacle = if self.reactive { Some(Obstacle::OtherScheduler) } else { known.obstacle };
        Ok(Some(JobView {
            id: id.to_owned(),
            name: name.to_owned(),
            state: state.to_owned(),
            checkpoint: known.checkpoint,
            checkpoint_interval: known.interval(),
            obstacle,
            vertices,
        }))
    }

    /// What waits before a vertex, and its subtasks.
    fn parts(
        &mut self,
        ask: &impl Ask,
        job: &str,
        outline: &Outline,
        checkpoints: &Checkpoints,
    ) -> Result<(Waiting, Vec<Task>), HttpError> {
        let vertex = outline.id.as_str();
        let path = format!("/jobs/{}/vertices/{}", encoded(job), encoded(vertex));
        let answer = ask.get(&path)?;
        if outline.inputs.is_empty() {
            let subtasks = list(&answer, "subtasks").count();
            let (waiting, brought) = self.sources.read(ask, (job, vertex), subtasks)?;
            let seen = Seen { vertex, brought: Some(&brought), lookups: None, checkpoints };
            return Ok((waiting, tasks(&answer, &seen)));
        }
        let lookups = self.caches.read(ask, (job, vertex))?;
        let seen = Seen { vertex, brought: None, lookups, checkpoints };
        Ok((Waiting::default(), tasks(&answer, &seen)))
    }

    /// Adds the bounds that its user set to a job; where they cannot be read, those that were known last.
    fn bound(
        &mut self,
        ask: &impl Ask,
        job: &mut JobView,
        findings: &mut Vec<Finding>,
    ) -> Result<(), HttpError> {
        if job.vertices.is_empty() || job.state != RUNNING {
            return Ok(());
        }
        let mut known = self.requirements.lock();
        match ask.get(&format!("/jobs/{}/resource-requirements", encoded(&job.id))) {
            Ok(answer) => known.take(&job.id, &answer),
            Err(error) if error.is_of_one_answer() => {
                findings.push(Finding { about: job.id.clone(), text: without_bounds(&error) });
            }
            Err(error) => return Err(error),
        }
        for vertex in &mut job.vertices {
            vertex.bounds = known.users(&job.id, &vertex.id);
        }
        Ok(())
    }
}

/// Why the bounds of a job are not known. Lines that do not tell a job's scheduler tell here that it is not the adaptive one.
fn without_bounds(error: &HttpError) -> String {
    match error {
        HttpError::Refused { text, .. } if text.contains("UnsupportedOperationException") => {
            "its scheduler changes no parallelism while it runs: to follow advice takes a restart from a savepoint, or \
             jobmanager.scheduler: adaptive"
                .to_owned()
        }
        other => format!("bounds of parallelism cannot be read: {other}"),
    }
}

/// Whether a job is not there any more.
fn has_ended(ask: &impl Ask, id: &str) -> Result<bool, HttpError> {
    match ask.get_if_there(&format!("/jobs/{}", encoded(id))) {
        Ok(found) => Ok(found.is_none_or(|job| is_ended(text(&job, "state")))),
        Err(error) if error.is_of_one_answer() => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
