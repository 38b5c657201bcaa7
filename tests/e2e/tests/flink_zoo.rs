//! Some kinds of jobs on one Flink cluster; all of them run with `make zoo`.

use std::time::Duration;

use anyhow::Result;
use thalweg_e2e::flink_zoo::{Zoo, named};

/// Slots for the new subtasks of the one that grows, and for those that another would have if it might.
const MORE: usize = 10;
const CALM: Duration = Duration::from_secs(8);

#[test]
fn jobs_of_several_kinds_run_on_while_one_grows() -> Result<()> {
    let zoo = Zoo::open(named(&["rules", "groups", "mixed", "legacy", "fragile"]), MORE, &[])?;
    zoo.settles()?;
    zoo.all_is_well(CALM)?;
    zoo.the_doctor_is_right()?;
    zoo.one_grows("groups")?;
    zoo.what_cannot_be_restored_stays()?;
    zoo.close()
}
