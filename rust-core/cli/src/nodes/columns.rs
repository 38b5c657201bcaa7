//! The table of what was known of nodes: a row for each at each time.

use std::fs::File;

use anyhow::Result;
use thalweg_connect::prometheus::{Quantity, Telemetry};

use crate::parquet::{Cell, Column, Kind, Table, perhaps};

/// Begins the table.
pub fn table(file: File) -> Result<Table> {
    let mut columns = vec![
        Column::of("at", Kind::Time),
        Column::of("node", Kind::Text),
        Column::of("host", Kind::Text),
        Column::of("sources", Kind::Text),
    ];
    columns.extend(Quantity::ALL.map(|(_, name, _)| Column::perhaps(name, Kind::Number)));
    Table::new(file, "node_telemetry", &columns)
}

/// Writes what was known of each node at a time.
pub fn write(table: &mut Table, telemetry: &Telemetry) -> Result<()> {
    for node in &telemetry.nodes {
        let sources = node.sources.join(", ");
        let mut cells = vec![
            Cell::Whole(node.at.millis()),
            Cell::Text(&node.id),
            Cell::Text(&node.host),
            Cell::Text(&sources),
        ];
        cells.extend(Quantity::ALL.map(|(quantity, ..)| perhaps(node.value(quantity))));
        table.row(&cells)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_tells_what_each_value_is() {
        let page = include_str!("../../../../docs/operating/nodes.md");
        for (_, name, meaning) in Quantity::ALL {
            let row = format!("| `{name}` | {meaning} |");
            assert!(page.contains(&row), "docs/operating/nodes.md lacks {row}");
        }
    }
}
