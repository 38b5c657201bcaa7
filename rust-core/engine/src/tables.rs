//! Between the core's plans and the store's routing tables.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use thalweg_core::assign::Routes;
use thalweg_core::model::{Observation, Topology};
use thalweg_core::plan::{MigrationRow, Slot};
use thalweg_core::units::Timestamp;
use thalweg_store::{Change, RoutingTable, Row};

/// The table of a plan, its rows from both sides.
pub(crate) fn of_plan(
    plan: &str,
    topology: &str,
    epoch: u64,
    at: Timestamp,
    rows: &[MigrationRow],
) -> RoutingTable {
    let rows = rows.iter().map(|row| Row {
        executor: row.executor,
        component: row.component.clone(),
        node: Change::new(
            row.before.as_ref().map(|slot| slot.node.clone()),
            row.after.node.clone(),
        ),
        port: Change::new(row.before.as_ref().map(|slot| slot.port), row.after.port),
    });
    RoutingTable::new(plan, topology, epoch, at, rows.collect())
}

/// The places of a stored table as a shell reads them: those that its plan desires, once that is committed; until then
/// those before it, as far as the plan's executors had any.
pub(crate) fn in_force(table: &RoutingTable, committed: bool) -> Value {
    let place = |row: &Row| {
        let (node, port) = match committed {
            true => (row.node.after.clone(), row.port.after),
            false => (row.node.before.clone()?, row.port.before?),
        };
        Some(
            json!({ "component": row.component, "first": row.executor.first, "last": row.executor.last,
            "node": node, "port": port }),
        )
    };
    let rows: Vec<Value> = table.rows.iter().filter_map(place).collect();
    json!({ "plan": table.plan, "committed": committed, "rows": rows })
}

/// What a scheduling round needs of a stored table.
pub(crate) fn routes(table: &RoutingTable, committed: bool) -> Routes {
    let slot = |row: &Row| Slot { node: row.node.after.clone(), port: row.port.after };
    let rows = table.rows.iter().map(|row| (row.executor, (row.component.clone(), slot(row))));
    Routes { rows: rows.collect(), committed }
}

/// Where a topology's executors run, as rows that have the same slot on both sides; nothing while
/// any of them runs nowhere.
pub(crate) fn as_it_runs(
    observation: &Observation,
    topology: &Topology,
) -> Option<Vec<MigrationRow>> {
    topology
        .executors
        .iter()
        .map(|executor| {
            let slot = executor.slot?;
            let node = observation.nodes.get(slot.node as usize)?;
            let component = topology.components.get(executor.component as usize)?;
            let slot = Slot { node: node.id.clone(), port: slot.port };
            Some(MigrationRow {
                component: component.id.clone(),
                executor: executor.tasks,
                before: Some(slot.clone()),
                after: slot,
            })
        })
        .collect()
}

/// Routes of every topology.
pub(crate) type RoutesByTopology = BTreeMap<String, Routes>;
