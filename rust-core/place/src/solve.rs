//! The phases in their order.

use crate::budget::Budget;
use crate::classes::TopologySummaries;
use crate::draft::Draft;
use crate::exact::{rank, search};
use crate::finish;
use crate::improve::improve;
use crate::problem::{Placed, Placement, Problem};
use crate::refine::refine;
use crate::units::Load;

/// Gives every executor a slot, as far as there are any that can take it.
///
/// Executors that `previous` has in a slot stay there. The budget bounds improvements; what is missing is placed in any
/// case, and the same problem with the same steps has the same answer.
pub fn place(problem: &Problem, previous: &Placement, budget: &mut Budget<'_>) -> Placed {
    let summaries = TopologySummaries::of(problem);
    let comfort =
        problem.topologies.iter().map(|topology| topology.comfort).min().unwrap_or_default();
    let present = Draft::new(problem, &summaries, previous);
    let mut draft = crate::ceiling::place_missing(present.clone());
    draft.raise_ceilings(comfort.max(draft.worst()));
    let plain = draft.clone();
    refine(&mut draft, budget);
    improve(&mut draft, budget);
    // Moves may have made room for what found none, or have taken it.
    let (moved, plain) = (with_missing(draft), with_missing(plain));
    // Moves that gained nothing but a rounding error may have taken workers.
    let draft = if seen(&moved, comfort) < seen(&plain, comfort) { moved } else { plain };
    let (draft, proven) = exactly(present, draft, comfort, budget);
    let placement = finish::placement(&draft, previous);
    let score = finish::score(&draft, &placement, previous);
    Placed { shortages: finish::shortages(&draft), score, placement, proven }
}

/// What a score tells of a rank: smaller differences in traffic are rounding errors.
fn seen(draft: &Draft<'_>, comfort: Load) -> (u32, Load, u64) {
    let (missing, worst, crossing) = rank(draft, comfort);
    (missing, worst, draft.summaries.traffic_of(crossing))
}

/// Another look for room, if anything has none.
fn with_missing(draft: Draft<'_>) -> Draft<'_> {
    if (0..draft.sites.len()).any(|topology| draft.missing(topology) > 0) {
        crate::ceiling::place_missing(draft)
    } else {
        draft
    }
}

/// Tries all placements where there are few, and tells whether none is better.
fn exactly<'a>(
    present: Draft<'a>,
    draft: Draft<'a>,
    comfort: Load,
    budget: &mut Budget<'_>,
) -> (Draft<'a>, bool) {
    let searched = search(&present, rank(&draft, comfort), comfort, budget);
    let better = searched.better.filter(|it| seen(it, comfort) < seen(&draft, comfort));
    (better.unwrap_or(draft), searched.complete)
}
