//! The policy `thalweg`: capacity as a learned curve, demand at the lead time, and no action that
//! costs more than it brings.
//!
//! 1. [`evidence`]: what cannot be believed holds; what is incomplete takes nothing away.
//! 2. [`learn`](mod@learn): filtered capacities feed each component's curve
//!    ([`CapacityModel`](crate::capacity::learned::CapacityModel)), which outlives restarts.
//! 3. [`demand`]: arrivals, their forecast at the lead time at a quantile, and the backlog's catch-up,
//!    propagated through smoothed selectivities.
//! 4. [`size`]: the fewest executors whose safe capacity at the target busy share covers it, linear
//!    beyond what was seen, and the limits that more executors do not lift.
//! 5. Upwards when a component is short for a moment; downwards when fewer were enough for the whole
//!    window and the saving over the horizon pays for the stop.

mod demand;
mod evidence;
mod learn;
mod settings;
mod shares;
mod size;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

pub use settings::ThalwegSettings;

use super::wish::{Wishes, intent};
use super::{Intent, Situation};
use crate::capacity::learned::CapacityModel;
use crate::demand::{Forecaster, whole_executors};
use crate::diagnose::cause::{Cause, cause};
use crate::explain::{Reason, ReasonCode};
use crate::settings::SlotRule;
use crate::units::{Millis, Timestamp};
use demand::{Asked, asked};
use learn::learn;
use size::{Limit, Scaling, Size, meet_latency};

const LIMIT: &str = "thalweg.scaling.limit";
const TARGET: &str = "thalweg.scaling.target";
const DOWN_WINDOW: &str = "thalweg.scaling.down.window.secs";
const HORIZON: &str = "thalweg.scaling.horizon.secs";
const UP_DELAY: &str = "thalweg.scaling.up.delay.secs";
/// Demand that grew by this factor from one decision to the next is still rising.
const RISING: f64 = 1.03;
/// The part of all executors that is taken away at once while demand still falls.
const WORTH_WHILE_FALLING: f64 = 0.3;
/// A stop is followed by a catch-up of about three times its length at the target busy share.
const CATCH_UP_PER_STOP: f64 = 4.0;
/// Weight of the newest stop, and of the newest time until executors were needed again.
const STOP_WEIGHT: f64 = 0.3;
/// More growth than this is not believed when places are chosen.
const MOST_GROWTH: f64 = 16.0;
/// Gain over prediction below which an action was in vain.
const IN_VAIN: f64 = 0.1;

/// What is learned of a topology and outlives a restart.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TopologyModel {
    /// Capacity by component id.
    pub components: BTreeMap<String, CapacityModel>,
    /// Seconds that actions stopped it, smoothed.
    pub stop_secs: Option<f64>,
    /// Seconds until executors that had been taken away were needed again, smoothed.
    #[serde(default)]
    pub shrunk_secs: Option<f64>,
}

impl TopologyModel {
    /// Notes how long an action took.
    pub fn note_stop(&mut self, stop: Millis) {
        let secs = stop.get() / 1000.0;
        let smoothed = self.stop_secs.map_or(secs, |was| was + STOP_WEIGHT * (secs - was));
        self.stop_secs = Some(smoothed);
    }

    /// Notes for how long fewer executors were enough.
    fn note_shrunk_for(&mut self, span: Millis, longest: Millis) {
        let was = self.horizon(longest);
        self.shrunk_secs = Some(was + STOP_WEIGHT * (span.get() / 1000.0 - was));
    }

    /// The time over which a saving may be expected to last, in seconds.
    fn horizon(&self, longest: Millis) -> f64 {
        let longest = longest.get() / 1000.0;
        self.shrunk_secs.map_or(longest, |known| known.min(longest))
    }
}

/// What is remembered from one decision to the next.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    forecasters: BTreeMap<usize, Forecaster>,
    selectivities: BTreeMap<(usize, usize), f64>,
    learned_at: Option<Timestamp>,
    /// Since when a component has been short.
    short_since: Option<Timestamp>,
    /// What part of the shortest component's capacity was asked for last.
    last_used: f64,
    /// What was needed within the window, oldest first.
    needs: VecDeque<(Timestamp, Wishes)>,
    /// Executors when last seen.
    counts: BTreeMap<usize, u32>,
    /// Since when it has done with fewer executors.
    shrunk_at: Option<Timestamp>,
    /// Scale-ups whose effect is not known yet: executors and capacity before.
    trials: BTreeMap<usize, (u32, f64)>,
    /// Components that more executors did not help, until when, and how often.
    in_vain: BTreeMap<usize, (Timestamp, u32)>,
}

/// What should change.
pub fn find(situation: &Situation<'_>, memory: &mut Memory, model: &mut TopologyModel) -> Intent {
    if let Some(reason) = evidence::blind(situation) {
        memory.needs.clear();
        memory.short_since = None;
        return Intent::Stay(vec![reason]);
    }
    memory.notice_changes(situation, model);
    let unsure = evidence::unsure(situation);
    let metrics_good = unsure.as_ref().is_none_or(|r| r.code == ReasonCode::CatchingUp);
    if metrics_good {
        learn(situation, memory, model);
    }
    memory.judge_trials(situation, model);
    let asked = asked(situation, memory, model);
    let mut sizes: Vec<Option<(Scaling<'_>, Size)>> = (0..situation.flow.components.len())
        .map(|index| sized(situation, index, &asked, model))
        .collect();
    meet_latency(situation, &asked.far, &mut sizes);
    let needs: Wishes = sizes
        .iter()
        .enumerate()
        .filter_map(|(index, sized)| Some((index, sized.as_ref()?.1.need)))
        .collect();
    if needs.is_empty() {
        return Intent::Stay(vec![super::unknown_rates()]);
    }
    match shortest(situation, &asked, &sizes) {
        Some((index, used)) => {
            let intent = up(situation, memory, &sizes, &needs, index, used, unsure.is_none());
            expecting(situation, &asked, intent)
        }
        None => {
            memory.short_since = None;
            let needs = in_shared_slots(situation, &asked, needs);
            down(situation, memory, model, &sizes, needs, unsure)
        }
    }
}

/// Records per second that a component is believed to take in as it is.
pub(super) fn believed(
    situation: &Situation<'_>,
    index: usize,
    model: &TopologyModel,
) -> Option<f64> {
    let scaling = Scaling::of(situation, index, model)?;
    Some(scaling.capacity(situation.flow.components[index].executors))
}

fn sized<'a>(
    situation: &Situation<'a>,
    index: usize,
    asked: &Asked,
    model: &TopologyModel,
) -> Option<(Scaling<'a>, Size)> {
    if situation.flow.components[index].system {
        return None;
    }
    let scaling = Scaling::of(situation, index, model)?;
    let learned = model.components.get(situation.id(index));
    let distance = |executors| learned.and_then(|learned| learned.distance(executors));
    let size = scaling.size(asked.far[index]?, situation, distance);
    Some((scaling, size))
}

/// The component that is most short, with the part of its capacity that is asked for.
fn shortest(
    situation: &Situation<'_>,
    asked: &Asked,
    sizes: &[Option<(Scaling<'_>, Size)>],
) -> Option<(usize, f64)> {
    let limit = situation.settings.thalweg.limit.get();
    let of = |(index, sized): (usize, &Option<(Scaling<'_>, Size)>)| {
        let size = sized.as_ref()?.1;
        let capacity = size.capacity.max(1e-9);
        let (now, ahead) = (asked.now[index]? / capacity, asked.ahead[index]? / capacity);
        // A backlog alone is worth an action only if it could not be caught up with otherwise.
        let short = now > limit || ahead > 1.0;
        short.then_some((index, ahead.max(now)))
    };
    sizes.iter().enumerate().filter_map(of).max_by(|a, b| a.1.total_cmp(&b.1))
}

fn up(
    situation: &Situation<'_>,
    memory: &mut Memory,
    sizes: &[Option<(Scaling<'_>, Size)>],
    needs: &Wishes,
    worst: usize,
    used: f64,
    sure: bool,
) -> Intent {
    let own = &situation.settings.thalweg;
    memory.needs.clear();
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
    let patience = own.up_delay.get() + if rises { situation.settings.window.get() } else { 0.0 };
    if held.get() < patience {
        let (is, need) = (held.get() / 1000.0, patience / 1000.0);
        let text = "seconds for which the sign below has held";
        let waits = Reason::compared(ReasonCode::NotYetPersistent, is, need, text);
        return Intent::Stay(vec![waits.changed_by(UP_DELAY), short]);
    }
    let mut wishes = Wishes::new();
    let mut reasons = vec![short];
    for (&index, &need) in needs {
        let executors = situation.flow.components[index].executors;
        let limit = sizes[index].as_ref().and_then(|(_, size)| size.limit);
        if need > executors {
            match stands_in_the_way(situation, memory, index, limit) {
                Some(reason) => reasons.push(reason),
                None => _ = wishes.insert(index, need),
            }
        } else if need + 1 < executors && sure && situation.settings.slots == SlotRule::Workers {
            // The topology stops anyway, so what it does not need goes along; one executor is kept
            // as the window for taking away has not been waited for.
            wishes.insert(index, need + 1);
        }
    }
    let helps = wishes.iter().any(|(i, wish)| *wish > situation.flow.components[*i].executors);
    if !helps {
        let limits = reasons.len() > 1;
        reasons.rotate_left(usize::from(limits));
        return Intent::Stay(reasons);
    }
    intent(situation, &wishes, reasons)
}

/// Lets executors be placed for the work that they will have.
fn expecting(situation: &Situation<'_>, asked: &Asked, mut intent: Intent) -> Intent {
    if let Intent::Scale { growth, .. } = &mut intent {
        for (index, component) in situation.flow.users() {
            let (Some(input), Some(ahead)) = (component.input(), asked.ahead[index]) else {
                continue;
            };
            let ordinal = u32::try_from(index).unwrap_or(u32::MAX);
            growth.insert(ordinal, (ahead / input.max(1e-9)).clamp(1.0, MOST_GROWTH));
        }
    }
    intent
}

/// Why more executors would not help a component.
fn stands_in_the_way(
    situation: &Situation<'_>,
    memory: &Memory,
    index: usize,
    limit: Option<Limit>,
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
    match (limit, cause(component, situation.settings.thalweg.limit.get())) {
        (Some(Limit::Skew(share)), _) => {
            let fair = 1.0 / f64::from(component.executors.max(1));
            let text =
                format!("share of {id}'s records that one key has: an executor cannot do more");
            Some(Reason::compared(ReasonCode::SkewLimited, share, fair, text))
        }
        (Some(Limit::External), _) => {
            let text = format!("{id} does not get faster with more executors");
            Some(Reason::plain(ReasonCode::ExternalLimited, text))
        }
        (None, Cause::SlowNode { node, speed }) if situation.may_move => {
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

fn down(
    situation: &Situation<'_>,
    memory: &mut Memory,
    model: &TopologyModel,
    sizes: &[Option<(Scaling<'_>, Size)>],
    needs: Wishes,
    unsure: Option<Reason>,
) -> Intent {
    let own = &situation.settings.thalweg;
    let fullest = fullest(situation, sizes);
    if let Some(reason) = unsure {
        memory.needs.clear();
        return Intent::Stay(vec![reason, fullest]);
    }
    memory.needs.push_back((situation.now, needs));
    let since = memory.needs.front().map_or(situation.now, |(at, _)| *at);
    while memory.needs.get(1).is_some_and(|(at, _)| situation.now.since(*at) >= own.down_window) {
        memory.needs.pop_front();
    }
    let most = most_needed(&memory.needs);
    let fewer = |(index, need): &(usize, u32)| *need < situation.flow.components[*index].executors;
    let wishes: Wishes = most.into_iter().filter(fewer).collect();
    if wishes.is_empty() {
        return Intent::Stay(vec![fullest]);
    }
    let held = situation.now.since(since);
    if held < own.down_window {
        let (is, need) = (held.get() / 1000.0, own.down_window.get() / 1000.0);
        let text = "seconds for which fewer executors have been enough";
        let waits = Reason::compared(ReasonCode::NotYetPersistent, is, need, text);
        return Intent::Stay(vec![waits.changed_by(DOWN_WINDOW), fullest]);
    }
    let (saved, all) = saving(situation, &wishes);
    let stop = model.stop_secs.unwrap_or(own.restart.get() / 1000.0);
    // While demand still falls, small savings wait for the larger one.
    let falls = memory.needs.back().is_some_and(|(_, now)| {
        wishes.iter().any(|(index, wish)| now.get(index).is_some_and(|need| need < wish))
    });
    if falls && saved < WORTH_WHILE_FALLING * all {
        let text = "executors that can be spared by now, while demand still falls";
        let waits =
            Reason::compared(ReasonCode::NotYetPersistent, saved, WORTH_WHILE_FALLING * all, text);
        return Intent::Stay(vec![waits.changed_by(DOWN_WINDOW), fullest]);
    }
    let gain = saved * model.horizon(own.horizon);
    let cost = own.disruption * all * stop * CATCH_UP_PER_STOP;
    if gain <= cost {
        let text = "executor-seconds saved over the horizon, and what the stop costs";
        let dear = Reason::compared(ReasonCode::CostAboveGain, gain, cost, text);
        return Intent::Stay(vec![dear.changed_by(HORIZON), fullest]);
    }
    let text = "executor-seconds saved over the horizon, and what the stop costs";
    let worth = Reason::compared(ReasonCode::DemandBelowCapacity, gain, cost, text);
    intent(situation, &wishes, vec![worth.changed_by(HORIZON), fullest])
}

/// What is needed where slots are shared by executors of all components. Fewer executors of one
/// component save nothing while another has as many as before, and leave the rest with unequal
/// neighbours: all shrink as far as the largest, and that no further than a core to each slot does the
/// work of all at the target busy share.
fn in_shared_slots(situation: &Situation<'_>, asked: &Asked, mut needs: Wishes) -> Wishes {
    if situation.settings.slots == SlotRule::Workers {
        return needs;
    }
    let component = |index: &usize| &situation.flow.components[*index];
    let largest = needs.keys().map(|index| component(index).executors).max().unwrap_or(1).max(1);
    let work = needs.keys().filter_map(|index| {
        let (now, ahead) = (component(index).input()?, asked.far[*index]?);
        let busy = component(index).busy()? * f64::from(component(index).executors);
        Some(busy * ahead / now.max(1e-9))
    });
    let cores = whole_executors(work.sum::<f64>() / situation.settings.thalweg.target.get());
    let wished = needs.values().copied().max().unwrap_or(1).max(cores).min(largest);
    for (index, need) in &mut needs {
        *need = (*need).max((component(index).executors * wished).div_ceil(largest));
    }
    needs
}

/// What the wishes save of all there is: slots where components share them, executors elsewhere.
fn saving(situation: &Situation<'_>, wishes: &Wishes) -> (f64, f64) {
    let before = |index: usize| situation.flow.components[index].executors;
    let after = |index: usize| wishes.get(&index).copied().unwrap_or(before(index));
    let users = || situation.flow.users().map(|(index, _)| index);
    let (before, after): (u32, u32) = if situation.settings.slots == SlotRule::Workers {
        (users().map(before).sum(), users().map(after).sum())
    } else {
        (users().map(before).max().unwrap_or(0), users().map(after).max().unwrap_or(0))
    };
    (f64::from(before.saturating_sub(after)), f64::from(before))
}

/// The most that each component needed within the window.
fn most_needed(needs: &VecDeque<(Timestamp, Wishes)>) -> Wishes {
    let mut most = Wishes::new();
    for (&index, &need) in needs.iter().flat_map(|(_, needs)| needs) {
        let known = most.entry(index).or_insert(need);
        *known = need.max(*known);
    }
    most
}

fn fullest(situation: &Situation<'_>, sizes: &[Option<(Scaling<'_>, Size)>]) -> Reason {
    let used = |(index, sized): (usize, &Option<(Scaling<'_>, Size)>)| {
        let input = situation.flow.components[index].input()?;
        Some((index, input / sized.as_ref()?.1.capacity.max(1e-9)))
    };
    let fullest = sizes.iter().enumerate().filter_map(used).max_by(|a, b| a.1.total_cmp(&b.1));
    let Some((index, used)) = fullest else { return super::unknown_rates() };
    let target = situation.settings.thalweg.target.get();
    let text = format!("part of its capacity that {}, the fullest, uses", situation.id(index));
    Reason::compared(ReasonCode::DemandMet, used, target, text).changed_by(TARGET)
}

impl Memory {
    /// Notes whether executors were added or taken away since the last decision.
    fn notice_changes(&mut self, situation: &Situation<'_>, model: &mut TopologyModel) {
        let mut change = 0i64;
        for (index, component) in situation.flow.users() {
            let now = component.executors;
            let before = self.counts.insert(index, now).unwrap_or(now);
            change += i64::from(now) - i64::from(before);
            if now < before {
                self.trials.remove(&index);
            } else if now > before {
                let learned = model.components.get(situation.id(index));
                let capacity = learned.and_then(|learned| learned.capacity_at(before));
                self.trials.extend(capacity.map(|capacity| (index, (before, capacity))));
            }
            if now != before {
                // What was needed before is known from another arrangement.
                self.needs.clear();
            }
        }
        if change == 0 {
            return;
        }
        model.components.values_mut().for_each(CapacityModel::rearranged);
        match (change > 0, self.shrunk_at) {
            (true, Some(at)) => {
                let longest = situation.settings.thalweg.horizon;
                model.note_shrunk_for(situation.now.since(at), longest);
                self.shrunk_at = None;
            }
            (false, None) => self.shrunk_at = Some(situation.now),
            _ => {}
        }
    }

    /// Compares what scale-ups brought with what linear scaling promised, once the new capacity is
    /// known.
    fn judge_trials(&mut self, situation: &Situation<'_>, model: &TopologyModel) {
        for (index, component) in situation.flow.users() {
            let learned = model.components.get(situation.id(index));
            let Some(&(was, capacity)) = self.trials.get(&index) else { continue };
            let Some(now) = learned.and_then(|learned| learned.capacity_at(component.executors))
            else {
                continue;
            };
            let promised = capacity * (f64::from(component.executors) / f64::from(was) - 1.0);
            self.trials.remove(&index);
            if now - capacity >= IN_VAIN * promised {
                self.in_vain.remove(&index);
                continue;
            }
            let times = self.in_vain.get(&index).map_or(0, |(_, times)| times + 1);
            let span = situation.settings.blacklist.get() * f64::from(1 << times.min(5));
            let until = crate::state::later(situation.now, Millis::saturating(span));
            self.in_vain.insert(index, (until, times));
        }
    }
}

#[cfg(test)]
mod tests;
