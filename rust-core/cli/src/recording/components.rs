//! The table of components: a row for each of each topology at each time, with what it was counted and what was measured.

use std::fs::File;

use anyhow::Result;
use serde::Serialize;
use thalweg_core::explain::Decision;
use thalweg_core::model::{Counters, Executor, Observation, Topology};

use crate::parquet::{Cell, Column, Kind, Table, perhaps, perhaps_text, perhaps_whole, whole};

/// The file's name.
pub const FILE: &str = "components.parquet";

/// Its columns.
pub const COLUMNS: [Column; 37] = [
    Column::of("at", Kind::Time),
    Column::of("topology", Kind::Text),
    Column::of("name", Kind::Text),
    Column::of("status", Kind::Text),
    Column::perhaps("obstacle", Kind::Text),
    Column::perhaps("verdict", Kind::Text),
    Column::of("component", Kind::Text),
    Column::of("kind", Kind::Text),
    Column::of("executors", Kind::Whole),
    Column::of("placed", Kind::Whole),
    Column::of("tasks", Kind::Whole),
    Column::perhaps("backlog", Kind::Whole),
    Column::perhaps("partitions", Kind::Whole),
    Column::perhaps("cpu_points", Kind::Number),
    Column::perhaps("memory_mib", Kind::Number),
    // Counted by all its executors since each began.
    Column::perhaps("executed", Kind::Whole),
    Column::perhaps("acked", Kind::Whole),
    Column::perhaps("failed", Kind::Whole),
    Column::perhaps("emitted", Kind::Whole),
    Column::perhaps("transferred", Kind::Whole),
    Column::perhaps("completed", Kind::Whole),
    Column::perhaps("execute_ms", Kind::Number),
    Column::perhaps("process_ms", Kind::Number),
    Column::perhaps("complete_ms", Kind::Number),
    Column::perhaps("busy_ms", Kind::Number),
    Column::perhaps("backpressured_ms", Kind::Number),
    Column::perhaps("idle_ms", Kind::Number),
    Column::perhaps("gc_ms", Kind::Number),
    Column::perhaps("state_bytes", Kind::Whole),
    // Measured over the window, where any of its executors was.
    Column::perhaps("measured_executors", Kind::Whole),
    Column::perhaps("rate_per_sec", Kind::Number),
    Column::perhaps("busy_share", Kind::Number),
    Column::perhaps("busiest_share", Kind::Number),
    Column::perhaps("execute_latency_ms", Kind::Number),
    Column::perhaps("process_latency_ms", Kind::Number),
    Column::perhaps("complete_latency_ms", Kind::Number),
    Column::perhaps("believed_capacity_per_sec", Kind::Number),
];

/// Begins the table.
pub fn table(file: File) -> Result<Table> {
    Table::new(file, "components", &COLUMNS)
}

/// Writes the components of an observation, with what was decided upon it.
pub fn write(table: &mut Table, observation: &Observation, decisions: &[Decision]) -> Result<()> {
    for topology in &observation.topologies {
        let decision = decisions.iter().find(|decision| decision.topology == topology.id);
        for index in 0..topology.components.len() {
            one(table, observation, topology, index, decision)?;
        }
    }
    Ok(())
}

fn one(
    table: &mut Table,
    observation: &Observation,
    topology: &Topology,
    index: usize,
    decision: Option<&Decision>,
) -> Result<()> {
    let Some(component) = topology.components.get(index) else { return Ok(()) };
    let of = |executor: &&Executor| executor.component as usize == index;
    let executors: Vec<&Executor> = topology.executors.iter().filter(of).collect();
    let counted = Counted::of(&executors);
    let [status, kind] = [word(&topology.status), word(&component.kind)];
    let obstacle = topology.obstacle.map(|obstacle| word(&obstacle));
    let verdict = decision.map(|decision| word(&decision.verdict));
    let view = decision.and_then(|decision| decision.view.components.get(index));
    // Of what was not measured a view says nothing, in zeros.
    let view = view.filter(|view| view.id == component.id && view.measured > 0);
    let placed = executors.iter().filter(|executor| executor.slot.is_some()).count();
    table.row(&[
        Cell::Whole(observation.at.millis()),
        Cell::Text(&topology.id),
        Cell::Text(&topology.name),
        Cell::Text(&status),
        perhaps_text(obstacle.as_deref()),
        perhaps_text(verdict.as_deref()),
        Cell::Text(&component.id),
        Cell::Text(&kind),
        whole(executors.len() as u64),
        whole(placed as u64),
        whole(component.tasks.count().into()),
        perhaps_whole(component.backlog),
        perhaps_whole(component.partitions.map(u64::from)),
        perhaps(component.cpu_points),
        perhaps(component.memory_mib),
        perhaps_whole(counted.whole(|counters| Some(counters.executed))),
        perhaps_whole(counted.whole(|counters| Some(counters.acked))),
        perhaps_whole(counted.whole(|counters| Some(counters.failed))),
        perhaps_whole(counted.whole(|counters| Some(counters.emitted))),
        perhaps_whole(counted.whole(|counters| Some(counters.transferred))),
        perhaps_whole(counted.whole(|counters| Some(counters.completed))),
        perhaps(counted.number(|counters| Some(counters.execute_ms))),
        perhaps(counted.number(|counters| Some(counters.process_ms))),
        perhaps(counted.number(|counters| Some(counters.complete_ms))),
        perhaps(counted.number(|counters| counters.busy_ms)),
        perhaps(counted.number(|counters| counters.backpressured_ms)),
        perhaps(counted.number(|counters| counters.idle_ms)),
        perhaps(counted.number(|counters| counters.gc_ms)),
        perhaps_whole(counted.whole(|counters| counters.state_bytes)),
        perhaps_whole(view.map(|view| view.measured.into())),
        perhaps(view.and_then(|view| view.rate).map(|rate| rate.get())),
        perhaps(view.and_then(|view| view.mean_capacity).map(|share| share.get())),
        perhaps(view.and_then(|view| view.capacity).map(|share| share.get())),
        perhaps(view.and_then(|view| view.execute_latency).map(|time| time.get())),
        perhaps(view.and_then(|view| view.process_latency).map(|time| time.get())),
        perhaps(view.and_then(|view| view.complete_latency).map(|time| time.get())),
        perhaps(view.and_then(|view| view.believed_capacity).map(|rate| rate.get())),
    ])
}

/// The counters of all executors of a component; none where one of them did not report any.
struct Counted<'a>(Option<Vec<&'a Counters>>);

impl<'a> Counted<'a> {
    fn of(executors: &[&'a Executor]) -> Self {
        let all = executors.iter().map(|executor| executor.counters.as_ref()).collect();
        Self(if executors.is_empty() { None } else { all })
    }

    fn whole(&self, of: impl Fn(&Counters) -> Option<u64>) -> Option<u64> {
        let mut values = self.0.as_ref()?.iter().map(|counters| of(counters));
        values.try_fold(0, |sum: u64, value| Some(sum.saturating_add(value?)))
    }

    fn number(&self, of: impl Fn(&Counters) -> Option<f64>) -> Option<f64> {
        let mut values = self.0.as_ref()?.iter().map(|counters| of(counters));
        values.try_fold(0.0, |sum, value| Some(sum + value?))
    }
}

/// The word that stands for a value in JSON.
fn word(value: &impl Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}
