//! A topology that was stopped for a plan runs again, however and whenever Nimbus ends meanwhile.

use anyhow::Result;
use thalweg_e2e::ends::{End, nothing_stays_stopped_by};

#[test]
fn nothing_stays_stopped() -> Result<()> {
    nothing_stays_stopped_by([("preparing", End::Killed), ("committed", End::Stopped)])
}
