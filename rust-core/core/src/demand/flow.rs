//! What each component took in, gave out and could have done.

use super::graph::Stream;
use super::source::Target;
use crate::model::{ComponentKind, Edge, Grouping, Topology};
use crate::signals::{Measurement, MetricHistory, Sample};
use crate::units::Millis;

/// Busy for less than this share, an executor shows no rate: its few records are mostly noise.
const LEAST_BUSY: f64 = 0.005;
const MIB: f64 = 1024.0 * 1024.0;

/// One executor that was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExecutorFlow {
    /// Index of the node it runs on.
    pub node: u32,
    /// Speed of that node, the fastest having 1.
    pub ability: f64,
    /// Records taken in per second.
    pub input: f64,
    /// Share of its time in which it worked.
    pub busy: f64,
}

impl ExecutorFlow {
    /// Records it takes in per second of work (DS2's true processing rate).
    pub fn true_rate(&self) -> Option<f64> {
        (self.busy >= LEAST_BUSY && self.input > 0.0).then(|| self.input / self.busy)
    }
}

/// One component as measured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ComponentFlow {
    /// Its executors.
    pub executors: u32,
    /// Its tasks, which bound its executors.
    pub tasks: u32,
    /// Partitions it reads, which bound the executors of a source.
    pub partitions: Option<u32>,
    /// The most executors that its user allows.
    pub bound: Option<u32>,
    /// Whether all that it gets goes to its first task.
    pub single: bool,
    /// Whether it brings records in.
    pub source: bool,
    /// Whether it belongs to the engine.
    pub system: bool,
    /// Whether keys decide which executor gets a record.
    pub keyed: bool,
    /// Whether nothing but shuffling decides.
    pub shuffled: bool,
    /// Its executors that were measured.
    pub measured: Vec<ExecutorFlow>,
    /// Whether the engine measures how busy it is.
    pub timed: bool,
    /// Whether it works on records after it has executed them, so that it is busier than measured.
    pub unseen: bool,
    /// Records given out per second, over all executors.
    pub output: f64,
    /// Share of its executors' time spent waiting for receivers; nothing where not measured.
    pub backpressured: Option<f64>,
    /// What waits at it.
    pub target: Target,
    /// Mean share of accesses to its state that memory answered.
    pub hit_rate: Option<f64>,
    /// All of its state, in MiB; nothing where not measured.
    pub state_mib: Option<f64>,
    /// Memory that each of its executors has, in MiB.
    pub memory_mib: Option<f64>,
}

impl ComponentFlow {
    /// How many executors stand for each that was measured.
    fn scale(&self) -> f64 {
        f64::from(self.executors) / self.measured.len().max(1) as f64
    }

    /// Records taken in per second over all executors; nothing when none was measured.
    pub fn input(&self) -> Option<f64> {
        let sum: f64 = self.measured.iter().map(|e| e.input).sum();
        (!self.measured.is_empty()).then(|| sum * self.scale())
    }

    /// Mean share of time in which its executors worked.
    pub fn busy(&self) -> Option<f64> {
        let sum: f64 = self.measured.iter().map(|e| e.busy).sum();
        (self.timed && !self.measured.is_empty()).then(|| sum / self.measured.len() as f64)
    }

    /// Work of a record in seconds, on a node of ability 1.
    pub fn work_secs(&self) -> Option<f64> {
        let input: f64 = self.measured.iter().map(|e| e.input).sum();
        let work: f64 = self.measured.iter().map(|e| e.busy * e.ability).sum();
        (self.timed && input > 0.0 && work > 0.0).then(|| work / input)
    }

    /// The busiest executor's share.
    pub fn busiest(&self) -> Option<f64> {
        self.timed.then_some(())?;
        self.measured.iter().map(|e| e.busy).reduce(f64::max)
    }

    /// Mean true processing rate of one executor (DS2, equations 1 and 5).
    pub fn true_rate(&self) -> Option<f64> {
        let rates: Vec<f64> = self.measured.iter().filter_map(ExecutorFlow::true_rate).collect();
        let sum: f64 = rates.iter().sum();
        (self.timed && !rates.is_empty()).then(|| sum / rates.len() as f64)
    }

    /// Share of the records that go to the executor with the most of them.
    pub fn hottest(&self) -> Option<f64> {
        let sum: f64 = self.measured.iter().map(|e| e.input).sum();
        let most = self.measured.iter().map(|e| e.input).reduce(f64::max)?;
        (sum > 0.0).then(|| most / sum)
    }

    /// Executors it may have at most, whatever the cluster offers.
    pub fn most(&self) -> u32 {
        let most = match self.partitions {
            Some(partitions) if self.source => self.tasks.min(partitions.max(1)),
            _ if self.single => 1,
            _ => self.tasks,
        };
        most.min(self.bound.unwrap_or(u32::MAX)).max(1)
    }
}

/// One topology as measured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flow {
    /// By the index of the component.
    pub components: Vec<ComponentFlow>,
    /// The streams between users' components.
    pub streams: Vec<Stream>,
}

impl Flow {
    /// Sums up samples of executors, on nodes of these abilities, by component.
    pub fn of(
        topology: &Topology,
        measurements: &[Measurement],
        metric_history: &MetricHistory,
        abilities: &[f64],
    ) -> Self {
        let mut components: Vec<ComponentFlow> = topology
            .components
            .iter()
            .enumerate()
            .map(|(index, component)| ComponentFlow {
                tasks: component.tasks.count(),
                partitions: component.partitions,
                bound: component.most_executors,
                single: topology.is_single(index),
                memory_mib: component.memory_mib,
                source: component.kind == ComponentKind::Source,
                system: component.kind == ComponentKind::System,
                keyed: into(topology, index).any(|edge| edge.grouping == Grouping::Fields),
                shuffled: into(topology, index).all(|edge| edge.grouping == Grouping::Shuffle),
                ..ComponentFlow::default()
            })
            .collect();
        let mut sums = vec![Sums::default(); components.len()];
        for (executor, measurement) in topology.executors.iter().zip(measurements) {
            let index = executor.component as usize;
            let Some(component) = components.get_mut(index) else { continue };
            component.executors += 1;
            if let (Some(slot), Some(sample)) = (executor.slot, measurement.sample()) {
                let ability = abilities.get(slot.node as usize).copied().unwrap_or(1.0);
                component.measured.push(executor_flow(
                    sample,
                    component.source,
                    slot.node,
                    ability,
                ));
                sums[index].add(sample, component.source);
            }
        }
        for (index, (component, sums)) in components.iter_mut().zip(&sums).enumerate() {
            sums.finish(component);
            component.target = Target {
                consumed: component.input().unwrap_or(0.0),
                // As old as what was brought in: a source that does not report any more may bring in nothing.
                growth: metric_history.growth_until(index, sums.age),
                backlog: metric_history.backlog(index),
                newest: sums.newest.map(|rates| {
                    let growth = metric_history.newest_growth(index).unwrap_or_default();
                    let arrived = |i: usize| (rates[i] * component.scale() + growth[i]).max(0.0);
                    [arrived(0), arrived(1)]
                }),
            };
        }
        let streams = streams(topology, &components, metric_history);
        Self { components, streams }
    }

    /// What each source should bring in by `rate`; nothing of other components, and of sources that are not measured.
    pub fn sources(&self, rate: impl Fn(&Target) -> f64) -> Vec<Option<f64>> {
        let known = |component: &ComponentFlow| component.source && !component.measured.is_empty();
        self.components.iter().map(|c| known(c).then(|| rate(&c.target))).collect()
    }

    /// Records per second that its senders send to a component; nothing without senders, or where one of them is not
    /// measured.
    pub fn sent_to(&self, index: usize) -> Option<f64> {
        let mut into = self.streams.iter().filter(|stream| stream.to == index).peekable();
        into.peek()?;
        into.map(|stream| Some(self.components[stream.from].input()? * stream.selectivity?)).sum()
    }

    /// Components that users wrote, with their indices.
    pub fn users(&self) -> impl Iterator<Item = (usize, &ComponentFlow)> {
        self.components.iter().enumerate().filter(|(_, component)| !component.system)
    }
}

/// The streams into a component.
fn into(topology: &Topology, component: usize) -> impl Iterator<Item = &Edge> {
    topology.edges.iter().filter(move |edge| edge.to as usize == component)
}

/// What the executors of one component did per second, together.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: f64,
    /// Of the oldest sample.
    age: Millis,
    output: f64,
    timed: bool,
    backpressured: Option<f64>,
    accesses: u64,
    hits: u64,
    state_bytes: Option<u64>,
    /// Records taken in per second in the last two intervals; nothing once one executor has none.
    newest: Option<[f64; 2]>,
}

impl Sums {
    fn add(&mut self, sample: &Sample, source: bool) {
        let delta = &sample.delta;
        let rates = sample.newest.map(|newest| {
            newest.map(|interval| match source && delta.executed == 0 {
                true => interval.emitted.get(),
                false => interval.executed.get(),
            })
        });
        self.newest = match (self.count > 0.0, self.newest) {
            (false, _) => rates,
            (true, all) => all.zip(rates).map(|(all, own)| [all[0] + own[0], all[1] + own[1]]),
        };
        self.count += 1.0;
        self.age = self.age.max(sample.age);
        self.output += sample.emitted_rate().get();
        // Storm gives no times of sources; all others have at least an execute time.
        self.timed |= delta.busy_ms.is_some() || !source;
        if let (Some(waited), true) = (delta.backpressured_ms, sample.span.get() > 0.0) {
            let share = waited / sample.span.get();
            self.backpressured = Some(self.backpressured.unwrap_or(0.0) + share);
        }
        self.accesses += delta.state_accesses.unwrap_or(0);
        self.hits += delta.state_hits.unwrap_or(0);
        if let Some(bytes) = delta.state_bytes {
            self.state_bytes = Some(self.state_bytes.unwrap_or(0).saturating_add(bytes));
        }
    }

    fn finish(self, component: &mut ComponentFlow) {
        component.timed = self.timed;
        component.output = self.output * component.scale();
        component.backpressured = self.backpressured.map(|sum| sum / self.count);
        component.hit_rate = (self.accesses > 0).then(|| self.hits as f64 / self.accesses as f64);
        component.state_mib = self.state_bytes.map(|bytes| bytes as f64 / MIB * component.scale());
    }
}

fn executor_flow(sample: &Sample, source: bool, node: u32, ability: f64) -> ExecutorFlow {
    // Storm's sources execute nothing: what they emit is what they bring in.
    let input = if source { sample.brought_rate() } else { sample.executed_rate() }.get();
    ExecutorFlow { node, ability: ability.max(1e-3), input, busy: sample.capacity().get() }
}

fn streams(
    topology: &Topology,
    components: &[ComponentFlow],
    metric_history: &MetricHistory,
) -> Vec<Stream> {
    let mut streams: Vec<Stream> = Vec::new();
    for (index, edge) in topology.edges.iter().enumerate() {
        let (from, to) = (edge.from as usize, edge.to as usize);
        let (Some(sender), Some(receiver)) = (components.get(from), components.get(to)) else {
            continue;
        };
        if sender.system || receiver.system {
            continue;
        }
        let input = sender.input().filter(|input| *input > 0.0);
        let sent = metric_history.sent_rate(index);
        // Where streams are not counted, each pair of components is taken to share all that is
        // emitted, so only its first stream counts.
        if sent.is_none() && streams.iter().any(|s| s.from == from && s.to == to) {
            continue;
        }
        let copies = if edge.grouping == Grouping::All { f64::from(receiver.tasks) } else { 1.0 };
        let rate = sent.unwrap_or(sender.output * copies);
        streams.push(Stream { from, to, selectivity: input.map(|input| rate / input) });
    }
    streams
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demand::propagate;
    use crate::model::{Component, Counters, Edge, Executor, SlotRef, TaskRange};

    fn sample(executed: u64, execute_ms: f64, emitted: u64) -> Measurement {
        let delta = Counters { executed, execute_ms, emitted, ..Counters::default() };
        let span = Millis::saturating(10_000.0);
        Measurement::Present(Sample { span, age: Millis::ZERO, delta, newest: None })
    }

    fn topology(counts: [u32; 3]) -> Topology {
        let kinds = [ComponentKind::Source, ComponentKind::Operator, ComponentKind::Operator];
        let mut executors = Vec::new();
        let mut components = Vec::new();
        for ((kind, count), component) in kinds.into_iter().zip(counts).zip(0u32..) {
            let first = component * 100;
            components.push(Component {
                kind,
                tasks: TaskRange::new(first, first + 15),
                ..Component::default()
            });
            executors.extend((0..count).map(|task| Executor {
                component,
                tasks: TaskRange::new(first + task, first + task),
                slot: Some(SlotRef { node: task % 2, port: 1 }),
                counters: None,
            }));
        }
        let edges = vec![
            Edge { from: 0, to: 1, ..Edge::default() },
            Edge { from: 1, to: 2, grouping: Grouping::Fields, ..Edge::default() },
        ];
        Topology { components, executors, edges, ..Topology::default() }
    }

    #[test]
    fn rates_selectivities_and_demand_of_a_line() {
        let topology = topology([1, 2, 1]);
        let measurements = [
            sample(0, 0.0, 10_000),
            sample(4_000, 8_000.0, 8_000),
            sample(6_000, 6_000.0, 12_000),
            sample(20_000, 5_000.0, 0),
        ];
        let flow = Flow::of(&topology, &measurements, &MetricHistory::default(), &[1.0, 0.5]);
        assert_eq!(flow.components[0].input(), Some(1000.0));
        assert_eq!(flow.components[0].true_rate(), None, "sources of Storm are not timed");
        assert_eq!(flow.components[1].true_rate(), Some(750.0), "the mean of 500 and 1000");
        assert_eq!(flow.components[1].busy(), Some(0.7));
        assert_eq!(flow.components[1].hottest(), Some(0.6));
        assert!(flow.components[2].keyed && !flow.components[1].keyed);
        assert_eq!(flow.components[1].measured[1].ability, 0.5);
        let demand = propagate(&flow.sources(|target| 2.0 * target.arrival()), &flow.streams);
        assert_eq!(demand, [Some(2000.0), Some(2000.0), Some(4000.0)]);
    }

    #[test]
    fn executors_that_are_not_measured_count_like_the_others() {
        let topology = topology([1, 2, 1]);
        let missing = Measurement::Missing(crate::signals::Absence::Stale);
        let measurements =
            [sample(0, 0.0, 10_000), sample(4_000, 8_000.0, 8_000), missing.clone(), missing];
        let flow = Flow::of(&topology, &measurements, &MetricHistory::default(), &[1.0, 1.0]);
        assert_eq!(flow.components[1].input(), Some(800.0));
        assert_eq!(flow.components[2].input(), None);
    }
}
