//! What flows through a topology.

use super::component::{ComponentFlow, ExecutorFlow};
use super::graph::{Carries, Graph, Node, Stream};
use super::source::Target;
use super::streams::streams;
use crate::model::{ComponentKind, Edge, Grouping, Topology};
use crate::signals::{Measurement, MetricHistory, Sample};
use crate::units::Millis;

const MIB: f64 = 1024.0 * 1024.0;

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

    /// What each source should bring in by `rate`, nothing if it is silent; not known of other components, and of
    /// sources that are not measured.
    pub fn sources(&self, rate: impl Fn(&Target) -> f64) -> Vec<Option<f64>> {
        let rate = |c: &ComponentFlow| if c.target.is_silent() { 0.0 } else { rate(&c.target) };
        let known = |component: &ComponentFlow| component.source && !component.measured.is_empty();
        self.components.iter().map(|c| known(c).then(|| rate(c))).collect()
    }

    /// Its components with other streams between them.
    pub fn graph<'a>(&self, streams: &'a [Stream]) -> Graph<'a> {
        let node = |component: &ComponentFlow| Node {
            executors: component.executors,
            taken: component.input(),
            // What waits before a source has not come to it by a stream.
            growth: component.target.growth.filter(|_| !component.source).unwrap_or(0.0),
        };
        Graph { nodes: self.components.iter().map(node).collect(), streams }
    }

    /// Records per second that its senders send to a component; nothing without senders, or where that cannot be told
    /// by what they count.
    pub fn sent_to(&self, index: usize) -> Option<f64> {
        let told = self.into(index).all(|stream| stream.carries.is_told());
        self.most_sent_to(index).filter(|_| told)
    }

    /// The most that they can have sent; nothing without senders, or where one of them is not measured.
    pub fn most_sent_to(&self, index: usize) -> Option<f64> {
        self.into(index).next()?;
        let sent = |stream: &Stream| match stream.carries {
            Carries::Ratio(ratio) => Some(self.components[stream.from].input()? * ratio),
            Carries::UpTo(most) => Some(most).filter(|most| most.is_finite()),
        };
        self.into(index).map(sent).sum()
    }

    fn into(&self, index: usize) -> impl Iterator<Item = &Stream> {
        self.streams.iter().filter(move |stream| stream.to == index)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demand::Demand;
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
        let sources = flow.sources(|target| 2.0 * target.arrival());
        let demand = flow.graph(&flow.streams).demand(&sources);
        assert_eq!(demand, [2000.0, 2000.0, 4000.0].map(|rate| Some(Demand::shared(rate))));
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
