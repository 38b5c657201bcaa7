//! When enough was seen, and how the command ends.

use std::collections::BTreeSet;

use thalweg_core::explain::{Decision, ReasonCode};
use thalweg_core::model::{Observation, Obstacle};
use thalweg_core::units::{Millis, Timestamp};

use super::words::Words;
use crate::exit::Failure;

/// As long as a decision gives one of these, what it is about was not seen for long enough.
const NOT_YET: [ReasonCode; 6] = [
    ReasonCode::MetricsMissing,
    ReasonCode::Settling,
    ReasonCode::NotYetPersistent,
    ReasonCode::WindowIncomplete,
    ReasonCode::TopologyNotActive,
    ReasonCode::ExecutorsUnassigned,
];

/// Whether a job was seen for long enough to be judged. One that has completed no checkpoint yet soon will, if it can.
pub fn is_judged(decision: &Decision, observation: &Observation) -> bool {
    obstacle(decision, observation) != Some(Obstacle::NoCheckpointYet)
        && !decision.reasons.iter().any(|reason| NOT_YET.contains(&reason.code))
}

/// What stands against a change of the job that a decision is about.
pub fn obstacle(decision: &Decision, observation: &Observation) -> Option<Obstacle> {
    observation.topologies.iter().find(|job| job.id == decision.topology)?.obstacle
}

/// What a decision comes to, without what changes with each look.
pub fn words(decision: &Decision) -> String {
    let codes: Vec<String> =
        decision.reasons.iter().map(|reason| format!("{:?}", reason.code)).collect();
    let counts = decision.plan.as_ref().map(|plan| (&plan.counts, &plan.memory_mib));
    format!("{:?} {counts:?} {}", decision.verdict, codes.join(" "))
}

/// Whether what is said has been the same for a while.
#[derive(Debug, Default)]
pub struct Settled {
    since: Timestamp,
    said: BTreeSet<String>,
}

impl Settled {
    /// Takes in what is said now, and tells whether all jobs are judged and it has been the same for so long.
    pub fn see(&mut self, decisions: &[Decision], observation: &Observation, long: Millis) -> bool {
        let one = |decision: &Decision| format!("{} {}", decision.topology, words(decision));
        // Decisions come by their urgency, which changes more often.
        let said: BTreeSet<String> = decisions.iter().map(one).collect();
        if said != self.said {
            (self.since, self.said) = (observation.at, said);
        }
        !decisions.is_empty()
            && decisions.iter().all(|decision| is_judged(decision, observation))
            && observation.at.since(self.since) >= long
    }
}

/// Something that keeps a job from being judged or changed, and that can be mended.
fn is_found(decision: &Decision, observation: &Observation) -> bool {
    let unread = [Obstacle::Unreadable, Obstacle::OtherScheduler, Obstacle::KeptApart];
    let codes = [ReasonCode::CheckpointsMissing, ReasonCode::MetricsMissing];
    obstacle(decision, observation).is_some_and(|one| unread.contains(&one))
        || decision.reasons.iter().any(|reason| codes.contains(&reason.code))
}

/// How the command ends after a last look that came to this; whether all was settled, where that was waited for.
pub fn ending(
    decisions: &[Decision],
    observation: &Observation,
    settled: Option<bool>,
    words: Words,
) -> Result<(), Failure> {
    if decisions.is_empty() {
        return Err(Failure::NotYet(format!("no {} runs there", words.one)));
    }
    let judged = decisions.iter().any(|decision| is_judged(decision, observation));
    if settled == Some(false) || !judged {
        let text = "were not seen for long enough, or what is said of them still changes";
        return Err(Failure::NotYet(format!("{} {text}", words.all)));
    }
    if decisions.iter().any(|decision| is_found(decision, observation)) {
        return Err(Failure::Found);
    }
    Ok(())
}
