//! Situations on Storm.

use anyhow::Result;
use thalweg_core::model::{ComponentKind, Grouping};
use thalweg_sim::scenario::{
    ComponentSpec, EngineKind, Fault, FaultKind, Load, LoadShape, Metrics, NodeGroup, Storm,
    template,
};
use thalweg_sim::{RunResult, Scenario};

use super::{WORD_BYTES, component, edge, levels, node, runs};
use crate::measure::{Measured, bolts};
use crate::options::{Options, storm_settings};
use crate::prediction::Prediction;
use crate::situation::{Change, Side, Situation};
use crate::summary::{Summary, short};

/// Storm's own work on a tuple beside what the bolt burns, as seen in situations where bolts have room.
const OVERHEAD_MICROS: f64 = 150.0;
/// What a line takes through Storm besides: queues that are flushed each millisecond, threads that wait
/// for their turn. Fitted to recordings.
const PATH_MILLIS: f64 = 0.5;
/// KafkaSpout's default: so long it waits for lines before it looks at acknowledgements.
const POLL_MILLIS: f64 = 200.0;
const STEP_MILLIS: f64 = 100.0;
const POINT_SECS: f64 = 5.0;
const KIBIT_PER_MIB: f64 = 8.0 * 1024.0;
/// The lab's slots of a node.
const SLOTS: u32 = 4;

/// When what happened, in seconds from the start of the load.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The situation's change, or the start of its course.
    pub before_secs: f64,
    /// The start of the stage that was measured.
    pub settled_secs: f64,
    /// The length of that stage.
    pub stage_secs: f64,
}

impl Prediction {
    /// Each value beside the measured one.
    pub fn beside(&self, measured: &Measured) -> String {
        let pairs = [
            ("plans", self.actions, f64::from(measured.actions)),
            ("executors", self.executors, f64::from(bolts(&measured.executors))),
            ("executor-seconds", self.executor_secs, measured.executor_secs),
            ("words/s", self.throughput, measured.throughput),
            ("p50 ms", self.complete_p50_ms, measured.complete_p50_ms),
            ("p95 ms", self.complete_p95_ms, measured.complete_p95_ms),
        ];
        let shown = pairs.map(|(name, simulated, seen)| {
            format!("{name} {} for {}", short(simulated), short(seen))
        });
        format!("simulated for measured: {}", shown.join(", "))
    }
}

/// What the simulator says of a run; nothing where Thalweg has no part in it, or where something happened
/// that the simulator does not know.
///
/// # Errors
/// When a setting is not allowed, or the simulator contradicts itself.
pub fn predict(
    situation: &Situation,
    side: Side,
    options: &Options,
    timing: Timing,
    rates: Option<Vec<f64>>,
) -> Result<Option<Prediction>> {
    let knows = !matches!(situation.change, Some(Change::Kilobits(_)));
    if side == Side::Default || !knows {
        return Ok(None);
    }
    let scenario = scenario(situation, timing, rates);
    let mut given = storm_settings(side, options, std::path::Path::new("."), None);
    given.extend(situation.settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    let runs = runs(&scenario, given)?;
    let stages: Vec<Prediction> = runs.iter().map(|run| of_stage(run, situation, timing)).collect();
    Ok(Some(middle(&stages)))
}

/// The situation as the simulator knows it.
fn scenario(situation: &Situation, timing: Timing, rates: Option<Vec<f64>>) -> Scenario {
    let rate = situation.rate;
    let shape = match rates {
        None => LoadShape::Constant { level: 1.0 },
        Some(rates) => {
            let course = levels(timing.before_secs, &rates, rate);
            LoadShape::Steps { levels: [[0.0, 1.0]].into_iter().chain(course).collect() }
        }
    };
    let change = situation.change.and_then(|change| match change {
        Change::Cores(left) => {
            let node = situation.cores.len() - 1;
            let factor = left / situation.cores[node];
            let kind = FaultKind::SlowNode { node, factor };
            Some(Fault { at_secs: timing.before_secs, for_secs: f64::MAX / 4.0, kind })
        }
        Change::Kilobits(_) => None,
    });
    let words = f64::from(situation.words_per_line);
    Scenario {
        about: situation.title.to_owned(),
        duration_secs: timing.settled_secs + timing.stage_secs,
        step_millis: STEP_MILLIS,
        point_secs: POINT_SECS,
        rate,
        jitter: 0.05,
        workers: 3,
        nodes: nodes(situation),
        components: components(situation),
        edges: vec![
            edge("spout", "split", Grouping::Shuffle, 1.0, words * WORD_BYTES),
            edge("split", "count", Grouping::Fields, words, WORD_BYTES),
        ],
        load: Load { shape, noise: 0.0 },
        storm: Storm { poll_millis: POLL_MILLIS, ..Storm::default() },
        metrics: Metrics { report_secs: 2.0, sample_rate: 1.0, lag: false, ..Metrics::default() },
        faults: change.into_iter().collect(),
        ..template::empty(situation.name, EngineKind::Storm)
    }
}

fn nodes(situation: &Situation) -> Vec<NodeGroup> {
    let nodes = (1..).zip(&situation.cores).map(|(number, &cores)| {
        let whole = node(cores, SLOTS);
        let limited = situation.links.iter().find(|(of, _)| *of == number);
        let link_mib =
            limited.map_or(whole.link_mib, |(_, kilobits)| f64::from(*kilobits) / KIBIT_PER_MIB);
        // What Storm takes for granted of supervisors that say nothing.
        let declared_cores = (!situation.declared).then_some(4.0);
        NodeGroup { link_mib, declared_cores, ..whole }
    });
    nodes.collect()
}

fn components(situation: &Situation) -> Vec<ComponentSpec> {
    let number = |key: &str| situation.arguments.get(key).and_then(|text| text.parse::<f64>().ok());
    let of = |id: &str, kind, tasks: f64| {
        let executors = number(id).unwrap_or(1.0);
        let burnt = number(&format!("{id}Cost")).unwrap_or(0.0) * 1_000.0;
        let tasks = tasks.max(executors) as u32;
        ComponentSpec { tasks, ..component(id, kind, executors as u32, burnt + OVERHEAD_MICROS) }
    };
    vec![
        of("spout", ComponentKind::Source, 1.0),
        of("split", ComponentKind::Operator, number("splitTasks").unwrap_or(1.0)),
        ComponentSpec {
            delay_millis: PATH_MILLIS,
            ..of("count", ComponentKind::Operator, number("countTasks").unwrap_or(12.0))
        },
    ]
}

/// What a run tells of the stage that was measured.
fn of_stage(run: &RunResult, situation: &Situation, timing: Timing) -> Prediction {
    let stage: Vec<_> = run.points.iter().filter(|p| p.secs > timing.settled_secs).collect();
    let mean = |of: &dyn Fn(&thalweg_sim::Point) -> f64| {
        stage.iter().map(|point| of(point)).sum::<f64>() / stage.len().max(1) as f64
    };
    Prediction {
        actions: run.actions.iter().filter(|action| action.done).count() as f64,
        executors: stage.last().map_or(0.0, |point| f64::from(point.executors)),
        executor_secs: mean(&|point| f64::from(point.executors)) * timing.stage_secs,
        throughput: mean(&|point| point.completed) * f64::from(situation.words_per_line),
        complete_p50_ms: mean(&|point| point.p50_ms.unwrap_or(0.0)),
        complete_p95_ms: mean(&|point| point.p95_ms.unwrap_or(0.0)),
    }
}

/// The median of each value.
fn middle(runs: &[Prediction]) -> Prediction {
    let of = |value: fn(&Prediction) -> f64| {
        let values: Vec<f64> = runs.iter().map(value).collect();
        Summary::of(&values).map_or(0.0, |summary| summary.median)
    };
    Prediction {
        actions: of(|p| p.actions),
        executors: of(|p| p.executors),
        executor_secs: of(|p| p.executor_secs),
        throughput: of(|p| p.throughput),
        complete_p50_ms: of(|p| p.complete_p50_ms),
        complete_p95_ms: of(|p| p.complete_p95_ms),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::options::Store;

    fn predicted(situation: &str, side: Side) -> Option<Prediction> {
        let situation: Situation = situation.parse().expect("one of them");
        let options = Options {
            stage: Duration::from_secs(20),
            store: Store::Embedded,
            keep: None,
            policy: Some("thalweg".to_owned()),
            settings: Vec::new(),
        };
        let timing = Timing { before_secs: 15.0, settled_secs: 160.0, stage_secs: 20.0 };
        let rates = situation.course.rates(situation.rate).expect("a readable load");
        predict(&situation, side, &options, timing, rates).expect("allowed settings")
    }

    #[test]
    fn too_few_executors_become_more_and_enough_stay() {
        let short = predicted("a", Side::Thalweg).expect("known to the simulator");
        assert!(short.actions >= 1.0 && short.executors > 4.0, "{short:?}");
        assert!((short.throughput - 910.0).abs() < 10.0, "{short:?}");
        let enough = predicted("e", Side::Thalweg).expect("known to the simulator");
        assert!((enough.throughput - 420.0).abs() < 5.0, "{enough:?}");
        assert!((15.0..30.0).contains(&enough.complete_p50_ms), "{enough:?}");
    }

    #[test]
    fn what_the_simulator_does_not_know_is_not_predicted() {
        assert_eq!(predicted("a", Side::Default), None);
        assert_eq!(predicted("d", Side::Thalweg), None, "a link that changes");
    }
}
