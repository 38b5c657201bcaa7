//! Phase 2: a node for each work executor, found by the placement of whole clusters.
//!
//! Of several candidates the first one wins that is nearly as good as a fresh start, or at least goes half
//! the way there, or leaves every node room to spare: what is there, changed only by whole workers, and
//! then the fresh start itself, which mostly costs a drain.

use std::collections::{BTreeMap, BTreeSet};

use thalweg_place::Lack;

use super::fragmentation;
use super::problem::{Problem, Role, Shortage};
use super::quality::{DRAIN_PERCENT, LOYALTY_PERCENT, worst_load};
use super::rules::Rules;
use super::slots::{Room, is_whole};
use super::solver::SolverCall;
use crate::model::SlotRef;

/// Leaving out one more worker must lower the worst load by more than this many thousandths, or
/// rounding would move executors for ever.
const WORTHWHILE_THOUSANDTHS: u64 = 5;

/// Executors are not moved for the sake of fewer new workers if the worst load rises above this
/// percentage of a fresh start's: well below what loyalty bears, or the result would not be at rest.
const CONSOLIDATION_PERCENT: u64 = 105;

/// The node of each work executor, by executor index.
///
/// # Errors
/// When some executor finds no slot, or none with the memory that was declared for it.
pub(super) fn assign(
    problem: &Problem,
    room: &Room,
    placed: &[Option<SlotRef>],
) -> Result<BTreeMap<usize, usize>, Shortage> {
    let search = Search { problem, room, placed };
    let fresh = search.candidate(Rules::default())?;
    let enough = fresh.worst * LOYALTY_PERCENT / 100;
    let half_way = present_worst(problem).map_or(0, |worst| worst.midpoint(fresh.worst.min(worst)));
    let bearable = half_way.max(fresh.worst * DRAIN_PERCENT / 100).max(problem.comfort);
    let loyal = search.by_workers(enough).ok().filter(|candidate| candidate.worst <= bearable);
    let tolerable = fresh.worst * CONSOLIDATION_PERCENT / 100;
    let chosen = loyal.unwrap_or(fresh);
    let mut consolidated = chosen.node_of.clone();
    fragmentation::consolidate(problem, room, placed, &mut consolidated);
    let worst = search.worst(&consolidated);
    let spread = problem.crowding(search.places(&consolidated)).is_none();
    Ok(if spread && worst <= chosen.worst.max(tolerable) { consolidated } else { chosen.node_of })
}

/// The load of the worst node as things are; nothing if some executor runs nowhere or is new.
fn present_worst(problem: &Problem) -> Option<u64> {
    let present: Option<Vec<SlotRef>> = problem.executors.iter().map(|e| e.current).collect();
    Some(worst_load(problem, &present?))
}

/// A node for each work executor, under some rules.
struct Candidate {
    rules: Rules,
    node_of: BTreeMap<usize, usize>,
    worst: u64,
}

struct Search<'a> {
    problem: &'a Problem,
    room: &'a Room,
    placed: &'a [Option<SlotRef>],
}

impl Search<'_> {
    fn candidate(&self, rules: Rules) -> Result<Candidate, Shortage> {
        let node_of = SolverCall::of(self.problem, self.room, self.placed, &rules).answer()?;
        let worst = self.worst(&node_of);
        Ok(Candidate { rules, node_of, worst })
    }

    /// Executors and their nodes, pinned executors included.
    fn places<'b>(
        &'b self,
        node_of: &'b BTreeMap<usize, usize>,
    ) -> impl Iterator<Item = (usize, usize)> + 'b {
        let pinned = self.placed.iter().enumerate();
        let pinned = pinned.filter_map(|(e, slot)| Some((e, (*slot)?.node as usize)));
        pinned.chain(node_of.iter().map(|(&executor, &node)| (executor, node)))
    }

    /// The load of each node that holds executors and has room.
    fn loads(&self, node_of: &BTreeMap<usize, usize>) -> BTreeMap<usize, u64> {
        let demand = self.problem.node_demands(self.places(node_of));
        let used: BTreeSet<usize> = self.places(node_of).map(|(_, node)| node).collect();
        let open = used.into_iter().filter(|&node| self.room.left(node) > 0);
        open.map(|node| (node, self.problem.nodes[node].load(demand[node]))).collect()
    }

    /// The load of the fullest of these nodes.
    fn worst(&self, node_of: &BTreeMap<usize, usize>) -> u64 {
        self.loads(node_of).into_values().max().unwrap_or(0)
    }

    /// How many workers run that stay under these rules.
    fn workers(&self, rules: &Rules) -> usize {
        let pinned: BTreeSet<SlotRef> = self.placed.iter().flatten().copied().collect();
        pinned.len() + rules.kept.len()
    }

    /// Starts from where work is and changes whole workers only.
    ///
    /// A worker is one set of executors for life. So that a new one can run beside the one it replaces,
    /// no executor may be in two workers of one node: a worker stays, or all it runs leaves the node.
    fn by_workers(&self, enough: u64) -> Result<Candidate, Shortage> {
        let problem = self.problem;
        let work = problem.of_role(Role::Work).filter(|&e| self.placed[e].is_none());
        let mut workers: BTreeMap<SlotRef, Vec<usize>> = BTreeMap::new();
        for executor in work {
            if let Some(slot) = problem.executors[executor].current {
                workers.entry(slot).or_default().push(executor);
            }
        }
        // Where sources or the like share a worker with work, there is no running on beside it.
        let shared: BTreeSet<SlotRef> =
            problem.of_role(Role::Pinned).filter_map(|e| problem.executors[e].current).collect();
        let mut rules = Rules { beside: true, ..Rules::default() };
        for (slot, executors) in workers {
            if is_whole(problem, slot, executors.len()) && self.room.holds(slot) {
                rules.kept.insert(slot, executors);
            } else if !shared.contains(&slot) {
                rules.bar(&executors, slot);
            }
        }
        if problem.most_workers.is_some_and(|most| self.workers(&rules) > most as usize) {
            // It has more than it may have, so that not all of them can stay.
            let executors = rules.kept.values().map(|kept| kept.len() as u32).sum();
            return Err(Shortage::Resources { executors, lack: Lack::Worker });
        }
        let mut candidate = self.candidate(rules)?;
        while candidate.worst > enough {
            match self.without_one_worker(&candidate) {
                Some(better) => candidate = better,
                None => break,
            }
        }
        Ok(candidate)
    }

    /// The best candidate that lacks one worker of the worst node, if that lowers the worst load.
    fn without_one_worker(&self, candidate: &Candidate) -> Option<Candidate> {
        let limit = candidate.worst - candidate.worst * WORTHWHILE_THOUSANDTHS / 1000;
        let loads = self.loads(&candidate.node_of);
        let (&from, _) = loads.iter().max_by_key(|(node, load)| (**load, usize::MAX - **node))?;
        let here = candidate.rules.kept.keys().filter(|slot| slot.node as usize == from);
        let candidates = here.filter_map(|slot| {
            let mut rules = candidate.rules.clone();
            let executors = rules.kept.remove(slot)?;
            rules.bar(&executors, *slot);
            self.candidate(rules).ok()
        });
        candidates
            .min_by_key(|candidate| candidate.worst)
            .filter(|candidate| candidate.worst < limit)
    }
}
