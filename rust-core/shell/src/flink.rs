//! Flink, through its REST interface: of every line from 1.18 on, for jobs of its adaptive scheduler.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use thalweg_connect::Look;
use thalweg_connect::flink::{Ask, Cluster, Reader, Requirements, Rescale, Rest, Unable};
use thalweg_connect::http::{HttpError, encoded};
use thalweg_control::now_millis;
use thalweg_core::action::{Done, Fault};
use thalweg_core::plan::Plan;
use thalweg_core::settings::Settings;
use thalweg_core::units::Timestamp;
use thalweg_engine::{Engine, Request};

use crate::cluster::{Eyes, Hands, Presence, Unseen};
use crate::reports::Reports;

/// Within this time TaskManagers have answered with their counters,
const FETCHING: Duration = Duration::from_millis(200);
/// and within this one also where that takes long: where looks are rare, there is time.
const LONGEST_FETCHING: Duration = Duration::from_secs(1);
/// Failures that are no accident; REST tells each only some seconds later.
const MOST_FAILURES: usize = 3;
/// For so long a job has to run as asked for.
const CALM: Duration = Duration::from_secs(4);
/// Where the engine keeps what is known of bounds.
const KEPT: &str = "flink-bounds";
/// What jobs are in no more.
const ENDED: [&str; 3] = ["FINISHED", "CANCELED", "FAILED"];

/// Looks at a JobManager.
pub struct JobManager {
    rest: Arc<Rest>,
    reader: Reader,
}

impl JobManager {
    /// Looks at this one.
    pub fn new(rest: Arc<Rest>, reader: Reader) -> Self {
        Self { rest, reader }
    }
}

impl Eyes for JobManager {
    fn look(&mut self, interval: Duration) -> Result<Look, Unseen> {
        let unseen = |error: HttpError| Unseen(error.to_string());
        let at = Timestamp::from_millis(now_millis());
        Reader::refresh(self.rest.as_ref()).map_err(unseen)?;
        std::thread::sleep((interval / 5).clamp(FETCHING, LONGEST_FETCHING));
        self.reader.look(self.rest.as_ref(), at).map_err(unseen)
    }
}

/// Asks a JobManager for other parallelism.
pub struct Rescaler {
    rest: Arc<Rest>,
    requirements: Arc<Mutex<Requirements>>,
    reports: Reports,
    settings: Settings,
    walk: Option<Watched>,
}

/// What is watched of a job that was asked for other parallelism.
#[derive(Debug)]
struct Watched {
    failed_before: u64,
    failures: usize,
    calm_since: Instant,
}

/// Eyes and hands for a JobManager, for this engine, which keeps what bounds were asked for.
///
/// # Errors
/// When the engine cannot tell what was kept.
pub fn of(
    engine: &Arc<Engine>,
    rest: Rest,
    cluster: &Cluster,
    settings: Settings,
) -> Result<(JobManager, Rescaler), Fault> {
    let (rest, reports) = (Arc::new(rest), Reports::to(Arc::clone(engine)));
    let kept = reports.send(Request::Kept { key: KEPT.to_owned() })?;
    let requirements = Requirements::recalled(kept.get("value").cloned().unwrap_or(Value::Null));
    let requirements = Arc::new(Mutex::new(requirements));
    let reader = Reader::knowing(cluster, Arc::clone(&requirements));
    let eyes = JobManager::new(Arc::clone(&rest), reader);
    Ok((eyes, Rescaler { rest, requirements, reports, settings, walk: None }))
}

impl Rescaler {
    fn requirements(&self) -> MutexGuard<'_, Requirements> {
        self.requirements.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has what is known of bounds kept, so that a successor can tell a user's from ours.
    fn keep(&self) -> Result<(), Fault> {
        let value = self.requirements().to_keep();
        self.reports.send(Request::Keep { key: KEPT.to_owned(), value }).map(drop)
    }

    fn may_lose_state(&self, plan: &Plan) -> bool {
        let of = &self.settings.without_checkpoints_of;
        self.settings.without_checkpoints || of.contains(&plan.topology) || of.contains(&plan.name)
    }

    fn rescale(&self, plan: &Plan) -> Result<Rescale<'_, Rest>, Unable> {
        Rescale::of(self.rest.as_ref(), &plan.topology, &plan.counts)
    }
}

fn fault(unable: Unable) -> Fault {
    Fault { code: unable.code().to_owned(), text: unable.to_string() }
}

impl Hands for Rescaler {
    fn way(&self) -> &'static str {
        "rest_rescale"
    }

    fn ask(
        &mut self,
        plan: &Plan,
        intend: &mut dyn FnMut(Done) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let rescale = self.rescale(plan).map_err(fault)?;
        if !self.may_lose_state(plan) {
            rescale.check_state_is_kept().map_err(fault)?;
        }
        let failed_before = rescale.last_failure().map_err(fault)?;
        let now = rescale.bounds().map_err(fault)?;
        let change = self.requirements().change(&plan.topology, &now, rescale.desired());
        let change = change.map_err(|beyond| fault(beyond.into()))?;
        let before = change.before.iter().map(|(vertex, range)| (vertex.clone(), (*range).into()));
        intend(Done::BoundsChanged { before: before.collect() })?;
        self.requirements().note_asking(&plan.topology, &change.asked);
        self.keep()?;
        rescale.ask(&now, &change.asked).map_err(fault)?;
        self.requirements().note_asked(&plan.topology, &change.asked);
        self.keep()?;
        self.walk = Some(Watched { failed_before, failures: 0, calm_since: Instant::now() });
        Ok(())
    }

    fn runs(&mut self, plan: &Plan) -> Result<bool, Fault> {
        let rescale = Rescale::of(self.rest.as_ref(), &plan.topology, &plan.counts);
        let rescale = match rescale {
            Ok(rescale) => rescale,
            // Somebody who does not answer now may later.
            Err(Unable::Http(_)) => return Ok(false),
            Err(unable) => return Err(fault(unable)),
        };
        let Some(walk) = &mut self.walk else { return Ok(false) };
        let (failures, last) =
            rescale.failures(walk.failed_before).unwrap_or((walk.failures, String::new()));
        if failures >= MOST_FAILURES {
            return Err(fault(Unable::FailsAgain { times: failures, last }));
        }
        if failures != walk.failures || !rescale.reached().unwrap_or(false) {
            (walk.failures, walk.calm_since) = (failures, Instant::now());
        }
        Ok(walk.calm_since.elapsed() >= CALM)
    }

    fn is_reached(&mut self, plan: &Plan) -> bool {
        self.rescale(plan).and_then(|rescale| rescale.reached()).unwrap_or(false)
    }

    fn undo(&mut self, topology: &str, done: &Done) -> Result<(), Fault> {
        let Done::BoundsChanged { before } = done else {
            let text = format!("nobody knows how to take back {done:?} from beside");
            return Err(Fault { code: "ENGINE_REFUSED".to_owned(), text });
        };
        let rescale = match Rescale::of(self.rest.as_ref(), topology, &BTreeMap::new()) {
            Ok(rescale) => rescale,
            // Its bounds ended with it.
            Err(Unable::Outdated(_)) => return Ok(()),
            Err(unable) => return Err(fault(unable)),
        };
        let now = rescale.bounds().map_err(fault)?;
        let before = before.iter().map(|(vertex, range)| (vertex.clone(), (*range).into()));
        let back = self.requirements().way_back(topology, &now, &before.collect());
        if back.is_empty() {
            return Ok(());
        }
        self.requirements().note_asking(topology, &back);
        self.keep()?;
        rescale.ask(&now, &back).map_err(fault)?;
        self.requirements().note_asked(topology, &back);
        self.keep()
    }

    fn presence(&mut self, topology: &str) -> Presence {
        match self.rest.get_if_there(&format!("/jobs/{}", encoded(topology))) {
            Ok(None) => Presence::Ended,
            Ok(Some(job)) => match job.get("state").and_then(Value::as_str) {
                Some("RUNNING") => Presence::Running,
                Some(state) if ENDED.contains(&state) => Presence::Ended,
                _ => Presence::Other,
            },
            Err(_) => Presence::Unknown,
        }
    }
}
