//! What takes too long to run with each change, on real clusters: `make thorough-test`.

mod flink_act;
mod takeover;
mod two_nimbuses;
