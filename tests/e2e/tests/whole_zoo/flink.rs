//! All of the zoo on one Flink cluster.

use std::time::Duration;

use anyhow::Result;
use thalweg_e2e::flink_zoo::{MEMBERS, Zoo};

/// Slots for the new subtasks of those that grow.
const MORE: usize = 12;
const LONG: Duration = Duration::from_secs(60);

#[test]
fn jobs_of_all_kinds_run_on_while_two_grow() -> Result<()> {
    let zoo = Zoo::open(MEMBERS.to_vec(), MORE, &[])?;
    zoo.settles()?;
    zoo.all_is_well(LONG)?;
    zoo.the_doctor_is_right()?;
    zoo.one_grows("busy")?;
    zoo.one_grows("groups")?;
    zoo.what_cannot_be_restored_stays()?;
    zoo.close()
}
