//! Another parallelism of one job: asked for through REST, so that the Dispatcher keeps it for the next leader. When the job
//! restarts for it, and where, is left to Flink's own scheduler.

use std::collections::BTreeMap;

use serde_json::Value;
use thalweg_core::model::Obstacle;
use thiserror::Error;

use super::ask::{Ask, Tell};
use super::json::{count, list, text, whole};
use super::read::{obstacle, outlines};
use super::requirements::{BeyondUser, Ranges, with};
use super::view::is_ended;
use crate::http::{HttpError, encoded};

/// What vertices are in that do their work, or have done it.
const WELL: [&str; 2] = ["RUNNING", "FINISHED"];

/// Why a job does not get another parallelism.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Unable {
    /// Flink refused, or did not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The job is no longer the one that the plan was made for.
    #[error("{0}")]
    Outdated(String),
    /// A restart would lose its state.
    #[error("{}, so a restart would lose its state", told(*.0))]
    WouldLoseState(Obstacle),
    /// It started again and again.
    #[error("the job failed {times} times with other parallelism, last {last}")]
    FailsAgain {
        /// How often it failed.
        times: usize,
        /// What it failed by last.
        last: String,
    },
}

impl Unable {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Http(_) => "ENGINE_REFUSED",
            Self::Outdated(_) => "PLAN_OUTDATED",
            Self::WouldLoseState(_) => "CHECKPOINTS_MISSING",
            Self::FailsAgain { .. } => "RESTARTS_AGAIN",
        }
    }
}

impl From<BeyondUser> for Unable {
    fn from(BeyondUser { vertex, count, user }: BeyondUser) -> Self {
        let (lower, upper) = (user.lower, user.upper);
        Self::Outdated(format!(
            "the user allows vertex {vertex} {lower} to {upper} subtasks, not {count}"
        ))
    }
}

fn told(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::NoCheckpointYet => "the job has completed no checkpoint yet",
        Obstacle::CheckpointsFail => "the job's last checkpoints failed",
        _ => "the job takes no checkpoints",
    }
}

/// How a job stands, as REST tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It runs.
    Running,
    /// It is there, and does not run.
    Other,
    /// It is over.
    Ended,
    /// Flink knows none of this id: it has been over for long, or another JobManager is about to take it over.
    Unknown,
}

/// How a job stands.
///
/// # Errors
/// When nobody answers.
pub fn standing(ask: &impl Ask, job: &str) -> Result<Standing, HttpError> {
    let found = ask.get_if_there(&path_of(job))?;
    Ok(found.map_or(Standing::Unknown, |job| stands(&job)))
}

fn stands(job: &Value) -> Standing {
    match text(job, "state") {
        "RUNNING" => Standing::Running,
        state if is_ended(state) => Standing::Ended,
        _ => Standing::Other,
    }
}

fn path_of(job: &str) -> String {
    format!("/jobs/{}", encoded(job))
}

/// A job, and the parallelism that it is to have.
#[derive(Debug, Clone)]
pub struct Rescale {
    /// The path of the job.
    path: String,
    /// Subtasks by Flink's own id of the vertex.
    desired: BTreeMap<String, u32>,
}

impl Rescale {
    /// So many subtasks for the vertices of these names, which are as [`super::Reader`] tells them.
    ///
    /// # Errors
    /// When there is no such job that is not over, or no such vertex in it.
    pub fn of(ask: &impl Ask, job: &str, counts: &BTreeMap<String, u32>) -> Result<Self, Unable> {
        let path = path_of(job);
        let gone = || Unable::Outdated("the job has ended".to_owned());
        let answer = ask.get_if_there(&path)?.ok_or_else(gone)?;
        if stands(&answer) == Standing::Ended {
            return Err(gone());
        }
        let ids: BTreeMap<String, String> =
            outlines(&answer).into_iter().map(|outline| (outline.name, outline.id)).collect();
        let of_id = |(name, count): (&String, &u32)| {
            let id = ids.get(name).cloned();
            let id = id.ok_or_else(|| Unable::Outdated(format!("the job has no vertex {name}")))?;
            Ok((id, *count))
        };
        let desired = counts.iter().map(of_id).collect::<Result<_, Unable>>()?;
        Ok(Self { path, desired })
    }

    /// Whether the job goes on where it was when it is restarted now.
    ///
    /// # Errors
    /// When it would not, or that cannot be told.
    pub fn check_state_is_kept(&self, ask: &impl Ask) -> Result<(), Unable> {
        let settings = ask.get_if_there(&format!("{}/checkpoints/config", self.path))?;
        let statistics = ask.get_if_there(&format!("{}/checkpoints", self.path))?;
        match obstacle(settings.as_ref(), statistics.as_ref()) {
            None => Ok(()),
            Some(obstacle) => Err(Unable::WouldLoseState(obstacle)),
        }
    }

    /// The bounds that hold for the job, of all its vertices.
    ///
    /// # Errors
    /// When Flink does not tell them.
    pub fn bounds(&self, ask: &impl Ask) -> Result<Value, Unable> {
        Ok(ask.get(&format!("{}/resource-requirements", self.path))?)
    }

    /// The parallelism that is desired, by Flink's own ids.
    pub fn desired(&self) -> &BTreeMap<String, u32> {
        &self.desired
    }

    /// Asks for other bounds, where these hold for the whole job.
    ///
    /// # Errors
    /// When they are refused, or nobody knows whether they were taken.
    pub fn ask(&self, tell: &impl Tell, now: &Value, asked: &Ranges) -> Result<(), Unable> {
        let path = format!("{}/resource-requirements", self.path);
        Ok(tell.put(&path, &with(now, asked))?)
    }

    /// When the job failed last, in ms since 1970; 0 if it has not.
    ///
    /// # Errors
    /// When that is not told.
    pub fn last_failure(&self, ask: &impl Ask) -> Result<u64, Unable> {
        Ok(failures(ask, &self.path)?.iter().map(at).max().unwrap_or(0))
    }

    /// How often the job has failed since then, and what it failed by last.
    ///
    /// # Errors
    /// When that is not told.
    pub fn failures(&self, ask: &impl Ask, since: u64) -> Result<(usize, String), Unable> {
        let all = failures(ask, &self.path)?;
        let last = all.first().map_or_else(String::new, |last| {
            format!("{}: {}", text(last, "taskName"), text(last, "exceptionName"))
        });
        Ok((all.iter().filter(|failure| at(failure) > since).count(), last))
    }

    /// Whether the job runs with the parallelism that is desired; not yet, where Flink knows no such job at the moment.
    ///
    /// # Errors
    /// When nobody answers, or the job is over.
    pub fn is_reached(&self, ask: &impl Ask) -> Result<bool, Unable> {
        let Some(found) = ask.get_if_there(&self.path)? else { return Ok(false) };
        let stands = stands(&found);
        if stands == Standing::Ended {
            return Err(Unable::Outdated("the job has ended".to_owned()));
        }
        let parts: BTreeMap<&str, &Value> =
            list(&found, "vertices").map(|vertex| (text(vertex, "id"), vertex)).collect();
        let well = parts.values().all(|vertex| WELL.contains(&text(vertex, "status")));
        let has = |(id, wanted): (&String, &u32)| {
            parts.get(id.as_str()).and_then(|vertex| count(vertex, "parallelism")) == Some(*wanted)
        };
        Ok(stands == Standing::Running && well && self.desired.iter().all(has))
    }
}

/// The failures of a job that are remembered, the last one first; none where Flink knows no such job at the moment.
fn failures(ask: &impl Ask, path: &str) -> Result<Vec<Value>, HttpError> {
    let answer = ask.get_if_there(&format!("{path}/exceptions"))?.unwrap_or_default();
    Ok(list(&answer["exceptionHistory"], "entries").cloned().collect())
}

fn at(failure: &Value) -> u64 {
    whole(failure, "timestamp").unwrap_or(0)
}
