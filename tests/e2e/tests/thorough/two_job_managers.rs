//! Two JobManagers: whoever leads next goes on from what the other left.

use anyhow::Result;
use thalweg_e2e::flink::jar;
use thalweg_e2e::flink_succession::{Case, Fault, Moment, Succession};

#[test]
fn whoever_leads_next_goes_on_with_what_the_other_restarted_itself() -> Result<()> {
    goes_on(
        2,
        &[
            (Moment::Preparing, Fault::Killed),
            (Moment::Bounded, Fault::Paused),
            (Moment::Committed, Fault::Stopped),
            (Moment::Preparing, Fault::Paused),
            (Moment::Bounded, Fault::Killed),
            (Moment::Bounded, Fault::Stopped),
        ],
    )
}

#[test]
fn whoever_leads_next_goes_on_with_what_the_other_asked_of_flink() -> Result<()> {
    goes_on(
        1,
        &[
            (Moment::Bounded, Fault::Killed),
            (Moment::Bounded, Fault::Paused),
            (Moment::Bounded, Fault::Stopped),
            (Moment::Committed, Fault::Killed),
        ],
    )
}

fn goes_on(level: u8, cases: &[Case]) -> Result<()> {
    let mut two = Succession::begin(level, &jar()?)?;
    for case in cases {
        two.survives(case)?;
    }
    two.end()
}
