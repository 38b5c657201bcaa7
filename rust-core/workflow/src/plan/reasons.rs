//! Why a task starts when it does, and why it is not run otherwise.

use super::named::Named;
use super::told::{Other, Then, WhyNot};
use crate::search::Scale;
use crate::units::{Amount, Time};
use crate::workflow::Unused;

/// Why a task starts when it does: plans are pushed together, so something ends then.
pub(super) fn why_then(named: &Named<'_>, at: usize) -> Then {
    let (schedule, tasks) = (&named.best().schedule, &named.workflow.tasks);
    let start = schedule.starts[at];
    let ends_then = |task: &usize| schedule.end_of(named.problem, *task) == start;
    if start == Time::ZERO {
        return Then::AtOnce;
    }
    if let Some(before) = tasks[at].after.iter().copied().find(ends_then) {
        return Then::After { task: tasks[before].full_name() };
    }
    let needs = &tasks[at].configurations[named.configuration(at)].needs;
    let mut ending: Vec<usize> = (0..tasks.len()).filter(ends_then).collect();
    // What held most of what lacks is named.
    for (kind, need) in needs.iter().enumerate() {
        let there = named.workflow.resources[kind].capacity;
        if held_before(named, start, kind).plus(*need) <= there {
            continue;
        }
        let held =
            |task: &usize| tasks[*task].configurations[named.configuration(*task)].needs[kind];
        ending.sort_by_key(|task| std::cmp::Reverse((held(task), *task)));
        if let Some(&task) = ending.first() {
            let resource = named.workflow.resources[kind].name.clone();
            return Then::Room { resource, needs: *need, there, task: tasks[task].full_name() };
        }
    }
    Then::AtOnce
}

/// What is held of a resource in the moment before an instant.
fn held_before(named: &Named<'_>, instant: Time, kind: usize) -> Amount {
    let schedule = &named.best().schedule;
    let running = (0..schedule.starts.len()).filter(|task| {
        schedule.starts[*task] < instant && schedule.end_of(named.problem, *task) >= instant
    });
    let held = running.map(|task| {
        named.workflow.tasks[task].configurations[named.configuration(task)].needs[kind]
    });
    held.fold(Amount::ZERO, Amount::plus)
}

/// Why each configuration that was not chosen was not.
pub(super) fn others(named: &Named<'_>, scale: &Scale<'_>, at: usize) -> Vec<Other> {
    let (task, chosen) = (&named.workflow.tasks[at], named.configuration(at));
    let mut others = Vec::new();
    for (ordinal, configuration) in task.configurations.iter().enumerate() {
        if ordinal == chosen {
            continue;
        }
        let because = match named.workflow.unused(configuration) {
            Some(Unused::NeverRan) => WhyNot::NeverRan,
            Some(Unused::TooLarge { resource }) => WhyNot::TooLarge {
                resource: named.workflow.resources[resource].name.clone(),
                needs: configuration.needs[resource],
                there: named.workflow.resources[resource].capacity,
            },
            None => would_be(named, scale, at, ordinal),
        };
        others.push(Other { configuration: configuration.name.clone(), because });
    }
    others
}

fn would_be(named: &Named<'_>, scale: &Scale<'_>, task: usize, configuration: usize) -> WhyNot {
    let way = named.usable[task].iter().position(|one| *one == configuration).unwrap_or_default();
    let instead = named.instead(scale, task, way);
    WhyNot::WouldBe {
        objective: instead.value,
        makespan_secs: instead.makespan,
        cost: instead.cost,
    }
}
