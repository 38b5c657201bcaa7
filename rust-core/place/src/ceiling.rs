//! The first objective: how high the worst node must be loaded at least, found by trying.

use crate::draft::Draft;
use crate::fill::{fill, first_order};
use crate::units::Load;

/// The ceiling is found to one part in this many.
const PRECISION: u64 = 512;
/// Orders of topologies tried under one ceiling.
const ORDERS: usize = 6;

/// Places the missing executors, topologies of equal comfort together, under the lowest ceiling that
/// lets all of them in, or as many as under none.
pub(crate) fn place_missing<'a>(mut draft: Draft<'a>) -> Draft<'a> {
    let problem = draft.problem;
    let mut comforts: Vec<Load> = problem.topologies.iter().map(|t| t.comfort).collect();
    comforts.sort_unstable();
    comforts.dedup();
    // What was promised is placed first: the rest can adapt to it.
    for comfort in comforts.into_iter().rev() {
        let group: Vec<usize> = (0..problem.topologies.len())
            .filter(|&topology| problem.topologies[topology].comfort == comfort)
            .filter(|&topology| draft.missing(topology) > 0)
            .collect();
        if !group.is_empty() {
            draft = under_lowest(draft, &group, comfort);
        }
    }
    draft
}

fn under_lowest<'a>(draft: Draft<'a>, group: &[usize], comfort: Load) -> Draft<'a> {
    let mut search = Search { missing: draft.missing_of(group), start: draft, order: Vec::new() };
    search.order = first_order(&search.start, group);
    let floor = comfort.max(lower_bound(&search.start, group)).millionths().max(1);
    let mut best = search.under(floor);
    if search.missing == 0 {
        return best;
    }
    // Where even no ceiling lets all in, the lowest that lets in as many is as good.
    let (mut low, mut high, mut fewest) = (floor, floor, search.missing);
    let highest = highest_useful(&search.start, group);
    while fewest > 0 && high < highest {
        low = high;
        high = high.saturating_mul(2);
        let tried = search.under(high);
        if search.missing < fewest {
            (fewest, best) = (search.missing, tried);
        }
    }
    while fewest == 0 && high - low > (high / PRECISION).max(1) {
        let middle = low + (high - low) / 2;
        let tried = search.under(middle);
        if search.missing == 0 {
            (high, best) = (middle, tried);
        } else {
            low = middle;
        }
    }
    best
}

/// Trying ceilings, and learning on the way which topologies are hard to place.
struct Search<'a> {
    start: Draft<'a>,
    order: Vec<usize>,
    /// Executors without a place in the last try.
    missing: u32,
}

impl<'a> Search<'a> {
    /// The best draft under a ceiling. Topologies that found no room go first in the next try.
    fn under(&mut self, millionths: u64) -> Draft<'a> {
        let mut best: Option<(u32, Draft<'a>)> = None;
        for _ in 0..ORDERS {
            let mut tried = self.start.clone();
            tried.raise_ceilings(Load::from_millionths(millionths));
            fill(&mut tried, &self.order);
            let missing = tried.missing_of(&self.order);
            let order = self.order.clone();
            self.order.sort_by_key(|&topology| tried.missing(topology) == 0);
            if best.as_ref().is_none_or(|(fewest, _)| missing < *fewest) {
                best = Some((missing, tried));
            }
            if missing == 0 || self.order == order {
                break;
            }
        }
        let (missing, draft) = best.expect("at least one order was tried");
        self.missing = missing;
        draft
    }
}

/// No ceiling below this one can let all in: all demand spread over all nodes that are not above it,
/// and the largest executor on the fastest node.
fn lower_bound(draft: &Draft<'_>, group: &[usize]) -> Load {
    let mut demand = 0i64;
    let mut largest = 0;
    for &topology in group {
        for (class, &rest) in draft.summary(topology).classes.iter().zip(&draft.rest[topology]) {
            demand += class.compute * i64::from(rest);
            largest = largest.max(if rest > 0 { class.compute } else { 0 });
        }
    }
    let level = draft.level_with(demand);
    let open = draft.rooms.iter().filter(|room| room.open && room.compute > 0);
    let fastest = open.map(|room| room.compute).max().unwrap_or(0);
    level.max(Load::of(largest, fastest))
}

/// Above this ceiling everything fits on any one node, as far as compute goes.
fn highest_useful(draft: &Draft<'_>, group: &[usize]) -> u64 {
    let demand: i64 = group
        .iter()
        .flat_map(|&topology| draft.summary(topology).classes.iter())
        .map(|class| class.compute * i64::from(class.executors))
        .sum();
    let used = draft.rooms.iter().map(|room| room.compute_used).max().unwrap_or(0);
    let open = draft.rooms.iter().filter(|room| room.open && room.compute > 0);
    let slowest = open.map(|room| room.compute).min();
    Load::of(demand + used, slowest.unwrap_or(1)).millionths().saturating_mul(2)
}
