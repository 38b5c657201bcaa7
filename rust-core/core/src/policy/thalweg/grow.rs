//! More executors, or more memory for them, where a component is short.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::demand::DemandForecast;
use super::evidence::tells_rates;
use super::levels::{Step, spares};
use super::memory::{Memory, TopologyModel};
use super::shares::Shares;
use super::size::{Limit, Scaling, Size};
use crate::demand::{ComponentFlow, Demand, ExecutorFlow};
use crate::diagnose::cause::{Cause, cause, median};
use crate::policy::desired::{DesiredCounts, bounded, intent_with_memory};
use crate::policy::situation::{Intent, Situation};
use crate::reason::{Reason, ReasonCode};

const LIMIT: &str = "thalweg.scaling.limit";
const UP_DELAY: &str = "thalweg.scaling.up.delay.secs";
/// Demand that grew by this factor from one decision to the next is still rising.
const RISING: f64 = 1.03;
/// What is asked for can still be done for now: there is so many times longer to be sure of it.
const MILD: f64 = 3.0;
/// More growth than this is not believed when places are chosen.
const MOST_GROWTH: f64 = 16.0;

/// How a topology is short.
pub(super) struct Short<'a> {
    /// The component that is most short.
    pub worst: usize,
    /// How many times what it can do is asked of it.
    pub used: f64,
    /// What is asked of every component.
    pub forecast: &'a DemandForecast,
    /// What memory may do about it, by component.
    pub steps: BTreeMap<usize, Step>,
    /// What every component can do, and needs.
    pub sizes: &'a [Option<(Scaling<'a>, Size)>],
    /// The executors that every component needs.
    pub needs: &'a DesiredCounts,
    /// The components that would need more than they may have.
    pub limits: Vec<Reason>,
    /// What makes the measurements doubtful, if anything does.
    pub unsure: Option<&'a Reason>,
}

/// The plan for a topology of which a component is short.
pub(super) fn up(
    situation: &Situation<'_>,
    memory: &mut Memory,
    model: &TopologyModel,
    short: Short<'_>,
) -> Intent {
    let Short { worst, used, forecast, steps, sizes, needs, limits, unsure } = short;
    let own = &situation.settings.thalweg;
    memory.forget_needs();
    let id = situation.id(worst);
    let text = format!("part of {id}'s capacity that is asked for");
    let short = Reason::compared(ReasonCode::DemandAboveCapacity, used, own.limit.get(), text)
        .changed_by(LIMIT);
    let since = *memory.short_since.get_or_insert(situation.now);
    let held = situation.now.since(since);
    // While demand still rises, a plan would be too small.
    let before = std::mem::replace(&mut memory.last_used, used);
    let sources = situation.flow.components.iter().filter(|c| c.source);
    let by_interval: Option<Vec<bool>> = sources.map(|c| c.target.rises()).collect();
    let rises = by_interval.map_or(used > RISING * before, |all| all.contains(&true));
    let delay = if used < 1.0 { MILD * own.up_delay.get() } else { own.up_delay.get() };
    let patience = delay + if rises { situation.settings.window.get() } else { 0.0 };
    if held.get() < patience {
        let (is, need) = (held.get() / 1000.0, patience / 1000.0);
        let text = "seconds for which the sign below has held";
        let waits = Reason::compared(ReasonCode::NotYetPersistent, is, need, text);
        return Intent::Stay(vec![waits.changed_by(UP_DELAY), short]);
    }
    let (mut desired, mut memory_mib) = (DesiredCounts::new(), DesiredCounts::new());
    let mut reasons = vec![short];
    for (&index, &need) in needs {
        let executors = situation.flow.components[index].executors;
        if need > executors {
            let sized = sizes[index].as_ref();
            match stands_in_the_way(situation, memory, index, sized, forecast.now[index]) {
                Some(reason) => reasons.push(reason),
                None => {
                    let step = steps.get(&index);
                    reasons.extend(step.map(|step| step.reason.clone()));
                    memory_mib.extend(step.and_then(|step| Some((index, step.mib?))));
                    desired.insert(index, step.map_or(need, |step| step.executors));
                }
            }
        } else if need + 1 < executors && unsure.is_none() && !situation.settings.slots.is_shared()
        {
            // The topology stops anyway, so what it does not need goes along; one executor is kept
            // as the window for taking away has not been waited for.
            desired.insert(index, need + 1);
        }
    }
    let present = |index: usize| situation.flow.components[index].executors;
    let allowed = |(&index, &count): (&usize, &u32)| bounded(situation, index, count);
    let grows = desired.iter().any(|count| allowed(count) > present(*count.0));
    let helps = grows || !memory_mib.is_empty();
    if !helps {
        reasons.rotate_left(1);
        return Intent::Stay(limits.into_iter().chain(reasons).collect());
    }
    let stops =
        !memory_mib.is_empty() || desired.iter().any(|count| allowed(count) != present(*count.0));
    if stops && tells_rates(unsure) {
        // Memory that brings nothing goes along as well.
        let after = |index| desired.get(&index).copied().unwrap_or(present(index));
        for (index, spare) in spares(situation, model, after) {
            if let Entry::Vacant(unchanged) = memory_mib.entry(index) {
                unchanged.insert(spare.mib);
                reasons.push(spare.reason);
            }
        }
    }
    intent_with_memory(situation, &desired, &memory_mib, reasons)
}

/// Lets executors be placed for the work that they will have.
pub(super) fn expecting(
    situation: &Situation<'_>,
    forecast: &DemandForecast,
    mut intent: Intent,
) -> Intent {
    if let Intent::Scale { growth, .. } = &mut intent {
        for (index, component) in situation.flow.users() {
            let (Some(input), Some(ahead)) = (component.input(), forecast.ahead[index]) else {
                continue;
            };
            let ordinal = u32::try_from(index).unwrap_or(u32::MAX);
            let growth_of = ahead.of(component.executors) / input.max(1e-9);
            growth.insert(ordinal, growth_of.clamp(1.0, MOST_GROWTH));
        }
    }
    intent
}

/// Why more executors would not help a component.
fn stands_in_the_way(
    situation: &Situation<'_>,
    memory: &Memory,
    index: usize,
    sized: Option<&(Scaling<'_>, Size)>,
    demand: Option<Demand>,
) -> Option<Reason> {
    let component = &situation.flow.components[index];
    let id = situation.id(index);
    if let Some((until, _)) = memory.in_vain.get(&index).filter(|(until, _)| situation.now < *until)
    {
        let left = until.since(situation.now).get() / 1000.0;
        let text =
            format!("seconds until {id} may get executors again, as the last did not help it");
        let limit = situation.settings.blacklist.get() / 1000.0;
        return Some(Reason::compared(ReasonCode::Ineffective, left, limit, text));
    }
    let limit = sized.and_then(|(_, size)| size.limit);
    match (limit, cause(component, situation.settings.thalweg.limit.get())) {
        (Some(Limit::Skew(share)), _) => {
            let fair = 1.0 / f64::from(component.executors.max(1));
            let text =
                format!("share of {id}'s records that one key has: an executor cannot do more");
            Some(Reason::compared(ReasonCode::SkewLimited, share, fair, text))
        }
        (Some(Limit::Copies(each)), _) => {
            let text = format!(
                "records per second that are broadcast to each executor of {id}, more than it can do, however many there are"
            );
            let most = sized.map_or(0.0, |(scaling, _)| scaling.capacity(1));
            Some(Reason::compared(ReasonCode::ExternalLimited, each, most, text))
        }
        (Some(Limit::External), _) => {
            let text = format!("{id} does not get faster with more executors");
            Some(Reason::plain(ReasonCode::ExternalLimited, text))
        }
        (None, Cause::SlowNode { node, speed })
            if situation.may_move && better_places_do(situation, component, node, demand) =>
        {
            let text = format!(
                "speed of {id}'s executors on node {node} over that elsewhere: they need another place"
            );
            Some(Reason::compared(ReasonCode::NodesImbalanced, speed, 1.0, text))
        }
        (None, Cause::FewPartitions { active }) => {
            let (active, all) = (f64::from(active), f64::from(component.executors));
            let text = format!("executors of {id} that get records; more would get none");
            Some(Reason::compared(ReasonCode::SourceLimited, active, all, text))
        }
        (None, _) => None,
    }
}

/// Whether a component would not be short any more if its executors on a slow node did as much as those elsewhere.
/// If not, it needs more of them anyway, and all are placed anew with those.
fn better_places_do(
    situation: &Situation<'_>,
    component: &ComponentFlow,
    slow: u32,
    demand: Option<Demand>,
) -> bool {
    let elsewhere = component.measured.iter().filter(|executor| executor.node != slow);
    let Some(each) = median(elsewhere.filter_map(ExecutorFlow::true_rate)) else { return true };
    let shares = Shares::of(component, situation.settings.slots);
    let all = each * f64::from(component.executors) * shares.evenness(component.executors);
    let target = situation.settings.thalweg.target.get();
    demand.is_none_or(|demand| demand.of(component.executors) <= target * all)
}
