//! The policy `thalweg`: capacity as a learned curve, demand at the lead time, and no action that
//! costs more than it brings.
//!
//! 1. [`evidence`]: what cannot be believed holds; what is incomplete takes nothing away.
//! 2. [`learn`](mod@learn): filtered capacities feed each component's curve
//!    ([`CapacityModel`](crate::capacity::learned::CapacityModel)), which outlives restarts.
//! 3. [`demand`]: arrivals, their forecast at the lead time at a quantile, and the backlog's catch-up,
//!    propagated through smoothed selectivities.
//! 4. [`size`]: the fewest executors whose safe capacity at the target busy share covers it, linear
//!    beyond what was seen, and the limits that more executors do not lift; where components share
//!    [`slots`], no more than the cores of their nodes can do together.
//!    State that does not fit into memory makes records cheaper as executors bring more: the [cache effect](cache_effect).
//! 5. [`levels`]: where misses of state are what makes a component short, memory instead of executors or
//!    together with them, whichever is cheaper.
//! 6. [`grow`](mod@grow) when a component is short for a moment; [`shrink`] when fewer were enough for
//!    the whole window and the saving, over the time that savings last, pays for the stop.

mod cache_effect;
mod demand;
mod evidence;
mod grow;
mod learn;
mod levels;
mod limits;
mod memory;
mod season;
mod shares;
mod shrink;
mod size;
mod slots;
mod too_few;
mod unseen;

pub use memory::{Memory, TopologyModel};

use std::collections::BTreeMap;

use super::desired::{DesiredCounts, bounded, limit, unknown_rates};
use super::situation::{Intent, Situation};
use crate::demand::{ComponentFlow, Demand};
use crate::reason::Reason;
use demand::{DemandForecast, forecast};
use evidence::Doubt;
use grow::{Short, expecting, up};
use learn::learn;
use levels::{Holding, Step};
use shrink::{down, in_shared_slots};
use size::{Scaling, Size, fullest, meet_latency};

/// What should change.
pub fn find(situation: &Situation<'_>, memory: &mut Memory, model: &mut TopologyModel) -> Intent {
    let doubts = evidence::doubts(situation);
    if let Some(reason) = evidence::blind(situation, &doubts) {
        memory.needs.clear();
        memory.short_since = None;
        memory.believed = believed(&scalings(situation, model));
        memory.load = None;
        return Intent::Stay(vec![reason]);
    }
    memory.notice_changes(situation, model);
    memory.notice_memory(situation, model);
    let unsure = evidence::unsure(situation);
    let contended = slots::watch(situation, memory);
    if evidence::tells_rates(unsure.as_ref()) && !contended {
        learn(situation, memory, model, &doubts);
    }
    memory.judge_trials(situation, model);
    let scalings = scalings(situation, model);
    let ceilings = ceilings(situation, &scalings, model, &doubts);
    let forecast = forecast(situation, memory, model, &ceilings);
    memory.believed = believed(&scalings);
    memory.asked = asked(situation, &forecast);
    let times = (situation.settings.thalweg.down_window, situation.settings.blacklist);
    memory.too_few.compare(&memory.asked, situation.now, times);
    let mut sizes: Vec<Option<(Scaling<'_>, Size)>> = scalings
        .into_iter()
        .enumerate()
        .map(|(index, scaling)| {
            let scaling = scaling.filter(|_| !doubts[index].as_ref().is_some_and(Doubt::is_blind));
            sized(situation, index, scaling?, &forecast, model)
        })
        .collect();
    let no_cores = slots::bound(situation, memory, &forecast.far, &mut sizes);
    meet_latency(situation, &forecast.far, &mut sizes);
    let needs = needs(situation, memory, &sizes, &doubts);
    let doubts = evidence::told(&doubts);
    if needs.is_empty() {
        return Intent::Stay(vec![unknown_rates()]).followed_by(doubts);
    }
    let limits = at_their_limits(situation, &forecast, &sizes);
    let intent = match shortest(situation, &forecast, &sizes, model) {
        Some((index, used)) => {
            let steps = steps(situation, &forecast, &sizes, used, model);
            let short = Short {
                worst: index,
                used,
                forecast: &forecast,
                steps,
                sizes: &sizes,
                needs: &needs,
                limits: no_cores.into_iter().chain(limits).collect(),
                unsure: unsure.as_ref(),
            };
            let intent = up(situation, memory, model, short);
            expecting(situation, &forecast, intent)
        }
        None => {
            let unseen = if limits.is_empty() { unseen::up(situation, memory) } else { None };
            if let Some(intent) = unseen {
                return intent.followed_by(doubts);
            }
            memory.short_since = None;
            if let Some(reason) = unsure {
                memory.needs.clear();
                let fullest = fullest(situation, &sizes);
                let reasons = limits.into_iter().chain([reason, fullest]).chain(doubts);
                return Intent::Stay(reasons.collect());
            }
            let within = |(index, need)| (index, bounded(situation, index, need));
            let needs = needs.into_iter().map(within).collect();
            let needs = in_shared_slots(situation, &forecast, needs);
            down(situation, memory, model, &sizes, needs).preceded_by(limits)
        }
    };
    intent.followed_by(doubts)
}

/// The executors that every component needs that can be judged; what may be busier than it seems keeps what it has, and
/// so few as were too few are not enough.
fn needs(
    situation: &Situation<'_>,
    memory: &Memory,
    sizes: &[Option<(Scaling<'_>, Size)>],
    doubts: &[Option<Doubt>],
) -> DesiredCounts {
    let need = |(index, sized): (usize, &Option<(Scaling<'_>, Size)>)| {
        let has = situation.flow.components[index].executors;
        let proven = memory.too_few.least(index, memory.asked[index], situation.now);
        let least = if doubts[index].is_some() { has } else { proven.unwrap_or(0).min(has) };
        Some((index, sized.as_ref()?.1.need.max(least)))
    };
    sizes.iter().enumerate().filter_map(need).collect()
}

/// Records per second that are seen to be asked of each component as it is.
fn asked(situation: &Situation<'_>, forecast: &DemandForecast) -> Vec<Option<f64>> {
    let components = situation.flow.components.iter().zip(&forecast.now);
    let seen = |(component, now): (&ComponentFlow, &Option<Demand>)| {
        Some(now.as_ref()?.of(component.executors) / forecast.hidden)
    };
    components.map(seen).collect()
}

/// What is known about each component.
fn scalings<'a>(situation: &Situation<'a>, model: &TopologyModel) -> Vec<Option<Scaling<'a>>> {
    let components = 0..situation.flow.components.len();
    components.map(|index| Scaling::of(situation, index, model)).collect()
}

/// Records per second that each component does at most, however many executors it gets; nothing where memory may do
/// more, or where that is in doubt.
fn ceilings(
    situation: &Situation<'_>,
    scalings: &[Option<Scaling<'_>>],
    model: &TopologyModel,
    doubts: &[Option<Doubt>],
) -> Vec<Option<f64>> {
    let of = |(index, scaling): (usize, &Option<Scaling<'_>>)| {
        let known = doubts[index].is_none() && Holding::of(situation, index, model).is_none();
        known.then_some(scaling.as_ref()?.ceiling(situation.most(index)))
    };
    scalings.iter().enumerate().map(of).collect()
}

/// Records per second that each component is believed to take in as it is.
fn believed(scalings: &[Option<Scaling<'_>>]) -> Vec<Option<f64>> {
    scalings.iter().map(|scaling| Some(scaling.as_ref()?.now())).collect()
}

fn sized<'a>(
    situation: &Situation<'a>,
    index: usize,
    scaling: Scaling<'a>,
    forecast: &DemandForecast,
    model: &TopologyModel,
) -> Option<(Scaling<'a>, Size)> {
    if situation.flow.components[index].system {
        return None;
    }
    let learned = model.components.get(situation.id(index));
    let distance = |executors| learned.and_then(|learned| learned.distance(executors));
    let size = scaling.size(forecast.far[index]?, situation, distance);
    Some((scaling, size))
}

/// What memory may do for the components that are short, the shortest by this much.
fn steps(
    situation: &Situation<'_>,
    forecast: &DemandForecast,
    sizes: &[Option<(Scaling<'_>, Size)>],
    used: f64,
    model: &TopologyModel,
) -> BTreeMap<usize, Step> {
    let step = |(index, component): (usize, &ComponentFlow)| {
        let (scaling, size) = sizes[index].as_ref()?;
        let demand = forecast.far[index]?;
        let holding = Holding::of(situation, index, model)?;
        let learned = model.components.get(situation.id(index));
        let distance = |executors| learned.and_then(|learned| learned.distance(executors));
        let plain = scaling.size(demand, situation, distance).need;
        // The latency objective may want some on top.
        let more = size.need.saturating_sub(plain);
        let need = |work: f64| scaling.size(demand.times(work), situation, distance).need + more;
        let short = size.need > component.executors && size.limit.is_none();
        Some((index, short.then(|| holding.step(used, size.need, need))??))
    };
    situation.flow.users().filter_map(step).collect()
}

/// The component that is most short, of those that may have more executors or memory, with the part of its capacity
/// that is asked for.
fn shortest(
    situation: &Situation<'_>,
    forecast: &DemandForecast,
    sizes: &[Option<(Scaling<'_>, Size)>],
    model: &TopologyModel,
) -> Option<(usize, f64)> {
    let of = |(index, sized): (usize, &Option<(Scaling<'_>, Size)>)| {
        let used = used(situation, forecast, index, &sized.as_ref()?.1)?;
        let grows = situation.most(index) > situation.flow.components[index].executors;
        (grows || Holding::of(situation, index, model).is_some()).then_some((index, used))
    };
    sizes.iter().enumerate().filter_map(of).max_by(|a, b| a.1.total_cmp(&b.1))
}

/// The components that are short and have all executors that they may have, with what they would need: what feeds them
/// needs no more than they let through.
fn at_their_limits(
    situation: &Situation<'_>,
    forecast: &DemandForecast,
    sizes: &[Option<(Scaling<'_>, Size)>],
) -> Vec<Reason> {
    let of = |(index, sized): (usize, &Option<(Scaling<'_>, Size)>)| {
        let size = &sized.as_ref()?.1;
        used(situation, forecast, index, size)?;
        let (has, may) = (situation.flow.components[index].executors, situation.most(index));
        (may <= has && size.need > may).then(|| limit(situation, index, size.need, may))
    };
    sizes.iter().enumerate().filter_map(of).collect()
}

/// The part of a component's capacity that is asked for, if that is too much. A backlog alone is worth an action only
/// if it could not be caught up with otherwise.
fn used(
    situation: &Situation<'_>,
    forecast: &DemandForecast,
    index: usize,
    size: &Size,
) -> Option<f64> {
    let executors = situation.flow.components[index].executors;
    let part = |asked: Option<Demand>| Some(asked?.of(executors) / size.capacity.max(1e-9));
    let (now, ahead) = (part(forecast.now[index])?, part(forecast.ahead[index])?);
    (now > situation.settings.thalweg.limit.get() || ahead > 1.0).then(|| ahead.max(now))
}

#[cfg(test)]
mod tests;
