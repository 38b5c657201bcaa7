//! What one observation says about each topology.
//!
//! Input: an observation and the remembered reports. Output: an [`Assessment`] per topology, with
//! its view for people and the demands for placement. It judges nothing.

use std::collections::BTreeMap;

use crate::background::load;
use crate::capacity::bottleneck::{ComponentTimes, communicating, of_topology};
use crate::context::Context;
use crate::diagnose::level::levels;
use crate::explain::{ComponentView, NodeView, TopologyView};
use crate::model::{Component, ComponentKind, Executor, Observation, Topology};
use crate::node_capacity::{learn, powers, work};
use crate::plan::Metrics;
use crate::settings::Settings;
use crate::signals::{Absence, Measurement, Sample};
use crate::state::{State, TopologyState};
use crate::units::{Millis, RatePerSec, Share, Timestamp};

/// Up to this many nodes a view shows every node.
const SMALL_CLUSTER: usize = 16;
/// Even an idle executor counts a little, or placement would not spread what is not yet measured.
const LEAST_DEMAND: f64 = 0.001;

/// One topology as measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment<'a> {
    /// Index of the topology in its observation.
    pub index: usize,
    /// What was observed.
    pub topology: &'a Topology,
    /// The sample of each executor.
    pub measurements: Vec<Measurement>,
    /// What to show.
    pub view: TopologyView,
    /// The measures by which actions are judged.
    pub metrics: Metrics,
    /// Per component: busy time per second if nothing slowed it down, over all its executors.
    pub demands: Vec<f64>,
    /// Per component: whether its execute time does not show its work.
    pub holding: Vec<bool>,
    /// The part of `demands` that runs on each node, by its index; nodes without any are left out.
    pub node_demands: BTreeMap<u32, f64>,
}

impl Assessment<'_> {
    /// Whether pinned executors are to stay where they are. While an executor has no time left, as when a backlog is worked
    /// off, sources bring in what they can, and what that takes of their node makes it look slow.
    pub fn pinned_stay(&self) -> bool {
        self.metrics.is_full()
    }
}

/// Samples every executor, learns how fast nodes are, and assesses every topology.
pub fn assess<'a>(context: &Context<'a>, state: &mut State) -> Vec<Assessment<'a>> {
    let &Context { observation, settings, now, .. } = context;
    let measured: Vec<Vec<Measurement>> =
        observation.topologies.iter().map(|t| sample(observation.at, t, state, settings)).collect();
    let least = learn(context, &measured, &mut state.learned);
    let powers = powers(observation, &state.learned, settings, now).relative;
    let mut assessments: Vec<Assessment<'a>> = observation
        .topologies
        .iter()
        .zip(measured)
        .enumerate()
        .map(|(index, (topology, measurements))| {
            let remembered = state.topologies.get(&topology.id);
            let holds = |component: usize| {
                remembered.is_some_and(|remembered| remembered.holding.holds(component as u32))
            };
            let holding: Vec<bool> = (0..topology.components.len()).map(holds).collect();
            let cluster = Cluster { observation, powers: &powers };
            let assessment = one(&cluster, topology, measurements, &least[index], holding);
            Assessment { index, ..assessment }
        })
        .collect();
    rank(&mut assessments);
    assessments
}

fn sample(
    at: Timestamp,
    topology: &Topology,
    state: &mut State,
    settings: &Settings,
) -> Vec<Measurement> {
    let remembered = state.topologies.entry(topology.id.clone()).or_default();
    remembered.metric_history.push(topology, at, settings.window);
    let TopologyState { histories, restarts, holding, .. } = remembered;
    let places = topology.executors.iter().enumerate();
    let mut absorb = |(place, executor): (usize, &Executor)| {
        let measured = histories.of(executor.tasks, place).absorb(executor, at, settings);
        if restarts.of(executor.tasks).is_some() {
            return Measurement::Missing(Absence::Restarting);
        }
        let operator = topology.components.get(executor.component as usize);
        if let Some(sample) = measured
            .sample()
            .filter(|_| operator.is_some_and(|c| c.kind == ComponentKind::Operator))
        {
            holding.note(executor.component, sample, at);
        }
        measured
    };
    places.map(&mut absorb).collect()
}

/// The cluster, with how fast its nodes are.
struct Cluster<'a> {
    observation: &'a Observation,
    powers: &'a [f64],
}

fn one<'a>(
    cluster: &Cluster<'_>,
    topology: &'a Topology,
    measurements: Vec<Measurement>,
    least: &[Option<f64>],
    holding: Vec<bool>,
) -> Assessment<'a> {
    let &Cluster { observation, powers } = cluster;
    let mut demands = vec![0.0; topology.components.len()];
    let mut node_demands = BTreeMap::new();
    for (executor, measurement) in topology.executors.iter().zip(&measurements) {
        let component = executor.component as usize;
        let (Some(slot), Some(kind)) =
            (executor.slot, topology.components.get(component).map(|c| c.kind))
        else {
            continue;
        };
        // Most engines time no sources. Where one is timed, as with operators chained to it, its work is not weighed yet.
        let sample = measurement.sample();
        let works = kind != ComponentKind::Source;
        if works && (slot.node as usize) < powers.len() {
            let demand = sample.map_or(0.0, |sample| work(sample, least[component]));
            let demand = demand.max(LEAST_DEMAND);
            demands[component] += demand;
            *node_demands.entry(slot.node).or_insert(0.0) += demand;
        }
    }
    let samples = Samples::of(topology, &measurements);
    let components = component_views(topology, &samples);
    let metrics = metrics(topology, &samples, &components);
    let mut view = TopologyView {
        coverage: coverage(topology, &measurements),
        latency: metrics.process_latency,
        checkpoint: topology.checkpoint,
        components,
        nodes: node_views(observation, powers, &node_demands),
        ..TopologyView::default()
    };
    add_levels(observation, topology, (&samples, &holding), &mut view);
    Assessment { index: 0, topology, measurements, view, metrics, demands, holding, node_demands }
}

/// Executors that were measured, with their samples.
struct Samples<'a> {
    /// In the order of the topology's executors.
    all: Vec<(&'a Executor, &'a Sample)>,
    /// Sorted by the component; those of one component as in `all`.
    by_component: Vec<(&'a Executor, &'a Sample)>,
}

impl<'a> Samples<'a> {
    fn of(topology: &'a Topology, measurements: &'a [Measurement]) -> Self {
        let pairs = topology.executors.iter().zip(measurements);
        let all: Vec<_> = pairs.filter_map(|(e, m)| Some((e, m.sample()?))).collect();
        let mut by_component = all.clone();
        by_component.sort_by_key(|(executor, _)| executor.component);
        Self { all, by_component }
    }

    /// Those of one component.
    fn of_component(&self, index: usize) -> &[(&'a Executor, &'a Sample)] {
        let before = |index| {
            self.by_component.partition_point(|(executor, _)| (executor.component as usize) < index)
        };
        &self.by_component[before(index)..before(index + 1)]
    }
}

/// The part of executors that are measured; those that start again and again are not waited for.
fn coverage(topology: &Topology, measurements: &[Measurement]) -> Share {
    let counts = |component: u32| {
        let kind = topology.components.get(component as usize).map(|c| c.kind);
        matches!(kind, Some(ComponentKind::Operator | ComponentKind::Source))
    };
    let all = topology.executors.iter().zip(measurements).filter(|(e, _)| counts(e.component));
    let lasting = all.filter(|(_, m)| **m != Measurement::Missing(Absence::Restarting));
    let (mut wanted, mut have) = (0usize, 0usize);
    for (_, measurement) in lasting {
        wanted += 1;
        have += usize::from(measurement.sample().is_some());
    }
    if wanted == 0 { Share::ZERO } else { Share::saturating(have as f64 / wanted as f64) }
}

fn component_views(topology: &Topology, samples: &Samples<'_>) -> Vec<ComponentView> {
    let mut executors = vec![0; topology.components.len()];
    for executor in &topology.executors {
        if let Some(count) = executors.get_mut(executor.component as usize) {
            *count += 1;
        }
    }
    let indexed = topology.components.iter().zip(executors).enumerate();
    indexed
        .map(|(index, (component, executors))| {
            component_view(component, executors, samples.of_component(index))
        })
        .collect()
}

fn component_view(
    component: &Component,
    executors: u32,
    samples: &[(&Executor, &Sample)],
) -> ComponentView {
    let own = || samples.iter().map(|(_, sample)| *sample);
    let rate_of = |sample: &Sample| match component.kind {
        ComponentKind::Source => sample.brought_rate().get(),
        _ => sample.executed_rate().get(),
    };
    let is_measured = !samples.is_empty();
    let capacities = || own().map(Sample::capacity);
    let mean = || capacities().map(Share::get).sum::<f64>() / samples.len() as f64;
    ComponentView {
        id: component.id.clone(),
        kind: component.kind,
        executors,
        tasks: component.tasks.count(),
        measured: u32::try_from(samples.len()).unwrap_or(u32::MAX),
        rate: is_measured.then(|| RatePerSec::saturating(own().map(rate_of).sum())),
        execute_latency: mean_of(own(), |s| (s.delta.execute_ms, s.delta.executed)),
        process_latency: mean_of(own(), |s| (s.delta.process_ms, s.delta.acked)),
        complete_latency: mean_of(own(), |s| (s.delta.complete_ms, s.delta.completed)),
        capacity: capacities().max(),
        mean_capacity: is_measured.then(|| Share::saturating(mean())),
        believed_capacity: None,
        bottleneck_time: None,
        failed: own().map(|sample| sample.delta.failed).sum(),
        level: 0,
    }
}

fn metrics(topology: &Topology, samples: &Samples<'_>, components: &[ComponentView]) -> Metrics {
    let of = |kind: ComponentKind| {
        let is = move |e: &Executor| {
            topology.components.get(e.component as usize).is_some_and(|c| c.kind == kind)
        };
        samples.all.iter().filter(move |(e, _)| is(e)).map(|(_, sample)| *sample)
    };
    let operators = || of(ComponentKind::Operator);
    let sources = of(ComponentKind::Source);
    let throughput = components.iter().filter(|c| c.kind == ComponentKind::Source);
    // A source has a busy share where its engine measures one, as where it is chained to operators.
    let busiest = components.iter().filter(|c| c.kind != ComponentKind::System);
    Metrics {
        complete_latency: mean_of(sources, |s| (s.delta.complete_ms, s.delta.completed)),
        process_latency: mean_of(operators(), |s| (s.delta.process_ms, s.delta.acked)),
        execute_latency: mean_of(operators(), |s| (s.delta.execute_ms, s.delta.executed)),
        throughput: RatePerSec::saturating(
            throughput.filter_map(|c| c.rate).map(RatePerSec::get).sum(),
        ),
        capacity: busiest.filter_map(|c| c.capacity).max().unwrap_or(Share::ZERO),
    }
}

/// Bottleneck time of the topology and levels of its operators.
fn add_levels(
    observation: &Observation,
    topology: &Topology,
    (samples, holding): (&Samples<'_>, &[bool]),
    view: &mut TopologyView,
) {
    let time_of = |(executor, sample): &(&Executor, &Sample)| {
        // What is held back on purpose is not on its way.
        let held = holding.get(executor.component as usize) == Some(&true);
        let process = sample.process_latency().filter(|_| !held);
        let computing = sample.execute_latency()?;
        let node = executor.slot.and_then(|slot| observation.nodes.get(slot.node as usize));
        let round_trip = node.and_then(|node| node.round_trip);
        let communicating = communicating(None, computing, process, round_trip);
        Some(ComponentTimes { computing, communicating })
    };
    let times_of =
        |index| ComponentTimes::of(samples.of_component(index).iter().filter_map(time_of));
    let operators: Vec<usize> = (0..topology.components.len())
        .filter(|&index| topology.components[index].kind == ComponentKind::Operator)
        .collect();
    let times: Vec<ComponentTimes> = operators.iter().map(|&index| times_of(index)).collect();
    let entries: Vec<(&str, Millis)> = operators
        .iter()
        .zip(&times)
        .map(|(&index, times)| (topology.components[index].id.as_str(), times.largest()))
        .collect();
    for ((&index, level), times) in operators.iter().zip(levels(&entries)).zip(&times) {
        view.components[index].level = level;
        view.components[index].bottleneck_time =
            Some(times.largest()).filter(|t| *t > Millis::ZERO);
    }
    view.bottleneck = times.iter().any(|t| t.largest() > Millis::ZERO).then(|| of_topology(&times));
}

/// The nodes on which a topology runs; in a small cluster all of them.
fn node_views(
    observation: &Observation,
    powers: &[f64],
    demands: &BTreeMap<u32, f64>,
) -> Vec<NodeView> {
    let view = |(index, demand): (usize, f64)| {
        let (node, power) = (&observation.nodes[index], powers[index]);
        NodeView {
            id: node.id.clone(),
            host: node.host.clone(),
            power: Share::saturating(power),
            load: Share::saturating(load(demand, power)),
            round_trip: node.round_trip,
        }
    };
    if observation.nodes.len() <= SMALL_CLUSTER {
        let demand = |index| demands.get(&index).copied().unwrap_or(0.0);
        return (0..observation.nodes.len()).zip((0..).map(demand)).map(view).collect();
    }
    demands.iter().map(|(index, demand)| view((*index as usize, *demand))).collect()
}

/// Gives each topology its level among all.
fn rank(assessments: &mut [Assessment<'_>]) {
    let time = |a: &Assessment<'_>| a.view.bottleneck.map_or(Millis::ZERO, |b| b.time);
    let found = {
        let entries: Vec<(&str, Millis)> =
            assessments.iter().map(|a| (a.topology.id.as_str(), time(a))).collect();
        levels(&entries)
    };
    for (assessment, level) in assessments.iter_mut().zip(found) {
        assessment.view.level = level;
    }
}

fn mean_of<'a>(
    samples: impl Iterator<Item = &'a Sample>,
    parts: impl Fn(&Sample) -> (f64, u64),
) -> Option<Millis> {
    let (total, count) = samples.map(parts).fold((0.0, 0), |(t, c), (dt, dc)| (t + dt, c + dc));
    (count > 0).then(|| Millis::saturating(total / count as f64))
}
