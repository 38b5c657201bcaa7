#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod budget;
mod ceiling;
mod draft;
mod fill;
mod finish;
mod improve;
mod kinds;
mod problem;
mod units;

pub use budget::Budget;
pub use problem::{
    Component, Edge, Freedom, Lack, Node, Placed, Placement, Problem, Role, Score, Shortage, SlotId,
    Topology,
};
pub use units::{Load, Mebibytes, MilliPoints, Traffic};

use draft::Draft;
use kinds::Sheets;

/// Gives every executor a slot, as far as there are any that can take it.
///
/// Executors that `previous` has in a slot stay there, unless the problem's freedom lets them move
/// and that is better. The budget bounds improvements; what is missing is placed in any case.
pub fn place(problem: &Problem, previous: &Placement, budget: &mut Budget<'_>) -> Placed {
    let sheets = Sheets::of(problem);
    let draft = Draft::new(problem, &sheets, previous);
    let mut draft = ceiling::place_missing(draft);
    improve::improve(&mut draft, budget);
    let placement = finish::placement(&draft, previous);
    let score = finish::score(&draft, &placement, previous);
    Placed { shortages: finish::shortages(&draft), score, placement, proven: false }
}
