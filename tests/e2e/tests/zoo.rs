//! Some kinds of topologies on one Storm cluster; all of them run with `make zoo`.

use std::time::Duration;

use anyhow::Result;
use thalweg_e2e::zoo::{Zoo, named};

/// Slots for the new workers of the one that grows.
const MORE: usize = 2;
const CALM: Duration = Duration::from_secs(8);

#[test]
fn topologies_of_several_kinds_run_on_while_one_grows() -> Result<()> {
    let members = named(&["declared", "shell", "windowed", "ticking", "busy"]);
    let mut zoo = Zoo::open(members, MORE, &[])?;
    zoo.settles()?;
    zoo.all_is_well(CALM)?;
    zoo.the_doctor_is_right()?;
    zoo.one_grows()?;
    zoo.close()
}
