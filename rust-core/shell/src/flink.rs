//! Flink, through its REST interface: of every line from 1.18 on, for jobs of its adaptive scheduler.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use thalweg_connect::Look;
use thalweg_connect::flink::{
    Cluster, Reader, Requirements, Rescale, Rest, SharedRequirements, Standing, Unable, standing,
};
use thalweg_connect::http::HttpError;
use thalweg_control::now_millis;
use thalweg_core::action::{Done, Fault};
use thalweg_core::plan::Plan;
use thalweg_core::settings::Settings;
use thalweg_core::units::Timestamp;
use thalweg_engine::{Engine, Request};

use crate::cluster::{Eyes, Hands, Presence, Unseen, not_from_beside, refusal};
use crate::reports::Reports;

/// Within this time TaskManagers have answered with their counters,
const FETCHING: Duration = Duration::from_millis(200);
/// and within this one also where that takes long: where looks are rare, there is time.
const LONGEST_FETCHING: Duration = Duration::from_secs(1);
/// Failures that are no accident; REST tells each only some seconds later.
const MOST_FAILURES: usize = 3;
/// For so long a job has to run as asked for.
const CALM: Duration = Duration::from_secs(4);

/// What is known of bounds, and where the engine keeps it for a successor.
#[derive(Clone)]
struct Bounds {
    known: SharedRequirements,
    reports: Reports,
}

impl Bounds {
    const KEPT: &str = "flink-bounds";

    /// Takes up what was kept last: whoever led before has asked for bounds that are no user's.
    fn recall(&self) -> Result<(), Fault> {
        let kept = self.reports.send(Request::Kept { key: Self::KEPT.to_owned() })?;
        let kept = kept.get("value").cloned().filter(|value| !value.is_null());
        *self.known.lock() = kept.map(Requirements::recalled).unwrap_or_default();
        Ok(())
    }

    fn keep(&self, known: &mut Requirements) -> Result<(), Fault> {
        self.keep_value(known.to_keep())
    }

    fn keep_value(&self, value: Value) -> Result<(), Fault> {
        self.reports.send(Request::Keep { key: Self::KEPT.to_owned(), value }).map(drop)
    }

    /// Keeps what a look has brought to light, as that a user has set other bounds.
    fn keep_news(&self) {
        let news = self.known.lock().news();
        if let Some(Err(fault)) = news.map(|news| self.keep_value(news)) {
            tracing::warn!(text = fault.text, "what is known of bounds is not kept");
        }
    }
}

/// Looks at a JobManager.
pub struct JobManager {
    rest: Arc<Rest>,
    reader: Reader,
    bounds: Option<Bounds>,
}

impl JobManager {
    /// Looks at this one, for somebody who changes nothing.
    pub fn watched(rest: Rest, reader: Reader) -> Self {
        Self { rest: Arc::new(rest), reader, bounds: None }
    }
}

impl Eyes for JobManager {
    fn look(&mut self, interval: Duration) -> Result<Look, Unseen> {
        let unseen = |error: HttpError| Unseen(error.to_string());
        let at = Timestamp::from_millis(now_millis());
        Reader::refresh(self.rest.as_ref()).map_err(unseen)?;
        std::thread::sleep((interval / 5).clamp(FETCHING, LONGEST_FETCHING));
        let look = self.reader.look(self.rest.as_ref(), at).map_err(unseen);
        self.bounds.iter().for_each(Bounds::keep_news);
        look
    }
}

/// Asks a JobManager for other parallelism.
pub struct Rescaler {
    rest: Arc<Rest>,
    bounds: Bounds,
    settings: Settings,
    watched: Option<Watched>,
}

/// A job that was asked for other parallelism.
#[derive(Debug)]
struct Watched {
    rescale: Rescale,
    failed_before: u64,
    failures: usize,
    calm_since: Instant,
}

/// Eyes and hands for a JobManager, for this engine, which keeps what is known of bounds.
pub fn of(
    engine: &Arc<Engine>,
    rest: Rest,
    cluster: &Cluster,
    settings: Settings,
) -> (JobManager, Rescaler) {
    let (rest, reports) = (Arc::new(rest), Reports::to(Arc::clone(engine)));
    let bounds = Bounds { known: SharedRequirements::default(), reports };
    let reader = Reader::knowing(cluster, bounds.known.clone());
    let eyes = JobManager { rest: Arc::clone(&rest), reader, bounds: Some(bounds.clone()) };
    (eyes, Rescaler { rest, bounds, settings, watched: None })
}

impl Rescaler {
    /// Asks for bounds that are not their user's, and has that kept before it is done.
    fn tell(
        &self,
        known: &mut Requirements,
        (rescale, topology): (&Rescale, &str),
        (now, asked): (&Value, &BTreeMap<String, thalweg_connect::flink::Range>),
    ) -> Result<(), Fault> {
        known.note_asking(topology, asked);
        self.bounds.keep(known)?;
        rescale.ask(self.rest.as_ref(), now, asked).map_err(fault)?;
        known.note_asked(topology, asked);
        self.bounds.keep(known)
    }
}

fn fault(unable: Unable) -> Fault {
    refusal(unable.code(), unable.to_string())
}

impl Hands for Rescaler {
    fn way(&self) -> &'static str {
        "rest_rescale"
    }

    fn lead(&mut self) -> Result<(), Fault> {
        self.bounds.recall()
    }

    fn ask(
        &mut self,
        plan: &Plan,
        intend: &mut dyn FnMut(Done) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let rest = self.rest.as_ref();
        // One may have come with a restart of the JobManager.
        let cluster = Cluster::read(rest, "the JobManager").map_err(|error| fault(error.into()))?;
        if cluster.has_thalweg == Some(true) {
            let text = "there is a Thalweg in the JobManager, and two would undo each other's work";
            return Err(refusal("ANOTHER_THALWEG", text));
        }
        let rescale = Rescale::of(rest, &plan.topology, &plan.counts).map_err(fault)?;
        if !self.settings.may_lose_state(&plan.topology, &plan.name) {
            rescale.check_state_is_kept(rest).map_err(fault)?;
        }
        let failed_before = rescale.last_failure(rest).map_err(fault)?;
        let mut known = self.bounds.known.lock();
        let now = rescale.bounds(rest).map_err(fault)?;
        let change = known.change(&plan.topology, &now, rescale.desired());
        let change = change.map_err(|beyond| fault(beyond.into()))?;
        let before = change.before.iter().map(|(vertex, range)| (vertex.clone(), (*range).into()));
        intend(Done::BoundsChanged { before: before.collect() })?;
        self.tell(&mut known, (&rescale, &plan.topology), (&now, &change.asked))?;
        drop(known);
        let calm_since = Instant::now();
        self.watched = Some(Watched { rescale, failed_before, failures: 0, calm_since });
        Ok(())
    }

    fn runs(&mut self) -> Result<bool, Fault> {
        let Some(watched) = &mut self.watched else { return Ok(false) };
        let rest = self.rest.as_ref();
        let (failures, last) = watched
            .rescale
            .failures(rest, watched.failed_before)
            .unwrap_or((watched.failures, String::new()));
        if failures >= MOST_FAILURES {
            return Err(fault(Unable::FailsAgain { times: failures, last }));
        }
        let is_reached = match watched.rescale.is_reached(rest) {
            Ok(is_reached) => is_reached,
            // Somebody who does not answer now may later.
            Err(Unable::Http(_)) => false,
            Err(unable) => return Err(fault(unable)),
        };
        if failures != watched.failures || !is_reached {
            (watched.failures, watched.calm_since) = (failures, Instant::now());
        }
        Ok(watched.calm_since.elapsed() >= CALM)
    }

    fn is_reached(&mut self, plan: &Plan) -> bool {
        let rest = self.rest.as_ref();
        let rescale = Rescale::of(rest, &plan.topology, &plan.counts);
        rescale.and_then(|rescale| rescale.is_reached(rest)).unwrap_or(false)
    }

    fn undo(&mut self, topology: &str, done: &Done) -> Result<(), Fault> {
        let Done::BoundsChanged { before } = done else {
            return Err(not_from_beside(done));
        };
        let rest = self.rest.as_ref();
        if standing(rest, topology).map_err(|error| fault(error.into()))? == Standing::Ended {
            // Its bounds ended with it.
            return Ok(());
        }
        let rescale = Rescale::of(rest, topology, &BTreeMap::new()).map_err(fault)?;
        let mut known = self.bounds.known.lock();
        let now = rescale.bounds(rest).map_err(fault)?;
        let before = before.iter().map(|(vertex, range)| (vertex.clone(), (*range).into()));
        let back = known.way_back(topology, &now, &before.collect());
        if back.is_empty() {
            return Ok(());
        }
        self.tell(&mut known, (&rescale, topology), (&now, &back))
    }

    fn presence(&mut self, topology: &str) -> Presence {
        match standing(self.rest.as_ref(), topology) {
            Ok(Standing::Running) => Presence::Running,
            Ok(Standing::Other) => Presence::Other,
            Ok(Standing::Ended) => Presence::Ended,
            // While another JobManager takes over, jobs are not there. The engine ends what is about one that stays away.
            Ok(Standing::Unknown) | Err(_) => Presence::Unknown,
        }
    }
}
