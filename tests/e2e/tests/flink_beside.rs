//! Thalweg beside a Flink of the line that is kept for long.

use anyhow::Result;
use thalweg_e2e::beside::flink::parallelism_follows;
use thalweg_lab::flink::FlinkLine;

#[test]
fn parallelism_follows_the_load_of_a_cluster_in_which_nothing_is_installed() -> Result<()> {
    parallelism_follows(FlinkLine::V1_20)
}
