//! The other half of what is tested with each change: how Nimbus may end while a topology is stopped for a plan.

use anyhow::Result;
use thalweg_e2e::ends::{End, nothing_stays_stopped_by};

#[test]
fn nothing_stays_stopped_by_the_other_ends() -> Result<()> {
    nothing_stays_stopped_by([("preparing", End::Stopped), ("committed", End::Killed)])
}
