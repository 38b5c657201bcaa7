//! From one arrangement of executors to another.

use std::collections::{BTreeMap, BTreeSet};

use thalweg_core::model::{ComponentKind, SlotRef, TaskRange};
use thalweg_core::plan::partition::partition;

use crate::job::cohort::Cohort;
use crate::job::{Executor, Job};
use crate::observe::{FIRST_PORT, task_ranges};
use crate::scenario::Scenario;

/// A desired executor: ordinal of its component, its tasks, and where it is to run.
pub type Desired = (usize, TaskRange, Option<SlotRef>);

/// What of a cluster a topology may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usable {
    /// Per node: whether it lives.
    pub alive: Vec<bool>,
    /// Slots of other topologies.
    pub occupied: BTreeSet<SlotRef>,
}

impl Usable {
    fn has(&self, slot: SlotRef) -> bool {
        self.alive[slot.node as usize] && !self.occupied.contains(&slot)
    }
}

/// How workers change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Now, in seconds.
    pub now: f64,
    /// Seconds until changed workers work.
    pub gap: f64,
    /// Share of what changed workers hold that is lost.
    pub loss: f64,
}

/// The executors that a job starts with; they run nowhere yet.
pub fn first(scenario: &Scenario) -> Vec<Desired> {
    let components = scenario.components.iter().zip(task_ranges(scenario)).enumerate();
    components
        .flat_map(|(index, (spec, tasks))| {
            partition(tasks, spec.executors).into_iter().map(move |range| (index, range, None))
        })
        .collect()
}

/// The executors of a job with other counts for some components.
pub fn scaled(scenario: &Scenario, job: &Job, counts: &BTreeMap<String, u32>) -> Vec<Desired> {
    let components = scenario.components.iter().zip(task_ranges(scenario)).enumerate();
    components
        .flat_map(|(index, (spec, tasks))| {
            let own = &job.executors[job.wiring.ranges[index].clone()];
            match counts.get(&spec.id) {
                Some(&count) if count as usize != own.len() => {
                    let ranges = partition(tasks, count).into_iter();
                    ranges.map(|range| (index, range, None)).collect::<Vec<Desired>>()
                }
                _ => own.iter().map(|e| (e.component, e.tasks, e.slot)).collect(),
            }
        })
        .collect()
}

/// Flink gives the n-th subtask of every vertex to the n-th slot: subtasks of one pipeline share it.
/// Slots are dealt out evenly over living TaskManagers: the first of each before the second of any.
pub fn share_slots(scenario: &Scenario, usable: &Usable, desired: &mut [Desired]) {
    let groups = scenario.nodes.iter().flat_map(|g| std::iter::repeat_n(g.slots, g.count as usize));
    let mut slots: Vec<SlotRef> = groups
        .enumerate()
        .flat_map(|(node, slots)| {
            (0..slots).map(move |slot| SlotRef { node: node as u32, port: FIRST_PORT + slot })
        })
        .filter(|slot| usable.has(*slot))
        .collect();
    slots.sort_by_key(|slot| (slot.port, slot.node));
    let (mut component, mut subtask) = (usize::MAX, 0);
    for desired in desired {
        if desired.0 != component {
            (component, subtask) = (desired.0, 0);
        }
        desired.2 = slots.get(subtask % slots.len().max(1)).copied();
        subtask += 1;
    }
}

/// Executors without a slot go to the workers that a Storm topology has, each time to one with the fewest.
pub fn deal_out(job: &Job, desired: &mut [Desired]) {
    let workers = job.executors.iter().filter_map(|executor| executor.slot);
    let mut held: BTreeMap<SlotRef, usize> = workers.map(|slot| (slot, 0)).collect();
    for slot in desired.iter().filter_map(|desired| desired.2) {
        *held.entry(slot).or_default() += 1;
    }
    for desired in desired.iter_mut().filter(|desired| desired.2.is_none()) {
        if let Some((slot, count)) = held.iter_mut().min_by_key(|(slot, count)| (**count, **slot)) {
            desired.2 = Some(*slot);
            *count += 1;
        }
    }
}

/// Slots whose worker changes: those that hold another set of executors than before.
pub fn changed_slots(job: &Job, desired: &[Desired]) -> BTreeSet<SlotRef> {
    let mut before: BTreeMap<SlotRef, BTreeSet<TaskRange>> = BTreeMap::new();
    let mut after = before.clone();
    for executor in &job.executors {
        if let Some(slot) = executor.slot {
            before.entry(slot).or_default().insert(executor.tasks);
        }
    }
    for (_, tasks, slot) in desired {
        if let Some(slot) = slot {
            after.entry(*slot).or_default().insert(*tasks);
        }
    }
    after
        .iter()
        .filter(|(slot, set)| before.get(slot) != Some(set))
        .map(|(slot, _)| *slot)
        .collect()
}

/// Makes a job's executors what is desired; workers whose set of executors stays live on.
///
/// What changed workers held goes to the executors that have its tasks now, or is lost. Where a
/// source restarts, it takes again all that was on its way.
pub fn rearrange(scenario: &Scenario, job: &mut Job, desired: &[Desired], change: Change) {
    let changed = changed_slots(job, desired);
    let from_anew = sources_restart(scenario, job, desired);
    let mut old: BTreeMap<TaskRange, Executor> =
        std::mem::take(&mut job.executors).into_iter().map(|e| (e.tasks, e)).collect();
    job.executors = desired
        .iter()
        .map(|&(component, tasks, slot)| {
            let stays = slot.is_some_and(|slot| !changed.contains(&slot));
            let same = stays && old.get(&tasks).is_some_and(|executor| executor.slot == slot);
            let kept = if same { old.remove(&tasks) } else { None };
            kept.unwrap_or_else(|| Executor {
                component,
                tasks,
                slot,
                works_from: change.now + change.gap,
                started: change.now,
                ..Executor::default()
            })
        })
        .collect();
    job.rewire(scenario);
    let left = old.into_values().map(|mut executor| (executor.tasks, executor.queue.drain()));
    hand_over(job, left.collect(), change.loss);
    if from_anew {
        job.take_again();
    }
}

/// Whether a worker that holds a source changes.
fn sources_restart(scenario: &Scenario, job: &Job, desired: &[Desired]) -> bool {
    let changed = changed_slots(job, desired);
    let mut sources = desired
        .iter()
        .filter(|(component, ..)| scenario.components[*component].kind == ComponentKind::Source);
    sources.any(|(_, _, slot)| slot.is_none_or(|slot| changed.contains(&slot)))
}

/// Hands what is left over to the executors that have its tasks now.
fn hand_over(job: &mut Job, left: Vec<(TaskRange, Vec<Cohort>)>, loss: f64) {
    for (tasks, cohorts) in left {
        let heirs: Vec<(usize, f64)> = job
            .executors
            .iter()
            .enumerate()
            .filter_map(|(index, executor)| {
                let first = executor.tasks.first.max(tasks.first);
                let last = executor.tasks.last.min(tasks.last);
                let share = f64::from((last + 1).saturating_sub(first)) / f64::from(tasks.count());
                (share > 0.0).then_some((index, share))
            })
            .collect();
        for cohort in cohorts {
            let gone = cohort.part(loss);
            job.lost_records += gone.records;
            if gone.roots > 0.0 {
                job.lost.push(gone);
            }
            for &(index, share) in &heirs {
                let piece = cohort.part((1.0 - loss) * share);
                job.executors[index].queue.push(piece, piece.birth, 0.0);
            }
        }
    }
}
