//! Small problems: all placements, but for those that cannot be better than the best one known.
//!
//! Executors are placed one after the other, the largest first, and a branch ends as soon as its worst
//! load, or at the same worst load its crossing traffic, exceeds the best. Executors of one class are
//! alike, and so are nodes that nothing distinguishes yet: only one order of each is tried.

use crate::budget::Budget;
use crate::draft::Draft;
use crate::units::Load;

/// Executors to be placed, above which there is no use in trying.
const MOST_EXECUTORS: u32 = 16;
/// Nodes, above which there is none.
const MOST_NODES: usize = 8;

/// What a search compares: executors without a place, worst load where it matters, crossing weight.
pub(crate) type Rank = (u32, Load, i64);

/// The rank of a draft.
pub(crate) fn rank(draft: &Draft<'_>, comfort: Load) -> Rank {
    let missing = (0..draft.sites.len()).map(|topology| draft.missing(topology)).sum();
    (missing, beyond(draft.worst(), comfort), draft.crossing())
}

fn beyond(load: Load, comfort: Load) -> Load {
    if load > comfort { load } else { Load::ZERO }
}

/// The end of a search.
pub(crate) struct Searched<'a> {
    /// A better draft than the one known, if there is one.
    pub better: Option<Draft<'a>>,
    /// Whether nothing was left out.
    pub complete: bool,
}

/// Looks for a draft that is better than `known`, from one in which executors are still to be placed.
pub(crate) fn search<'a>(
    start: &Draft<'a>,
    known: Rank,
    comfort: Load,
    budget: &mut Budget<'_>,
) -> Searched<'a> {
    let nodes: Vec<u32> =
        (0..start.rooms.len() as u32).filter(|&node| start.rooms[node as usize].open).collect();
    let missing: u32 = (0..start.sites.len()).map(|topology| start.missing(topology)).sum();
    if missing > MOST_EXECUTORS || nodes.len() > MOST_NODES {
        return Searched { better: None, complete: false };
    }
    let mut open = start.clone();
    open.lift_ceilings();
    let mut queue = Vec::new();
    for topology in 0..open.sites.len() {
        for (class, demand) in open.summary(topology).classes.iter().enumerate() {
            let rest = open.rest[topology][class] as usize;
            queue.extend(std::iter::repeat_n(
                (demand.compute, demand.memory, topology, class),
                rest,
            ));
        }
    }
    queue.sort_unstable_by(|a, b| b.cmp(a));
    let queue: Vec<(usize, usize)> =
        queue.into_iter().map(|(.., topology, class)| (topology, class)).collect();
    let crossing = open.crossing_of_placed();
    let mut tree = Tree { queue, nodes, comfort, best: known, found: None, budget };
    tree.descend(&mut open, 0, 0, crossing);
    let complete = !tree.budget.is_spent();
    Searched { better: tree.found, complete }
}

struct Tree<'t, 'a, 'b> {
    queue: Vec<(usize, usize)>,
    nodes: Vec<u32>,
    comfort: Load,
    best: Rank,
    found: Option<Draft<'a>>,
    budget: &'t mut Budget<'b>,
}

impl<'a> Tree<'_, 'a, '_> {
    /// Places executor `depth` of the queue everywhere, on nodes from `from` on if its like came before.
    fn descend(&mut self, draft: &mut Draft<'a>, depth: usize, from: usize, crossing: i64) {
        if (0, self.bound(draft, depth), crossing) >= self.best || self.budget.is_spent() {
            return;
        }
        let Some(&(topology, class)) = self.queue.get(depth) else {
            self.best = (0, beyond(draft.worst(), self.comfort), crossing);
            self.found = Some(draft.clone());
            return;
        };
        let again = self.queue.get(depth + 1) == Some(&(topology, class));
        let mut order: Vec<usize> = (from..self.nodes.len())
            .filter(|&at| {
                !self.nodes[from..at].iter().any(|&twin| draft.alike(twin, self.nodes[at]))
            })
            .collect();
        let compute = draft.summary(topology).classes[class].compute;
        order.sort_by_key(|&at| {
            let node = self.nodes[at];
            (draft.rooms[node as usize].load_with(compute), -draft.pull(topology, node, class), at)
        });
        for at in order {
            self.budget.spend(1);
            let node = self.nodes[at];
            let all = draft.pull_of_placed(topology, class);
            let more = all - draft.pull(topology, node, class);
            if draft.add(topology, node, class) {
                self.descend(draft, depth + 1, if again { at } else { 0 }, crossing + more);
                draft.remove(topology, node, class);
            }
        }
    }

    /// The least worst load that can come of a draft: what it has, or all demand spread evenly.
    fn bound(&self, draft: &Draft<'_>, depth: usize) -> Load {
        let rest = self.queue[depth..]
            .iter()
            .map(|&(topology, class)| draft.summary(topology).classes[class].compute);
        beyond(draft.worst().max(draft.level_with(rest.sum())), self.comfort)
    }
}
