//! What decides in the core's place: it moves the topology that it is asked to, and judges what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thalweg_core::Decided;
use thalweg_core::action::InFlight;
use thalweg_core::explain::{Chain, Decision, Outcome, TopologyView, Verdict};
use thalweg_core::model::{Observation, SlotRef, Topology, TopologyStatus};
use thalweg_core::plan::{Metrics, MigrationRow, Plan, PlanKind, Slot};
use thalweg_core::settings::Settings;
use thalweg_core::state::{NodeMemory, State, TopologyState};
use thalweg_core::units::{Millis, Timestamp};
use thalweg_engine::Decide;

/// What is asked of the next decision.
#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<Scripted>>);

#[derive(Default)]
struct Scripted {
    /// The topology that is to be moved, if any.
    topology: Option<String>,
    panics: bool,
    /// Plans made so far; clocks that are set back would give two of them one name.
    plans: u64,
    /// Whether the last decision left nothing to be done or to be awaited.
    rests: bool,
    /// Topologies that each process had learned something of by its last decision in this term.
    learned: BTreeMap<usize, BTreeSet<String>>,
    /// What was not known any more, though the process had learned it.
    lost: Option<String>,
}

impl Script {
    fn inner(&self) -> MutexGuard<'_, Scripted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set(&self, topology: String) {
        self.inner().topology = Some(topology);
    }

    pub fn clear(&self) {
        let mut inner = self.inner();
        (inner.topology, inner.panics) = (None, false);
    }

    /// Has the next decision panic.
    pub fn panic_next(&self) {
        self.inner().panics = true;
    }
}

impl Script {
    /// Whether nothing is left to be done or to be awaited.
    pub fn rests(&self) -> bool {
        self.inner().rests
    }

    /// Whatever a process has learned is now what its predecessor did.
    pub fn begins_term(&self, process: usize) {
        self.inner().learned.remove(&process);
    }

    /// What was lost of what a process had learned.
    pub fn lost(&self) -> Option<String> {
        self.inner().lost.clone()
    }
}

impl Scripted {
    /// Compares what a process still knows with what it had learned.
    fn compare(&mut self, process: usize, state: &State) {
        let had = self.learned.get(&process).into_iter().flatten();
        let lost = had.into_iter().find(|id| !state.learned.nodes.contains_key(*id));
        if let Some(lost) = lost.cloned() {
            self.lost = Some(lost);
        }
    }

    fn note(&mut self, process: usize, state: &State) {
        let under_way =
            |topology: &TopologyState| topology.in_flight.is_some() || topology.awaited.is_some();
        self.rests = !state.topologies.values().any(under_way);
        let known = self.learned.entry(process).or_default();
        if known.len() < state.learned.nodes.len() {
            known.extend(state.learned.nodes.keys().cloned());
        }
    }
}

/// Decides as it is asked to, for one of the processes.
pub fn deciding(script: Script, process: usize) -> Decide {
    Box::new(move |observation, state, settings, _, now| {
        let topology = {
            let mut inner = script.inner();
            inner.compare(process, &state);
            let panics = std::mem::take(&mut inner.panics);
            let topology = inner.topology.clone();
            drop(inner);
            assert!(!panics, "decided to panic");
            topology
        };
        let mut decided = decide(observation, state, settings, now, topology.as_deref());
        number(&mut decided, &script);
        script.inner().note(process, &decided.state);
        if decided.decisions.iter().any(|decision| decision.verdict == Verdict::Act) {
            script.inner().topology = None;
        }
        decided
    })
}

/// Gives the plan that was made a name of its own.
fn number(decided: &mut Decided, script: &Script) {
    let Some(plan) = decided.decisions.iter_mut().find_map(|decision| decision.plan.as_mut())
    else {
        return;
    };
    let mut inner = script.inner();
    inner.plans += 1;
    plan.id = format!("{}-{}", plan.topology, inner.plans);
    let remembered = decided.state.topologies.get_mut(&plan.topology);
    if let Some(flight) = remembered.and_then(|topology| topology.in_flight.as_mut()) {
        flight.plan.clone_from(&plan.id);
    }
}

fn decide(
    observation: &Observation,
    mut state: State,
    settings: &Settings,
    now: Timestamp,
    chosen: Option<&str>,
) -> Decided {
    let present = |id: &String| observation.topologies.iter().any(|topology| topology.id == *id);
    state.topologies.retain(|id, _| present(id));
    let mut outcomes = Vec::new();
    let mut decisions = Vec::new();
    let mut busy = state.topologies.values().any(|topology| topology.in_flight.is_some());
    for topology in &observation.topologies {
        // Only that something was learned matters, not what.
        if !state.learned.nodes.contains_key(&topology.id) {
            state.learned.nodes.insert(topology.id.clone(), NodeMemory::default());
        }
        let remembered = state.topologies.entry(topology.id.clone()).or_default();
        let due = remembered.awaited.take_if(|awaited| now >= awaited.due && is_whole(topology));
        outcomes.extend(due.map(|awaited| outcome(awaited.action.plan, topology, now)));
        let mut decision = hold(topology, settings, now);
        let free = remembered.in_flight.is_none() && remembered.awaited.is_none();
        let may = !busy && free && chosen == Some(&topology.id) && is_whole(topology);
        if let Some(plan) = may.then(|| plan(observation, topology, now)).flatten() {
            busy = true;
            remembered.in_flight = Some(InFlight::found(plan.id.clone(), now));
            (decision.verdict, decision.plan) = (Verdict::Act, Some(plan));
        }
        decisions.push(decision);
    }
    Decided { decisions, outcomes, next_in: Millis::ZERO, state }
}

fn is_whole(topology: &Topology) -> bool {
    topology.status == TopologyStatus::Active && topology.executors.iter().all(|e| e.slot.is_some())
}

fn hold(topology: &Topology, settings: &Settings, now: Timestamp) -> Decision {
    Decision {
        id: 0,
        at: now,
        topology: topology.id.clone(),
        name: topology.name.clone(),
        policy: "script".to_owned(),
        mode: settings.mode,
        verdict: Verdict::Hold,
        reasons: Vec::new(),
        view: TopologyView::default(),
        plan: None,
        expected_busy: None,
        offer: None,
        chain: Chain::default(),
    }
}

fn outcome(plan: String, topology: &Topology, now: Timestamp) -> Outcome {
    Outcome {
        plan,
        topology: topology.id.clone(),
        at: now,
        before: Metrics::default(),
        after: Metrics::default(),
        expected_busy: None,
        helped: true,
        text: String::new(),
    }
}

/// Every executor to a slot that nobody has.
fn plan(observation: &Observation, topology: &Topology, now: Timestamp) -> Option<Plan> {
    let taken = |slot: SlotRef| {
        observation.topologies.iter().flat_map(|t| &t.executors).any(|e| e.slot == Some(slot))
    };
    let mut free = (0..).zip(&observation.nodes).flat_map(|(node, seen)| {
        seen.ports
            .iter()
            .map(move |port| SlotRef { node, port: *port })
            .filter(|slot| !taken(*slot))
    });
    let named = |slot: SlotRef| Slot { node: format!("n{}", slot.node), port: slot.port };
    let row = |executor: &thalweg_core::model::Executor| {
        Some(MigrationRow {
            component: "work".to_owned(),
            executor: executor.tasks,
            before: executor.slot.map(named),
            after: named(free.next()?),
        })
    };
    let rows: Option<Vec<MigrationRow>> = topology.executors.iter().map(row).collect();
    Some(Plan {
        id: format!("{}-p{}", topology.id, now.millis()),
        epoch: 0,
        topology: topology.id.clone(),
        name: topology.name.clone(),
        kind: PlanKind::Move,
        counts: BTreeMap::new(),
        memory_mib: BTreeMap::new(),
        desired_tasks: BTreeMap::new(),
        workers: 2,
        stages_left: 0,
        no_room_beside: false,
        limited: Default::default(),
        rows: rows?,
    })
}
