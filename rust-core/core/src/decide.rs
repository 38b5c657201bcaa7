//! The one entry point: an observation and what is remembered go in, decisions come out.

use std::collections::{BTreeMap, BTreeSet};

use crate::action::{Attempt, Baseline, InFlight, Origin, WayBack};
use crate::arrange::{Ground, Terrain, Wanted, plan};
use crate::ask::Question;
use crate::assess::{Assessment, assess};
use crate::budget::within_budget;
use crate::explain::{Decision, Outcome, Verdict};
use crate::guard::{another_first, day, guard};
use crate::model::{Observation, Topology, TopologyStatus};
use crate::others::{Demands, Others};
use crate::outcome::verify;
use crate::plan::Plan;
use crate::policy::Intent;
use crate::reason::{Reason, ReasonCode};
use crate::rollback::{forget_outdated, way_back};
use crate::settings::Settings;
use crate::state::{Learned, Order, State, TopologyState};
use crate::units::{Millis, Timestamp};

/// What one observation led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// One decision per topology, the highest priority and then bottleneck level first.
    pub decisions: Vec<Decision>,
    /// What came of earlier actions.
    pub outcomes: Vec<Outcome>,
    /// When to observe again.
    pub next_in: Millis,
    /// What to remember.
    pub state: State,
}

/// Decides about every topology of the cluster.
///
/// At most one decision says to act, and none does while an earlier action runs. Topologies whose
/// evidence is missing, stale or from before the last change are held, with the reason.
pub fn decide(
    observation: &Observation,
    state: State,
    settings: &Settings,
    now: Timestamp,
) -> Decided {
    let mut state = state;
    notice_changes(observation, &mut state, settings, now);
    let mut assessments = assess(observation, &mut state, settings, now);
    let terrain = Terrain::of(observation, &state.learned, settings, now);
    let parts = assessments.iter().map(|assessment| &assessment.node_demands);
    let demands = Demands::of(parts, &terrain.powers);
    let priority = |name: &String| settings.priorities.get(name).copied().unwrap_or(0);
    assessments.sort_by_key(|a| std::cmp::Reverse((priority(&a.topology.name), a.view.level)));
    let mut decisions = Vec::with_capacity(assessments.len());
    let mut outcomes = Vec::new();
    let mut busy = state.topologies.values().any(|t| t.in_flight.is_some());
    for assessment in assessments {
        let topology = assessment.topology;
        let ground = Ground {
            terrain: &terrain,
            own: assessment.index,
            demands: Others::AllBut(&demands, &assessment.node_demands),
            memory: None,
            promised: None,
        };
        let Some(remembered) = state.topologies.get_mut(&topology.id) else { continue };
        let order = state.order.take_if(|order| order.topology == topology.name);
        let ordered = order.is_some();
        let (reasons, intended) = match order {
            Some(order) => match waiting(&assessment, remembered, busy, settings, now) {
                Some(reason) => {
                    state.order = Some(order);
                    (vec![reason], None)
                }
                None => {
                    let obeyed = obey(&order, observation, &assessment, &ground, settings);
                    // The rest of the way is asked for again once this stage is done.
                    let goes_on = obeyed.1.as_ref().is_some_and(|plan| plan.stages_left > 0);
                    state.order = goes_on.then_some(order);
                    obeyed
                }
            },
            None => judge(
                observation,
                &assessment,
                &ground,
                remembered,
                &mut state.learned,
                settings,
                now,
            ),
        };
        let origin = match &remembered.harm {
            _ if ordered => Origin::Operator,
            Some(_) => Origin::Rollback,
            None => Origin::Policy,
        };
        let (reasons, intended) = within_budget(observation, reasons, intended, settings);
        let (reasons, verdict, plan) =
            guard(reasons, intended, &assessment, remembered, origin, busy, settings, now);
        let learned = &mut state.learned;
        outcomes.extend(verify(observation, &assessment, remembered, learned, settings, now));
        let id = state.next_decision;
        state.next_decision += 1;
        let before = Baseline::of(topology, assessment.metrics, &remembered.trail);
        let decision = record(id, assessment, remembered, reasons, verdict, plan, settings, now);
        if let (Verdict::Act, Some(plan)) = (decision.verdict, &decision.plan) {
            busy = true;
            let flight = InFlight {
                plan: plan.id.clone(),
                attempt: Attempt::of(plan, topology, &decision.reasons),
                origin,
                way_back: WayBack::of(plan, topology, origin, settings),
                before,
                since: now,
            };
            start(flight, remembered, now);
        }
        decisions.push(decision);
    }
    let resting = !decisions.is_empty()
        && state.topologies.values().all(|t| t.policies.me_stream.threshold.is_stable());
    let factor = if resting { f64::from(settings.relaxed_factor.max(1)) } else { 1.0 };
    let next_in = Millis::saturating(settings.sampling.get() * factor);
    Decided { decisions, outcomes, next_in, state }
}

/// Forgets topologies that are gone; lets changed ones settle.
fn notice_changes(
    observation: &Observation,
    state: &mut State,
    settings: &Settings,
    now: Timestamp,
) {
    state.follow_nodes(&observation.nodes);
    let present: BTreeSet<&str> = observation.topologies.iter().map(|t| t.id.as_str()).collect();
    state.topologies.retain(|id, _| present.contains(id.as_str()));
    let names = observation.topologies.iter().map(|t| t.name.as_str());
    state.learned.forget_absent(names, now, settings);
    for topology in &observation.topologies {
        let remembered = state.topologies.entry(topology.id.clone()).or_default();
        if let Some(layout) = remembered.new_layout(topology) {
            let known = !remembered.layout.is_empty();
            remembered.layout = layout;
            remembered.forget_measurements();
            if known {
                remembered.settling_until = now.plus(settings.settle);
            }
        }
        if settling(topology, remembered, settings, now) {
            remembered.forget_measurements();
        }
    }
}

/// Whether the topology was changed, or one of its executors started, too short a time ago.
fn settling(
    topology: &Topology,
    state: &TopologyState,
    settings: &Settings,
    now: Timestamp,
) -> bool {
    let youngest =
        topology.executors.iter().filter_map(|e| e.counters).map(|c| c.uptime_secs).min();
    let young = youngest.is_some_and(|secs| f64::from(secs) * 1000.0 < settings.settle.get());
    now < state.settling_until || young
}

/// What the policy wants, if the evidence allows asking it.
fn judge(
    observation: &Observation,
    assessment: &Assessment<'_>,
    ground: &Ground<'_>,
    state: &mut TopologyState,
    learned: &mut Learned,
    settings: &Settings,
    now: Timestamp,
) -> (Vec<Reason>, Option<Plan>) {
    if let Some(reason) = unfit(assessment, state, settings, now) {
        return (vec![reason], None);
    }
    forget_outdated(observation, assessment, state, settings);
    if let Some(harm) = &state.harm {
        let (reasons, plan) = way_back(harm, observation, assessment, ground, settings);
        let (reasons, plan) = within_budget(observation, reasons, plan, settings);
        if plan.is_none() {
            state.harm = None;
        }
        return (reasons, plan);
    }
    let (counts, memory_mib, wished_tasks, growth, reasons) =
        match (Question { observation, assessment, ground, settings, now }).ask(state, learned) {
            Intent::Stay(reasons) => return (reasons, None),
            Intent::Move(reasons) => {
                (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), reasons)
            }
            Intent::Scale { counts, memory_mib, wished_tasks, growth, reasons } => {
                (counts, memory_mib, wished_tasks, growth, reasons)
            }
        };
    let grown =
        |(component, demand): (u32, &f64)| demand * growth.get(&component).copied().unwrap_or(1.0);
    let demands: Vec<f64> = (0..).zip(&assessment.demands).map(grown).collect();
    let wanted = Wanted { counts, memory_mib, ..Wanted::default() };
    match plan(observation, assessment, &demands, ground, &wanted, settings) {
        Ok(Some(mut plan)) => {
            let named = |component: u32| {
                Some(assessment.topology.components.get(component as usize)?.id.clone())
            };
            plan.wished_tasks = wished_tasks
                .into_iter()
                .filter_map(|(c, tasks)| Some((named(c)?, tasks)))
                .collect();
            (reasons.into_iter().chain(on_the_way(&plan)).collect(), Some(plan))
        }
        Ok(None) => {
            let stays =
                Reason::plain(ReasonCode::GainTooSmall, "the best placement is the present one");
            (std::iter::once(stays).chain(reasons).collect(), None)
        }
        Err(shortage) => {
            let short = Reason::plain(ReasonCode::ClusterLimited, shortage.to_string());
            (std::iter::once(short).chain(reasons).collect(), None)
        }
    }
}

/// Why an operator's order cannot be looked at yet.
fn waiting(
    assessment: &Assessment<'_>,
    state: &TopologyState,
    busy: bool,
    settings: &Settings,
    now: Timestamp,
) -> Option<Reason> {
    unfit(assessment, state, settings, now).or_else(|| busy.then(another_first))
}

/// Makes the plan that an operator ordered.
fn obey(
    order: &Order,
    observation: &Observation,
    assessment: &Assessment<'_>,
    ground: &Ground<'_>,
    settings: &Settings,
) -> (Vec<Reason>, Option<Plan>) {
    let impossible = |text: String| (vec![Reason::plain(ReasonCode::OrderImpossible, text)], None);
    let mut wanted = match demanded(order, assessment.topology) {
        Ok(wanted) => wanted,
        Err(text) => return impossible(text),
    };
    // An order is carried out as it was given: it does not stop sources for the sake of something else.
    wanted.anchors_stay = true;
    wanted.in_stages = true;
    let mut terrain = ground.terrain.clone();
    for (usable, node) in terrain.usable.iter_mut().zip(&observation.nodes) {
        *usable &= !order.leave.contains(&node.host);
    }
    let ground = Ground { terrain: &terrain, ..ground.clone() };
    match plan(observation, assessment, &assessment.demands, &ground, &wanted, settings) {
        Ok(Some(plan)) => {
            let ordered = Reason::plain(ReasonCode::Ordered, "an operator ordered it");
            (std::iter::once(ordered).chain(on_the_way(&plan)).collect(), Some(plan))
        }
        Ok(None) => impossible("the order changes nothing".to_owned()),
        Err(shortage) => impossible(shortage.to_string()),
    }
}

/// What is to be said of how a plan has to be carried out.
fn on_the_way(plan: &Plan) -> Option<Reason> {
    let text = "nodes have no slots or memory for the new workers beside the old ones";
    let stopped = || Reason::plain(ReasonCode::NoRoomBeside, text);
    let staged = || {
        let text =
            format!("nodes cannot carry all at once: the first of {} stages", 1 + plan.stages_left);
        Reason::plain(ReasonCode::Staged, text)
    };
    (plan.stages_left > 0).then(staged).or_else(|| plan.no_room_beside.then(stopped))
}

/// What an order wants of a topology's components, or why it cannot be had.
fn demanded(order: &Order, topology: &Topology) -> Result<Wanted, String> {
    let find = |id: &String| {
        let found = (0u32..).zip(&topology.components).find(|(_, c)| c.id == *id);
        found.ok_or_else(|| format!("there is no component {id}"))
    };
    let mut wanted = Wanted::default();
    for (id, &count) in &order.counts {
        let (ordinal, component) = find(id)?;
        let tasks = component.tasks.count();
        if count == 0 || count > tasks {
            return Err(format!("{id} can have 1 to {tasks} executors, not {count}"));
        }
        wanted.counts.insert(ordinal, count);
    }
    for (id, &mib) in &order.memory_mib {
        let (ordinal, component) = find(id)?;
        if component.memory_mib.is_none() {
            return Err(format!("the memory of {id} is not known, so nothing can change it"));
        }
        if mib == 0 {
            return Err(format!("{id} needs some memory, not 0 MiB"));
        }
        wanted.memory_mib.insert(ordinal, mib);
    }
    Ok(wanted)
}

/// Why the evidence does not allow a judgement.
fn unfit(
    assessment: &Assessment<'_>,
    state: &TopologyState,
    settings: &Settings,
    now: Timestamp,
) -> Option<Reason> {
    let topology = assessment.topology;
    if topology.status != TopologyStatus::Active {
        let text = format!("its status is {:?}", topology.status).to_lowercase();
        return Some(Reason::plain(ReasonCode::TopologyNotActive, text));
    }
    if let Some(flight) = &state.in_flight {
        return Some(Reason::plain(
            ReasonCode::ActionRunning,
            format!("plan {} is under way", flight.plan),
        ));
    }
    let unassigned = topology.executors.iter().filter(|e| e.slot.is_none()).count();
    if unassigned > 0 {
        let text = format!("{unassigned} executors run nowhere");
        return Some(Reason::plain(ReasonCode::ExecutorsUnassigned, text));
    }
    if settling(topology, state, settings, now) {
        let left = state.settling_until.since(now).get() / 1000.0;
        return Some(Reason::compared(
            ReasonCode::Settling,
            left,
            settings.settle.get() / 1000.0,
            "seconds until measurements count again after the last change or start",
        ));
    }
    let coverage = assessment.view.coverage;
    (coverage < settings.min_coverage).then(|| {
        Reason::compared(
            ReasonCode::MetricsMissing,
            coverage.get(),
            settings.min_coverage.get(),
            "share of executors with fresh statistics",
        )
    })
}

#[allow(clippy::too_many_arguments)]
fn record(
    id: u64,
    assessment: Assessment<'_>,
    state: &TopologyState,
    reasons: Vec<Reason>,
    verdict: Verdict,
    plan: Option<Plan>,
    settings: &Settings,
    now: Timestamp,
) -> Decision {
    let Assessment { topology, mut view, .. } = assessment;
    for (component, believed) in view.components.iter_mut().zip(&state.believed) {
        component.believed_capacity = *believed;
    }
    view.expected_latency = state.policies.me_stream.threshold.line().map(|line| line.at(now));
    let plan = plan.map(|plan| Plan { id: format!("{}-p{}", topology.id, now.millis()), ..plan });
    Decision {
        id,
        at: now,
        topology: topology.id.clone(),
        name: topology.name.clone(),
        policy: settings.policy.as_str().to_owned(),
        mode: settings.mode,
        verdict,
        reasons,
        view,
        plan,
    }
}

fn start(flight: InFlight, state: &mut TopologyState, now: Timestamp) {
    state.in_flight = Some(flight);
    state.harm = None;
    state.actions.retain(|at| now.since(*at) < day());
    state.actions.push_back(now);
}
