//! Asking the policy: what it needs to know is put together here.

use std::collections::{BTreeMap, BTreeSet};

use crate::action::{Attempt, Baseline};
use crate::allowed::{changeable, kept_equal, within_bounds};
use crate::arrange::{MICROS, PlacementContext, held_back, present, problem, refusal, worst_load};
use crate::assess::Assessment;
use crate::budget::queue::Queue;
use crate::budget::{Asking, Granted, within_slots};
use crate::context::Context;
use crate::demand::{Flow, leave_out_ticks};
use crate::explain::Desired;
use crate::model::{Observation, SlotRef, Topology};
use crate::permission::{Charter, Lift, parted};
use crate::place::{self, Problem, Shortage, place};
use crate::policy::me_stream::{self, Arrangement, PlacedSituation, Places, Waiting};
use crate::policy::{self, Intent, Situation, used_slots};
use crate::reason::{Reason, ReasonCode};
use crate::settings::{PolicyName, Settings};
use crate::state::{Learned, Queued, TopologyState};
use crate::units::{Millis, Share};

/// Storm counts compute in hundredths of a core, and so do snapshots.
const POINTS_PER_CORE: f64 = 100.0;

/// What a policy is asked about, before it is put into the policy's own words.
#[derive(Debug)]
pub struct Question<'a> {
    /// The observation, and by what and when it is judged.
    pub context: &'a Context<'a>,
    /// The topology as measured.
    pub assessment: &'a Assessment<'a>,
    /// The cluster as the topology finds it.
    pub placing: &'a PlacementContext<'a>,
    /// How all topologies stand to what they may have together.
    pub queue: &'a Queue,
    /// What the topology was waiting for before it was asked.
    pub waited: Option<Queued>,
}

impl Question<'_> {
    /// Asks the policy of the settings.
    pub fn ask(&self, state: &mut TopologyState, learned: &mut Learned) -> Intent {
        let in_vain = self.moves_in_vain(state);
        match self.context.settings.policy {
            PolicyName::MeStream => match arrangement(self) {
                Ok((arrangement, limited)) => {
                    let intent = self.about_places(&arrangement, &in_vain, state, me_stream::find);
                    with(self.within_means(intent, state), limited)
                }
                Err(shortage) => self.short(shortage),
            },
            PolicyName::Thalweg if in_vain.len() == me_stream::MOVED_FOR.len() => {
                self.ask_about_flow(false, state, learned)
            }
            PolicyName::Thalweg => match arrangement(self) {
                Ok((found, limited)) => {
                    let places = self.about_places(&found, &in_vain, state, me_stream::misplaced);
                    let intent = self.ask_about_flow(places != Places::Good, state, learned);
                    let intent = match (places, intent) {
                        // Other counts are placed anew anyway, with one stop instead of two.
                        (Places::Bad(reason), intent) if !intent.scales() => {
                            Intent::Move(vec![reason])
                        }
                        (_, intent) => intent,
                    };
                    with(intent, limited)
                }
                Err(shortage) => self.short(shortage),
            },
            _ => self.ask_about_flow(false, state, learned),
        }
    }

    /// The reasons for which a move did not help a short time ago.
    fn moves_in_vain(&self, state: &TopologyState) -> Vec<ReasonCode> {
        let forbids = |code: &ReasonCode| {
            state.blacklist.forbids(Attempt::Move(Some(*code)), self.context.now).is_some()
        };
        me_stream::MOVED_FOR.into_iter().filter(forbids).collect()
    }

    /// Asks a question that has to do with where executors run.
    fn about_places<T>(
        &self,
        arrangement: &Arrangement,
        in_vain: &[ReasonCode],
        state: &mut TopologyState,
        question: impl FnOnce(&PlacedSituation<'_>, &mut me_stream::Memory) -> T,
    ) -> T {
        let Assessment { topology, measurements, view, metrics, .. } = self.assessment;
        let situation = PlacedSituation {
            topology,
            measurements,
            view,
            metrics,
            metric_history: &state.metric_history,
            arrangement,
            waiting: waiting(&Baseline::of(topology, *metrics, &state.metric_history)),
            settled_at: state.settling_until,
            in_vain,
            growth_in_vain: state.blacklist.forbids(Attempt::More, self.context.now).is_some(),
            settings: self.context.settings,
            now: self.context.now,
        };
        question(&situation, &mut state.policies.me_stream)
    }

    fn short(&self, shortage: Shortage) -> Intent {
        Intent::Stay(vec![refusal(shortage, self.assessment.topology)])
    }

    fn ask_about_flow(
        &self,
        may_move: bool,
        state: &mut TopologyState,
        learned: &mut Learned,
    ) -> Intent {
        let Assessment { topology, measurements, .. } = self.assessment;
        let abilities = &self.placing.cluster.abilities;
        let mut flow = Flow::of(topology, measurements, &state.metric_history, abilities);
        for (component, holding) in flow.components.iter_mut().zip(&self.assessment.holding) {
            component.unseen = *holding;
        }
        leave_out_ticks(&mut flow);
        let samples = || measurements.iter().filter_map(|m| m.sample());
        let slots = shared_slots(self);
        let used_slots = slots.map(|_| used_slots(topology, &flow)).unwrap_or_default();
        let situation = Situation {
            topology,
            flow: &flow,
            span: samples().map(|sample| sample.span).min().unwrap_or(Millis::ZERO),
            age: samples().map(|sample| sample.age).max().unwrap_or(Millis::ZERO),
            may_move,
            slots,
            used_slots: &used_slots,
            cores: cores(self.context.observation, held_nodes(topology).into_iter()),
            // Only slots that are shared are bounded by cores; all nodes need not be looked at for others.
            most_cores: slots
                .and_then(|_| cores(self.context.observation, self.placing.cluster.usable_nodes())),
            settings: self.context.settings,
            now: self.context.now,
        };
        let model = learned.model_mut(topology, self.context.namesakes);
        let intent = policy::find(&situation, &mut state.policies, model);
        state.believed = policy::believed(&situation, &state.policies);
        state.load_forecast = policy::load_forecast(&situation, &state.policies);
        self.within_means(intent, state)
    }

    /// The counts as far as the slots that components share reach, and the reason if that is not all.
    fn within_slots(&self, counts: BTreeMap<u32, u32>) -> (BTreeMap<u32, u32>, Option<Reason>) {
        match shared_slots(self) {
            Some(slots) => within_slots(self.assessment.topology, slots, counts),
            None => (counts, None),
        }
    }

    /// The counts as far as the budget reaches, and the reasons if that is not all.
    fn granted(
        &self,
        counts: BTreeMap<u32, u32>,
        state: &mut TopologyState,
    ) -> (BTreeMap<u32, u32>, Vec<Reason>) {
        let &Self { context, queue, assessment, ref waited, .. } = self;
        let asking = Asking { context, index: assessment.index, queue, waited: waited.as_ref() };
        let Granted { counts, limited, queued } = asking.granted(counts);
        state.queued = queued;
        (counts, limited)
    }

    /// The counts without those that take executors from components of which nobody knows how busy they are.
    fn without_unseen(&self, mut counts: BTreeMap<u32, u32>) -> BTreeMap<u32, u32> {
        let components = &self.assessment.view.components;
        counts.retain(|ordinal, count| {
            let index = *ordinal as usize;
            let unseen = self.assessment.holding.get(index) == Some(&true);
            !unseen || components.get(index).is_some_and(|c| *count > c.executors)
        });
        counts
    }

    /// An intent with at least the executors that bounds and known events ask for.
    pub fn lifted(&self, intent: Intent, lifts: Vec<Lift>, state: &mut TopologyState) -> Intent {
        let topology = self.assessment.topology;
        let (mut counts, memory_mib, desired_tasks, growth, reasons) = match intent {
            Intent::Scale { counts, memory_mib, desired_tasks, growth, reasons } => {
                (counts, memory_mib, desired_tasks, growth, reasons)
            }
            Intent::Stay(reasons) | Intent::Move(reasons) => {
                (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), reasons)
            }
        };
        let mut why = Vec::new();
        for Lift { component, count, reason } in lifts {
            let now = counts.entry(component).or_default();
            *now = count.max(*now);
            let present = f64::from(topology.executors_of(component));
            why.push(Reason { measured: Some(present), ..reason });
        }
        state.desired = Some(self.desired(&counts, &memory_mib));
        if !self.context.settings.scaling_enabled {
            let text =
                "bounds or an event ask for other executor counts, but they are not to change";
            let forbidden = Reason::plain(ReasonCode::ScalingForbidden, text);
            let reasons = std::iter::once(forbidden).chain(why).chain(reasons).collect();
            return Intent::Stay(reasons);
        }
        let charter = Charter::of(self.context, topology);
        let (counts, equal) = kept_equal(&charter, topology, counts);
        let (counts, parted) = parted(&charter, topology, counts);
        let (counts, limited) = self.granted(counts, state);
        let limits = equal.into_iter().chain(parted).chain(limited);
        let reasons = why.into_iter().chain(limits).chain(reasons).collect();
        if counts.is_empty() {
            return Intent::Stay(reasons);
        }
        Intent::Scale { counts, memory_mib, desired_tasks, growth, reasons }
    }

    /// Counts and memory by components' ids.
    fn desired(&self, counts: &BTreeMap<u32, u32>, memory_mib: &BTreeMap<u32, u32>) -> Desired {
        let components = &self.assessment.topology.components;
        let named = |values: &BTreeMap<u32, u32>| {
            let named = |(component, value): (&u32, &u32)| {
                Some((components.get(*component as usize)?.id.clone(), *value))
            };
            values.iter().filter_map(named).collect()
        };
        Desired { counts: named(counts), memory_mib: named(memory_mib), places: true }
    }

    /// What is left of an intent where executor counts may not change, or not that far.
    fn within_means(&self, intent: Intent, state: &mut TopologyState) -> Intent {
        let Intent::Scale { counts, memory_mib, desired_tasks, growth, reasons } = intent else {
            return intent;
        };
        state.desired = Some(self.desired(&counts, &memory_mib));
        if !self.context.settings.scaling_enabled {
            let text = "other executor counts are desired, but they are not to change";
            let forbidden = Reason::plain(ReasonCode::ScalingForbidden, text);
            return Intent::Stay(std::iter::once(forbidden).chain(reasons).collect());
        }
        let desired = !counts.is_empty();
        let topology = self.assessment.topology;
        let (counts, kept) = changeable(self.context, topology, &state.blacklist, counts);
        let counts = self.without_unseen(counts);
        let (counts, bounded) = within_bounds(topology, counts);
        let charter = Charter::of(self.context, topology);
        let (counts, equal) = kept_equal(&charter, topology, counts);
        let (counts, parted) = parted(&charter, topology, counts);
        let (counts, limited) = self.granted(counts, state);
        let (counts, short) = self.within_slots(counts);
        let limits = kept.into_iter().chain(bounded).chain(equal).chain(parted).chain(limited);
        let limits = limits.chain(short);
        let reasons = limits.chain(reasons).collect();
        if desired && counts.is_empty() && memory_mib.is_empty() {
            return Intent::Stay(reasons);
        }
        Intent::Scale { counts, memory_mib, desired_tasks, growth, reasons }
    }
}

/// Slots that a topology may have, where components share them.
fn shared_slots(question: &Question<'_>) -> Option<u32> {
    let shared = question.context.settings.slots.is_shared();
    shared.then(|| question.placing.open_slots(question.context.observation))
}

/// The nodes on which a topology runs.
fn held_nodes(topology: &Topology) -> BTreeSet<usize> {
    topology.executors.iter().filter_map(|e| Some(e.slot?.node as usize)).collect()
}

/// Cores of nodes, if all declare them.
fn cores(observation: &Observation, nodes: impl Iterator<Item = usize>) -> Option<f64> {
    let points = nodes.map(|node| observation.nodes.get(node)?.cpu_points);
    points.sum::<Option<f64>>().map(|points| points / POINTS_PER_CORE).filter(|cores| *cores > 0.0)
}

/// The busy share of the busiest executor from which other places may be worth a stop. The policy `thalweg`
/// weighs every stop: while all have room, better places bring next to nothing.
fn worth_moving(settings: &Settings) -> Share {
    match settings.policy {
        PolicyName::Thalweg => settings.imbalance_floor.max(settings.thalweg.limit),
        _ => settings.imbalance_floor,
    }
}

/// An intent with one reason more.
fn with(intent: Intent, reason: Option<Reason>) -> Intent {
    match intent {
        Intent::Stay(reasons) => Intent::Stay(reasons.into_iter().chain(reason).collect()),
        Intent::Move(reasons) => Intent::Move(reasons.into_iter().chain(reason).collect()),
        Intent::Scale { counts, memory_mib, desired_tasks, growth, reasons } => {
            let reasons = reasons.into_iter().chain(reason).collect();
            Intent::Scale { counts, memory_mib, desired_tasks, growth, reasons }
        }
    }
}

/// How loaded nodes are, and how much better they could be; and whether more workers would do what is not to be had
/// with those that the topology may have.
fn arrangement(question: &Question<'_>) -> Result<(Arrangement, Option<Reason>), Shortage> {
    let &Question { context, assessment, placing, .. } = question;
    let &Context { observation, settings, .. } = context;
    let topology = assessment.topology;
    let cluster = placing.cluster;
    let own: f64 = assessment.demands.iter().sum();
    let demand = own + placing.demands.sum();
    let ideal = demand / cluster.usable_power.max(1e-9);
    let worst_now = worst_load(topology, &assessment.demands, placing);
    // A better placement is looked for only where it could matter: on a large cluster that is most
    // of a decision's cost.
    let ours = settings.slots.is_ours();
    let matters = ours
        && worst_now >= settings.imbalance_limit * ideal
        && assessment.metrics.capacity >= worth_moving(settings);
    let mut limited = None;
    let reachable = if matters {
        let desired = present(topology);
        let mut problem = problem(context, topology, &desired, &assessment.demands, placing);
        problem.pinned_stay = assessment.pinned_stay();
        let placement = place(&problem)?;
        let enough = worst_now * (1.0 - settings.min_gain.get());
        let reachable = worst_in(&problem, &placement);
        if reachable > enough {
            limited = held_back(&problem, &placement, settings);
        }
        reachable
    } else {
        worst_now
    };
    let held = topology.executors.iter().filter_map(|e| e.slot).map(|slot| slot.node as usize);
    let far: BTreeSet<usize> = held.filter(|node| cluster.far.get(*node) == Some(&true)).collect();
    let arrangement = Arrangement {
        worst: worst_now,
        ideal,
        reachable,
        far: far
            .into_iter()
            .map(|index| &observation.nodes[index])
            .map(|node| (node.host.clone(), node.round_trip.unwrap_or(Millis::ZERO)))
            .collect(),
        elsewhere: ours
            && cluster.usable.iter().zip(&cluster.far).any(|(usable, far)| *usable && !far),
        free_slot: cluster.free_slot,
    };
    Ok((arrangement, limited))
}

fn worst_in(problem: &Problem, placement: &[SlotRef]) -> f64 {
    place::worst_load(problem, placement) as f64 / MICROS
}

/// What becomes of what waits before sources.
fn waiting(now: &Baseline) -> Waiting {
    match now.falls_behind() {
        _ if now.catches_up() => Waiting::CatchesUp,
        Some(rate) => Waiting::Grows(rate),
        None => Waiting::Rests,
    }
}
