//! The last good table of every topology.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::embedded::EmbeddedStore;
use crate::error::StoreError;
use crate::store::{Head, Loaded, Store, UnreadableRow};
use crate::table::RoutingTable;

/// The last good tables.
#[derive(Default)]
pub(super) struct Memory {
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    table: Arc<RoutingTable>,
    dropped: Vec<UnreadableRow>,
}

impl Memory {
    /// What a journal holds.
    pub(super) fn of(journal: &EmbeddedStore) -> Result<Self, StoreError> {
        let mut memory = Self::default();
        for topology in journal.tables()? {
            match journal.table(&topology) {
                Ok(Some(loaded)) => memory.put(loaded),
                Ok(None) => {}
                Err(error @ StoreError::Corrupt { .. }) => {
                    tracing::warn!(topology, %error, "table in the journal cannot be used");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(memory)
    }

    /// Remembers a table published by this process.
    pub(super) fn put_own(&mut self, table: Arc<RoutingTable>) {
        let entry = Entry { table, dropped: Vec::new() };
        self.entries.insert(entry.table.topology.clone(), entry);
    }

    /// Remembers a table that was read.
    pub(super) fn put(&mut self, loaded: Loaded) {
        let Loaded { table, dropped } = loaded;
        let entry = Entry { table: Arc::new(table), dropped };
        self.entries.insert(entry.table.topology.clone(), entry);
    }

    pub(super) fn forget(&mut self, topology: &str) {
        self.entries.remove(topology);
    }

    pub(super) fn get(&self, topology: &str) -> Option<(Arc<RoutingTable>, Vec<UnreadableRow>)> {
        let entry = self.entries.get(topology)?;
        Some((Arc::clone(&entry.table), entry.dropped.clone()))
    }

    pub(super) fn head(&self, topology: &str) -> Option<Head> {
        let table = &self.entries.get(topology)?.table;
        Some(Head { epoch: table.epoch, digest: table.digest.clone() })
    }

    pub(super) fn topologies(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }
}
