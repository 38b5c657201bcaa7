//! What the policy remembers: of a topology for good, and from one decision to the next.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::limits::HELD_UP;
use super::too_few::{Changed, TooFew};
use crate::capacity::learned::CapacityModel;
use crate::capacity::misses::StateModel;
use crate::demand::{Forecaster, LoadForecast, Outlook};
use crate::policy::desired::DesiredCounts;
use crate::policy::situation::Situation;
use crate::settings::ThalwegSettings;
use crate::units::{Millis, Timestamp};

/// Weight of the newest stop, and of the newest time until executors were needed again.
const STOP_WEIGHT: f64 = 0.3;
/// A day, over which the time that actions took is summed up.
const DAY: Millis = Millis::from_secs(86_400);
/// Gain over prediction below which an action was in vain.
const IN_VAIN: f64 = 0.1;

/// What is learned of a topology and outlives a restart.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TopologyModel {
    /// Capacity by component id.
    pub components: BTreeMap<String, CapacityModel>,
    /// What memory brings to components that keep state, by their id.
    #[serde(default)]
    pub states: BTreeMap<String, StateModel>,
    /// The least time that a tuple of each component was seen to take, in ms.
    #[serde(default)]
    pub least_ms: BTreeMap<String, f64>,
    /// Seconds that actions stopped it, smoothed.
    pub stop_secs: Option<f64>,
    /// Seconds until executors that had been taken away were needed again, smoothed.
    #[serde(default)]
    pub shrunk_secs: Option<f64>,
    /// When actions on it were judged within the last day, and the seconds that each took.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub took: Vec<(Timestamp, f64)>,
    /// When it was last seen, to within the hour; nothing if that was not noted yet.
    #[serde(default)]
    pub seen: Option<Timestamp>,
    /// What its sources brought, by component id.
    #[serde(default)]
    pub(super) forecasters: BTreeMap<String, Forecaster>,
    /// The same in longer bins, where two days do not fit into those.
    #[serde(default)]
    pub(super) days: BTreeMap<String, Forecaster>,
    /// What they bring by the time of day and week, over weeks.
    #[serde(default)]
    pub(super) outlooks: BTreeMap<String, Outlook>,
}

impl TopologyModel {
    /// About how long an action stops a topology: as its last ones took, or by assumption.
    pub fn away(learned: Option<&Self>, own: &ThalwegSettings) -> Millis {
        let measured = learned.and_then(|model| model.stop_secs);
        measured.map_or(own.restart, |secs| Millis::saturating(secs * 1000.0))
    }

    /// Notes how long an action took.
    pub fn note_stop(&mut self, stop: Millis) {
        let secs = stop.get() / 1000.0;
        let smoothed = self.stop_secs.map_or(secs, |was| was + STOP_WEIGHT * (secs - was));
        self.stop_secs = Some(smoothed);
    }

    /// Notes when an action on it was over, and the seconds that it took; what is a day older is forgotten.
    pub fn note_took(&mut self, at: Timestamp, secs: f64) {
        self.took.retain(|(earlier, _)| at.since(*earlier) < DAY);
        self.took.push((at, secs));
    }

    /// Notes for how long fewer executors were enough.
    fn note_shrunk_for(&mut self, span: Millis, longest: Millis) {
        let was = self.horizon(longest);
        self.shrunk_secs = Some(was + STOP_WEIGHT * (span.get() / 1000.0 - was));
    }

    /// The time over which a saving may be expected to last, in seconds.
    pub(super) fn horizon(&self, longest: Millis) -> f64 {
        let longest = longest.get() / 1000.0;
        self.shrunk_secs.map_or(longest, |known| known.min(longest))
    }
}

/// Savings that could have been made, each with the time since when as much has been to spare: the older,
/// the less.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Spared(Vec<(Timestamp, f64)>);

impl Spared {
    /// Notes what could be saved now, and returns for how long as much could have been.
    pub fn note(&mut self, saved: f64, now: Timestamp) -> Millis {
        let mut since = now;
        while let Some((at, _)) = self.0.pop_if(|(_, as_much)| *as_much >= saved) {
            since = at;
        }
        if saved > 0.0 {
            self.0.push((since, saved));
        }
        now.since(since)
    }

    /// Forgets all: more was needed, or what is needed is not known.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// What is remembered from one decision to the next.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    /// Records sent for each taken in, by sender, receiver and whether they are broadcast; smoothed.
    pub(super) ratios: BTreeMap<(usize, usize, bool), f64>,
    pub(super) learned_at: Option<Timestamp>,
    /// Records per second that arrived at each source when it was last free to take them.
    pub(super) arrivals: BTreeMap<usize, f64>,
    /// Seconds of work of a record of each component while its slots had room.
    pub(super) roomy_work: BTreeMap<usize, f64>,
    /// Whether components that share slots were seen to take cores from each other.
    pub(super) contended: bool,
    /// When executors were last added or taken away.
    pub(super) changed_at: Option<Timestamp>,
    /// Since when a component has been short.
    pub(super) short_since: Option<Timestamp>,
    /// What part of the shortest component's capacity was asked for last.
    pub(super) last_used: f64,
    /// What was needed within the window, oldest first.
    pub(super) needs: VecDeque<(Timestamp, DesiredCounts)>,
    /// For how long it could have been smaller.
    pub(super) spared: Spared,
    /// Executors when last seen.
    pub(super) counts: BTreeMap<usize, u32>,
    /// Memory of executors when last seen, in MiB.
    pub(super) memory_mib: BTreeMap<usize, u32>,
    /// Since when it has done with fewer executors.
    pub(super) shrunk_at: Option<Timestamp>,
    /// Scale-ups whose effect is not known yet: executors and capacity before.
    pub(super) trials: BTreeMap<usize, (u32, f64)>,
    /// Components that more executors did not help, until when, and how often.
    pub(super) in_vain: BTreeMap<usize, (Timestamp, u32)>,
    /// The executors of components as this policy wanted them when it last wanted fewer: what others took away says nothing.
    pub(super) fewer: DesiredCounts,
    /// Executors that were too few for what was asked of them.
    pub(super) too_few: TooFew,
    /// Records per second that were asked of each component when the policy was asked last.
    pub(super) asked: Vec<Option<f64>>,
    /// Records per second that each component was believed to take in as it was.
    pub(super) believed: Vec<Option<f64>>,
    /// What sources were expected to bring when the policy was asked last.
    pub(super) load: Option<LoadForecast>,
}

impl Memory {
    /// Records per second that a component was believed to take in when the policy was asked last.
    pub fn believed(&self, index: usize) -> Option<f64> {
        *self.believed.get(index)?
    }

    /// What sources were expected to bring when the policy was asked last.
    pub fn load(&self) -> Option<LoadForecast> {
        self.load
    }

    /// Records per second that arrive at a source.
    ///
    /// One that is held up after a change, with nothing counted that waits before it, works off what it had
    /// taken in but not given out (a Kafka source, all that its consumer fetched). How much arrives meanwhile
    /// does not show; it is taken to be no more than before, until the time for catching up is over.
    pub(super) fn arrival(&mut self, situation: &Situation<'_>, index: usize) -> f64 {
        let source = &situation.flow.components[index];
        let visible = match source.target.is_silent() {
            true => 0.0,
            false => source.target.arrival_now(),
        };
        if source.backpressured.is_none_or(|share| share <= HELD_UP) {
            self.arrivals.insert(index, visible);
            return visible;
        }
        let hides = match source.target.backlog {
            Some(waiting) => waiting == 0 && self.may_catch_up(situation),
            None => self.may_catch_up_with_fewer(situation),
        };
        let before = self.arrivals.get(&index).copied().filter(|_| hides);
        before.map_or(visible, |before| visible.min(before))
    }

    /// Whether the last change is so young that its stop may still be caught up with.
    fn may_catch_up(&self, situation: &Situation<'_>) -> bool {
        let catch_up = situation.settings.thalweg.catch_up;
        self.changed_at.is_some_and(|at| situation.now.since(at) < catch_up)
    }

    /// The same, if that change took executors away: they were enough before the stop, and those that are left have to
    /// do what was left waiting meanwhile besides, so that being full says nothing yet.
    pub(super) fn may_catch_up_with_fewer(&self, situation: &Situation<'_>) -> bool {
        self.shrunk_at.is_some() && self.may_catch_up(situation)
    }

    /// Notes whether executors were added or taken away since the last decision.
    pub(super) fn notice_changes(&mut self, situation: &Situation<'_>, model: &mut TopologyModel) {
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
                let asked = self.asked.get(index).copied().flatten();
                if now > before || self.fewer.get(&index) == Some(&now) {
                    let change = Changed { index, before, now, asked };
                    self.too_few.note(change, situation.now, situation.settings.thalweg.horizon);
                } else {
                    self.too_few.forget(index);
                }
                // What was needed before is known from another arrangement.
                self.forget_needs();
                self.changed_at = Some(situation.now);
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

    /// Notes whether executors have other memory than at the last decision: what they could do before
    /// is no measure of what they can do now.
    pub(super) fn notice_memory(&mut self, situation: &Situation<'_>, model: &mut TopologyModel) {
        for (index, component) in situation.flow.users() {
            let Some(now) = component.memory_mib.map(|mib| mib.round() as u32) else { continue };
            if self.memory_mib.insert(index, now).is_none_or(|before| before == now) {
                continue;
            }
            if let Some(learned) = model.components.get_mut(situation.id(index)) {
                learned.forget();
            }
            self.trials.remove(&index);
            self.forget_needs();
        }
    }

    /// Forgets what was needed, and what could have been saved.
    pub(super) fn forget_needs(&mut self) {
        self.needs.clear();
        self.spared.clear();
    }

    /// Compares what scale-ups brought with what linear scaling promised, once the new capacity is
    /// known. Where components take cores from each other, what one can do tells what the others left it.
    pub(super) fn judge_trials(&mut self, situation: &Situation<'_>, model: &TopologyModel) {
        if self.contended {
            self.trials.clear();
        }
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
            let until = situation.now.plus(Millis::saturating(span));
            self.in_vain.insert(index, (until, times));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_has_been_to_spare_since_it_last_was_less() {
        let mut spared = Spared::default();
        let mut note = |saved, secs| {
            spared.note(saved, Timestamp::from_millis(0).plus_secs(secs)).get() / 1000.0
        };
        assert_eq!(note(4.0, 0), 0.0);
        assert_eq!(note(6.0, 10), 0.0, "six were not to spare before");
        assert_eq!(note(6.0, 30), 20.0);
        assert_eq!(note(5.0, 40), 30.0, "five were whenever six were");
        assert_eq!(note(4.0, 50), 50.0);
        assert_eq!(note(0.0, 60), 60.0);
        assert_eq!(note(4.0, 70), 0.0);
    }
}
