//! What observations tell of nodes: how fast they are, how much work they can do, and whether they are far.
//!
//! Input: an observation and every executor's measurement. Output: what is learned of the nodes, and the least
//! time that tuples of each component take.

use std::collections::{BTreeMap, BTreeSet};

use crate::capacity::ability::{Abilities, LatencyPoint, fit};
use crate::capacity::power::{CLEARLY_SLOWER, Load, Power, among_declared};
use crate::context::Context;
use crate::model::{ComponentKind, Node, Observation, Topology};
use crate::settings::Settings;
use crate::signals::{Measurement, Sample};
use crate::state::Learned;
use crate::units::{Share, Timestamp};

/// Storm counts latencies in whole milliseconds, so means below this are mostly rounding.
const SMALLEST_LATENCY_MS: f64 = 0.5;

/// A component's time over fewer tuples than this is not its least.
const TELLING_TUPLES: f64 = 20.0;
/// How much of the way a component's least time follows a longer one, in case its tuples have become more work;
/// a shorter one is taken over at once.
const LEAST_TIME_WEIGHT: f64 = 0.002;

/// The least time in ms that a tuple of each component was seen to take, by topology and component; nothing where
/// it is too short to be told.
pub type LeastTimes = Vec<Vec<Option<f64>>>;

/// The ordinal of each node's rack. Nodes whose rack is unknown share one.
pub fn racks(nodes: &[Node]) -> Vec<u32> {
    let mut ordinals: BTreeMap<&str, u32> = BTreeMap::new();
    let mut ordinal = |rack| {
        let next = ordinals.len() as u32;
        *ordinals.entry(rack).or_insert(next)
    };
    nodes.iter().map(|node| ordinal(node.rack.as_str())).collect()
}

/// The ability to reckon with for each node, the fastest having 1.
pub fn abilities(
    observation: &Observation,
    learned: &Learned,
    settings: &Settings,
    now: Timestamp,
) -> Vec<f64> {
    let of =
        |id: &String| learned.nodes.get(id).map_or(1.0, |memory| memory.ability(now, settings));
    observation.nodes.iter().map(|node| of(&node.id)).collect()
}

/// How much work nodes can do.
#[derive(Debug, Clone, PartialEq)]
pub struct Powers {
    /// Each node's, the one that can do most having 1.
    pub relative: Vec<f64>,
    /// The most work a second that any node is known to be able to do; none if nothing is known.
    pub best: f64,
}

/// How much work each node can do.
pub fn powers(
    observation: &Observation,
    learned: &Learned,
    settings: &Settings,
    now: Timestamp,
) -> Powers {
    let powers = known_powers(observation, learned, settings, now);
    let best = best(&powers);
    let relative = match declared(&observation.nodes) {
        Some(declared) => among_declared(&powers, &declared),
        None => powers.iter().map(|power| power.among(best)).collect(),
    };
    Powers { relative, best }
}

/// The compute that nodes were declared to have, where that tells them apart: engines declare the same for
/// every node whose operator says nothing.
fn declared(nodes: &[Node]) -> Option<Vec<f64>> {
    let points = |node: &Node| node.cpu_points.filter(|points| *points > 0.0);
    let all: Vec<f64> = nodes.iter().map(points).collect::<Option<_>>()?;
    let first = *all.first()?;
    all.iter().any(|points| (points - first).abs() > f64::EPSILON * first).then_some(all)
}

fn best(powers: &[Power]) -> f64 {
    powers.iter().map(Power::known).fold(0.0, f64::max)
}

/// What is remembered of each node's power.
fn known_powers(
    observation: &Observation,
    learned: &Learned,
    settings: &Settings,
    now: Timestamp,
) -> Vec<Power> {
    let known = |id: &String| {
        learned.nodes.get(id).map_or(Power::default(), |memory| memory.power(now, settings))
    };
    observation.nodes.iter().map(|node| known(&node.id)).collect()
}

/// The time that an executor would have been busy each second if nothing had slowed it down.
pub fn work(sample: &Sample, least: Option<f64>) -> f64 {
    let slowed = least.zip(sample.execute_latency());
    let pace = slowed.map_or(1.0, |(least, taken)| least / taken.get().max(least));
    sample.capacity().get() * pace
}

/// Learns how fast nodes are, what they can do and whether they are far; returns the least times.
pub fn learn(
    context: &Context<'_>,
    measured: &[Vec<Measurement>],
    learned: &mut Learned,
) -> LeastTimes {
    let &Context { observation, settings, now, .. } = context;
    let present: BTreeSet<&str> = observation.nodes.iter().map(|node| node.id.as_str()).collect();
    // A node may be missing from one look only, and come back as slow as it was.
    learned
        .nodes
        .retain(|id, memory| present.contains(id.as_str()) || memory.is_fresh(now, settings));
    let points = latency_points(observation, measured);
    let found = fit(&points);
    let fastest = found.nodes.values().map(|ability| ability.get()).fold(0.0, f64::max);
    let now_taken = times_on_fastest(observation, &points, &found, fastest);
    let least = least_times(context, &now_taken, learned);
    let all_slowed = shared_pace(&now_taken, &least) < CLEARLY_SLOWER;
    let mut loads = loads(observation, measured, &least);
    for (index, node) in observation.nodes.iter().enumerate() {
        let memory = learned.nodes.entry(node.id.clone()).or_default();
        if let Some(ability) = found.nodes.get(&index) {
            let relative = ability.get() / fastest;
            loads[index].pace = Some(relative);
            let clear = if relative < CLEARLY_SLOWER { relative } else { 1.0 };
            let at_work = loads[index].busiest >= settings.imbalance_floor;
            memory.note_ability(clear, at_work, now, settings);
        }
        if node.round_trip.is_some_and(|time| time >= settings.round_trip_limit) {
            memory.far = Some(now);
        }
    }
    learn_powers(context, &loads, all_slowed, learned);
    least
}

/// Learns what nodes can do that can be compared: first what is possible at all, then where some are limited.
fn learn_powers(
    context: &Context<'_>,
    loads: &[NodeLoad],
    all_slowed: bool,
    learned: &mut Learned,
) {
    let &Context { observation, settings, now, .. } = context;
    let mut powers = known_powers(observation, learned, settings, now);
    let compared: Vec<Option<Load>> = loads.iter().map(|load| load.compared(all_slowed)).collect();
    for (power, load) in powers.iter_mut().zip(&compared) {
        load.iter().for_each(|load| power.prove(load));
    }
    let best = best(&powers);
    for ((node, load), mut power) in observation.nodes.iter().zip(&compared).zip(powers) {
        if let (Some(load), Some(memory)) = (load, learned.nodes.get_mut(&node.id)) {
            power.limit(load, best, settings.imbalance_floor);
            memory.power = Some((power, now));
        }
    }
}

/// What a node is seen doing, and at which pace if it can be compared with others.
#[derive(Clone, Copy)]
struct NodeLoad {
    pace: Option<f64>,
    work: f64,
    /// The parts of the time that executors are busy, and their squares, summed up.
    busy: f64,
    squares: f64,
    busiest: Share,
}

impl NodeLoad {
    fn add(&mut self, work: f64, busy: Share) {
        self.work += work;
        self.busy += busy.get();
        self.squares += busy.get() * busy.get();
        self.busiest = self.busiest.max(busy);
    }

    /// How many executors are busy while one is, itself included: on the mean over the time of all of them,
    /// executor `i` with `b(i)` meets the others' `b`, so `1 + sum(b) - sum(b^2) / sum(b)`.
    fn sharing(&self) -> f64 {
        if self.busy > 0.0 { 1.0 + self.busy - self.squares / self.busy } else { 1.0 }
    }

    fn compared(&self, all_slowed: bool) -> Option<Load> {
        let Self { work, busiest, .. } = *self;
        let sharing = self.sharing();
        self.pace.map(|pace| Load { work, sharing, pace, all_slowed, busiest })
    }
}

/// What each node is seen doing; its pace is not known yet.
fn loads(
    observation: &Observation,
    measured: &[Vec<Measurement>],
    least: &LeastTimes,
) -> Vec<NodeLoad> {
    let idle = NodeLoad { pace: None, work: 0.0, busy: 0.0, squares: 0.0, busiest: Share::ZERO };
    let mut loads = vec![idle; observation.nodes.len()];
    for ((topology, measurements), least) in observation.topologies.iter().zip(measured).zip(least)
    {
        for (executor, measurement) in topology.executors.iter().zip(measurements) {
            let node = executor.slot.and_then(|slot| loads.get_mut(slot.node as usize));
            if let (Some(node), Some(sample)) = (node, measurement.sample()) {
                let least = least.get(executor.component as usize).copied().flatten();
                node.add(work(sample, least), sample.capacity());
            }
        }
    }
    loads
}

/// The time in ms that tuples of each component take on the fastest node, where enough were seen.
fn times_on_fastest(
    observation: &Observation,
    points: &[LatencyPoint],
    found: &Abilities,
    fastest: f64,
) -> LeastTimes {
    let mut tuples: BTreeMap<usize, f64> = BTreeMap::new();
    for point in points {
        *tuples.entry(point.component).or_default() += point.weight;
    }
    let time = |component: usize| {
        let enough = tuples.get(&component).is_some_and(|tuples| *tuples >= TELLING_TUPLES);
        let work = found.work_ms.get(&component).filter(|_| enough && fastest > 0.0)?;
        Some(work / fastest)
    };
    let mut ordinals = 0..;
    let mut times_of = |topology: &Topology| -> Vec<Option<f64>> {
        ordinals.by_ref().take(topology.components.len()).map(time).collect()
    };
    observation.topologies.iter().map(&mut times_of).collect()
}

/// How much of their pace tuples keep even on the fastest node: the geometric mean over components.
fn shared_pace(now_taken: &LeastTimes, least: &LeastTimes) -> f64 {
    let pairs = now_taken.iter().flatten().zip(least.iter().flatten());
    let paces: Vec<f64> =
        pairs.filter_map(|(taken, least)| Some(((*least)? / (*taken)?).ln())).collect();
    (paces.iter().sum::<f64>() / paces.len().max(1) as f64).exp()
}

/// Brings each component's least time up to date.
fn least_times(context: &Context<'_>, now_taken: &LeastTimes, learned: &mut Learned) -> LeastTimes {
    let &Context { observation, namesakes, .. } = context;
    let mut of_topology = |(topology, taken): (&Topology, &Vec<Option<f64>>)| {
        if taken.iter().all(Option::is_none) && learned.model(topology, namesakes).is_none() {
            return taken.clone();
        }
        let model = learned.model_mut(topology, namesakes);
        let ids = topology.components.iter().map(|component| &component.id);
        ids.zip(taken).map(|(id, taken)| follow(&mut model.least_ms, id, *taken)).collect()
    };
    observation.topologies.iter().zip(now_taken).map(&mut of_topology).collect()
}

/// The remembered least time, led towards what is seen now.
fn follow(known: &mut BTreeMap<String, f64>, id: &str, taken: Option<f64>) -> Option<f64> {
    let Some(taken) = taken else { return known.get(id).copied() };
    let Some(least) = known.get_mut(id) else {
        known.insert(id.to_owned(), taken);
        return Some(taken);
    };
    *least = if taken < *least { taken } else { *least + LEAST_TIME_WEIGHT * (taken - *least) };
    Some(*least)
}

/// Mean execute latency of each operator on each node, over every topology.
fn latency_points(observation: &Observation, measured: &[Vec<Measurement>]) -> Vec<LatencyPoint> {
    let mut points = Vec::new();
    let mut first_component = 0;
    for (topology, measurements) in observation.topologies.iter().zip(measured) {
        let mut sums: BTreeMap<(u32, u32), (f64, f64)> = BTreeMap::new();
        for (executor, measurement) in topology.executors.iter().zip(measurements) {
            let kind = topology.components.get(executor.component as usize).map(|c| c.kind);
            let (Some(slot), Some(sample)) = (executor.slot, measurement.sample()) else {
                continue;
            };
            if kind == Some(ComponentKind::Operator) {
                let sum = sums.entry((executor.component, slot.node)).or_default();
                sum.0 += sample.delta.execute_ms;
                sum.1 += sample.delta.executed as f64;
            }
        }
        let telling = |(_, (total, count)): &(_, (f64, f64))| {
            *count > 0.0 && total / count >= SMALLEST_LATENCY_MS
        };
        points.extend(sums.into_iter().filter(telling).map(
            |((component, node), (total, count))| LatencyPoint {
                component: first_component + component as usize,
                node: node as usize,
                latency_ms: total / count,
                weight: count,
            },
        ));
        first_component += topology.components.len();
    }
    points
}
