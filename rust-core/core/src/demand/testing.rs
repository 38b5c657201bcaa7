//! Graphs for tests, from what an engine would count of them in a minute.

use super::Flow;
use crate::model::{
    Component, ComponentKind, Counters, Edge, Executor, Grouping, SlotRef, TaskRange, Topology,
};
use crate::signals::{Measurement, MetricHistory, Sample};
use crate::units::{Millis, Timestamp};

const SECS: f64 = 60.0;

/// A number from 0 to 1 that a seed has at a place (the finish of SplitMix64).
pub(crate) fn noise(seed: u64, place: u64) -> f64 {
    let mut mixed = (seed << 40).wrapping_add(place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// A component whose executors share what it takes in evenly.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub source: bool,
    pub executors: u32,
    /// Records per second that all executors take in.
    pub input: f64,
    /// Records per second that all give out, as the engine counts them.
    pub output: f64,
    /// Busy share of each executor.
    pub busy: f64,
    /// What waited before it a minute ago, and what waits now.
    pub backlog: Option<[u64; 2]>,
}

impl Step {
    pub fn source(rate: f64) -> Self {
        Self { source: true, executors: 1, input: rate, output: rate, busy: 0.1, backlog: None }
    }

    pub fn operator(executors: u32, input: f64, output: f64, busy: f64) -> Self {
        Self { source: false, executors, input, output, busy, backlog: None }
    }

    fn component(&self, index: u32) -> Component {
        Component {
            id: format!("c{index}"),
            kind: if self.source { ComponentKind::Source } else { ComponentKind::Operator },
            tasks: TaskRange::new(1000 * index, 1000 * index + 127),
            ..Component::default()
        }
    }

    fn sample(&self) -> Measurement {
        let of = |rate: f64| (rate * SECS / f64::from(self.executors)).round() as u64;
        let delta = Counters {
            executed: of(self.input),
            emitted: of(self.output),
            execute_ms: self.busy * SECS * 1000.0,
            busy_ms: Some(self.busy * SECS * 1000.0),
            ..Counters::default()
        };
        let span = Millis::saturating(SECS * 1000.0);
        Measurement::Present(Sample { span, age: Millis::ZERO, delta, newest: None })
    }
}

/// A stream: sender, receiver, grouping, and records per second where the engine counts them by stream.
pub(crate) type Sent = (u32, u32, Grouping, Option<f64>);

/// The graph, and what flows through it.
pub(crate) fn graph(steps: &[Step], streams: &[Sent]) -> (Topology, Flow) {
    let mut topology = Topology::default();
    let mut measurements = Vec::new();
    for (step, index) in steps.iter().zip(0..) {
        topology.components.push(step.component(index));
        for task in (1000 * index..).take(step.executors as usize) {
            topology.executors.push(Executor {
                component: index,
                tasks: TaskRange::new(task, task),
                slot: Some(SlotRef { node: 0, port: 1 }),
                counters: None,
            });
            measurements.push(step.sample());
        }
    }
    let mut history = MetricHistory::default();
    for end in [0, 1] {
        for (component, step) in topology.components.iter_mut().zip(steps) {
            component.backlog = step.backlog.map(|backlog| backlog[end]);
        }
        let sent = |rate: &Option<f64>| rate.map(|rate| (rate * SECS * end as f64) as u64);
        let edge = |(from, to, grouping, rate): &Sent| Edge {
            from: *from,
            to: *to,
            grouping: *grouping,
            sent: sent(rate),
        };
        topology.edges = streams.iter().map(edge).collect();
        let at = Timestamp::from_millis(end as i64 * 60_000);
        history.push(&topology, at, Millis::saturating(60_000.0));
    }
    let flow = Flow::of(&topology, &measurements, &history, &[1.0]);
    (topology, flow)
}
