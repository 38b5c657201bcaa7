//! What the tests of the stores share: tables to store, a Redis server of their own, and waiting.
#![allow(dead_code, clippy::unwrap_used)]

pub mod contract;
pub mod server;

use std::time::{Duration, Instant};

use thalweg_core::model::TaskRange;
use thalweg_core::units::Timestamp;
use thalweg_store::{Change, RoutingTable, Row};

/// A table of `rows` executors with two tasks each.
pub fn table(topology: &str, epoch: u64, rows: u32) -> RoutingTable {
    let runs = |n: u32| !n.is_multiple_of(7);
    let row = |n: u32| Row {
        executor: TaskRange::new(2 * n + 1, 2 * n + 2),
        component: format!("bolt-{}", n % 5),
        node: Change::new(runs(n).then(|| format!("node-{}", n % 3)), "node-9".into()),
        port: Change::new(runs(n).then_some(6700 + n % 4), 6700),
    };
    let at = Timestamp::from_millis(1_700_000_000_000);
    RoutingTable::new(format!("plan-{epoch}"), topology, epoch, at, (0..rows).map(row).collect())
}

/// Waits until a condition holds.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "waited 20 s in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
