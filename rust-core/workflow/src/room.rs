//! Who takes over whose room. An orchestrator knows what waits for what and not when each starts, and tasks take longer or
//! shorter than they were measured. If each task also waits for those whose room it takes over, no more is held at once than
//! there is, whatever each takes.

use crate::plan::Plan;
use crate::units::{Amount, Time};
use crate::workflow::Workflow;

/// For each task, those that it waits for only because of the room that they hold, by ordinals.
pub(crate) fn takes_over(workflow: &Workflow, plan: &Plan) -> Vec<Vec<usize>> {
    let mut known = Known::none(workflow.tasks.len());
    let mut waits = vec![Vec::new(); workflow.tasks.len()];
    let mut rooms: Vec<Vec<Room>> = Vec::new();
    for resource in &workflow.resources {
        rooms.push(vec![Room { of: None, free_from: Time::ZERO, size: resource.capacity }]);
    }
    for &task in &plan.order {
        for &before in &workflow.tasks[task].after {
            known.add(before, task);
        }
        let configuration = &workflow.tasks[task].configurations[plan.chosen[task]];
        let start = plan.starts[task];
        let length = configuration.measured.map_or(Time::ZERO, |measured| measured.length);
        for (rooms, need) in rooms.iter_mut().zip(&configuration.needs) {
            for before in take(rooms, start, *need, &known.before[task]) {
                if !known.before[task][before] {
                    known.add(before, task);
                    waits[task].push(before);
                }
            }
            let of = Some(task);
            rooms.push(Room { of, free_from: start.plus(length), size: *need });
        }
    }
    waits
}

/// A part of a resource and who had it last.
struct Room {
    of: Option<usize>,
    free_from: Time,
    size: Amount,
}

/// Takes so much of what is free, first from whom the task waits for anyway; tells whose it was.
fn take(rooms: &mut Vec<Room>, start: Time, need: Amount, before: &[bool]) -> Vec<usize> {
    let waits_anyway = |room: &Room| room.of.is_none_or(|of| before[of]);
    // Then from whoever has ended long ago, as that keeps a task from starting least.
    rooms.sort_by_key(|room| (!waits_anyway(room), room.free_from, room.of));
    let mut whose = Vec::new();
    let mut left = need.get();
    for room in rooms.iter_mut().filter(|room| room.free_from <= start) {
        let taken = left.min(room.size.get());
        if taken > 0 {
            left -= taken;
            room.size = Amount::of(room.size.get() - taken);
            whose.extend(room.of);
        }
    }
    rooms.retain(|room| room.size > Amount::ZERO);
    whose
}

/// What each task waits for, at once or by way of others.
struct Known {
    before: Vec<Vec<bool>>,
}

impl Known {
    fn none(count: usize) -> Self {
        Self { before: vec![vec![false; count]; count] }
    }

    /// Tasks are looked at by their start, so all that `before` waits for is known.
    fn add(&mut self, before: usize, task: usize) {
        let further = self.before[before].clone();
        for (known, further) in self.before[task].iter_mut().zip(further) {
            *known |= further;
        }
        self.before[task][before] = true;
    }
}
