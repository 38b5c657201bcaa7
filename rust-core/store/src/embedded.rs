//! A store in one file on this machine: every write is on disk, whole, when the call returns.

use std::fs;
use std::path::{Path, PathBuf};

use redb::{
    Builder, Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    TableDefinition, WriteTransaction,
};

use crate::layout::Stored;
use crate::table::check_topology;
use crate::{Head, Loaded, Record, RoutingTable, Store, StoreError, check_json};

/// Topology to its table in stored form, as JSON.
const TABLES: TableDefinition<&str, &[u8]> = TableDefinition::new("tables");
/// Topology to epoch and digest of its table.
const HEADS: TableDefinition<&str, (u64, &str)> = TableDefinition::new("heads");
/// Topology to the last epoch given.
const EPOCHS: TableDefinition<&str, u64> = TableDefinition::new("epochs");
/// Number to record.
const LEDGER: TableDefinition<u64, &str> = TableDefinition::new("ledger");
/// Key to learned state.
const STATE: TableDefinition<&str, &[u8]> = TableDefinition::new("state");

/// Everything stored here is read rarely, so a small page cache does.
const CACHE_BYTES: usize = 16 << 20;

/// A store in one file on this machine.
#[derive(Debug)]
pub struct EmbeddedStore {
    database: Database,
    path: PathBuf,
    ledger_limit: u64,
}

impl EmbeddedStore {
    /// Opens, or makes, the file `thalweg.redb` in a folder and checks it from end to end.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has it open, [`StoreError::Corrupt`] when it was
    /// damaged, [`StoreError::File`] when the system forbids it.
    pub fn open(dir: &Path, ledger_limit: u64) -> Result<Self, StoreError> {
        let path = dir.join("thalweg.redb");
        fs::create_dir_all(dir).map_err(|error| failed(&path, redb::Error::Io(error)))?;
        let database = Builder::new()
            .set_cache_size(CACHE_BYTES)
            .set_check_integrity_on_open(true)
            .create(&path)
            .map_err(|error| failed(&path, error.into()))?;
        let store = Self { database, path, ledger_limit: ledger_limit.max(1) };
        store.write(create_tables)?;
        Ok(store)
    }

    /// Stores a table whatever its epoch, for one that the shared store has ruled to be valid.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn adopt(&self, table: &RoutingTable) -> Result<(), StoreError> {
        table.verify()?;
        self.write(|write| put_table(write, table))
    }

    /// An epoch above all that this store knows of and above `floor`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn next_epoch_above(&self, topology: &str, floor: u64) -> Result<u64, StoreError> {
        check_topology(topology)?;
        self.write(|write| {
            let stored = epoch_of(write, topology)?.map_or(0, |(epoch, _)| epoch);
            let mut epochs = write.open_table(EPOCHS)?;
            let given = epochs.get(topology)?.map_or(0, |epoch| epoch.value());
            let next = stored.max(given).max(floor) + 1;
            epochs.insert(topology, next)?;
            Ok(next)
        })
    }

    fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let attempt = || {
            let write = self.database.begin_write()?;
            let done = work(&write)?;
            write.commit()?;
            Ok(done)
        };
        attempt().map_err(|error| failed(&self.path, error))
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let attempt = || work(&self.database.begin_read()?);
        attempt().map_err(|error| failed(&self.path, error))
    }

    fn corrupt(&self, place: &str, reason: impl ToString) -> StoreError {
        let place = format!("{} ({place})", self.path.display());
        StoreError::Corrupt { place, reason: reason.to_string() }
    }
}

impl Store for EmbeddedStore {
    fn publish(&self, table: &RoutingTable) -> Result<(), StoreError> {
        table.verify()?;
        let ahead = self.write(|write| {
            let ahead = match epoch_of(write, &table.topology)? {
                Some((epoch, _)) if epoch > table.epoch => Some(epoch),
                Some((epoch, digest)) if epoch == table.epoch && digest != table.digest => {
                    Some(epoch)
                }
                _ => None,
            };
            if ahead.is_none() {
                put_table(write, table)?;
            }
            Ok(ahead)
        })?;
        ahead.map_or(Ok(()), |stored| {
            let topology = table.topology.clone();
            Err(StoreError::Fenced { topology, stored, got: table.epoch })
        })
    }

    fn table(&self, topology: &str) -> Result<Option<Loaded>, StoreError> {
        let bytes = self.read(|read| {
            let tables = read.open_table(TABLES)?;
            Ok(tables.get(topology)?.map(|bytes| bytes.value().to_vec()))
        })?;
        let Some(bytes) = bytes else { return Ok(None) };
        let stored: Stored =
            serde_json::from_slice(&bytes).map_err(|bad| self.corrupt(topology, bad))?;
        stored.load(topology).map(Some).map_err(|bad| self.corrupt(topology, bad))
    }

    fn head(&self, topology: &str) -> Result<Option<Head>, StoreError> {
        self.read(|read| {
            let heads = read.open_table(HEADS)?;
            Ok(heads.get(topology)?.map(|head| {
                let (epoch, digest) = head.value();
                Head { epoch, digest: digest.to_owned() }
            }))
        })
    }

    fn tables(&self) -> Result<Vec<String>, StoreError> {
        self.read(|read| {
            let heads = read.open_table(HEADS)?;
            let keys = heads.iter()?.map(|entry| Ok(entry?.0.value().to_owned()));
            keys.collect()
        })
    }

    fn remove(&self, topology: &str) -> Result<(), StoreError> {
        self.write(|write| {
            // The epoch stays: a topology that comes back must not be fenced by its own past.
            if let Some((epoch, _)) = epoch_of(write, topology)? {
                let mut epochs = write.open_table(EPOCHS)?;
                let given = epochs.get(topology)?.map_or(0, |epoch| epoch.value());
                epochs.insert(topology, epoch.max(given))?;
            }
            write.open_table(HEADS)?.remove(topology)?;
            write.open_table(TABLES)?.remove(topology)?;
            Ok(())
        })
    }

    fn next_epoch(&self, topology: &str) -> Result<u64, StoreError> {
        self.next_epoch_above(topology, 0)
    }

    fn append_record(&self, json: &str) -> Result<u64, StoreError> {
        check_json(json)?;
        self.write(|write| {
            let mut ledger = write.open_table(LEDGER)?;
            let seq = ledger.last()?.map_or(0, |(seq, _)| seq.value()) + 1;
            ledger.insert(seq, json)?;
            while ledger.len()? > self.ledger_limit {
                ledger.pop_first()?;
            }
            Ok(seq)
        })
    }

    fn records(&self, after: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.read(|read| {
            let ledger = read.open_table(LEDGER)?;
            let records = ledger.range(after.saturating_add(1)..)?.take(limit).map(|entry| {
                let (seq, json) = entry?;
                Ok(Record { seq: seq.value(), json: json.value().to_owned() })
            });
            records.collect()
        })
    }

    fn put_state(&self, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(|write| {
            write.open_table(STATE)?.insert(key, bytes)?;
            Ok(())
        })
    }

    fn state(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|read| {
            let state = read.open_table(STATE)?;
            Ok(state.get(key)?.map(|bytes| bytes.value().to_vec()))
        })
    }

    fn state_keys(&self) -> Result<Vec<String>, StoreError> {
        self.read(|read| {
            let state = read.open_table(STATE)?;
            let keys = state.iter()?.map(|entry| Ok(entry?.0.value().to_owned()));
            keys.collect()
        })
    }
}

/// Makes every table, so that reading never meets a missing one.
fn create_tables(write: &WriteTransaction) -> Result<(), redb::Error> {
    write.open_table(TABLES)?;
    write.open_table(HEADS)?;
    write.open_table(EPOCHS)?;
    write.open_table(LEDGER)?;
    write.open_table(STATE)?;
    Ok(())
}

fn epoch_of(
    write: &WriteTransaction,
    topology: &str,
) -> Result<Option<(u64, String)>, redb::Error> {
    let heads = write.open_table(HEADS)?;
    let head = heads.get(topology)?;
    Ok(head.map(|head| (head.value().0, head.value().1.to_owned())))
}

fn put_table(write: &WriteTransaction, table: &RoutingTable) -> Result<(), redb::Error> {
    let bytes =
        serde_json::to_vec(&Stored::of(table)).expect("maps of text always have a JSON form");
    let topology = table.topology.as_str();
    write.open_table(TABLES)?.insert(topology, bytes.as_slice())?;
    write.open_table(HEADS)?.insert(topology, (table.epoch, table.digest.as_str()))?;
    Ok(())
}

fn failed(path: &Path, error: redb::Error) -> StoreError {
    let path = path.display().to_string();
    match error {
        redb::Error::DatabaseAlreadyOpen => StoreError::Locked(path),
        redb::Error::Corrupted(reason) => StoreError::Corrupt { place: path, reason },
        other => StoreError::File { path, reason: other.to_string() },
    }
}
