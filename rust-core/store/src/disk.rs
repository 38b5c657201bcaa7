//! A database in one file, on a disk that may fail and work again.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redb::{Builder, Database, ReadTransaction, ReadableDatabase, WriteTransaction};

use crate::error::StoreError;

/// Everything stored here is read rarely, so a small page cache does.
const CACHE_BYTES: usize = 16 << 20;

/// Between two tries to open the file again: each checks it from end to end, in the midst of a call that waits for it.
pub const PAUSE: Duration = Duration::from_secs(10);

/// The file, as far as it is open.
#[derive(Debug)]
pub struct Disk {
    /// Gone where it could not be opened again after a fault.
    database: RwLock<Option<Database>>,
    fault: Mutex<Fault>,
    path: PathBuf,
}

/// A fault of the disk, and what was done about it.
#[derive(Debug, Default)]
pub struct Fault {
    /// Whether the disk failed, as one that is full does: the database takes nothing more until it is opened again.
    pub failed: bool,
    /// When it was last opened again, or that failed.
    pub tried: Option<Instant>,
    /// How often it was tried.
    pub tries: u32,
}

impl Disk {
    /// Opens a file in a folder, or makes both for their user alone, and checks it from end to end.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has it open, [`StoreError::Corrupt`] when it was damaged,
    /// [`StoreError::File`] when the system forbids it.
    pub fn open(dir: &Path, name: &str) -> Result<Self, StoreError> {
        let path = dir.join(name);
        private(dir, &path).map_err(|error| failed(&path, redb::Error::Io(error)))?;
        let database = builder().create(&path).map_err(|error| failed(&path, error.into()))?;
        Ok(Self { database: RwLock::new(Some(database)), fault: Mutex::default(), path })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes, where the disk failed before only once the file could be opened again.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let attempt = || {
            if self.fault().failed {
                self.open_again()?;
            }
            self.with(|database| {
                let write = database.begin_write()?;
                let done = work(&write)?;
                write.commit()?;
                Ok(done)
            })
        };
        attempt().map_err(|error| failed(&self.path, error))
    }

    /// Reads from what is open, as long as that has it: a disk that takes nothing more takes nothing away.
    pub fn read<T>(
        &self,
        work: impl Fn(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let was_failed = self.fault().failed;
        let attempt = || self.with(|database| work(&database.begin_read()?));
        attempt()
            .or_else(|error| {
                if was_failed && of_the_disk(&error) {
                    self.open_again()?;
                    return attempt();
                }
                Err(error)
            })
            .map_err(|error| failed(&self.path, error))
    }

    /// Does something with the database that is open, and notes a fault of the disk.
    fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, redb::Error> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let done = database.as_ref().ok_or(redb::Error::PreviousIo).and_then(work);
        if done.as_ref().is_err_and(of_the_disk) {
            self.fault().failed = true;
        }
        done
    }

    /// What is wrong with it.
    pub fn fault(&self) -> MutexGuard<'_, Fault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The disk may have room again. What was written and not committed when it failed is not there.
    fn open_again(&self) -> Result<(), redb::Error> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let fault = self.fault();
        if !fault.failed {
            return Ok(());
        }
        if fault.tried.is_some_and(|tried| tried.elapsed() < PAUSE) {
            return Err(redb::Error::PreviousIo);
        }
        drop(fault);
        // One file is open once.
        *database = None;
        // One that is gone is not made anew: it would pass for what was kept.
        let again = builder().open(&self.path);
        let mut fault = self.fault();
        fault.tried = Some(Instant::now());
        fault.tries += 1;
        *database = Some(again?);
        fault.failed = false;
        let tries = fault.tries;
        tracing::info!(path = %self.path.display(), tries, "the store is open again after a fault of the disk");
        Ok(())
    }
}

/// Makes a folder and an empty file in it for their user alone, where they are not there yet.
fn private(dir: &Path, file: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    OpenOptions::new().append(true).create(true).mode(0o600).open(file).map(drop)
}

/// What checks a file from end to end as it opens it.
fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder
}

/// Whether the disk failed, now or before.
fn of_the_disk(error: &redb::Error) -> bool {
    matches!(error, redb::Error::Io(_) | redb::Error::PreviousIo)
}

fn failed(path: &Path, error: redb::Error) -> StoreError {
    let path = path.display().to_string();
    match error {
        redb::Error::DatabaseAlreadyOpen => StoreError::Locked(path),
        redb::Error::Corrupted(reason) => StoreError::Corrupt { place: path, reason },
        other => StoreError::File { path, reason: other.to_string() },
    }
}
