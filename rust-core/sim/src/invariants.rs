//! What must hold after every step, whatever the load, the policy and the faults.

use std::collections::BTreeMap;

use thalweg_core::model::{SlotRef, TaskRange};
use thiserror::Error;

use crate::hidden::Hidden;
use crate::job::{Environment, Job};
use crate::observe::FIRST_PORT;

/// Relative error of sums that is rounding.
const ROUNDING: f64 = 1e-6;

/// Something that must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// S1: all roots that arrived wait, are on their way, or are complete.
    RootsConserved,
    /// S2: no queue holds less than nothing.
    QueuesNotNegative,
    /// S3: each task is of exactly one executor.
    TasksCovered,
    /// S4: executors run in slots that nodes have.
    SlotsExist,
    /// S5: nobody works longer than there is time.
    BusyWithinTime,
    /// S6: no node works with more cores than it has.
    CoresNotExceeded,
    /// S7: no slot is of two topologies.
    SlotsNotShared,
}

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{invariant:?} broken at {at_secs} s: {text}")]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// When, in seconds.
    pub at_secs: f64,
    /// What was found.
    pub text: String,
}

/// Looks at everything that must hold after a step.
///
/// # Errors
/// The first that does not.
pub fn check(
    job: &Job,
    hidden: &Hidden,
    tasks: &[TaskRange],
    environment: &Environment,
    now: f64,
    dt: f64,
) -> Result<(), Violation> {
    let broken = |invariant, text: String| Err(Violation { invariant, at_secs: now, text });
    let (waiting, pending) = (job.waiting(), job.pending());
    let found = waiting + pending + job.roots.completed;
    if (found - job.roots.arrived).abs() > ROUNDING * job.roots.arrived.max(1.0) {
        let text = format!(
            "{} arrived, {waiting} wait, {pending} are on their way, {} are complete",
            job.roots.arrived, job.roots.completed
        );
        return broken(Invariant::RootsConserved, text);
    }
    for (component, range) in job.wiring.ranges.iter().enumerate() {
        let mut next = tasks[component].first;
        for executor in &job.executors[range.clone()] {
            let (records, roots) = (executor.queue.records(), executor.queue.roots());
            if records < -ROUNDING * job.roots.arrived || roots < -ROUNDING * job.roots.arrived {
                let text = format!("{records} records and {roots} roots before {}", executor.tasks);
                return broken(Invariant::QueuesNotNegative, text);
            }
            if executor.tasks.first != next {
                let text =
                    format!("task {next} of component {component} is of no or two executors");
                return broken(Invariant::TasksCovered, text);
            }
            next = executor.tasks.last + 1;
            if let Some(slot) = executor.slot {
                let node = hidden.nodes.get(slot.node as usize);
                if node
                    .is_none_or(|node| !(FIRST_PORT..FIRST_PORT + node.slots).contains(&slot.port))
                {
                    return broken(
                        Invariant::SlotsExist,
                        format!("{} in {slot:?}", executor.tasks),
                    );
                }
            }
            // An executor that started within a step works for the whole of it.
            let lived = (now - executor.started).max(0.0) + dt.max(1.0);
            if executor.totals.busy + executor.totals.held > lived * (1.0 + ROUNDING) {
                let text = format!(
                    "{} worked {} s and was held {} s in {lived} s",
                    executor.tasks, executor.totals.busy, executor.totals.held
                );
                return broken(Invariant::BusyWithinTime, text);
            }
        }
        if next != tasks[component].last + 1 {
            let text = format!("tasks from {next} on of component {component} are of no executor");
            return broken(Invariant::TasksCovered, text);
        }
    }
    for (node, busy) in job.busy_cores.iter().enumerate() {
        let cores = hidden.nodes[node].cores.max(0.02);
        if *busy > cores * (1.0 + ROUNDING) || environment.speed.len() != job.busy_cores.len() {
            return broken(
                Invariant::CoresNotExceeded,
                format!("{busy} of {cores} on node {node}"),
            );
        }
    }
    Ok(())
}

/// Looks at what must hold between the topologies of a cluster.
///
/// # Errors
/// When two of them are in one slot.
pub fn check_slots<'a>(jobs: impl Iterator<Item = &'a Job>, now: f64) -> Result<(), Violation> {
    let mut owners: BTreeMap<SlotRef, usize> = BTreeMap::new();
    for (index, job) in jobs.enumerate() {
        for slot in job.executors.iter().filter_map(|executor| executor.slot) {
            let owner = *owners.entry(slot).or_insert(index);
            if owner != index {
                let text = format!("topologies {owner} and {index} are both in {slot:?}");
                return Err(Violation { invariant: Invariant::SlotsNotShared, at_secs: now, text });
            }
        }
    }
    Ok(())
}
