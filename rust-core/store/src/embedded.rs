//! A store in one file on this machine: every write is on disk, whole, when the call returns.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;

use redb::{ReadableTable, TableDefinition, TableError, WriteTransaction};

use crate::disk::Disk;
use crate::error::StoreError;
use crate::format;
use crate::layout::Stored;
use crate::limits::{FORMAT, TERM_SHIFT};
use crate::store::{Head, Loaded, Store};
use crate::table::{RoutingTable, check_topology};
use crate::term::{Stamp, Stamped, Version, check_term, epoch_after, term_after, version_after};

/// Topology to its table in stored form, as JSON.
const TABLES: TableDefinition<&str, &[u8]> = TableDefinition::new("tables");
/// Topology to epoch and digest of its table.
const HEADS: TableDefinition<&str, (u64, &str)> = TableDefinition::new("heads");
/// Topology to the last epoch given; removed topologies are in the floor.
const EPOCHS: TableDefinition<&str, u64> = TableDefinition::new("epochs");
/// Key to learned state.
const STATE: TableDefinition<&str, &[u8]> = TableDefinition::new("state");
/// Key to term, running number within it, and bytes.
const STAMPED: TableDefinition<&str, (u64, u64, &[u8])> = TableDefinition::new("stamped");
/// Name to number, for what there is one of.
const NUMBERS: TableDefinition<&str, u64> = TableDefinition::new("numbers");

/// The last term given or seen.
const TERM: &str = "term";
/// By what others know this writer's stamps; drawn when the file is made.
const WRITER: &str = "writer";
/// An epoch at or above all that removed topologies had.
const FLOOR: &str = "epoch-floor";

/// A store in one file on this machine.
#[derive(Debug)]
pub struct EmbeddedStore {
    disk: Disk,
}

impl EmbeddedStore {
    /// Opens, or makes, the file `thalweg.redb` in a folder and checks it from end to end.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has it open, [`StoreError::Corrupt`] when it was
    /// damaged, [`StoreError::Newer`] when a newer version wrote it, [`StoreError::File`] when the system forbids it.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let disk = Disk::open(dir, "thalweg.redb")?;
        let store = Self { disk };
        format::check(&store.disk.path().display().to_string(), store.format()?)?;
        store.disk.write(|write| {
            create_tables(write)?;
            raise(write, format::NAME, u64::from(FORMAT))?;
            if number(write, WRITER)? == 0 {
                raise(write, WRITER, u64::from(drawn()))?;
            }
            fold_epochs(write)
        })?;
        Ok(store)
    }

    /// The format that the file says it has; none of a new file, and of one of before formats were counted.
    fn format(&self) -> Result<u64, StoreError> {
        self.disk.read(|read| match read.open_table(NUMBERS) {
            Ok(numbers) => Ok(numbers.get(format::NAME)?.map_or(0, |format| format.value())),
            Err(TableError::TableDoesNotExist(_)) => Ok(0),
            Err(error) => Err(error.into()),
        })
    }

    /// Stores a table whatever its epoch, for one that the shared store has ruled to be valid.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn adopt(&self, table: &RoutingTable) -> Result<(), StoreError> {
        table.verify()?;
        self.disk.write(|write| put_table(write, table))
    }

    /// An epoch of a term above all that this store knows of and above one that the caller knows.
    ///
    /// # Errors
    /// [`StoreError::Deposed`], or when the file cannot be written.
    pub(crate) fn next_epoch_above(
        &self,
        topology: &str,
        known: u64,
        term: u64,
    ) -> Result<u64, StoreError> {
        check_topology(topology)?;
        self.disk.write(|write| {
            let stored = epoch_of(write, topology)?.map_or(0, |(epoch, _)| epoch);
            let floor = number(write, FLOOR)?;
            let mut epochs = write.open_table(EPOCHS)?;
            let given = epochs.get(topology)?.map_or(0, |epoch| epoch.value());
            let next = epoch_after(topology, known.max(stored).max(given).max(floor), term);
            if let Ok(next) = next {
                epochs.insert(topology, next)?;
                raise(write, TERM, term)?;
            }
            Ok(next)
        })?
    }

    /// Raises the epoch after which a topology's next one comes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn raise_epoch(&self, topology: &str, epoch: u64) -> Result<(), StoreError> {
        self.disk.write(|write| {
            let mut epochs = write.open_table(EPOCHS)?;
            let given = epochs.get(topology)?.map_or(0, |epoch| epoch.value());
            epochs.insert(topology, epoch.max(given))?;
            raise(write, TERM, epoch >> TERM_SHIFT)
        })
    }

    /// Forgets a table that was removed elsewhere at the given epoch.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn forget(&self, topology: &str, epoch: u64) -> Result<(), StoreError> {
        self.disk.write(|write| remove_table(write, topology, epoch))
    }

    /// The last term given or seen.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn term(&self) -> Result<u64, StoreError> {
        self.disk.read(|read| {
            let numbers = read.open_table(NUMBERS)?;
            Ok(numbers.get(TERM)?.map_or(0, |term| term.value()))
        })
    }

    /// Raises the last term to one that was seen elsewhere.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn raise_term(&self, term: u64) -> Result<(), StoreError> {
        self.disk.write(|write| raise(write, TERM, term))
    }

    /// Keeps bytes as the next version of a term's and returns it.
    ///
    /// # Errors
    /// [`StoreError::Deposed`], or when the file cannot be written.
    pub(crate) fn stamp(&self, key: &str, term: u64, bytes: &[u8]) -> Result<Stamp, StoreError> {
        check_term(term)?;
        self.disk
            .write(|write| {
                let last = stamp_of(write, key)?;
                let writer = number(write, WRITER)?.try_into().expect("no larger one is drawn");
                let next = version_after(key, last, term, writer);
                if let Ok(version) = next {
                    put_stamp(write, key, version, bytes)?;
                }
                Ok(next)
            })?
            .map(|version| Stamp { version, bytes: bytes.to_vec() })
    }

    /// Keeps a version that was found in the shared store, unless there is a newer one here.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn adopt_stamp(&self, key: &str, stamp: &Stamp) -> Result<(), StoreError> {
        self.disk.write(|write| {
            let news = stamp_of(write, key)?.is_none_or(|ours| !ours.follows(stamp.version));
            if news { put_stamp(write, key, stamp.version, &stamp.bytes) } else { Ok(()) }
        })
    }

    /// The bytes kept under a key and their version.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn stamp_at(&self, key: &str) -> Result<Option<Stamp>, StoreError> {
        self.disk.read(|read| {
            let stamped = read.open_table(STAMPED)?;
            Ok(stamped.get(key)?.map(|kept| {
                let (term, seq, bytes) = kept.value();
                Stamp { version: Version { term, seq }, bytes: bytes.to_vec() }
            }))
        })
    }

    /// The versions of all keys.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn versions(&self) -> Result<BTreeMap<String, Version>, StoreError> {
        self.disk.read(|read| {
            let stamped = read.open_table(STAMPED)?;
            let versions = stamped.iter()?.map(|entry| {
                let (key, kept) = entry?;
                let (term, seq, _) = kept.value();
                Ok((key.value().to_owned(), Version { term, seq }))
            });
            versions.collect()
        })
    }

    fn corrupt(&self, place: &str, reason: impl ToString) -> StoreError {
        let place = format!("{} ({place})", self.disk.path().display());
        StoreError::Corrupt { place, reason: reason.to_string() }
    }
}

impl Store for EmbeddedStore {
    fn publish(&self, table: &RoutingTable) -> Result<(), StoreError> {
        table.verify()?;
        let ahead = self.disk.write(|write| {
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
        let bytes = self.disk.read(|read| {
            let tables = read.open_table(TABLES)?;
            Ok(tables.get(topology)?.map(|bytes| bytes.value().to_vec()))
        })?;
        let Some(bytes) = bytes else { return Ok(None) };
        let stored: Stored =
            serde_json::from_slice(&bytes).map_err(|bad| self.corrupt(topology, bad))?;
        stored.load(topology).map(Some).map_err(|bad| self.corrupt(topology, bad))
    }

    fn head(&self, topology: &str) -> Result<Option<Head>, StoreError> {
        self.disk.read(|read| {
            let heads = read.open_table(HEADS)?;
            Ok(heads.get(topology)?.map(|head| {
                let (epoch, digest) = head.value();
                Head { epoch, digest: digest.to_owned() }
            }))
        })
    }

    fn tables(&self) -> Result<Vec<String>, StoreError> {
        self.disk.read(|read| {
            let heads = read.open_table(HEADS)?;
            let keys = heads.iter()?.map(|entry| Ok(entry?.0.value().to_owned()));
            keys.collect()
        })
    }

    fn remove(&self, topology: &str) -> Result<(), StoreError> {
        self.forget(topology, 0)
    }

    fn next_epoch(&self, topology: &str, term: u64) -> Result<u64, StoreError> {
        self.next_epoch_above(topology, 0, term)
    }

    fn begin_term(&self, at_least: u64) -> Result<u64, StoreError> {
        self.disk.write(|write| {
            let next = term_after(number(write, TERM)?, at_least);
            if let Ok(next) = next {
                raise(write, TERM, next)?;
            }
            Ok(next)
        })?
    }

    fn put_stamped(&self, key: &str, term: u64, bytes: &[u8]) -> Result<(), StoreError> {
        self.stamp(key, term, bytes).map(drop)
    }

    fn stamped(&self, key: &str) -> Result<Option<Stamped>, StoreError> {
        Ok(self.stamp_at(key)?.map(Stamped::from))
    }

    fn put_state(&self, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.disk.write(|write| {
            write.open_table(STATE)?.insert(key, bytes)?;
            Ok(())
        })
    }

    fn state(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.disk.read(|read| {
            let state = read.open_table(STATE)?;
            Ok(state.get(key)?.map(|bytes| bytes.value().to_vec()))
        })
    }

    fn state_keys(&self) -> Result<Vec<String>, StoreError> {
        self.disk.read(|read| {
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
    write.open_table(STATE)?;
    write.open_table(STAMPED)?;
    write.open_table(NUMBERS)?;
    Ok(())
}

/// Folds epochs of topologies without a table into the floor: those of topologies that were given
/// one and went away before it was used.
fn fold_epochs(write: &WriteTransaction) -> Result<(), redb::Error> {
    let heads = write.open_table(HEADS)?;
    let mut epochs = write.open_table(EPOCHS)?;
    let mut gone = Vec::new();
    for entry in epochs.iter()? {
        let (topology, epoch) = entry?;
        if heads.get(topology.value())?.is_none() {
            gone.push((topology.value().to_owned(), epoch.value()));
        }
    }
    for (topology, epoch) in gone {
        epochs.remove(topology.as_str())?;
        raise(write, FLOOR, epoch)?;
    }
    Ok(())
}

/// Forgets a table, but not that its epochs, and those up to `epoch`, were used: all topologies get
/// later ones from now on, so that nothing about this one has to be kept.
fn remove_table(write: &WriteTransaction, topology: &str, epoch: u64) -> Result<(), redb::Error> {
    let stored = epoch_of(write, topology)?.map_or(0, |(epoch, _)| epoch);
    let given = write.open_table(EPOCHS)?.remove(topology)?.map_or(0, |epoch| epoch.value());
    write.open_table(HEADS)?.remove(topology)?;
    write.open_table(TABLES)?.remove(topology)?;
    let last = epoch.max(stored).max(given);
    raise(write, FLOOR, last)?;
    raise(write, TERM, last >> TERM_SHIFT)
}

/// A number that hardly anybody else draws.
fn drawn() -> u32 {
    let [a, b, c, d, ..] = RandomState::new().build_hasher().finish().to_le_bytes();
    u32::from_le_bytes([a, b, c, d]).max(1)
}

fn number(write: &WriteTransaction, name: &str) -> Result<u64, redb::Error> {
    let numbers = write.open_table(NUMBERS)?;
    let number = numbers.get(name)?;
    Ok(number.map_or(0, |number| number.value()))
}

/// Raises a number to at least a value.
fn raise(write: &WriteTransaction, name: &str, value: u64) -> Result<(), redb::Error> {
    if number(write, name)? < value {
        write.open_table(NUMBERS)?.insert(name, value)?;
    }
    Ok(())
}

fn stamp_of(write: &WriteTransaction, key: &str) -> Result<Option<Version>, redb::Error> {
    let stamped = write.open_table(STAMPED)?;
    let kept = stamped.get(key)?;
    Ok(kept.map(|kept| Version { term: kept.value().0, seq: kept.value().1 }))
}

fn put_stamp(
    write: &WriteTransaction,
    key: &str,
    version: Version,
    bytes: &[u8],
) -> Result<(), redb::Error> {
    write.open_table(STAMPED)?.insert(key, (version.term, version.seq, bytes))?;
    raise(write, TERM, version.term)
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
    raise(write, TERM, table.epoch >> TERM_SHIFT)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::disk::PAUSE;
    use crate::limits::WRITER_SHIFT;

    #[test]
    fn what_is_found_elsewhere_replaces_all_but_newer_versions() {
        let dir = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(dir.path()).unwrap();
        let stamp = |term, seq, bytes: &str| Stamp {
            version: Version { term, seq },
            bytes: bytes.as_bytes().to_vec(),
        };
        store.adopt_stamp("k", &stamp(4, 2, "first")).unwrap();
        for older in [stamp(4, 1, "before"), stamp(3, 9, "earlier")] {
            store.adopt_stamp("k", &older).unwrap();
            assert_eq!(store.stamp_at("k"), Ok(Some(stamp(4, 2, "first"))), "{older:?}");
        }
        let other = 3 << WRITER_SHIFT;
        for newer in [stamp(4, 5, "after"), stamp(4, other, "another's"), stamp(5, 1, "later")] {
            store.adopt_stamp("k", &newer).unwrap();
            assert_eq!(store.stamp_at("k"), Ok(Some(newer)));
        }
    }

    /// Puts the last try so far back that another is due.
    fn wait(store: &EmbeddedStore) {
        let tried = store.disk.fault().tried.unwrap();
        store.disk.fault().tried = Some(tried.checked_sub(PAUSE).unwrap());
    }

    #[test]
    fn while_the_disk_fails_the_file_is_opened_once_in_a_while_and_reads_go_on() {
        let dir = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(dir.path()).unwrap();
        store.put_state("k", b"before").unwrap();
        store.disk.fault().failed = true;
        let aside = dir.path().join("aside");
        std::fs::rename(store.disk.path(), &aside).unwrap();
        for _ in 0..100 {
            assert_eq!(store.state("k"), Ok(Some(b"before".to_vec())));
        }
        assert_eq!(store.disk.fault().tries, 0, "what is open is read");

        for tries in 1..=3 {
            for _ in 0..100 {
                store.put_state("k", b"meanwhile").unwrap_err();
                store.state("k").unwrap_err();
            }
            assert_eq!(store.disk.fault().tries, tries);
            assert!(!store.disk.path().exists(), "an empty file would pass for what was kept");
            wait(&store);
        }

        std::fs::rename(&aside, store.disk.path()).unwrap();
        assert_eq!(store.state("k"), Ok(Some(b"before".to_vec())));
        store.put_state("k", b"after").unwrap();
        assert_eq!(store.disk.fault().tries, 4);

        // It opens, and fails as it is written to, as a disk that is still full does.
        store.disk.fault().failed = true;
        for _ in 0..100 {
            store.put_state("k", b"full").unwrap_err();
            assert_eq!(store.state("k"), Ok(Some(b"after".to_vec())));
        }
        assert_eq!(store.disk.fault().tries, 4);
        wait(&store);
        store.put_state("k", b"room").unwrap();
        assert_eq!(store.disk.fault().tries, 5);
    }
}
