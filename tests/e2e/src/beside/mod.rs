//! Thalweg beside a cluster in which nothing is installed.

pub mod flink;
pub mod storm;
