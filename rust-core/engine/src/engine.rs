//! What runs: settings, state, store and routes, and the locks that they lie behind.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard};

use thalweg_core::action::{Action, Term};
use thalweg_core::assign::{Assigned, Assignment, DroppedRow, assign, not_ours};
use thalweg_core::cluster::Lacking;
use thalweg_core::explain::{Decision, Outcome};
use thalweg_core::model::{Observation, Obstacle};
use thalweg_core::operator::Operator;
use thalweg_core::settings::{Mode, Settings};
use thalweg_core::state::{Learned, State};
use thalweg_core::units::Timestamp;
use thalweg_core::{Decided, decide};
use thalweg_store::{Store, StoreKind, StoreSettings};

use crate::arrangement::Arrangements;
use crate::control::{Remote, RequestHandler, Server};
use crate::error::EngineError;
use crate::locked::lock;
use crate::recording::{Entry, Recorder};
use crate::records::Records;
use crate::said::{self, Kept};
use crate::settings::EngineSettings;
use crate::tables::RoutesByTopology;
use crate::under_way::{EndedPlan, UnderWay};
use crate::{drains, tables};

/// Where the settings of this process's predecessor on this machine are kept in the store.
const SETTINGS_KEY: &str = "settings";
/// Where learned state is kept in the store.
pub(crate) const LEARNED_KEY: &str = "learned";

/// What decides: the core, or something in its place where only what is around it is looked at.
pub type Decide =
    Box<dyn Fn(&Observation, State, &Settings, &Operator, Timestamp) -> Decided + Send + Sync>;

/// One scheduler's brain.
pub struct Engine {
    /// Who answers; dropped first.
    pub(crate) answering: Mutex<Answering>,
    pub(crate) handler: Arc<RequestHandler>,
    pub(crate) settings: EngineSettings,
    pub(crate) decide: Decide,
    /// Where the status is shown; nowhere for an engine without files.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) running: Mutex<Running>,
    pub(crate) routing: Mutex<Routing>,
    /// Held while what is newest of several things goes to the store, so that it is the newest that stays.
    pub(crate) storing: Mutex<()>,
    /// Whether what became of actions has still to be stored.
    pub(crate) unstored: AtomicBool,
    /// Whether this process leads; nobody does before it is told so.
    pub(crate) leads: Arc<AtomicBool>,
    pub(crate) recorder: Recorder,
    pub(crate) records: Arc<Records>,
}

/// Who answers people and tools, and why somebody does not who should.
#[derive(Default)]
pub(crate) struct Answering {
    pub(crate) server: Option<Server>,
    pub(crate) remote: Option<Remote>,
    pub(crate) problems: Vec<String>,
}

/// What the monitor and the actuator share.
#[derive(Default)]
pub(crate) struct Running {
    pub(crate) state: State,
    /// What operators have said.
    pub(crate) operator: Operator,
    /// What of it the store holds.
    pub(crate) kept_said: Option<Kept>,
    pub(crate) decisions: Arc<[Decision]>,
    pub(crate) outcomes: VecDeque<Outcome>,
    /// The newest term of leadership that this process has had.
    pub(crate) term: Term,
    /// Whether a successor learns of what is unfinished from the shared store alone.
    pub(crate) only_store_tells: bool,
    pub(crate) under_way: Option<UnderWay>,
    /// Actions carried out whose effect is not judged yet.
    pub(crate) settled: Vec<Action>,
    /// Whether an operator's order had to wait at the last look.
    pub(crate) order_waited: bool,
    /// Which of the topologies that have to leave a drained host is next.
    pub(crate) drain_turn: u64,
    pub(crate) ended: VecDeque<EndedPlan>,
    pub(crate) counters: BTreeMap<String, u64>,
    /// How topologies are wired and where they run.
    pub(crate) arrangements: Arrangements,
    /// What was last written to the ledger of each topology: verdict and reason codes.
    pub(crate) last_words: BTreeMap<String, String>,
    /// When what was learned was stored last.
    pub(crate) saved_at: Option<Timestamp>,
}

/// What a scheduling round needs.
#[derive(Default)]
pub(crate) struct Routing {
    pub(crate) routes: Arc<RoutesByTopology>,
    pub(crate) learned: Arc<Learned>,
    /// The topologies of which the store may hold a table, with its digest as it was stored last; one without is
    /// stored anew at the next look.
    pub(crate) stored: BTreeMap<String, Option<String>>,
    pub(crate) dropped: Vec<DroppedRow>,
    pub(crate) lacking: Vec<Lacking>,
    /// What operators have said.
    pub(crate) operator: Arc<Operator>,
}

impl Engine {
    /// Opens an engine with the settings of a flat JSON object.
    ///
    /// Settings that are not allowed do not fail: the engine then only observes, and `status` names
    /// them.
    ///
    /// # Errors
    /// When the settings are no JSON object, or no store can be opened.
    pub fn open(config_json: &str) -> Result<Self, EngineError> {
        let mut settings = EngineSettings::of_json(config_json)?;
        let store = open_store(&mut settings)?;
        let folder = Some(settings.dir.clone());
        Self::of(settings, store, Box::new(decide), folder)
    }

    /// Makes an engine on a store of the caller's, without any files, and with what decides in the core's place.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn assemble(
        settings: EngineSettings,
        store: Arc<dyn Store>,
        decide: Decide,
    ) -> Result<Self, EngineError> {
        Self::of(settings, store, decide, None)
    }

    fn of(
        settings: EngineSettings,
        store: Arc<dyn Store>,
        decide: Decide,
        folder: Option<PathBuf>,
    ) -> Result<Self, EngineError> {
        let learned = read_learned(store.as_ref());
        let said = said::kept(store.as_ref());
        let recorder = begin_recording(&settings, &learned, &said);
        let leads = Arc::new(AtomicBool::new(false));
        let records = folder.as_deref().map(|folder| Records::open(&settings, folder));
        let records = Arc::new(records.unwrap_or_default());
        tell_settings(&settings, store.as_ref(), &records);
        let handler = RequestHandler::new(
            Arc::new(settings.clone()),
            Arc::clone(&store),
            Arc::clone(&records),
            Arc::clone(&leads),
        );
        // Placement asks for nodes only, and of topologies there may be much.
        let of_nodes = Learned { nodes: learned.nodes.clone(), ..Learned::default() };
        let mut state = State { learned, ..State::default() };
        state.take_proposals(said.proposals);
        let engine = Self {
            answering: Mutex::default(),
            handler: Arc::new(handler),
            recorder,
            records,
            decide,
            folder,
            settings,
            running: Mutex::new(Running {
                state,
                operator: said.operator.clone(),
                ..Running::default()
            }),
            routing: Mutex::new(Routing {
                learned: Arc::new(of_nodes),
                operator: Arc::new(said.operator),
                ..Routing::default()
            }),
            storing: Mutex::new(()),
            unstored: AtomicBool::new(false),
            leads,
            store,
        };
        engine.load_routes()?;
        let said = engine.running().operator.clone();
        engine.note_said(&said);
        for problem in &engine.settings.problems {
            tracing::error!(problem, "configuration");
        }
        tracing::info!(mode = ?engine.settings.core.mode, store = ?engine.settings.store.kind, "engine is open");
        Ok(engine)
    }

    /// Tells for each executor, in the order of topologies and their executors, where it belongs.
    ///
    /// Never waits for the store, and for other calls only for moments.
    ///
    /// # Errors
    /// None so far; a caller must nevertheless be ready for one.
    pub fn assign(&self, view: &Observation, now: Timestamp) -> Result<Vec<Assigned>, EngineError> {
        let (routes, learned, operator) = {
            let routing = self.routing();
            (
                Arc::clone(&routing.routes),
                Arc::clone(&routing.learned),
                Arc::clone(&routing.operator),
            )
        };
        let drained = self.handler.drained();
        let left = not_ours(view, self.core(), &operator, now);
        if left.len() == view.topologies.len() {
            let executors = view.topologies.iter().map(|t| t.executors.len()).sum();
            return Ok(vec![Assigned::NotOurs; executors]);
        }
        let mut view = Cow::Borrowed(view);
        for index in left {
            // It keeps its slots, and its executors are the engine's own scheduler's to place.
            view.to_mut().topologies[index].obstacle = Some(Obstacle::KeptApart);
        }
        if !drained.is_empty() {
            drains::mark(view.to_mut(), &drained);
        }
        let Assignment { executors, dropped, lacking } =
            assign(&view, &routes, &learned, self.core(), now);
        if !dropped.is_empty() {
            self.note_dropped(dropped);
        }
        self.note_lacking(lacking);
        Ok(executors)
    }

    /// Says once which rows of tables do not fit the cluster, and again when that changes.
    fn note_dropped(&self, dropped: Vec<DroppedRow>) {
        if !replace(&mut self.routing().dropped, &dropped) {
            return;
        }
        for row in &dropped {
            tracing::warn!(topology = row.topology, executor = %row.executor, node = row.slot.node,
                port = row.slot.port, fault = ?row.fault, "row of a routing table dropped");
        }
    }

    /// Says once what keeps executors from being placed, and again when that changes.
    fn note_lacking(&self, lacking: Vec<Lacking>) {
        if !replace(&mut self.routing().lacking, &lacking) {
            return;
        }
        for Lacking { topology, component, executors, lack } in &lacking {
            tracing::warn!(topology, component, executors, %lack, "no room for executors");
        }
    }

    /// Reads every stored table, as when this process begins to lead.
    pub(crate) fn load_routes(&self) -> Result<(), EngineError> {
        let mut routes = RoutesByTopology::new();
        let mut faults = Vec::new();
        for topology in self.store.tables()? {
            match self.store.table(&topology) {
                Ok(Some(loaded)) => {
                    faults.extend(
                        loaded.dropped.iter().map(|row| {
                            format!("{topology}: row {} dropped: {}", row.key, row.reason)
                        }),
                    );
                    routes.insert(topology, tables::routes(&loaded.table, false));
                }
                Ok(None) => {}
                Err(error) => faults.push(format!("{topology}: table dropped: {error}")),
            }
        }
        for fault in &faults {
            tracing::warn!(fault, "routing table");
        }
        if !faults.is_empty() {
            *self.running().counters.entry("store_rows_dropped".to_owned()).or_default() +=
                faults.len() as u64;
        }
        let mut routing = self.routing();
        routing.stored.extend(routes.keys().map(|topology| (topology.clone(), None)));
        routing.routes = Arc::new(routes);
        Ok(())
    }

    pub(crate) fn core(&self) -> &Settings {
        &self.settings.core
    }

    // See `observe` for a panic in a decision.
    pub(crate) fn running(&self) -> MutexGuard<'_, Running> {
        lock(&self.running)
    }

    pub(crate) fn storing(&self) -> MutexGuard<'_, ()> {
        lock(&self.storing)
    }

    pub(crate) fn routing(&self) -> MutexGuard<'_, Routing> {
        lock(&self.routing)
    }
}

/// Puts a value in the place of another and says whether they differ.
fn replace<T: PartialEq + Clone>(place: &mut T, value: &T) -> bool {
    let differs = *place != *value;
    if differs {
        place.clone_from(value);
    }
    differs
}

/// Opens the store that is asked for; where that one can never work, the embedded one, and says so.
fn open_store(settings: &mut EngineSettings) -> Result<Arc<dyn Store>, EngineError> {
    match thalweg_store::open(&settings.store) {
        Ok(store) => Ok(store),
        Err(error) if settings.store.kind == StoreKind::Redis => {
            settings.problems.push(format!("thalweg.store.kind: redis cannot be used: {error}"));
            settings.core.mode = Mode::Observe;
            settings.core.faulty = true;
            let embedded = StoreSettings { kind: StoreKind::Embedded, ..settings.store.clone() };
            Ok(thalweg_store::open(&embedded)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// Begins the recording that is asked for; a scheduler without one decides all the same.
fn begin_recording(settings: &EngineSettings, learned: &Learned, said: &Kept) -> Recorder {
    let Some(path) = &settings.recording else { return Recorder::off() };
    match Recorder::to(path, settings.recording_limit) {
        Ok(recorder) => {
            recorder.write(&Entry::Begun {
                version: env!("CARGO_PKG_VERSION").into(),
                settings: Cow::Borrowed(&settings.core),
                learned: Cow::Borrowed(learned),
                operator: Cow::Borrowed(&said.operator),
                proposals: Cow::Borrowed(&said.proposals),
            });
            recorder
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "no recording is made");
            Recorder::off()
        }
    }
}

/// Tells the ledger of settings that differ from those of the process before.
fn tell_settings(settings: &EngineSettings, store: &dyn Store, records: &Records) {
    if !records.is_on() {
        return;
    }
    let stored = store.state(SETTINGS_KEY).ok().flatten();
    let before = stored.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if before.as_ref() == Some(&settings.written) {
        return;
    }
    records.settings(settings, &before.unwrap_or_default());
    let kept = serde_json::to_vec(&settings.written)
        .map_err(EngineError::from)
        .and_then(|bytes| Ok(store.put_state(SETTINGS_KEY, &bytes)?));
    if let Err(error) = kept {
        tracing::warn!(%error, "settings are not kept for a comparison");
    }
}

/// What an earlier run learned; nothing where it cannot be read, for it can be learned again.
fn read_learned(store: &dyn Store) -> Learned {
    let stored = || {
        let stamped = store.stamped(LEARNED_KEY).ok()?.map(|stamped| stamped.bytes);
        // Stores of before terms were counted have it without one.
        stamped.or_else(|| store.state(LEARNED_KEY).ok()?)
    };
    let read = || {
        serde_json::from_slice(&stored()?)
            .inspect_err(
                |error| tracing::warn!(%error, "learned state is unreadable, starting anew"),
            )
            .ok()
    };
    read().unwrap_or_default()
}

#[cfg(test)]
impl Engine {
    /// Gives an order, as JSON, in the way of the socket.
    pub(crate) fn order(
        &self,
        command: &str,
    ) -> Result<serde_json::Value, thalweg_control::Refusal> {
        let line = format!(r#"{{"v": 1, "command": {command}}}"#);
        let request = thalweg_control::Request::read(line.as_bytes())?;
        let reply = self.handler.answer(request, crate::orders::By::Token("a test".to_owned()))?;
        Ok(serde_json::json!(reply))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_of_topologies_is_there_once() {
        let folder = tempfile::tempdir().unwrap();
        let settings = serde_json::json!({ "thalweg.store.dir": folder.path() }).to_string();
        let learned = br#"{"nodes": {"n1": {}}, "topologies": {"words": {"components": {}}}}"#;
        let first = Engine::open(&settings).unwrap();
        first.store.put_stamped(LEARNED_KEY, 1, learned).unwrap();
        drop(first);
        let next = Engine::open(&settings).unwrap();
        assert_eq!(next.running().state.learned.topologies.len(), 1);
        let placing = Arc::clone(&next.routing().learned);
        assert_eq!((placing.nodes.len(), placing.topologies.len()), (1, 0));
    }
}
