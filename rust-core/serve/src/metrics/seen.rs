//! What metrics are taken from.

use thalweg_core::explain::gauges::{LedgerHealth, Scheduler};

use crate::status::Status;
use crate::watch::Known;

/// One engine at one moment.
pub struct Seen<'a> {
    pub name: &'a str,
    pub known: &'a Known,
    pub status: Option<&'a Status>,
}

impl Seen<'_> {
    /// What is shown of the scheduler itself; nothing where it never answered.
    pub fn scheduler(&self) -> Option<Scheduler> {
        let status = self.status?;
        let ledger = status.ledger.as_ref();
        Some(Scheduler {
            leads: status.leads,
            problems: status.problems.len(),
            store_up: status.store.up,
            nodes: status.nodes.len(),
            acts: status.plan.is_some(),
            ledger: ledger.map(|of| LedgerHealth { failures: of.failures, lost: of.lost }),
        })
    }
}
