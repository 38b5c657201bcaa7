//! The one entry point: an observation and what is remembered go in, decisions come out.
//!
//! A decision is made in stages, each a function of the stage before it:
//!
//! | stage | what is known then |
//! |---|---|
//! | [`observed`](observe::observed) | what changed since the last observation |
//! | [`assessed`] | how every topology and every node does |
//! | [`intended`](intend::intended) | what an operator, somebody who approved, the way back from harm, or the policy wants of one topology |
//! | [`planned`](plan::planned) | which executors that makes, and where they would run |
//! | [`guarded`](conclude::guarded) | whether that may be carried out now |
//! | [`decided`](conclude::decided) | the decision with its reasons, and what came of the action before |

mod approval;
mod conclude;
mod evidence;
mod intend;
mod observe;
mod order;
mod plan;
mod signals;
mod subject;

use crate::arrange::ClusterView;
use crate::assess::{Assessment, assess};
use crate::background::ClusterDemand;
use crate::budget::queue::Queue;
use crate::context::Context;
use crate::explain::{Decision, Outcome, Verdict};
use crate::model::Observation;
use crate::namesakes::Namesakes;
use crate::operator::Operator;
use crate::permission::ruled;
use crate::settings::Settings;
use crate::state::State;
use crate::units::{Millis, Timestamp};
use conclude::{decided, guarded};
use intend::intended;
use observe::observed;
use plan::planned;
use subject::{Subject, Surroundings};

/// What one observation led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// One decision per topology, the highest priority and then bottleneck level first.
    pub decisions: Vec<Decision>,
    /// What came of earlier actions.
    pub outcomes: Vec<Outcome>,
    /// When to observe again.
    pub next_in: Millis,
    /// What to remember.
    pub state: State,
}

/// Decides about every topology of the cluster.
///
/// At most one decision says to act, and none does while an earlier action runs. Topologies whose
/// evidence is missing, stale or from before the last change are held, with the reason.
pub fn decide(
    observation: &Observation,
    state: State,
    settings: &Settings,
    operator: &Operator,
    now: Timestamp,
) -> Decided {
    let namesakes = &Namesakes::of(&observation.topologies);
    let context = &Context { observation, namesakes, settings, operator, now };
    let observation = ruled(context, &state);
    let context = &Context { observation: &observation, ..*context };
    let Assessed { mut state, cluster, demands, assessments } =
        assessed(context, observed(context, state));
    let queue = Queue::of(context, &state);
    let around = Surroundings { cluster: &cluster, demands: &demands, queue: &queue };
    let mut busy = state.topologies.values().any(|topology| topology.in_flight.is_some());
    let mut decisions = Vec::with_capacity(assessments.len());
    let mut outcomes = Vec::new();
    for assessment in assessments {
        let Some(subject) = Subject::of(assessment, around, &mut state, busy) else { continue };
        let (decision, outcome) =
            decided(context, guarded(context, planned(context, intended(context, subject))));
        busy |= decision.verdict == Verdict::Act;
        decisions.push(decision);
        outcomes.extend(outcome);
    }
    let next_in = next_look(&decisions, &state, settings);
    Decided { decisions, outcomes, next_in, state }
}

/// How every topology and every node does.
struct Assessed<'a> {
    state: State,
    cluster: ClusterView,
    /// What all topologies ask of each node.
    demands: ClusterDemand,
    /// The highest priority and then bottleneck level first.
    assessments: Vec<Assessment<'a>>,
}

fn assessed<'a>(context: &Context<'a>, observed: State) -> Assessed<'a> {
    let mut state = observed;
    let mut assessments = assess(context, &mut state);
    let cluster = ClusterView::of(context, &state.learned);
    let parts = assessments.iter().map(|assessment| &assessment.node_demands);
    let demands = ClusterDemand::of(parts, cluster.powers.len());
    let priority = |name: &String| context.settings.priorities.get(name).copied().unwrap_or(0);
    assessments.sort_by_key(|a| std::cmp::Reverse((priority(&a.topology.name), a.view.level)));
    Assessed { state, cluster, demands, assessments }
}

/// The time until the next observation: longer while every topology's latency has come to rest.
fn next_look(decisions: &[Decision], state: &State, settings: &Settings) -> Millis {
    let mut topologies = state.topologies.values();
    let resting = !decisions.is_empty()
        && topologies.all(|topology| topology.policies.me_stream.threshold.is_stable());
    let factor = if resting { f64::from(settings.relaxed_factor.max(1)) } else { 1.0 };
    Millis::saturating(settings.sampling.get() * factor)
}
