//! From the solution of a placement problem to a plan.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use thalweg_place::{Lack, Load};

use super::translate::{
    ClusterView, DesiredExecutor, MICROS, PlacementContext, needs, problem, role, scaled,
};
use crate::assess::Assessment;
use crate::context::Context;
use crate::model::{Executor, SlotRef, TaskRange, Topology};
use crate::place::{
    PlaceExecutor, Problem, Role, Shortage, Way, place, spares_a_stop, way, worst_load,
};
use crate::plan::{Plan, PlanKind, migration};
use crate::reason::{Reason, ReasonCode};
use crate::settings::{Adopt, Settings};

/// What is to change of a topology, by component ordinal.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wanted {
    /// New executor counts.
    pub counts: BTreeMap<u32, u32>,
    /// New memory of each executor, in MiB.
    pub memory_mib: BTreeMap<u32, u32>,
    /// Whether pinned executors stay on nodes that may be used, however slow those are.
    pub pinned_stay: bool,
    /// Whether pinned executors that share workers with work get workers of their own, although that is a stop.
    pub adopt: bool,
    /// Whether a move may be made stage by stage: whoever wants it asks again until it is done.
    pub in_stages: bool,
}

impl Wanted {
    fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.memory_mib.is_empty()
    }

    /// By component id instead.
    fn named(values: &BTreeMap<u32, u32>, topology: &Topology) -> BTreeMap<String, u32> {
        let named = |(&component, &value): (&u32, &u32)| {
            Some((topology.components.get(component as usize)?.id.clone(), value))
        };
        values.iter().filter_map(named).collect()
    }

    /// The topology with the memory that its executors are to have, for which they are placed.
    fn with_memory<'a>(&self, topology: &'a Topology) -> Cow<'a, Topology> {
        let mut topology = Cow::Borrowed(topology);
        for (&component, &mib) in &self.memory_mib {
            if let Some(found) = topology.to_mut().components.get_mut(component as usize) {
                found.memory_mib = Some(f64::from(mib));
            }
        }
        topology
    }
}

/// Places the topology with new counts and memory, for the demand that its components will have, and writes down
/// the way there; nothing if nothing would change.
///
/// # Errors
/// When the cluster has no room.
pub fn plan(
    context: &Context<'_>,
    assessment: &Assessment<'_>,
    demands: &[f64],
    placing: &PlacementContext<'_>,
    wanted: &Wanted,
) -> Result<Option<Plan>, Shortage> {
    let topology = assessment.topology;
    let desired = scaled(topology, &wanted.counts);
    let sized = wanted.with_memory(topology);
    let mut problem = problem(context, &sized, &desired, demands, placing);
    problem.pinned_stay = wanted.pinned_stay || assessment.pinned_stay();
    let fresh = place(&problem)?;
    let enough = good_enough(&problem, wanted, context.settings);
    let spared = spares_a_stop(&problem, &fresh, enough).filter(|_| !wanted.adopt);
    let placement = spared.unwrap_or(fresh);
    let to = |placement: &[SlotRef]| written(context, topology, &desired, placement, wanted);
    let whole = to(&placement);
    let staged = wanted.in_stages && wanted.is_empty();
    let plan = match way_to(&placement, &whole, &problem, topology, most(placing.cluster, staged)) {
        Way::Beside => whole,
        Way::Staged { first, stages } if staged => {
            let first = where_only(&first, &problem, &placement);
            Plan { stages_left: stages - 1, ..to(&first) }
        }
        Way::Staged { .. } | Way::Stopped => Plan { no_room_beside: true, ..whole },
    };
    let plan = Plan { limited: held_back(&problem, &placement, context.settings), ..plan };
    let changes = !wanted.is_empty() || plan.rows.iter().any(|row| row.moves());
    Ok(changes.then_some(plan))
}

/// How full a node may be where that spares the topology a stop: an order has no opinion about loads; and what must not
/// stop takes whatever makes it better.
fn good_enough(problem: &Problem, wanted: &Wanted, settings: &Settings) -> u64 {
    let never = settings.adopt == Adopt::Never;
    if wanted.in_stages || never && !wanted.is_empty() {
        return u64::MAX;
    }
    let present: Option<Vec<SlotRef>> = problem.executors.iter().map(|e| e.current).collect();
    let gain = 1.0 - settings.min_gain.get();
    present.filter(|_| never).map_or(0, |now| (worst_load(problem, &now) as f64 * gain) as u64)
}

/// Why a topology cannot be placed, as a reason.
pub fn refusal(shortage: Shortage, topology: &Topology) -> Reason {
    let text = shortage.to_string();
    match shortage {
        Shortage::Resources { executors, lack: Lack::Worker } => {
            let (measured, limit) = (f64::from(executors), f64::from(topology.desired_workers));
            let text = format!("{text}: it asks for {} workers", topology.desired_workers);
            Reason {
                measured: Some(measured),
                limit: Some(limit),
                ..Reason::plain(ReasonCode::WorkersLimited, text)
            }
        }
        _ => Reason::plain(ReasonCode::ClusterLimited, text),
    }
}

/// Whether more workers than a topology may have would be clearly better than what is found for it.
pub fn held_back(problem: &Problem, found: &[SlotRef], settings: &Settings) -> Option<Reason> {
    let most = problem.most_workers?;
    let free = place(&Problem { most_workers: None, ..problem.clone() }).ok()?;
    let (worst, best) = (worst_load(problem, found) as f64, worst_load(problem, &free) as f64);
    let workers: BTreeSet<SlotRef> = free.iter().copied().collect();
    let gain = 1.0 - best / worst.max(1.0);
    (workers.len() > most as usize && gain >= settings.min_gain.get()).then(|| {
        let text = format!(
            "{} workers would lower its fullest node by {:.0} %, but it asks for {most}",
            workers.len(),
            gain * 100.0
        );
        Reason::compared(ReasonCode::WorkersLimited, workers.len() as f64, f64::from(most), text)
    })
}

/// The way from where a topology's executors run to a placement.
fn way_to(
    placement: &[SlotRef],
    plan: &Plan,
    problem: &Problem,
    topology: &Topology,
    most: Load,
) -> Way {
    if !problem.rule.changes_in_parts() || plan.kind == PlanKind::Layout {
        // The change stops everything in any case.
        return Way::Beside;
    }
    let kept: BTreeSet<TaskRange> = plan.rows.iter().map(|row| row.executor).collect();
    let gone = topology.executors.iter().filter(|e| !kept.contains(&e.tasks));
    let running = |executor: &Executor| PlaceExecutor {
        current: executor.slot,
        ..needs(topology, executor.component, problem.memory_declared)
    };
    let replaced: Vec<PlaceExecutor> = gone.map(running).collect();
    way(problem, &replaced, placement, most)
}

/// The load up to which a node may be filled on the way. Only what can be made stage by stage waits for compute: it is
/// short of it for moments, not for good.
fn most(cluster: &ClusterView, staged: bool) -> Load {
    match cluster.best_power {
        best if staged && best > 0.0 => Load::from_millionths((best * MICROS) as u64),
        _ => Load::from_millionths(u64::MAX),
    }
}

/// A placement of which only some executors have moved.
fn where_only(moved: &BTreeSet<usize>, problem: &Problem, placement: &[SlotRef]) -> Vec<SlotRef> {
    let executors = placement.iter().zip(&problem.executors).enumerate();
    let slot = |(index, (desired, executor)): (usize, (&SlotRef, &PlaceExecutor))| {
        executor.current.filter(|_| !moved.contains(&index)).unwrap_or(*desired)
    };
    executors.map(slot).collect()
}

/// Writes down the way from where a topology's tasks are to where a placement puts the desired executors.
pub fn written(
    context: &Context<'_>,
    topology: &Topology,
    desired: &[DesiredExecutor],
    placement: &[SlotRef],
    wanted: &Wanted,
) -> Plan {
    let rows = migration(context.observation, topology, desired, placement);
    // Where a change restarts everything anyway, pinned executors are not worth a kind of their own.
    let pinned_move = context.settings.slots.changes_in_parts()
        && desired
            .iter()
            .zip(&rows)
            .any(|(&(component, _), row)| role(topology, component) == Role::Pinned && row.moves());
    let mut slots = placement.to_vec();
    slots.sort_unstable();
    slots.dedup();
    Plan {
        id: String::new(),
        epoch: 0,
        topology: topology.id.clone(),
        name: topology.name.clone(),
        kind: match (pinned_move, wanted.is_empty()) {
            (true, _) => PlanKind::Layout,
            (false, false) => PlanKind::Counts,
            (false, true) => PlanKind::Move,
        },
        counts: Wanted::named(&wanted.counts, topology),
        memory_mib: Wanted::named(&wanted.memory_mib, topology),
        desired_tasks: BTreeMap::new(),
        workers: u32::try_from(slots.len()).unwrap_or(u32::MAX),
        stages_left: 0,
        no_room_beside: false,
        limited: None,
        rows,
    }
}
