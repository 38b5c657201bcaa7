//! What a policy that goes by demand had to leave alone, named.

use super::situation::{Intent, Situation};
use crate::demand::{ComponentFlow, Target};
use crate::reason::{Reason, ReasonCode};

/// Adds to an intent for which components it cannot be told what is asked of them. Where the policy tells
/// nothing at all, it has said why.
pub(super) fn named(situation: &Situation<'_>, intent: Intent) -> Intent {
    let Some(reason) = unknown(situation) else { return intent };
    match intent {
        Intent::Stay(reasons) if reasons.first().is_some_and(is_about_measurements) => {
            Intent::Stay(reasons)
        }
        Intent::Stay(reasons) => Intent::Stay(with(reasons, reason)),
        Intent::Move(reasons) => Intent::Move(with(reasons, reason)),
        Intent::Scale { counts, memory_mib, desired_tasks, growth, reasons } => {
            let reasons = with(reasons, reason);
            Intent::Scale { counts, memory_mib, desired_tasks, growth, reasons }
        }
    }
}

fn with(mut reasons: Vec<Reason>, reason: Reason) -> Vec<Reason> {
    reasons.push(reason);
    reasons
}

fn is_about_measurements(reason: &Reason) -> bool {
    matches!(
        reason.code,
        ReasonCode::MetricsMissing
            | ReasonCode::MetricsInconsistent
            | ReasonCode::RatesUnknown
            | ReasonCode::WindowIncomplete
    )
}

/// The components whose demand is unknown.
fn unknown(situation: &Situation<'_>) -> Option<Reason> {
    let demand = situation.demand(Target::arrival);
    let is_unknown = |(index, _): &(usize, &ComponentFlow)| demand[*index].is_none();
    let unknown = situation.flow.users().filter(is_unknown);
    let ids: Vec<&str> = unknown.map(|(index, _)| situation.id(index)).collect();
    (!ids.is_empty()).then(|| {
        let text = format!(
            "what is asked of {} cannot be told: it depends on streams that are not counted one by one, or on what was not measured",
            ids.join(", ")
        );
        Reason::plain(ReasonCode::RatesUnknown, text)
    })
}
