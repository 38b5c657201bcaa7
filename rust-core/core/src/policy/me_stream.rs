//! The policy `me-stream`: triggers and plans of the Me-Stream paper, with its gaps closed.
//!
//! Signs of trouble are looked at in the order of how surely acting on them helps: a node that is
//! reached too slowly, a node that is overloaded while others are not, a component short of
//! executors, latency that rises, tuples that fail. Each must hold for a whole interval.

use std::collections::BTreeMap;

use super::situation::Intent;
use crate::diagnose::threshold::ThresholdFunction;
use crate::diagnose::trigger::{EffectiveBottlenecks, Persistence, Trigger};
use crate::explain::{ComponentView, TopologyView};
use crate::model::{Component, ComponentKind, Topology};
use crate::plan::Metrics;
use crate::plan::parameter::{Candidate, Size, choose, desired_size, grow};
use crate::reason::{Reason, ReasonCode};
use crate::settings::Settings;
use crate::signals::{Measurement, MetricHistory};
use crate::units::{Millis, RatePerSec, Share, Timestamp};

/// What placement knows before a plan is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrangement {
    /// Load of the worst node now.
    pub worst: f64,
    /// Load of every node if work followed ability exactly.
    pub ideal: f64,
    /// Load of the worst node under the best placement found.
    pub reachable: f64,
    /// Hosts of nodes that hold executors but are reached too slowly, with their round trips.
    pub far: Vec<(String, Millis)>,
    /// Whether any node could take them instead.
    pub elsewhere: bool,
    /// Whether the cluster has a free slot.
    pub free_slot: bool,
}

/// What becomes of what waits before the sources of a topology, where somebody counts it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Waiting {
    /// Sources bring in more than is asked for, from what was left waiting.
    CatchesUp,
    /// It stays as it is, or nobody counts it.
    Rests,
    /// Sources fall behind, by so much.
    Grows(RatePerSec),
}

/// What the policy is asked about: a topology, and where its executors run.
#[derive(Debug, Clone, Copy)]
pub struct PlacedSituation<'a> {
    /// The topology.
    pub topology: &'a Topology,
    /// The sample of each executor.
    pub measurements: &'a [Measurement],
    /// What was measured of its components.
    pub view: &'a TopologyView,
    /// The measures by which actions are judged.
    pub metrics: &'a Metrics,
    /// What was reported of its components.
    pub metric_history: &'a MetricHistory,
    /// Its placement.
    pub arrangement: &'a Arrangement,
    /// What becomes of what waits before its sources.
    pub waiting: Waiting,
    /// When measurements began to count after the last change.
    pub settled_at: Timestamp,
    /// Reasons for which a move did not help a short time ago.
    pub in_vain: &'a [ReasonCode],
    /// Whether more executors did not.
    pub growth_in_vain: bool,
    /// The settings.
    pub settings: &'a Settings,
    /// Now.
    pub now: Timestamp,
}

/// What the policy remembers of one topology.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    /// Its latency over time.
    pub threshold: ThresholdFunction,
    /// Its effective bottlenecks.
    pub effective: EffectiveBottlenecks,
    /// Since when signs of trouble hold.
    pub persistence: Persistence,
}

impl Memory {
    /// Starts measuring anew.
    pub fn forget_measurements(&mut self) {
        self.threshold.clear();
        self.effective.clear();
        self.persistence.clear();
    }

    /// Notes whether a sign is seen; tells whether it has held for a whole interval.
    fn note(&mut self, trigger: Trigger, seen: bool, situation: &PlacedSituation<'_>) -> bool {
        self.persistence.note(trigger, seen, situation.now, situation.settings.interval)
    }
}

/// What should change about a topology whose measurements are complete.
pub fn find(situation: &PlacedSituation<'_>, memory: &mut Memory) -> Intent {
    learn_latency(situation, memory);
    let signs = [
        link(situation.arrangement),
        imbalance(situation),
        capacity(situation),
        rising(situation, memory),
        failing(situation),
    ];
    let mut seen = Vec::new();
    for (trigger, reason) in signs {
        let held = memory.note(trigger, reason.is_some(), situation);
        // Effective bottlenecks are counted over an interval already.
        let persistent = held || trigger == Trigger::Bottleneck;
        seen.extend(reason.map(|reason| Sign { trigger, reason, persistent }));
    }
    // A surer sign that may yet hold for long enough is waited for.
    match seen.into_iter().min_by_key(|sign: &Sign| sign.is_in_vain(situation)) {
        Some(sign) if sign.persistent => act_on(sign, situation),
        Some(Sign { trigger, reason, .. }) => {
            Intent::Stay(vec![not_yet(trigger, situation, memory), reason])
        }
        None => Intent::Stay(vec![calm(situation, memory)]),
    }
}

/// A sign of trouble that is seen now.
struct Sign {
    trigger: Trigger,
    reason: Reason,
    persistent: bool,
}

impl Sign {
    /// Whether what it asks for did not help a short time ago, so that it hides no other sign.
    fn is_in_vain(&self, situation: &PlacedSituation<'_>) -> bool {
        match self.trigger {
            Trigger::SlowLink | Trigger::Imbalance => situation.in_vain.contains(&self.reason.code),
            Trigger::Capacity | Trigger::Bottleneck | Trigger::Failed => situation.growth_in_vain,
        }
    }
}

/// What is to be done about a sign that has held for long enough.
fn act_on(Sign { trigger, reason, .. }: Sign, situation: &PlacedSituation<'_>) -> Intent {
    match trigger {
        Trigger::SlowLink | Trigger::Imbalance => Intent::Move(vec![reason]),
        Trigger::Failed => scale(trigger, reason, situation),
        Trigger::Capacity | Trigger::Bottleneck => match catching_up(situation) {
            Some(enough) => Intent::Stay(vec![enough, reason]),
            None => scale(trigger, reason, situation),
        },
    }
}

fn not_yet(trigger: Trigger, situation: &PlacedSituation<'_>, memory: &Memory) -> Reason {
    let &PlacedSituation { settings, now, .. } = situation;
    Reason::compared(
        ReasonCode::NotYetPersistent,
        memory.persistence.held(trigger, now).get() / 1000.0,
        settings.interval.get() / 1000.0,
        "seconds for which the sign below has held",
    )
}

/// Whether executors are in good places.
#[derive(Debug, Clone, PartialEq)]
pub enum Places {
    /// Nothing speaks against them.
    Good,
    /// Others would be better, but that does not hold for long enough yet.
    Doubtful,
    /// Others have been better for long enough, and why.
    Bad(Reason),
}

/// What executors are moved for.
pub const MOVED_FOR: [ReasonCode; 2] = [ReasonCode::LinkSlow, ReasonCode::NodesImbalanced];

/// Whether executors are in the wrong places, whatever their number. Why a move did not help a short time
/// ago does not count, so that it hides no other reason.
pub fn misplaced(situation: &PlacedSituation<'_>, memory: &mut Memory) -> Places {
    let signs = [link(situation.arrangement), imbalance(situation)];
    let mut places = Places::Good;
    for (trigger, reason) in signs {
        let reason = reason.filter(|reason| !situation.in_vain.contains(&reason.code));
        let held = memory.note(trigger, reason.is_some(), situation);
        places = match (places, reason) {
            (Places::Good | Places::Doubtful, Some(reason)) if held => Places::Bad(reason),
            (Places::Good, Some(_)) => Places::Doubtful,
            (places, _) => places,
        };
    }
    places
}

fn learn_latency(situation: &PlacedSituation<'_>, memory: &mut Memory) {
    let &PlacedSituation { settings, now, .. } = situation;
    let Some(latency) = situation.view.latency else { return };
    let deviation = memory.threshold.push(now, latency, settings);
    let effective = deviation.is_some_and(|deviation| deviation.is_effective(settings));
    memory.effective.note(effective.then_some(latency), now, settings.interval);
}

fn link(arrangement: &Arrangement) -> (Trigger, Option<Reason>) {
    let reason =
        arrangement.far.first().filter(|_| arrangement.elsewhere).map(|(host, time)| Reason {
            measured: Some(time.get()),
            ..Reason::plain(
                ReasonCode::LinkSlow,
                format!("{host} holds executors but takes {:.0} ms to answer", time.get()),
            )
        });
    (Trigger::SlowLink, reason)
}

fn imbalance(situation: &PlacedSituation<'_>) -> (Trigger, Option<Reason>) {
    let &PlacedSituation { arrangement, settings, .. } = situation;
    let ratio = arrangement.worst / arrangement.ideal.max(1e-9);
    let gain = 1.0 - arrangement.reachable / arrangement.worst.max(1e-9);
    let holds = ratio >= settings.imbalance_limit
        && situation.metrics.capacity >= settings.imbalance_floor
        && gain >= settings.min_gain.get();
    let reason = holds.then(|| {
        Reason::compared(
            ReasonCode::NodesImbalanced,
            ratio,
            settings.imbalance_limit,
            format!(
                "the worst node carries {ratio:.2} times its fair share; a better placement lowers it by {:.0} %",
                gain * 100.0
            ),
        )
    });
    (Trigger::Imbalance, reason)
}

/// Whether a component's busy share tells whether it is short: always of an operator; of a source where its engine
/// measures one, as where a source is chained to operators.
fn works(component: &ComponentView) -> bool {
    match component.kind {
        ComponentKind::Operator => true,
        ComponentKind::Source => component.capacity > Some(Share::ZERO),
        ComponentKind::System => false,
    }
}

fn is_short(component: &ComponentView, limit: Share, settings: &Settings) -> bool {
    works(component)
        && component.capacity >= Some(limit)
        && component.mean_capacity >= Some(settings.imbalance_floor)
}

/// Whether a component has no time left for what is asked: all its executors together are busy, or one of them is while
/// sources fall behind. One alone that is busy while they keep up does no harm.
fn is_busy(component: &ComponentView, situation: &PlacedSituation<'_>) -> bool {
    let limit = situation.settings.capacity_limit;
    let holds_up = matches!(situation.waiting, Waiting::Grows(_))
        && is_short(component, limit, situation.settings);
    works(component) && component.mean_capacity >= Some(limit) || holds_up
}

/// The busiest measured component, with the busy share of its busiest executor.
fn busiest<'a>(situation: &PlacedSituation<'a>) -> Option<(&'a ComponentView, Share)> {
    let working = situation.view.components.iter().filter(|c| works(c));
    working.filter_map(|c| Some((c, c.capacity?))).max_by_key(|(_, capacity)| *capacity)
}

fn capacity(situation: &PlacedSituation<'_>) -> (Trigger, Option<Reason>) {
    let limit = situation.settings.capacity_limit;
    let short = situation.view.components.iter().filter(|c| is_busy(c, situation));
    let busiest = short.filter_map(|c| Some((c, c.capacity?, c.mean_capacity?)));
    let reason = busiest.max_by_key(|(_, _, mean)| *mean).map(|(c, most, mean)| {
        let (busy, text) = match situation.waiting {
            Waiting::Grows(rate) if mean < limit => {
                let (id, busy, rate) = (&c.id, most.get(), rate.get());
                let percent = busy * 100.0;
                (busy, format!("an executor of {id} is busy {percent:.0} % of the time, and sources fall behind by {rate:.0} records/s"))
            }
            _ => {
                let busy = mean.get();
                (busy, format!("executors of {} are busy {:.0} % of the time", c.id, busy * 100.0))
            }
        };
        Reason::compared(ReasonCode::CapacityHigh, busy, limit.get(), text)
    });
    (Trigger::Capacity, reason)
}

fn rising(situation: &PlacedSituation<'_>, memory: &Memory) -> (Trigger, Option<Reason>) {
    let settings = situation.settings;
    let Some(bottleneck) = situation.view.bottleneck else { return (Trigger::Bottleneck, None) };
    let reason = memory.effective.reallocate(bottleneck.time, settings).then(|| {
        let reference = memory.effective.reference().unwrap_or(Millis::ZERO);
        Reason::compared(
            ReasonCode::BottleneckRising,
            f64::from(memory.effective.count()),
            f64::from(settings.effective_bottlenecks),
            format!(
                "effective bottlenecks in one interval, the largest {:.1} ms against a bottleneck time of {:.1} ms",
                reference.get(),
                bottleneck.time.get()
            ),
        )
    });
    (Trigger::Bottleneck, reason)
}

fn failing(situation: &PlacedSituation<'_>) -> (Trigger, Option<Reason>) {
    let &PlacedSituation { topology, settings, now, .. } = situation;
    // What was lost with a worker fails one to two timeouts later: a trace of the last change, no sign.
    let trace = Millis::saturating(2.0 * topology.message_timeout.get());
    if now < situation.settled_at.plus(trace) {
        return (Trigger::Failed, None);
    }
    let sources = situation.view.components.iter().filter(|c| c.kind == ComponentKind::Source);
    let failed: u64 = sources.map(|c| c.failed).sum();
    let brought: u64 = topology
        .executors
        .iter()
        .zip(situation.measurements)
        .filter(|(e, _)| topology.components[e.component as usize].kind == ComponentKind::Source)
        .filter_map(|(_, m)| m.sample())
        .map(|sample| sample.delta.emitted)
        .sum();
    let share = failed as f64 / brought.max(1) as f64;
    let reason = (failed > 0 && share >= settings.failed_limit.get()).then(|| {
        Reason::compared(
            ReasonCode::TuplesFailed,
            share,
            settings.failed_limit.get(),
            format!("{failed} of {brought} tuples failed"),
        )
    });
    (Trigger::Failed, reason)
}

fn calm(situation: &PlacedSituation<'_>, memory: &Memory) -> Reason {
    let settings = situation.settings;
    let rests = memory.threshold.is_stable() && !matches!(situation.waiting, Waiting::Grows(_));
    if let (true, Some(line)) = (rests, memory.threshold.line()) {
        let error = line.standard_error() / line.mean.max(1e-9);
        return Reason::compared(
            ReasonCode::LatencyStable,
            error,
            settings.stable_error.get(),
            format!("latency rests at {:.1} ms", line.mean),
        );
    }
    let (id, capacity) =
        busiest(situation).map_or(("no component", 0.0), |(c, busy)| (c.id.as_str(), busy.get()));
    Reason::compared(
        ReasonCode::NoBottleneck,
        capacity,
        settings.capacity_limit.get(),
        format!("{id} is the busiest, {:.0} % of the time", capacity * 100.0),
    )
}

/// Why executors are enough although they are busy: sources bring in more than is asked for and will soon have caught
/// up with what was left waiting. Nothing where that is not counted.
fn catching_up(situation: &PlacedSituation<'_>) -> Option<Reason> {
    let &PlacedSituation { metric_history, settings, .. } = situation;
    if situation.waiting != Waiting::CatchesUp {
        return None;
    }
    let (mut waiting, mut falls) = (0.0, 0.0);
    let components = situation.topology.components.iter().enumerate();
    for (index, _) in components.filter(|(_, c)| c.kind == ComponentKind::Source) {
        waiting += metric_history.backlog(index)? as f64;
        falls -= metric_history.growth(index)?;
    }
    let (secs, limit) = (waiting / falls, settings.thalweg.catch_up.get() / 1000.0);
    (falls > 0.0 && secs <= limit).then(|| {
        let text = "seconds until sources have caught up with what waits before them";
        Reason::compared(ReasonCode::CatchingUp, secs, limit, text)
    })
}

/// Algorithm 2 for a topology that is short of executors.
fn scale(trigger: Trigger, reason: Reason, situation: &PlacedSituation<'_>) -> Intent {
    let settings = situation.settings;
    if !situation.arrangement.free_slot {
        let text = "every slot of the cluster is taken";
        return Intent::Stay(vec![Reason::plain(ReasonCode::ClusterLimited, text), reason]);
    }
    let is_candidate = |c: &ComponentView| match trigger {
        Trigger::Failed => c.kind == ComponentKind::Source,
        Trigger::Capacity => is_busy(c, situation),
        _ => is_short(c, settings.imbalance_floor, settings),
    };
    // A source that is not short itself stays as it is.
    let is_eligible = |c: &ComponentView| match trigger {
        Trigger::Failed => c.kind == ComponentKind::Source,
        _ => c.kind == ComponentKind::Operator || is_candidate(c),
    };
    let components = &situation.view.components;
    if !components.iter().any(is_candidate) {
        let capacity = busiest(situation).map_or(0.0, |(_, busy)| busy.get());
        let no_gain = Reason::compared(
            ReasonCode::NoGain,
            capacity,
            settings.imbalance_floor.get(),
            "no component is busy enough for more executors to help",
        );
        return Intent::Stay(vec![no_gain, reason]);
    }
    if let Some(limit) = at_its_limit(situation, trigger) {
        return Intent::Stay(vec![limit, reason]);
    }
    let eligible: Vec<usize> =
        (0..components.len()).filter(|&i| is_eligible(&components[i])).collect();
    let time = |c: &ComponentView| c.bottleneck_time.or(c.execute_latency);
    let times: Vec<Millis> = eligible.iter().filter_map(|&i| time(&components[i])).collect();
    let strategy = choose(settings.strategy, &times);
    let candidate = |&index: &usize| {
        let (seen, component) = (&components[index], &situation.topology.components[index]);
        Candidate { size: size(seen, component), short: is_candidate(seen) }
    };
    let chosen: Vec<Candidate> = eligible.iter().map(candidate).collect();
    let grown = grow(&chosen, strategy, settings.phi, u32::MAX);
    let mut counts = BTreeMap::new();
    let mut desired_tasks = BTreeMap::new();
    for (&index, (candidate, new)) in eligible.iter().zip(chosen.iter().zip(&grown)) {
        let ordinal = u32::try_from(index).unwrap_or(u32::MAX);
        if *new != candidate.size.executors {
            counts.insert(ordinal, *new);
        }
        if candidate.short {
            desired_tasks.insert(ordinal, desired_size(candidate.size, settings.phi).tasks);
        }
    }
    if counts.is_empty() {
        let (executors, tasks) = chosen
            .iter()
            .filter(|c| c.short)
            .map(|c| (c.size.executors, c.size.tasks))
            .max()
            .unwrap_or_default();
        let limited = Reason::compared(
            ReasonCode::TaskLimited,
            f64::from(executors),
            f64::from(tasks),
            "executors have reached the tasks that were fixed at submission",
        );
        return Intent::Stay(vec![limited, reason]);
    }
    let (memory_mib, growth) = (BTreeMap::new(), BTreeMap::new());
    Intent::Scale { counts, memory_mib, desired_tasks, growth, reasons: vec![reason] }
}

/// The busiest operator of those that have no time left, if none of them may have more executors: more of others
/// would only wait for it, and more sources would bring in what nobody can do.
fn at_its_limit(situation: &PlacedSituation<'_>, trigger: Trigger) -> Option<Reason> {
    let &PlacedSituation { topology, settings, .. } = situation;
    let short = |c: &ComponentView| match trigger {
        Trigger::Bottleneck => is_short(c, settings.imbalance_floor, settings),
        _ => is_busy(c, situation),
    };
    let all = || situation.view.components.iter().enumerate().filter(|(_, c)| short(c));
    if all().any(|(index, c)| c.executors < topology.most_executors(index)) {
        return None;
    }
    let (index, busiest) = all().max_by_key(|(_, c)| c.mean_capacity)?;
    let most = topology.most_executors(index);
    let desired = desired_size(size(busiest, &topology.components[index]), settings.phi)
        .executors
        .max(most + 1);
    let id = &busiest.id;
    let bounded = topology.components[index].most_executors == Some(most);
    let (code, by) = match (bounded, topology.is_single(index)) {
        (true, _) => (ReasonCode::BoundsLimited, "its user's bounds allow"),
        (false, true) => (ReasonCode::TaskLimited, "streams that all go to one task allow"),
        (false, false) => (ReasonCode::TaskLimited, "its tasks, fixed at submission, allow"),
    };
    let text =
        format!("{id} holds up the topology and would need {desired} executors, {by} {most}");
    Some(Reason::compared(code, f64::from(desired), f64::from(most), text))
}

fn size(seen: &ComponentView, component: &Component) -> Size {
    // More executors than partitions would have nothing to read.
    let partitions = component.partitions.map_or(u32::MAX, |partitions| partitions.max(1));
    Size {
        executors: seen.executors,
        tasks: seen.tasks.min(partitions.max(seen.executors)),
        // A source has no level of its own; it grows by one executor a time.
        level: seen.level.max(1),
    }
}
