//! All of the zoo on one Storm cluster.

use std::time::Duration;

use anyhow::Result;
use thalweg_e2e::zoo::{MEMBERS, Zoo};

/// Slots for the new workers of the one that grows.
const MORE: usize = 2;
const LONG: Duration = Duration::from_secs(60);

#[test]
fn topologies_of_all_kinds_run_on_while_one_grows() -> Result<()> {
    let mut zoo = Zoo::open(MEMBERS.to_vec(), MORE, &[])?;
    zoo.settles()?;
    zoo.all_is_well(LONG)?;
    zoo.the_doctor_is_right()?;
    zoo.one_grows()?;
    zoo.close()
}
