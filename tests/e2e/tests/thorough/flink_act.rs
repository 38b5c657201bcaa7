//! Orders on the line before, where TaskManagers have names.

use anyhow::Result;
use thalweg_e2e::orders::orders_are_carried_out;
use thalweg_lab::flink::{FlinkBuilder, FlinkLine};

#[test]
fn orders_are_carried_out_on_the_line_before_where_task_managers_have_names() -> Result<()> {
    orders_are_carried_out(FlinkLine::V2_2, FlinkBuilder::pinned)
}
