//! What a stable stage measured: statistics of executors at its start and end, and the topology's journals.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use thalweg_lab::control::{Executor, Stats, TopologyInfo};
use thalweg_lab::counts::{Completed, Output, Spouts};
use thalweg_sim::calibrate::Recording;

use crate::disruption::Disruption;
use crate::prediction::Prediction;
use crate::situation::Side;
use crate::status::Status;

/// One run of one side in one situation.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Measured {
    /// Who placed the executors.
    pub side: Side,
    /// Mean time that a tuple's way through all bolts spends in `execute`, in milliseconds.
    pub execute_ms: f64,
    /// Mean time until each bolt on that way had acknowledged, in milliseconds.
    pub process_ms: f64,
    /// Mean time until a line was complete, in milliseconds.
    pub complete_ms: f64,
    /// What every second line stayed below.
    pub complete_p50_ms: f64,
    /// What 95 of 100 lines stayed below.
    pub complete_p95_ms: f64,
    /// What 99 of 100 lines stayed below.
    pub complete_p99_ms: f64,
    /// Words counted per second.
    pub throughput: f64,
    /// Tuples per second that went from one node to another; 0 where that is not measured.
    pub crossing: f64,
    /// Lines failed, and so replayed, within the stage.
    pub failed: u64,
    /// Lines failed, and so replayed, from the start of the load to the end of the stage.
    pub replayed: u64,
    /// Changes that were carried out.
    pub actions: u32,
    /// Changes that were begun and given up.
    pub aborted: u32,
    /// Seconds from the start of the load until the stage began.
    pub settled_secs: f64,
    /// Seconds that each executor existed within the stage, summed.
    pub executor_secs: f64,
    /// Mean time for which the load not yet worked off would have kept the topology waiting, in seconds.
    pub backlog_secs: f64,
    /// Executors of each component at the end.
    pub executors: BTreeMap<String, u32>,
    /// What the changes cost.
    pub disruptions: Vec<Disruption>,
    /// What the simulator says of the same run, where it can.
    pub predicted: Option<Prediction>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// The run from the start of its load to the end of the stage.
    #[serde(skip)]
    pub recording: Option<Recording>,
}

/// Mean latencies of a tuple's way through all bolts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PathLatency {
    /// In `execute`.
    pub execute_ms: f64,
    /// Until the acknowledgement.
    pub process_ms: f64,
}

impl PathLatency {
    /// Differences two readings: the mean of each bolt's tuples in between, summed over the bolts.
    pub fn between(start: &TopologyInfo, end: &TopologyInfo) -> Self {
        let known: BTreeMap<_, &Stats> =
            start.executors.iter().filter_map(|e| Some((key(e), e.stats.as_ref()?))).collect();
        let mut bolts: BTreeMap<&str, Sums> = BTreeMap::new();
        for executor in &end.executors {
            if let (Some(stats), false) = (&executor.stats, executor.component.starts_with("__")) {
                let sums = bolts.entry(&executor.component).or_default();
                sums.add(stats, known.get(&key(executor)).copied());
            }
        }
        Self {
            execute_ms: bolts.values().map(|sums| mean(sums.execute)).sum(),
            process_ms: bolts.values().map(|sums| mean(sums.process)).sum(),
        }
    }
}

/// Tuples that went from one node to another between two readings, over some streams of sender and receiver.
///
/// Storm counts no pairs of executors. Where a grouping deals tuples out evenly, whoever sends them, each receiver has
/// had as large a part of them from other nodes as is sent there.
pub fn crossing(start: &TopologyInfo, end: &TopologyInfo, streams: &[(&str, &str)]) -> f64 {
    let known: BTreeMap<_, &Stats> =
        start.executors.iter().filter_map(|e| Some((key(e), e.stats.as_ref()?))).collect();
    let since = |executor: &Executor, count: fn(&Stats) -> u64| {
        let now = executor.stats.as_ref().map_or(0, count);
        // Fewer than before: the worker began anew in between, and counts from zero.
        let before = known.get(&key(executor)).map(|stats| count(stats)).filter(|n| *n <= now);
        (now - before.unwrap_or(0)) as f64
    };
    let of_stream = |(from, to): &(&str, &str)| {
        let sent = |executor: &Executor| since(executor, |stats| stats.transferred);
        let all: f64 = end.of(from).map(sent).sum();
        let received = end.of(to).map(|receiver| {
            let here: f64 = end.of(from).filter(|e| e.host == receiver.host).map(sent).sum();
            let had = since(receiver, |stats| stats.executed.unwrap_or(0));
            if all > 0.0 { had * (1.0 - here / all) } else { 0.0 }
        });
        received.sum::<f64>()
    };
    streams.iter().map(of_stream).sum()
}

/// Executors of each component, the engine's own left out.
pub fn executors(info: &TopologyInfo) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for executor in info.executors.iter().filter(|e| !e.component.starts_with("__")) {
        *counts.entry(executor.component.clone()).or_default() += 1;
    }
    counts
}

/// Executors of all components but the source.
pub fn bolts(executors: &BTreeMap<String, u32>) -> u32 {
    executors.iter().filter(|(id, _)| *id != "spout").map(|(_, count)| count).sum()
}

impl Measured {
    /// Adds what Thalweg did, and what that cost until so long after each action, as the journals in a folder tell.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub fn account(&mut self, status: &Status, out: &Path, aftermath_ms: u64) -> Result<()> {
        let (output, spouts) = (Output::read(out)?, Spouts::read(out)?);
        for ended in &status.ended {
            if let Some(code) = &ended.code {
                self.aborted += 1;
                self.notes.push(format!("a plan was given up: {code} {}", ended.how));
                continue;
            }
            self.actions += 1;
            self.notes.push(format!("{:?} by {}", ended.plan.kind, ended.how));
            let begun = ended.steps.iter().map(|step| step.started_at).filter(|at| *at > 0).min();
            if let Some(begun) = begun {
                let window = begun..ended.at + aftermath_ms;
                self.disruptions.push(Disruption::within(&window, &output, &spouts));
            }
        }
        self.notes.extend(status.problems.iter().cloned());
        Ok(())
    }

    /// Fills in what the journals say of the stage.
    #[must_use]
    pub fn with_completed(mut self, stage: &Completed, replayed: u64) -> Self {
        self.complete_ms = stage.mean_ms;
        self.complete_p50_ms = stage.p50_ms as f64;
        self.complete_p95_ms = stage.p95_ms as f64;
        self.complete_p99_ms = stage.p99_ms as f64;
        self.failed = stage.failed;
        self.replayed = replayed;
        self
    }
}

/// Tuples, and the milliseconds spent on them.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    execute: (f64, f64),
    process: (f64, f64),
}

impl Sums {
    fn add(&mut self, end: &Stats, start: Option<&Stats>) {
        // Fewer than before: the worker began anew in between, and counts from zero.
        let start = start.filter(|start| start.executed <= end.executed);
        let total = |stats: &Stats| {
            let executed = stats.executed.unwrap_or(0) as f64;
            let acked = stats.acked as f64;
            let spent = |tuples: f64, mean: Option<f64>| (tuples, tuples * mean.unwrap_or(0.0));
            (spent(executed, stats.execute_ms), spent(acked, stats.process_ms))
        };
        let (execute, process) = total(end);
        let (execute_then, process_then) = start.map(total).unwrap_or_default();
        self.execute = plus(self.execute, minus(execute, execute_then));
        self.process = plus(self.process, minus(process, process_then));
    }
}

fn plus(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0 + b.0, a.1 + b.1)
}

fn minus(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0 - b.0, a.1 - b.1)
}

fn mean((tuples, millis): (f64, f64)) -> f64 {
    if tuples > 0.0 { millis / tuples } else { 0.0 }
}

fn key(executor: &Executor) -> (&str, u32, u32, &str, u16) {
    let Executor { component, first_task, last_task, host, port, .. } = executor;
    (component, *first_task, *last_task, host, *port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bolt(component: &str, port: u16, executed: u64, execute_ms: f64) -> Executor {
        let stats = Stats {
            emitted: 0,
            transferred: 0,
            executed: Some(executed),
            acked: executed,
            failed: 0,
            execute_ms: Some(execute_ms),
            process_ms: Some(execute_ms + 1.0),
            complete_ms: None,
        };
        Executor {
            component: component.to_owned(),
            first_task: 1,
            last_task: 1,
            host: "n1".to_owned(),
            port,
            uptime_secs: 1,
            stats: Some(stats),
        }
    }

    fn info(executors: Vec<Executor>) -> TopologyInfo {
        let text = "words".to_owned();
        TopologyInfo {
            id: text.clone(),
            name: text,
            status: "ACTIVE".to_owned(),
            uptime_secs: 1,
            executors,
        }
    }

    #[test]
    fn latencies_are_those_of_the_stage_alone_and_add_up_along_the_way() {
        // 100 tuples at 10 ms before, 300 at 5 ms in all: the 200 of the stage took 2.5 ms each.
        let start = info(vec![bolt("split", 1, 100, 10.0), bolt("__acker", 1, 9, 9.0)]);
        let end = info(vec![bolt("split", 1, 300, 5.0), bolt("__acker", 1, 90, 9.0)]);
        let one = PathLatency::between(&start, &end);
        assert!((one.execute_ms - 2.5).abs() < 1e-9, "{one:?}");

        let start = info(vec![bolt("split", 1, 100, 10.0)]);
        let end = info(vec![bolt("split", 1, 300, 5.0), bolt("count", 1, 10, 1.0)]);
        assert!((PathLatency::between(&start, &end).execute_ms - 3.5).abs() < 1e-9);
    }

    #[test]
    fn tuples_cross_where_sender_and_receiver_are_on_different_nodes() {
        let at = |host: &str, component, port, sent, executed| {
            let mut executor = bolt(component, port, executed, 1.0);
            host.clone_into(&mut executor.host);
            let stats = executor.stats.as_mut().expect("a bolt has statistics");
            stats.transferred = sent;
            executor
        };
        let start = info(vec![at("n1", "split", 1, 0, 0), at("n2", "count", 2, 0, 100)]);
        // A quarter of the tuples is sent from n2, which counts 200 of 400 since the start.
        let end = info(vec![
            at("n1", "split", 1, 300, 0),
            at("n2", "split", 2, 100, 0),
            at("n1", "count", 1, 0, 200),
            at("n2", "count", 2, 0, 300),
        ]);
        let crossed = crossing(&start, &end, &[("split", "count")]);
        assert!((crossed - (200.0 * 0.25 + 200.0 * 0.75)).abs() < 1e-9, "{crossed}");
    }

    #[test]
    fn a_restarted_executor_counts_from_zero() {
        let start = info(vec![bolt("split", 1, 1_000, 10.0)]);
        let end = info(vec![bolt("split", 1, 40, 3.0)]);
        let path = PathLatency::between(&start, &end);
        assert!((path.execute_ms - 3.0).abs() < 1e-9, "{path:?}");
        assert!((path.process_ms - 4.0).abs() < 1e-9, "{path:?}");
    }
}
