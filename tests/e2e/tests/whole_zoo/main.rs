//! Topologies and jobs of all kinds on real clusters: `make zoo`.

mod flink;
mod storm;
