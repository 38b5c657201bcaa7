//! What time has to say: freezes, allowed hours, and executors that are to be there when much is expected.

use std::borrow::Cow;

use super::charter::Charter;
use crate::context::Context;
use crate::model::{Component, Observation, Topology};
use crate::policy::thalweg::TopologyModel;
use crate::reason::{Reason, ReasonCode};
use crate::settings::rules::{Bound, BoundOf, Floor};
use crate::settings::{ActionKind, Rules};
use crate::state::{Learned, State, TopologyState};
use crate::units::{Millis, Timestamp};
use crate::windows::{Edge, Span, Window};

/// What there has to be time for besides the action: to see that it is due, and for one that is still under way.
const SPARE: Millis = Millis::from_secs(300);
/// How far back allowed hours are looked for that come before an event: every week has all of them.
const BACK: Millis = Millis::from_secs(8 * 86_400);
/// At most this many freezes in a row are looked through.
const MOST_FREEZES: usize = 16;

/// A component that is to have more executors than it has, whatever the policy thinks of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Lift {
    /// The component's ordinal.
    pub component: u32,
    /// At least so many executors.
    pub count: u32,
    /// Why.
    pub reason: Reason,
}

/// About how long an action on a topology takes: as the last ones did, or by assumption.
pub fn takes(
    context: &Context<'_>,
    topology: &Topology,
    remembered: Option<&TopologyState>,
    learned: &Learned,
) -> Millis {
    let model = learned.model(topology, context.namesakes);
    let usual = TopologyModel::away(model, &context.settings.thalweg);
    let last = remembered.map_or(Millis::ZERO, |state| state.last_took);
    usual.max(last)
}

/// The observation with the bounds that hold now written into its components.
pub fn ruled<'a>(context: &Context<'a>, state: &State) -> Cow<'a, Observation> {
    let mut observation = Cow::Borrowed(context.observation);
    for (index, topology) in context.observation.topologies.iter().enumerate() {
        if says_nothing(context, topology) {
            continue;
        }
        let charter = Charter::of(context, topology);
        let takes = takes(context, topology, state.topologies.get(&topology.id), &state.learned);
        for (ordinal, component) in topology.components.iter().enumerate() {
            let (least, most) = charter.bounds(component, takes);
            let least = least.max(component.least_executors);
            let most = [most, component.most_executors].into_iter().flatten().min();
            if (least, most) != (component.least_executors, component.most_executors) {
                let place = &mut observation.to_mut().topologies[index].components[ordinal];
                let most_of_all = most.unwrap_or(u32::MAX);
                place.least_executors = least.map(|least| least.min(most_of_all));
                place.most_executors = most;
            }
        }
    }
    observation
}

/// The components that have fewer executors than their bounds or events that are near ask for.
pub fn lifts(context: &Context<'_>, topology: &Topology, takes: Millis) -> Vec<Lift> {
    if says_nothing(context, topology) {
        return Vec::new();
    }
    let charter = Charter::of(context, topology);
    let mut lifts = Vec::new();
    for (ordinal, component) in (0u32..).zip(&topology.components) {
        let (least, reason) = match charter.wanted(component, takes) {
            Some(wanted) => wanted,
            None => continue,
        };
        let most = topology.most_executors(ordinal as usize);
        let count = least.min(most);
        if count > topology.executors_of(ordinal) {
            lifts.push(Lift { component: ordinal, count, reason });
        }
    }
    lifts
}

/// Whether nobody has set or said anything that could have to do with a topology.
fn says_nothing(context: &Context<'_>, topology: &Topology) -> bool {
    context.settings.rules == Rules::default()
        && topology.settings.is_empty()
        && context.operator.expected.is_empty()
}

impl Charter<'_> {
    fn floors(&self) -> impl Iterator<Item = &Floor> {
        let Context { settings, operator, .. } = self.context;
        settings.rules.floors.iter().chain(&self.own.floors).chain(operator.floors())
    }

    fn bounds_of(&self, component: &Component) -> impl Iterator<Item = &Bound> {
        let all = self.context.settings.rules.bounds.iter().chain(&self.own.bounds);
        let Topology { name, id, .. } = self.topology;
        let means = move |of: &&BoundOf| {
            of.target.topology.fits_either(name, id) && of.target.component.fits(&component.id)
        };
        all.filter(means).map(|of| &of.bound)
    }

    /// The other component that one has to have as many executors as, if there is such.
    pub fn equal_to(&self, component: &Component) -> Option<u32> {
        let other = self.bounds_of(component).find_map(|bound| match bound {
            Bound::As(other) => Some(other),
            Bound::Between(..) => None,
        })?;
        let ordinals = (0..).zip(&self.topology.components);
        ordinals.filter(|(_, c)| c.id == *other && c.id != component.id).map(|(o, _)| o).next()
    }

    /// The fewest and most executors that a component may have now.
    fn bounds(&self, component: &Component, takes: Millis) -> (Option<u32>, Option<u32>) {
        let (mut least, mut most) = (None, None::<u32>);
        for bound in self.bounds_of(component) {
            if let Bound::Between(low, high) = bound {
                least = least.max(*low);
                most = [most, *high].into_iter().flatten().min();
            }
        }
        let floor = self.due(component, takes).map(|(floor, _)| floor.count).max();
        (least.max(floor), most)
    }

    /// The executors that a component is to have at least, and why, if anybody asks for any.
    fn wanted(&self, component: &Component, takes: Millis) -> Option<(u32, Reason)> {
        let low = self.bounds_of(component).filter_map(|bound| match bound {
            Bound::Between(low, _) => *low,
            Bound::As(_) => None,
        });
        let by_bound = low.max().map(|low| {
            let text = format!("executors that {} may have at least", component.id);
            let reason = Reason {
                limit: Some(f64::from(low)),
                ..Reason::plain(ReasonCode::BoundsLimited, text)
            };
            (low, reason)
        });
        let by_event = self.due(component, takes).max_by_key(|(floor, _)| floor.count);
        let by_event = by_event.map(|(floor, span)| {
            let text = format!(
                "executors that {} is to have for the event {}, from {} on",
                component.id,
                floor.window.as_str(),
                floor.window.told(before(span.from, floor.lead)),
            );
            let plain = Reason::plain(ReasonCode::EventAhead, text);
            (floor.count, Reason { limit: Some(f64::from(floor.count)), ..plain })
        });
        by_bound.into_iter().chain(by_event).max_by_key(|(count, _)| *count)
    }

    /// The floors of a component that are due, with the event of each.
    fn due(&self, component: &Component, takes: Millis) -> impl Iterator<Item = (&Floor, Span)> {
        let Topology { name, id, .. } = self.topology;
        let now = self.context.now;
        self.floors().filter_map(move |floor| {
            let target = &floor.target;
            if !target.topology.fits_either(name, id) || !target.component.fits(&component.id) {
                return None;
            }
            if let Some(span) = floor.window.around(now, Edge::Wide) {
                return Some((floor, span));
            }
            let next = floor.window.after(now, Edge::Wide)?;
            (self.begin(floor, next, takes) <= now).then_some((floor, next))
        })
    }

    /// When to begin with a floor, so that it is reached in time although there is a freeze, or an hour at which
    /// nothing may be done.
    fn begin(&self, floor: &Floor, event: Span, takes: Millis) -> Timestamp {
        let settings = self.context.settings;
        let needed =
            2.0 * takes.get() + SPARE.get() + settings.cool_down.get() + settings.settle.get();
        let needed = Millis::saturating(needed + settings.sampling.get());
        let mut by = before(event.from, floor.lead);
        for _ in 0..MOST_FREEZES {
            let from = before(by, needed);
            let freezes = self.freezes(ActionKind::ScaleOut);
            let meets = |window: &Window| {
                let near = [window.around(from, Edge::Wide), window.after(from, Edge::Wide)];
                near.into_iter().flatten().find(|span| span.from < by)
            };
            let frozen = freezes.iter().filter_map(meets).min();
            let late = self.closed_before(from);
            let earlier = frozen.map(|span| span.from).into_iter().chain(late).min();
            match earlier.filter(|earlier| *earlier < by) {
                Some(earlier) => by = earlier,
                None => break,
            }
        }
        before(by, needed)
    }

    /// When the last allowed hours before an instant end, if it lies outside of them.
    fn closed_before(&self, at: Timestamp) -> Option<Timestamp> {
        let hours = self.hours(ActionKind::ScaleOut);
        if hours.is_empty() || hours.iter().any(|window| window.around(at, Edge::Narrow).is_some())
        {
            return None;
        }
        let last = |window: &Window| {
            let mut last = None;
            let mut from = before(at, BACK);
            while let Some(span) = window.after(from, Edge::Narrow).filter(|span| span.from < at) {
                (last, from) = (Some(span.to.min(at)), span.from);
            }
            last
        };
        hours.iter().filter_map(last).max()
    }

    /// Why nothing of a kind may be done now, or would be done in time: a freeze.
    pub(super) fn frozen(&self, kind: ActionKind, takes: Millis) -> Option<Reason> {
        let now = self.context.now;
        self.freezes(kind).iter().find_map(|window| {
            if let Some(span) = window.around(now, Edge::Wide) {
                let (text, until) = (window.as_str(), window.told(span.to));
                let text = format!("seconds left of the freeze {text}, until {until}");
                let left = span.to.since(now).get() / 1000.0;
                return Some(Reason {
                    measured: Some(left),
                    ..Reason::plain(ReasonCode::Frozen, text)
                });
            }
            let next = window.after(now, Edge::Wide)?;
            let left = next.from.since(now);
            (left < takes).then(|| {
                let text = format!(
                    "seconds until the freeze {} begins, before which it would not be done",
                    window.as_str()
                );
                Reason::compared(
                    ReasonCode::Frozen,
                    left.get() / 1000.0,
                    takes.get() / 1000.0,
                    text,
                )
            })
        })
    }

    /// Why nothing of a kind may be done at this hour.
    pub(super) fn outside(&self, kind: ActionKind) -> Option<Reason> {
        let now = self.context.now;
        let hours = self.hours(kind);
        if hours.is_empty() || hours.iter().any(|window| window.around(now, Edge::Narrow).is_some())
        {
            return None;
        }
        let next =
            hours.iter().filter_map(|window| Some((window.after(now, Edge::Narrow)?, window)));
        let next = next.min_by_key(|(span, _)| *span);
        let (measured, text) = match next {
            Some((span, window)) => (
                Some(span.from.since(now).get() / 1000.0),
                format!(
                    "seconds until the next hours in which it may be done, {}",
                    window.told(span.from)
                ),
            ),
            None => (None, "no more hours come in which it may be done".to_owned()),
        };
        Some(Reason { measured, ..Reason::plain(ReasonCode::OutsideHours, text) })
    }
}

/// The instant a span of time earlier.
fn before(at: Timestamp, span: Millis) -> Timestamp {
    Timestamp::from_millis(at.millis().saturating_sub(span.get() as i64))
}
