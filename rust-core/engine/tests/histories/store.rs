//! A store in memory that fails when it is told to, and can lose everything.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use thalweg_store::{Head, Loaded, Record, RoutingTable, Stamped, Store, StoreError, TERM_SHIFT};

/// What is stored, shared by whoever opens it.
#[derive(Default)]
pub struct Memory(Mutex<Content>);

#[derive(Default)]
struct Content {
    tables: BTreeMap<String, RoutingTable>,
    epochs: BTreeMap<String, u64>,
    stamped: BTreeMap<String, Stamped>,
    term: u64,
    /// So many writes from now on fail.
    failing: u32,
}

impl Memory {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the next writes fail.
    pub fn fail(&self, writes: u32) {
        self.content().failing = writes;
    }

    /// Loses everything, as a server that was flushed.
    pub fn empty(&self) {
        *self.content() = Content::default();
    }

    fn write(&self) -> Result<MutexGuard<'_, Content>, StoreError> {
        let mut content = self.content();
        if content.failing == 0 {
            return Ok(content);
        }
        content.failing -= 1;
        Err(StoreError::File { path: "memory".to_owned(), reason: "disk full".to_owned() })
    }
}

impl Store for Memory {
    fn publish(&self, table: &RoutingTable) -> Result<(), StoreError> {
        let mut content = self.write()?;
        let held = content.tables.get(&table.topology);
        if let Some(held) = held.filter(|held| held.epoch > table.epoch) {
            let (stored, got) = (held.epoch, table.epoch);
            return Err(StoreError::Fenced { topology: table.topology.clone(), stored, got });
        }
        content.tables.insert(table.topology.clone(), table.clone());
        Ok(())
    }

    fn table(&self, topology: &str) -> Result<Option<Loaded>, StoreError> {
        let table = self.content().tables.get(topology).cloned();
        Ok(table.map(|table| Loaded { table, dropped: Vec::new() }))
    }

    fn head(&self, topology: &str) -> Result<Option<Head>, StoreError> {
        let content = self.content();
        let head = |table: &RoutingTable| Head { epoch: table.epoch, digest: table.digest.clone() };
        Ok(content.tables.get(topology).map(head))
    }

    fn tables(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.content().tables.keys().cloned().collect())
    }

    fn remove(&self, topology: &str) -> Result<(), StoreError> {
        self.write()?.tables.remove(topology);
        Ok(())
    }

    fn next_epoch(&self, topology: &str, term: u64) -> Result<u64, StoreError> {
        let mut content = self.write()?;
        let stored = content.tables.get(topology).map_or(0, |table| table.epoch);
        let known = stored.max(content.epochs.get(topology).copied().unwrap_or(0));
        if known >> TERM_SHIFT > term {
            let (key, stored) = (topology.to_owned(), known >> TERM_SHIFT);
            return Err(StoreError::Deposed { key, stored, got: term });
        }
        let next = (known + 1).max(term << TERM_SHIFT);
        content.epochs.insert(topology.to_owned(), next);
        Ok(next)
    }

    fn begin_term(&self, at_least: u64) -> Result<u64, StoreError> {
        let mut content = self.write()?;
        content.term = (content.term + 1).max(at_least);
        Ok(content.term)
    }

    fn put_stamped(&self, key: &str, term: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let mut content = self.write()?;
        if let Some(held) = content.stamped.get(key).filter(|held| held.term > term) {
            return Err(StoreError::Deposed { key: key.to_owned(), stored: held.term, got: term });
        }
        content.stamped.insert(key.to_owned(), Stamped { term, bytes: bytes.to_vec() });
        Ok(())
    }

    fn stamped(&self, key: &str) -> Result<Option<Stamped>, StoreError> {
        Ok(self.content().stamped.get(key).cloned())
    }

    fn append_record(&self, _: &str) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn records(&self, _: u64, _: usize) -> Result<Vec<Record>, StoreError> {
        Ok(Vec::new())
    }

    fn put_state(&self, _: &str, _: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }

    fn state(&self, _: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn state_keys(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}
