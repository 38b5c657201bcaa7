//! What the loop remembers from one observation to the next.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::diagnose::threshold::ThresholdFunction;
use crate::diagnose::trigger::{EffectiveBottlenecks, Persistence};
use crate::explain::{Metrics, PlanKind, ReasonCode};
use crate::model::{SlotRef, TaskRange, Topology};
use crate::policy::Memories;
use crate::policy::thalweg::TopologyModel;
use crate::settings::Settings;
use crate::signals::{History, Trail};
use crate::units::{Millis, RatePerSec, Timestamp};

/// How much of a smoothed ability the last measurement makes.
const ABILITY_WEIGHT: f64 = 0.7;

/// Everything remembered; a value, handed in and out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// Per topology id.
    pub topologies: BTreeMap<String, TopologyState>,
    /// What was learned, which outlives a restart.
    pub learned: Learned,
    /// Number of the next decision.
    pub next_decision: u64,
    /// What an operator ordered and was not yet decided upon.
    pub order: Option<Order>,
}

/// What an operator wants done to a topology, whatever the policy thinks of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Name of the topology.
    pub topology: String,
    /// New executor counts by component.
    #[serde(default)]
    pub counts: BTreeMap<String, u32>,
    /// Hosts that its work is to leave.
    #[serde(default)]
    pub leave: Vec<String>,
}

/// What outlives a restart of the process.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Learned {
    /// Per node id.
    pub nodes: BTreeMap<String, NodeMemory>,
    /// Per topology name, so that a topology that is submitted again is known.
    #[serde(default)]
    pub topologies: BTreeMap<String, TopologyModel>,
}

/// A node's slowness, remembered after the executors that showed it have left.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NodeMemory {
    /// Its ability relative to the fastest node, smoothed, and when it was seen last.
    pub slow: Option<(f64, Timestamp)>,
    /// When it was last reached too slowly.
    pub far: Option<Timestamp>,
}

impl NodeMemory {
    /// Notes an ability that was measured just now, smoothed, as a start or a burst looks like slowness.
    ///
    /// A node that idles shows no slowness, even if it would under load: one that was seen slow is
    /// believed to be faster only when seen `at_work`.
    pub fn note_ability(
        &mut self,
        ability: f64,
        at_work: bool,
        now: Timestamp,
        settings: &Settings,
    ) {
        let remembered = self.ability(now, settings);
        if at_work || ability <= remembered {
            let smoothed = remembered + ABILITY_WEIGHT * (ability - remembered);
            self.slow = Some((smoothed, now));
        }
    }

    /// The ability to reckon with: the last one noted, within the memory's length.
    pub fn ability(&self, now: Timestamp, settings: &Settings) -> f64 {
        match self.slow {
            Some((ability, at)) if now.since(at) < settings.ability_memory => ability,
            _ => 1.0,
        }
    }

    /// Whether it was reached too slowly within the memory's length.
    pub fn is_far(&self, now: Timestamp, settings: &Settings) -> bool {
        self.far.is_some_and(|at| now.since(at) < settings.ability_memory)
    }
}

/// What is remembered of one topology.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopologyState {
    /// What was reported of its components and streams.
    pub trail: Trail,
    /// What the policy believed each component could do when it was asked last.
    pub believed: Vec<Option<RatePerSec>>,
    /// What policies remember.
    pub policies: Memories,
    /// Reports of its executors.
    pub histories: BTreeMap<TaskRange, History>,
    /// Where its executors ran when last seen, by node id.
    pub layout: BTreeMap<TaskRange, Option<SlotRef>>,
    /// Its latency over time.
    pub threshold: ThresholdFunction,
    /// Its effective bottlenecks.
    pub effective: EffectiveBottlenecks,
    /// Since when signs of trouble hold.
    pub persistence: Persistence,
    /// Until when nothing measured counts.
    pub settling_until: Timestamp,
    /// The plan being carried out.
    pub in_flight: Option<InFlight>,
    /// The action whose effect is awaited.
    pub awaited: Option<Awaited>,
    /// When actions ended, oldest first; of one under way, when it began.
    pub actions: VecDeque<Timestamp>,
    /// What did not help, new counts or new places (these with what they were for), and until when it is
    /// not tried again.
    pub blacklist: BTreeMap<(PlanKind, Option<ReasonCode>), Timestamp>,
}

/// A plan being carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct InFlight {
    /// Its id.
    pub plan: String,
    /// By what it is judged: counts or places.
    pub judged_as: PlanKind,
    /// What it was decided for, where that matters to whether it is tried again.
    pub why: Option<ReasonCode>,
    /// Whether it leaves fewer executors, which is judged by what it spoiled.
    pub shrinks: bool,
    /// How things stood when it was decided.
    pub before: Metrics,
    /// When it was decided.
    pub since: Timestamp,
}

/// A finished action whose effect is not known yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Awaited {
    /// The plan that was carried out.
    pub action: InFlight,
    /// When its effect can be judged.
    pub due: Timestamp,
    /// How long it took.
    pub took: Millis,
}

impl State {
    /// Notes that a plan was carried out.
    pub fn finish(&mut self, plan: &str, now: Timestamp, settings: &Settings) {
        for topology in self.topologies.values_mut() {
            let Some(action) = topology.in_flight.take_if(|flight| flight.plan == plan) else {
                continue;
            };
            topology.forget_measurements();
            topology.settling_until = later(now, settings.settle);
            // However long it took, the cool-down begins with its end.
            if let Some(last) = topology.actions.back_mut() {
                *last = now;
            }
            let measured = settings.settle.get() + settings.interval.get();
            let due = later(now, Millis::saturating(measured));
            let took = now.since(action.since);
            topology.awaited = Some(Awaited { action, due, took });
        }
    }

    /// Notes that a plan was given up.
    pub fn abort(&mut self, plan: &str, now: Timestamp, settings: &Settings) {
        for topology in self.topologies.values_mut() {
            if topology.in_flight.take_if(|flight| flight.plan == plan).is_some() {
                topology.persistence.clear();
                topology.settling_until = later(now, settings.settle);
            }
        }
    }
}

impl TopologyState {
    /// Whether plans that are judged so did not help not long ago.
    pub fn is_in_vain(&self, judged_as: PlanKind, now: Timestamp) -> bool {
        self.blacklist.iter().any(|((kind, _), until)| *kind == judged_as && now < *until)
    }

    /// Whether an action that is judged so, for this reason, did not help a short time ago.
    pub fn is_in_vain_for(
        &self,
        judged_as: PlanKind,
        why: Option<ReasonCode>,
        now: Timestamp,
    ) -> bool {
        self.blacklist.get(&(judged_as, why)).is_some_and(|until| now < *until)
    }

    /// Where the topology's executors run, if that is not what is remembered.
    pub fn new_layout(&self, topology: &Topology) -> Option<BTreeMap<TaskRange, Option<SlotRef>>> {
        let places = || topology.executors.iter().map(|e| (e.tasks, e.slot));
        // Executors mostly come by ascending tasks and stay where they are.
        if places().eq(self.layout.iter().map(|(tasks, slot)| (*tasks, *slot))) {
            return None;
        }
        let layout = places().collect();
        (self.layout != layout).then_some(layout)
    }

    /// Starts measuring anew: what was measured belongs to another arrangement.
    pub fn forget_measurements(&mut self) {
        self.histories.clear();
        self.trail.clear();
        self.threshold.clear();
        self.effective.clear();
        self.persistence.clear();
        self.believed.clear();
    }
}

/// The instant `span` after `now`.
pub fn later(now: Timestamp, span: Millis) -> Timestamp {
    Timestamp::from_millis(now.millis().saturating_add(span.get() as i64))
}
