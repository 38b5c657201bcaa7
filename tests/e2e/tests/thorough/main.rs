//! What takes too long to run with each change, on real clusters: `make thorough-test`.

mod doctor;
mod flink_act;
mod flink_lines;
mod nexmark;
mod storm_lines;
mod takeover;
mod two_job_managers;
mod two_nimbuses;
