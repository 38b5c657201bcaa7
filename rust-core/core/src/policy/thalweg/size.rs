//! How many executors each component needs for what is asked of it.

use crate::capacity::learned::{Balance, CapacityModel};
use crate::capacity::queueing::Queue;
use crate::capacity::usl::Curve;
use crate::demand::{ComponentFlow, Demand, whole_executors};
use crate::policy::desired::unknown_rates;
use crate::policy::situation::Situation;
use crate::policy::thalweg::TopologyModel;
use crate::policy::thalweg::cache_effect::CacheEffect;
use crate::policy::thalweg::shares::{Shares, balance};
use crate::reason::{Reason, ReasonCode};

const TARGET: &str = "thalweg.scaling.target";

/// A component that no number of executors makes this much faster has another limit.
const FASTER: f64 = 1.1;
/// A guess adds at most one executor to so many.
const GUESSED: u32 = 2;
/// Executors that the latency objective may add in one plan, per component.
const MOST_FOR_LATENCY: u32 = 64;

/// What a component can do, and what it needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// Records per second that it can take in as it is.
    pub capacity: f64,
    /// Executors for what is asked, at the target busy share.
    pub need: u32,
    /// Whether more executors would help.
    pub limit: Option<Limit>,
}

/// Why more executors do not help.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// One key alone needs more than one executor; its share of the records.
    Skew(f64),
    /// The rate does not move with the number of executors.
    External,
    /// What is broadcast to each executor, in records per second, is all that one can do.
    Copies(f64),
}

/// What is known about a component that is to be sized.
pub struct Scaling<'a> {
    component: &'a ComponentFlow,
    curve: Option<Curve>,
    /// How many times more than the curve says it does as it is.
    anchor: f64,
    /// Mean ability of the nodes it runs on.
    ability: f64,
    balance: Balance,
    shares: Shares,
    /// What the memory of more executors saves each record.
    cache_effect: Option<CacheEffect>,
    /// Records per second of one executor, where no curve is known.
    rate: f64,
    confidence: f64,
}

impl<'a> Scaling<'a> {
    /// What is known about a component; nothing where no rate is.
    pub fn of(situation: &Situation<'a>, index: usize, model: &TopologyModel) -> Option<Self> {
        let component = &situation.flow.components[index];
        let learned = model.components.get(situation.id(index));
        let curve = learned.and_then(|learned| learned.curve(situation.now));
        // The curve gives the shape; the level is what is seen as things are.
        let anchor = learned.zip(curve.as_ref());
        let anchor = anchor.map_or(1.0, |(model, curve)| model.anchor(component.executors, curve));
        let rate = component.true_rate();
        if curve.is_none() && rate.is_none() {
            return None;
        }
        let count = component.measured.len().max(1) as f64;
        let ability = component.measured.iter().map(|e| e.ability).sum::<f64>() / count;
        let confidence = situation.settings.thalweg.confidence;
        let slots = situation.settings.slots;
        let (shares, rate) = (Shares::of(component, slots), rate.unwrap_or(0.0));
        let known = learned.and_then(|learned| learned.balance);
        let executors = component.executors;
        let most = learned.and_then(CapacityModel::most_seen).unwrap_or(executors);
        let cache_effect = CacheEffect::of(component, model.states.get(situation.id(index)), most);
        let seen = || Balance { executors, share: balance(component, slots).unwrap_or(1.0) };
        let balance = known.unwrap_or_else(seen);
        let ability = ability.max(1e-3);
        Some(Self {
            component,
            curve,
            anchor,
            ability,
            balance,
            shares,
            cache_effect,
            rate,
            confidence,
        })
    }

    /// Records per second as it is.
    pub fn now(&self) -> f64 {
        self.capacity(self.component.executors)
    }

    /// Records per second of `executors` as they are best known.
    pub fn capacity(&self, executors: u32) -> f64 {
        self.uneven(executors, self.of_curve(executors, 0.0))
    }

    /// The same with the confidence that is asked for.
    fn safe(&self, executors: u32) -> f64 {
        self.uneven(executors, self.of_curve(executors, self.confidence))
    }

    /// Records per second with whatever number of executors it may have: no more can be had of it.
    pub fn ceiling(&self, most: u32) -> f64 {
        let now = self.component.executors.max(1);
        let doubled = std::iter::successors(Some(now), |count| count.checked_mul(2));
        let counts = doubled.take_while(|count| *count < most).chain([now, most.max(1)]);
        counts.map(|count| self.capacity(count)).fold(0.0, f64::max)
    }

    fn of_curve(&self, executors: u32, deviations: f64) -> f64 {
        let count = f64::from(executors);
        let by_curve = |c: Curve| self.anchor * c.lower(count * self.ability, deviations);
        self.curve.map_or(self.rate * count, by_curve) / self.work(executors)
    }

    /// Work of a record with so many executors, over what the curve has in it.
    fn work(&self, executors: u32) -> f64 {
        self.cache_effect.map_or(1.0, |cache_effect| cache_effect.work(executors))
    }

    /// The rate at which the fullest executor is full, of what all could do together.
    fn uneven(&self, executors: u32, capacity: f64) -> f64 {
        let balance = self.balance.at(executors, self.component.keyed);
        capacity * (balance * self.shares.evenness(executors)).min(1.0)
    }

    /// The fewest executors that do `demand` at the busy share `target`.
    pub fn need(&self, demand: Demand, target: f64, most: u32) -> Option<u32> {
        (1..=most.max(1)).find(|count| self.safe(*count) * target >= demand.of(*count))
    }

    /// The same if each executor did what it does now: never more than needed upwards, and never
    /// fewer downwards, while executors get no faster in company.
    pub fn linear(&self, demand: Demand, target: f64, most: u32) -> u32 {
        let now = self.component.executors.max(1);
        let each = (self.of_curve(now, 0.0) / f64::from(now)).max(1e-9);
        let enough = |executors: &u32| {
            let together = each * f64::from(*executors) / self.work(*executors);
            self.uneven(*executors, together) * target >= demand.of(*executors)
        };
        let unbounded = || demand.executors(each * target).map_or(now, whole_executors);
        (1..=most.max(1)).find(enough).unwrap_or_else(|| unbounded().max(most))
    }

    /// The size for a demand, with the limit that stands in its way.
    pub fn size(
        &self,
        demand: Demand,
        situation: &Situation<'_>,
        distance: impl Fn(u32) -> Option<u32>,
    ) -> Size {
        let own = &situation.settings.thalweg;
        let (now, most) = (self.component.executors, self.component.most());
        let target = own.target.get();
        let capacity = self.capacity(now);
        let linear = self.linear(demand, target, most);
        let found = self.need(demand, target, most);
        let need = match found {
            // Far from what was seen the curve is a guess, which may add a little to linear scaling
            // and take nothing from it.
            Some(need) if need >= now && distance(need).is_none_or(|d| d > own.alpha) => {
                need.clamp(linear, linear + linear.div_ceil(GUESSED))
            }
            // Fewer executors are never slower each.
            Some(need) if need < now => need.min(linear),
            Some(need) => need,
            None => self.best(most).max(linear),
        };
        let each = self.of_curve(1, 0.0) * target;
        let limit = match found {
            None if demand.each >= each => Some(Limit::Copies(demand.each)),
            None if self.full_key(demand, target) => Some(Limit::Skew(self.shares.hot)),
            None if most > now && !self.helps(self.best(most), demand) => Some(Limit::External),
            _ => None,
        };
        Size { capacity, need, limit }
    }

    /// Whether so many executors do clearly more, or all that is asked where these do not.
    fn helps(&self, executors: u32, demand: Demand) -> bool {
        let (now, then) = (self.now(), self.capacity(executors));
        let falls_short = now < demand.of(self.component.executors);
        then >= FASTER * now || falls_short && demand.of(executors) <= then
    }

    /// Whether the hot key alone is more than one executor can do.
    fn full_key(&self, demand: Demand, target: f64) -> bool {
        let hot = self.shares.hot;
        hot > 0.0 && demand.shared * hot + demand.each >= self.of_curve(1, 0.0) * target
    }

    fn best(&self, most: u32) -> u32 {
        let better = |a: &u32, b: &u32| self.safe(*a).total_cmp(&self.safe(*b)).then(b.cmp(a));
        (1..=most.max(1)).max_by(better).unwrap_or(1)
    }

    /// Seconds that a record spends at the component with `executors` of which each has a queue.
    pub fn sojourn_secs(&self, executors: u32, demand: Demand) -> Option<f64> {
        let count = f64::from(executors);
        let rate = self.capacity(executors) / count;
        let queue = Queue {
            servers: 1,
            arrivals: demand.of(executors) / count,
            rate,
            arrival_variation: 1.0,
            service_variation: 1.0,
        };
        Some(queue.wait_secs()? + 1.0 / rate)
    }
}

/// Adds executors where the time in the topology falls most, until it is within the objective
/// (the greedy allocation of DRS, Fu et al., ICDCS 2015).
pub fn meet_latency(
    situation: &Situation<'_>,
    demand: &[Option<Demand>],
    sizes: &mut [Option<(Scaling<'_>, Size)>],
) {
    let objective = situation.settings.thalweg.latency.get() / 1000.0;
    if objective <= 0.0 {
        return;
    }
    for _ in 0..MOST_FOR_LATENCY {
        let mut total = 0.0;
        let mut best: Option<(usize, f64)> = None;
        for (index, sized) in sizes.iter().enumerate() {
            let (Some((scaling, size)), Some(demand)) = (sized, demand[index]) else { continue };
            let now = scaling.sojourn_secs(size.need, demand).unwrap_or(objective);
            total += now;
            let more = size.need + 1;
            let gain = now - scaling.sojourn_secs(more, demand).unwrap_or(now);
            let allowed = more <= scaling.component.most() && size.limit.is_none();
            if allowed && best.is_none_or(|(_, most)| gain > most) {
                best = Some((index, gain));
            }
        }
        let Some((index, gain)) = best.filter(|_| total > objective) else { return };
        if gain <= 0.0 {
            return;
        }
        if let Some((_, size)) = &mut sizes[index] {
            size.need += 1;
        }
    }
}

/// How full the component is of whose capacity most is used.
pub fn fullest(situation: &Situation<'_>, sizes: &[Option<(Scaling<'_>, Size)>]) -> Reason {
    let used = |(index, sized): (usize, &Option<(Scaling<'_>, Size)>)| {
        let input = situation.flow.components[index].input()?;
        Some((index, input / sized.as_ref()?.1.capacity.max(1e-9)))
    };
    let fullest = sizes.iter().enumerate().filter_map(used).max_by(|a, b| a.1.total_cmp(&b.1));
    let Some((index, used)) = fullest else { return unknown_rates() };
    let target = situation.settings.thalweg.target.get();
    let text = format!("part of its capacity that {}, the fullest, uses", situation.id(index));
    Reason::compared(ReasonCode::DemandMet, used, target, text).changed_by(TARGET)
}
