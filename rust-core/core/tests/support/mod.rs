//! A cluster small enough to be worked out by hand, run in steps of two seconds.
//!
//! Each operator executor is offered its share of the load, needs `work_ms / ability` for a tuple,
//! and can be busy all the time at most.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod numbers;
pub mod steps;

use std::collections::BTreeMap;

use thalweg_core::explain::{Plan, PlanKind};
use thalweg_core::model::{
    Component, ComponentKind, Counters, Edge, Executor, Grouping, Node, Observation, SlotRef,
    TaskRange, Topology,
};
use thalweg_core::operator::Operator;
use thalweg_core::plan::partition::partition;
use thalweg_core::settings::{Settings, WorkerLimit};
use thalweg_core::state::State;
use thalweg_core::units::{Millis, Timestamp};
use thalweg_core::{Decided, decide};

pub const STEP_SECS: u32 = 2;

/// Short times, so that tests need few steps.
pub fn settings() -> Settings {
    let secs = |seconds: f64| Millis::saturating(seconds * 1000.0);
    Settings {
        sampling: secs(2.0),
        window: secs(10.0),
        max_age: secs(10.0),
        settle: secs(6.0),
        interval: secs(6.0),
        cool_down: secs(20.0),
        worker_limit: WorkerLimit::Free,
        ..Settings::default()
    }
}

pub struct Model {
    pub observation: Observation,
    pub state: State,
    pub settings: Settings,
    pub operator: Operator,
    /// Tuples per second offered to each operator.
    pub rate: f64,
    /// Work per tuple of the operators `split` and `count`, in ms.
    pub work_ms: [f64; 2],
    /// Time until a source's tuple is completely processed, in ms.
    pub complete_ms: f64,
    pub abilities: Vec<f64>,
    pub seconds: u32,
    totals: BTreeMap<(usize, TaskRange), (Counters, Option<SlotRef>)>,
}

impl Model {
    /// One topology: a source, `split` with 8 tasks and `count` with 8, on nodes with four slots.
    pub fn new(nodes: usize, split: u32, count: u32) -> Self {
        let mut model = Self {
            observation: Observation {
                nodes: (0..nodes).map(node).collect(),
                ..Observation::default()
            },
            state: State::default(),
            settings: settings(),
            operator: Operator::default(),
            rate: 100.0,
            work_ms: [5.0, 1.0],
            complete_ms: 20.0,
            abilities: vec![1.0; nodes],
            seconds: 100,
            totals: BTreeMap::new(),
        };
        model.add_topology("wc-1", split, count);
        model
    }

    pub fn add_topology(&mut self, id: &str, split: u32, count: u32) {
        let component = |id: &str, kind, first, last| Component {
            id: id.to_owned(),
            kind,
            tasks: TaskRange::new(first, last),
            ..Component::default()
        };
        let components = vec![
            component("words", ComponentKind::Source, 1, 1),
            component("split", ComponentKind::Operator, 2, 9),
            component("count", ComponentKind::Operator, 10, 17),
        ];
        let first_port = 1 + 2 * self.observation.topologies.len() as u32;
        let nodes = self.observation.nodes.len() as u32;
        let mut executors = Vec::new();
        for (component, count) in [(0u32, 1), (1, split), (2, count)] {
            for (index, tasks) in
                (0u32..).zip(partition(components[component as usize].tasks, count))
            {
                let slot = match component {
                    0 => SlotRef { node: 0, port: first_port },
                    _ => SlotRef { node: index % nodes, port: first_port + 1 },
                };
                executors.push(Executor { component, tasks, slot: Some(slot), counters: None });
            }
        }
        let edge = |from, to, grouping| Edge { from, to, grouping, sent: None };
        self.observation.topologies.push(Topology {
            id: id.to_owned(),
            name: id.to_owned(),
            desired_workers: 2,
            message_timeout: Millis::saturating(30_000.0),
            components,
            edges: vec![edge(0, 1, Grouping::Shuffle), edge(1, 2, Grouping::Fields)],
            executors,
            ..Topology::default()
        });
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(i64::from(self.seconds) * 1000)
    }

    /// Runs one step and decides.
    pub fn step(&mut self) -> Decided {
        self.step_seen_through(|_| {})
    }

    /// Runs one step and decides on what `spoil` leaves of the observation.
    pub fn step_seen_through(&mut self, spoil: impl FnOnce(&mut Observation)) -> Decided {
        self.seconds += STEP_SECS;
        self.run();
        self.observation.at = self.now();
        let mut seen = self.observation.clone();
        spoil(&mut seen);
        let state = std::mem::take(&mut self.state);
        let decided = decide(&seen, state, &self.settings, &self.operator, self.now());
        self.state = decided.state.clone();
        decided
    }

    /// Steps until a decision carries a plan, at most `steps` times.
    pub fn until_plan(&mut self, steps: usize) -> Option<Decided> {
        (0..steps).map(|_| self.step()).find(|d| d.decisions.iter().any(|d| d.plan.is_some()))
    }

    /// Does to the cluster what the plan says, and tells the core.
    pub fn carry_out(&mut self, plan: &Plan) {
        let nodes = &self.observation.nodes;
        let topology =
            self.observation.topologies.iter_mut().find(|t| t.id == plan.topology).expect("known");
        topology.executors = plan
            .rows
            .iter()
            .map(|row| {
                let node = nodes.iter().position(|n| n.id == row.after.node).expect("live") as u32;
                let component =
                    topology.components.iter().position(|c| c.id == row.component).expect("known");
                Executor {
                    component: component as u32,
                    tasks: row.executor,
                    slot: Some(SlotRef { node, port: row.after.port }),
                    counters: None,
                }
            })
            .collect();
        assert!(plan.kind != PlanKind::Move || plan.counts.is_empty());
        let (now, settings) = (self.now(), self.settings.clone());
        self.state.finish(&plan.id, now, &settings);
    }

    fn run(&mut self) {
        for (index, topology) in self.observation.topologies.iter_mut().enumerate() {
            let count = |component: u32| {
                topology.executors.iter().filter(|e| e.component == component).count() as f64
            };
            let siblings = [count(0), count(1), count(2)];
            for executor in &mut topology.executors {
                let slot = executor.slot;
                let entry = self.totals.entry((index, executor.tasks)).or_default();
                if entry.1 != slot {
                    *entry = (Counters::default(), slot);
                }
                let totals = &mut entry.0;
                totals.uptime_secs += STEP_SECS;
                let offered =
                    self.rate / siblings[executor.component as usize] * f64::from(STEP_SECS);
                if executor.component == 0 {
                    totals.emitted += offered as u64;
                    totals.completed += offered as u64;
                    totals.complete_ms += self.complete_ms * offered;
                } else if let Some(slot) = slot {
                    let ability = self.abilities[slot.node as usize];
                    let work = self.work_ms[executor.component as usize - 1] / ability;
                    let possible = f64::from(STEP_SECS) * 1000.0 / work;
                    let done = offered.min(possible).floor();
                    totals.executed += done as u64;
                    totals.acked += done as u64;
                    totals.emitted += done as u64;
                    totals.execute_ms += done * work;
                    totals.process_ms += done * (work + 0.2);
                }
                executor.counters = Some(*totals);
            }
        }
    }
}

fn node(index: usize) -> Node {
    Node {
        id: format!("n{index}"),
        host: format!("host{index}"),
        ports: (1..=6).collect(),
        round_trip: Millis::new(0.3).ok(),
        ..Node::default()
    }
}
