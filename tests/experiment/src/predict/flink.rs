//! A load that changes, on Flink.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Map, Value, json};
use thalweg_core::model::{ComponentKind, Grouping};
use thalweg_sim::scenario::{ComponentSpec, EngineKind, Flink, Load, LoadShape, Metrics, template};
use thalweg_sim::{Point, RunResult, Scenario};

use super::{WORD_BYTES, component, edge, levels, node, runs};
use crate::flink::demand::Demand;
use crate::flink::measured::Stepped;
use crate::flink::prediction::Prediction;
use crate::flink::side::{FlinkSide, SLOTS};
use crate::options::value;
use crate::summary::{Summary, short};

/// The settings that Thalweg's shell in Flink begins with.
const DEFAULTS: &str =
    include_str!("../../../../jvm-adapter/flink/src/main/resources/io/thalweg/flink/defaults.json");
/// Flink's own work on a record.
const OVERHEAD_MICROS: f64 = 20.0;
const STEP_MILLIS: f64 = 100.0;
const POINT_SECS: f64 = 1.0;
const WORDS: f64 = 7.0;
/// Subtasks of the operator that counts words.
const COUNTERS: u32 = 2;

impl Prediction {
    /// Each value beside the measured one.
    pub fn beside(&self, measured: &Stepped) -> String {
        let pairs = [
            ("rescales", self.rescales, measured.rescales.len() as f64),
            ("backlog area", self.backlog_area, measured.backlog_area),
            ("slot-seconds", self.slot_seconds, measured.slot_seconds),
            ("p99 ms", self.p99_ms, measured.p99_ms),
        ];
        let shown = pairs.map(|(name, simulated, seen)| {
            format!("{name} {} for {}", short(simulated), short(seen))
        });
        format!("simulated for measured: {}", shown.join(", "))
    }
}

/// What the simulator says of a run; nothing where Thalweg has no part in it.
///
/// # Errors
/// When a setting is not allowed, or the simulator contradicts itself.
pub fn predict(
    side: FlinkSide,
    demand: &Demand,
    settings: &[(String, String)],
) -> Result<Option<Prediction>> {
    if !matches!(side, FlinkSide::Level1 | FlinkSide::Level2) {
        return Ok(None);
    }
    let mut given: Map<String, Value> = serde_json::from_str(DEFAULTS)?;
    if side == FlinkSide::Level1 {
        given.insert("thalweg.placement.slots".into(), json!("engine"));
    }
    given.extend(settings.iter().map(|(key, text)| (key.clone(), value(text))));
    let runs = runs(&scenario(demand), given)?;
    let middle = |of: &dyn Fn(&RunResult) -> f64| {
        let values: Vec<f64> = runs.iter().map(of).collect();
        Summary::of(&values).map_or(0.0, |summary| summary.median)
    };
    Ok(Some(Prediction {
        rescales: middle(&|run| run.actions.iter().filter(|action| action.done).count() as f64),
        backlog_area: middle(&waiting_area),
        slot_seconds: middle(&|run| slot_seconds(run, demand.length().as_secs_f64())),
        p99_ms: middle(&|run| run.measures.p99_ms),
    }))
}

/// The job as the simulator knows it.
fn scenario(demand: &Demand) -> Scenario {
    let rate = demand.highest();
    let levels = levels(0.0, demand.rates(), rate).collect();
    let operator = |id: &str, executors, work_micros| {
        let most = 2 * u32::from(SLOTS);
        ComponentSpec {
            tasks: most,
            ..component(id, ComponentKind::Operator, executors, work_micros)
        }
    };
    let source = component("source", ComponentKind::Source, 1, OVERHEAD_MICROS);
    // A line keeps its subtask waiting, and the processor free.
    let split =
        ComponentSpec { cpu_share: 0.0, ..operator("split", 1, demand.line_ms() * 1_000.0) };
    Scenario {
        about: "a load that changes".to_owned(),
        duration_secs: demand.length().as_secs_f64(),
        step_millis: STEP_MILLIS,
        point_secs: POINT_SECS,
        rate,
        jitter: 0.05,
        nodes: vec![node(1.0, u32::from(SLOTS)), node(1.0, u32::from(SLOTS))],
        components: vec![source, split, operator("count", COUNTERS, OVERHEAD_MICROS)],
        edges: vec![
            edge("source", "split", Grouping::Shuffle, 1.0, WORDS * WORD_BYTES),
            edge("split", "count", Grouping::Fields, WORDS, WORD_BYTES),
        ],
        load: Load { shape: LoadShape::Steps { levels }, noise: 0.0 },
        flink: Flink { checkpoint_secs: 2.0, restart_secs: [0.4, 1.0], ..Flink::default() },
        metrics: Metrics { report_secs: 1.0, delay_secs: 0.2, ..Metrics::default() },
        ..template::empty("steps", EngineKind::Flink)
    }
}

/// Lines that arrived and were not counted yet, summed over time: before the source and within the job.
fn waiting_area(run: &RunResult) -> f64 {
    let more = |point: &Point| (point.offered - point.completed) * POINT_SECS;
    let waiting = run.points.iter().scan(0.0, |waiting, point| {
        *waiting += more(point);
        Some(*waiting)
    });
    waiting.map(|lines| lines.max(0.0) * POINT_SECS).sum()
}

/// A slot holds a subtask of each operator, so that the one with most subtasks tells how many are in use.
fn slot_seconds(run: &RunResult, until: f64) -> f64 {
    let mut counts: BTreeMap<String, u32> =
        [("split".to_owned(), 1), ("count".to_owned(), COUNTERS)].into();
    let most = |counts: &BTreeMap<String, u32>| {
        f64::from(counts.values().copied().max().unwrap_or_default())
    };
    let (mut sum, mut since) = (0.0, 0.0);
    for action in run.actions.iter().filter(|action| action.done && action.ended_secs < until) {
        sum += most(&counts) * (action.ended_secs - since);
        since = action.ended_secs;
        counts.extend(action.counts.clone());
    }
    sum + most(&counts) * (until - since)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a real run took: one rescale up and one down, 150 to 200 slot-seconds, a p99 of three seconds.
    #[test]
    fn a_step_is_foretold_with_the_settings_that_the_shell_begins_with() -> Result<()> {
        let demand = Demand::steps(30.0, 4.0, 25, 16.0);
        let quick = [
            ("thalweg.policy", "thalweg"),
            ("thalweg.scaling.up.delay.secs", "0"),
            ("thalweg.scaling.down.window.secs", "3"),
        ];
        let settings = quick.map(|(key, text)| (key.to_owned(), text.to_owned()));
        let found = predict(FlinkSide::Level2, &demand, &settings)?.expect("Thalweg has a part");
        assert!((2.0..=3.0).contains(&found.rescales), "{found:?}");
        assert!((130.0..200.0).contains(&found.slot_seconds), "{found:?}");
        assert!((1_500.0..6_000.0).contains(&found.p99_ms), "{found:?}");
        assert!((800.0..6_000.0).contains(&found.backlog_area), "{found:?}");
        Ok(())
    }
}
