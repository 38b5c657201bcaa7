//! The phases in their order.

use crate::budget::Budget;
use crate::classes::TopologySummaries;
use crate::draft::Draft;
use crate::exact::{rank, search};
use crate::finish;
use crate::improve::improve;
use crate::level::{level, worthwhile};
use crate::problem::{Freedom, Placed, Placement, Problem};
use crate::refine::refine;
use crate::units::Load;

/// Of the traffic that crosses, a present worker restarts only for more than this part.
const WORTHWHILE_TRAFFIC: i64 = 20;

/// Gives every executor a slot, as far as there are any that can take it.
///
/// Executors that `previous` has in a slot stay there, unless the problem's freedom lets them move
/// and that is better by enough. The budget bounds improvements; what is missing is placed in any
/// case, and the same problem with the same steps has the same answer.
pub fn place(problem: &Problem, previous: &Placement, budget: &mut Budget<'_>) -> Placed {
    let summaries = TopologySummaries::of(problem);
    let comfort =
        problem.topologies.iter().map(|topology| topology.comfort).min().unwrap_or_default();
    let present = Draft::new(problem, &summaries, previous);
    let mut draft = crate::ceiling::place_missing(present.clone());
    if problem.freedom == Freedom::All {
        draft = level(draft, comfort, budget);
    }
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
    let known = rank(&draft, comfort);
    match present.problem.freedom {
        Freedom::Missing => {
            let searched = search(&present, known, comfort, budget);
            let better = searched.better.filter(|it| seen(it, comfort) < seen(&draft, comfort));
            (better.unwrap_or(draft), searched.complete)
        }
        Freedom::All => {
            let nothing = Placement::empty(present.problem);
            let start = Draft::new(present.problem, present.summaries, &nothing);
            let searched = search(&start, known, comfort, budget);
            let Some(better) = searched.better else {
                return (draft, searched.complete);
            };
            let (missing, worst, crossing) = rank(&better, comfort);
            let enough = missing < known.0
                || worst < worthwhile(known.1)
                || worst <= known.1 && crossing < known.2 - known.2 / WORTHWHILE_TRAFFIC;
            match enough.then(|| towards(&present, &better)).flatten() {
                Some(reached) if rank(&reached, comfort) < known => (reached, searched.complete),
                _ => (draft, searched.complete && known == rank(&better, comfort)),
            }
        }
    }
}

/// The draft that has the counts of `wished`, reached from what is present with the fewest moves;
/// nothing if workers do not pack that way.
fn towards<'a>(present: &Draft<'a>, wished: &Draft<'a>) -> Option<Draft<'a>> {
    let mut draft = present.clone();
    draft.lift_ceilings();
    let nodes = 0..draft.rooms.len() as u32;
    for topology in 0..draft.sites.len() {
        for class in 0..draft.summary(topology).classes.len() {
            for node in nodes.clone() {
                while draft.count(topology, node, class) > wished.count(topology, node, class) {
                    draft.remove(topology, node, class);
                }
            }
        }
    }
    for topology in 0..draft.sites.len() {
        for class in 0..draft.summary(topology).classes.len() {
            for node in nodes.clone() {
                while draft.count(topology, node, class) < wished.count(topology, node, class) {
                    if !draft.add(topology, node, class) {
                        return None;
                    }
                }
            }
        }
    }
    Some(draft)
}
