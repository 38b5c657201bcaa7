//! From wished executor counts to an intent, with the limits that they meet named.

use std::collections::BTreeMap;

use super::{Intent, Situation};
use crate::explain::{Reason, ReasonCode};

/// What a policy wishes for a component, before limits.
pub type Wishes = BTreeMap<usize, u32>;

/// Makes the intent: counts within what tasks and partitions allow, and the limits that were met.
pub fn intent(situation: &Situation<'_>, wishes: &Wishes, reasons: Vec<Reason>) -> Intent {
    let mut counts = BTreeMap::new();
    let mut wished_tasks = BTreeMap::new();
    let mut limits = Vec::new();
    for (&index, &wish) in wishes {
        let Some(component) = situation.flow.components.get(index) else { continue };
        let ordinal = u32::try_from(index).unwrap_or(u32::MAX);
        let bounded = wish.clamp(1, component.most().max(1));
        if bounded < wish {
            limits.push(limit(situation, index, wish, bounded));
        }
        if wish > component.tasks {
            wished_tasks.insert(ordinal, wish);
        }
        if bounded != component.executors {
            counts.insert(ordinal, bounded);
        }
    }
    let reasons = reasons.into_iter().chain(limits).collect();
    match counts.is_empty() {
        true => Intent::Stay(reasons),
        false => Intent::Scale { counts, wished_tasks, growth: BTreeMap::new(), reasons },
    }
}

fn limit(situation: &Situation<'_>, index: usize, wish: u32, bounded: u32) -> Reason {
    let component = &situation.flow.components[index];
    let id = situation.id(index);
    let (code, what) = match bounded < component.tasks {
        true => (ReasonCode::SourceLimited, "partitions"),
        false => (ReasonCode::TaskLimited, "tasks"),
    };
    let text = format!("{id} would need {wish} executors, its {what} allow {bounded}");
    Reason::compared(code, f64::from(wish), f64::from(bounded), text)
}
