//! Adds records to a ledger's folder: numbers, chains and signs them, begins new segments and drops old ones.
//!
//! It is for one thread. What it is told is in the file when it returns, and outlives the process from then on; it
//! outlives a power cut from the next checkpoint on.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use thiserror::Error;

use crate::folder::{Head, Segment, checkpoint_text, head_path, key_path, lock_path, segments};
use crate::key::{KeyError, SigningKey};
use crate::record::{self, Entry, Record, Tail, now};
use crate::sink::{Disk, Sink};
use crate::verify::Anchor;

/// Records after which a checkpoint follows at once.
const CHECKPOINT_EACH: u64 = 256;
/// The fewest segments that a full ledger has: a fraction of it is dropped at a time.
const SEGMENTS: u64 = 16;
/// The most bytes of a segment, as readers hold one in memory.
const LARGEST_SEGMENT: u64 = 16 << 20;
/// The fewest.
const SMALLEST_SEGMENT: u64 = 64 << 10;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all segments together.
    pub bytes: u64,
    /// Age of the newest record of a segment in ms; 0 is no limit.
    pub age_ms: u64,
}

impl Limits {
    fn segment(self) -> u64 {
        (self.bytes / SEGMENTS).clamp(SMALLEST_SEGMENT, LARGEST_SEGMENT)
    }
}

/// Where a ledger lies, and whose it is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its folder.
    pub folder: PathBuf,
    /// The file of the private key; in the folder if none.
    pub key_file: Option<PathBuf>,
    /// The version of what writes, for the ledger.
    pub version: String,
    /// How much is kept.
    pub limits: Limits,
}

impl Settings {
    fn key_file(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| key_path(&self.folder))
    }
}

/// Why a ledger is not written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The system does not let it be.
    #[error("{path}: {error}")]
    File {
        /// The file or folder.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// There is no key to sign with.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A newer version has written it. Nothing of it is changed.
    #[error("{path}: {}", record::unknown(*version))]
    Newer {
        /// The segment.
        path: String,
        /// The record's version.
        version: u32,
    },
    /// Somebody else writes it.
    #[error("{0} is written by another process")]
    Locked(String),
}

/// Adds records.
pub struct Writer {
    settings: Settings,
    disk: Box<dyn Disk>,
    key: SigningKey,
    engine: String,
    tail: Tail,
    open: Option<Open>,
    /// The segments before it, the oldest first.
    closed: VecDeque<Closed>,
    /// Records since the last checkpoint.
    unsigned: u64,
    /// Whether the head does not tell of the last checkpoint yet.
    head_due: bool,
    /// Up to where it is signed and outlives a power cut.
    safe: Option<Tail>,
    _lock: File,
}

struct Open {
    sink: Box<dyn Sink>,
    segment: Segment,
    len: u64,
    begun: i64,
}

struct Closed {
    segment: Segment,
    bytes: u64,
    last_at: i64,
}

/// What was found in the folder.
struct Found {
    tail: Tail,
    /// The segment that can be added to, with its length.
    last: Option<(Segment, u64)>,
    /// What is to be said of it.
    notes: serde_json::Map<String, Value>,
}

impl Writer {
    /// Opens a ledger, or begins one: what a killed process left half written is cut off, and what is missing is told.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn open(settings: Settings, disk: Box<dyn Disk>) -> Result<Self, WriteError> {
        let folder = &settings.folder;
        let failed = |error| WriteError::File { path: folder.display().to_string(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(lock_path(folder))
            .map_err(failed)?;
        if lock.try_lock().is_err() {
            return Err(WriteError::Locked(folder.display().to_string()));
        }
        refuse_newer(&settings)?;
        let key = SigningKey::of_file(&settings.key_file())?;
        let found = find(&settings, &key).map_err(failed)?;
        let closed = closed(&settings, found.last.as_ref()).map_err(failed)?;
        let engine = format!("{}-{}", host(), key.public().short());
        let mut writer = Self {
            key,
            engine,
            tail: found.tail,
            open: None,
            closed,
            unsigned: 0,
            head_due: false,
            safe: None,
            _lock: lock,
            disk,
            settings,
        };
        if let Some((segment, len)) = found.last {
            writer.continue_in(segment, len)?;
        }
        let mut opened = json!({ "version": writer.settings.version, "pid": std::process::id(),
            "key": writer.key.public().to_string() });
        if let Value::Object(opened) = &mut opened {
            opened.extend(found.notes);
        }
        writer.append(&[Entry::of("opened", &opened)])?;
        writer.checkpoint()?;
        Ok(writer)
    }

    /// Adds records, all of them or none.
    ///
    /// # Errors
    /// [`WriteError::File`].
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), WriteError> {
        self.roll()?;
        let mut lines = Vec::new();
        let mut tail = self.tail.clone();
        for entry in entries {
            let (line, next) = Record::seal(entry, &self.engine, &tail);
            lines.extend_from_slice(&line);
            lines.push(b'\n');
            tail = next;
        }
        let first_at = entries.first().map_or_else(now, |entry| entry.at);
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let segment = Segment::new(&self.settings.folder, self.tail.seq + 1);
                let sink = self.disk.open(&segment.path).map_err(|e| failed(&segment, e))?;
                self.open.insert(Open { sink, segment, len: 0, begun: first_at })
            }
        };
        if let Err(error) = open.sink.append(&lines) {
            let error = failed(&open.segment, error);
            if open.sink.cut(open.len).is_err() {
                // Half a record may stand at its end, so nothing can follow there.
                self.close();
            }
            return Err(error);
        }
        open.len += lines.len() as u64;
        self.tail = tail;
        self.unsigned += entries.len() as u64;
        Ok(())
    }

    /// Signs all that was recorded, has it outlive a power cut, and notes up to where the ledger goes.
    ///
    /// # Errors
    /// [`WriteError::File`]; the next one makes it good.
    pub fn checkpoint(&mut self) -> Result<(), WriteError> {
        if self.unsigned > 0 {
            let signature = self.key.sign(&checkpoint_text(&self.engine, &self.tail));
            let content = json!({ "key": self.key.public().to_string(), "sig": signature });
            self.append(&[Entry::of("checkpoint", &content)])?;
            self.unsigned = 0;
            self.head_due = true;
        }
        if self.head_due {
            self.note_head()?;
            self.head_due = false;
        }
        Ok(())
    }

    fn note_head(&mut self) -> Result<(), WriteError> {
        // The head must not tell of what a power cut may take.
        if let Some(open) = &mut self.open {
            open.sink.sync().map_err(|error| failed(&open.segment, error))?;
        }
        let head = Head::sign(&self.key, &self.engine, &self.tail, now());
        let path = head_path(&self.settings.folder);
        let written = serde_json::to_vec(&head)
            .map_err(io::Error::from)
            .and_then(|bytes| self.disk.replace(&path, &bytes));
        written.map_err(|error| WriteError::File { path: path.display().to_string(), error })?;
        self.safe = Some(self.tail.clone());
        Ok(())
    }

    /// Who writes it: the host and the beginning of the key.
    pub(crate) fn engine(&self) -> &str {
        &self.engine
    }

    /// Up to where it is signed and outlives a power cut.
    pub(crate) fn safe(&self) -> Option<Anchor> {
        self.safe.as_ref().map(|tail| Anchor { seq: tail.seq, hash: tail.hash.clone() })
    }

    /// Drops the oldest segments where there is too much, or what is too old; a record tells up to where.
    ///
    /// # Errors
    /// [`WriteError::File`].
    pub fn retain(&mut self, now: i64) -> Result<(), WriteError> {
        let Limits { bytes, age_ms } = self.settings.limits;
        let mut all: u64 = self.closed.iter().map(|closed| closed.bytes).sum();
        all += self.open.as_ref().map_or(0, |open| open.len);
        let oldest = now.saturating_sub_unsigned(age_ms);
        let mut dropped: usize = 0;
        let mut freed = 0;
        for closed in &self.closed {
            let too_old = age_ms > 0 && closed.last_at < oldest;
            if all - freed <= bytes && !too_old {
                break;
            }
            dropped += 1;
            freed += closed.bytes;
        }
        let newest = dropped.checked_sub(1).and_then(|at| self.closed.get(at));
        let Some(Closed { segment, .. }) = newest else { return Ok(()) };
        let bytes_of = fs::read(&segment.path).map_err(|error| failed(segment, error))?;
        let (_, through) = last(&bytes_of);
        let through = through.unwrap_or(Tail { seq: segment.first, hash: String::new() });
        let told = json!({ "through": through.seq, "hash": through.hash, "segments": dropped,
            "bytes": freed, "kept_bytes": bytes, "kept_ms": age_ms });
        // Said before it is done, and signed, so that nobody else can drop anything.
        self.append(&[Entry { why: "retention".to_owned(), ..Entry::of("dropped", &told) }])?;
        self.checkpoint()?;
        for closed in self.closed.drain(..dropped) {
            let removed = fs::remove_file(&closed.segment.path);
            removed.map_err(|error| failed(&closed.segment, error))?;
        }
        Ok(())
    }

    /// The number and the hash of the newest record.
    pub fn head(&self) -> (u64, &str) {
        (self.tail.seq, &self.tail.hash)
    }

    /// Whether any records wait for a checkpoint.
    pub fn is_unsigned(&self) -> bool {
        self.unsigned > 0 || self.head_due
    }

    /// Whether so many wait for it that it should follow at once.
    pub fn is_long_unsigned(&self) -> bool {
        self.unsigned >= CHECKPOINT_EACH
    }

    fn continue_in(&mut self, segment: Segment, len: u64) -> Result<(), WriteError> {
        let sink = self.disk.open(&segment.path).map_err(|error| failed(&segment, error))?;
        self.open = Some(Open { sink, segment, len, begun: now() });
        Ok(())
    }

    /// Ends a segment that is large or old enough.
    fn roll(&mut self) -> Result<(), WriteError> {
        let Limits { age_ms, .. } = self.settings.limits;
        let Some(open) = &mut self.open else { return Ok(()) };
        let oldest = now().saturating_sub_unsigned((age_ms / SEGMENTS).max(60_000));
        let old = age_ms > 0 && open.begun < oldest;
        if open.len < self.settings.limits.segment() && !old {
            return Ok(());
        }
        open.sink.sync().map_err(|error| failed(&open.segment, error))?;
        self.close();
        Ok(())
    }

    fn close(&mut self) {
        let closed = self.open.take();
        let closed =
            closed.map(|Open { segment, len, .. }| Closed { segment, bytes: len, last_at: now() });
        self.closed.extend(closed);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Err(error) = self.checkpoint() {
            tracing::debug!(%error, "the end of the ledger is not signed");
        }
    }
}

fn failed(segment: &Segment, error: io::Error) -> WriteError {
    WriteError::File { path: segment.path.display().to_string(), error }
}

/// This machine's name, as far as it has one.
fn host() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    let short = name.split('.').next().unwrap_or_default();
    if short.is_empty() { "unnamed".to_owned() } else { short.to_owned() }
}

/// Refuses a ledger whose newest record is of a newer version: what cannot be read cannot be followed.
fn refuse_newer(settings: &Settings) -> Result<(), WriteError> {
    let failed = |error| WriteError::File { path: settings.folder.display().to_string(), error };
    for segment in segments(&settings.folder).map_err(failed)?.into_iter().rev() {
        let bytes = fs::read(&segment.path).map_err(failed)?;
        let mut lines = bytes.rsplit(|byte| *byte == b'\n');
        let newest = lines.find_map(|line| match Record::newer(line) {
            None => Record::read(line).is_ok().then_some(None),
            newer => Some(newer),
        });
        match newest {
            Some(Some(version)) => {
                return Err(WriteError::Newer {
                    path: segment.path.display().to_string(),
                    version,
                });
            }
            Some(None) => return Ok(()),
            None => {}
        }
    }
    Ok(())
}

/// Finds the end of the chain and cuts off what is not whole there.
fn find(settings: &Settings, key: &SigningKey) -> io::Result<Found> {
    let mut notes = serde_json::Map::new();
    let mut tail = None;
    let mut last_segment = None;
    let mut damaged: u64 = 0;
    for (age, segment) in segments(&settings.folder)?.into_iter().rev().enumerate() {
        let bytes = fs::read(&segment.path)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if age == 0 && whole < bytes.len() {
            // A process was killed while it wrote it, so nobody was told that it stands.
            OpenOptions::new().write(true).open(&segment.path)?.set_len(whole as u64)?;
            notes.insert("torn_bytes".to_owned(), json!(bytes.len() - whole));
        }
        if whole == 0 && age == 0 {
            fs::remove_file(&segment.path)?;
            continue;
        }
        let (unreadable, found) = last(&bytes[..whole]);
        damaged += unreadable;
        if found.is_some() {
            let clean = damaged == 0 && (whole as u64) < settings.limits.segment();
            last_segment = clean.then_some((segment, whole as u64));
            tail = found;
            break;
        }
    }
    if damaged > 0 {
        notes.insert("unreadable_records".to_owned(), json!(damaged));
    }
    let tail = tail.unwrap_or_else(Tail::none);
    let head = Head::read(&settings.folder).ok().flatten();
    let head = head.filter(|head| head.is_signed_by(&key.public()) && head.seq > tail.seq);
    Ok(match head {
        // More was there. Its numbers are not given again, so that the gap can be seen for ever.
        Some(head) => {
            notes.insert("missing".to_owned(), json!({ "from": tail.seq + 1, "to": head.seq }));
            Found { tail: head.tail(), last: None, notes }
        }
        None => Found { tail, last: last_segment, notes },
    })
}

/// The last record that can be read, and how many behind it cannot.
fn last(bytes: &[u8]) -> (u64, Option<Tail>) {
    let mut unreadable = 0;
    for line in bytes.rsplit(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match Record::read(line) {
            Ok(record) => return (unreadable, Some(record.tail())),
            Err(_) => unreadable += 1,
        }
    }
    (unreadable, None)
}

/// The segments that are not added to any more.
fn closed(settings: &Settings, open: Option<&(Segment, u64)>) -> io::Result<VecDeque<Closed>> {
    let mut closed = VecDeque::new();
    for segment in segments(&settings.folder)? {
        if open.is_some_and(|(open, _)| *open == segment) {
            continue;
        }
        let data = fs::metadata(&segment.path)?;
        let written = data.modified().unwrap_or_else(|_| SystemTime::now());
        let last_at = written.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let last_at = i64::try_from(last_at).unwrap_or(i64::MAX);
        closed.push_back(Closed { segment, bytes: data.len(), last_at });
    }
    Ok(closed)
}
