//! What is known of an action on a topology: who wants it, what it tries, what it is measured against,
//! what leads back from it, and what did not help before.
//!
//! Everything here is data, but for [`step`], which says what becomes of an action by what happens to it. Whether to act is decided by `guard`, what came of it by `outcome`, and how to
//! undo it by `rollback`.

mod attempt;
mod baseline;
mod blacklist;
mod flight;
mod life;
mod origin;
mod pairs;
mod proposed;
mod way_back;

pub use attempt::Attempt;
pub use baseline::{Baseline, NOTICEABLE, same};
pub use blacklist::{Blacklist, Failure, Forbidden, Wait};
pub use flight::{Awaited, InFlight};
pub use life::{Action, Asked, Done, Due, Effect, Event, Fault, Phase, Refused, Term, step};
pub use origin::Origin;
pub use proposed::{Proposed, Rejected, Shown, counted};
pub use way_back::{Harm, WayBack};
