//! The table of nodes: a row for each at each time.

use std::fs::File;

use anyhow::Result;
use thalweg_core::model::Observation;

use crate::parquet::{Cell, Column, Kind, Table, perhaps, perhaps_text, whole};

/// The file's name.
pub const FILE: &str = "nodes.parquet";

/// Its columns.
pub const COLUMNS: [Column; 12] = [
    Column::of("at", Kind::Time),
    Column::of("node", Kind::Text),
    Column::of("host", Kind::Text),
    Column::perhaps("rack", Kind::Text),
    Column::of("blacklisted", Kind::Flag),
    Column::of("draining", Kind::Flag),
    Column::of("slots", Kind::Whole),
    Column::of("executors", Kind::Whole),
    Column::perhaps("cpu_points", Kind::Number),
    Column::perhaps("memory_mib", Kind::Number),
    Column::perhaps("round_trip_ms", Kind::Number),
    Column::perhaps("clock_ahead_ms", Kind::Number),
];

/// Begins the table.
pub fn table(file: File) -> Result<Table> {
    Table::new(file, "nodes", &COLUMNS)
}

/// Writes the nodes of an observation.
pub fn write(table: &mut Table, observation: &Observation) -> Result<()> {
    let mut executors = vec![0; observation.nodes.len()];
    let all = observation.topologies.iter().flat_map(|topology| &topology.executors);
    for slot in all.filter_map(|executor| executor.slot) {
        if let Some(count) = executors.get_mut(slot.node as usize) {
            *count += 1;
        }
    }
    for (node, here) in observation.nodes.iter().zip(executors) {
        let rack = node.rack.as_str();
        table.row(&[
            Cell::Whole(observation.at.millis()),
            Cell::Text(&node.id),
            Cell::Text(&node.host),
            perhaps_text((!rack.is_empty()).then_some(rack)),
            Cell::Flag(node.blacklisted),
            Cell::Flag(node.draining),
            whole(node.ports.len() as u64),
            whole(here),
            perhaps(node.cpu_points),
            perhaps(node.memory_mib),
            perhaps(node.round_trip.map(|time| time.get())),
            perhaps(node.clock_ahead_ms),
        ])?;
    }
    Ok(())
}
