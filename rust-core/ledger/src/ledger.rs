//! A ledger that never keeps anybody waiting: entries are taken in memory, and a thread writes them.
//!
//! What cannot be written waits, up to a limit, and is tried again; what finds no room is counted, and a record tells of
//! the gap as soon as there can be one.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;

use crate::record::{Entry, now};
use crate::sink::Disk;
use crate::verify::Anchor;
use crate::writer::{Settings, WriteError, Writer};

/// The most entries that wait.
const MOST_WAITING: usize = 4096;
/// The most bytes that wait.
const MOST_BYTES: usize = 16 << 20;
/// The most entries that are written at a time.
const BATCH: usize = 128;

/// How often things are done.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Pause before what failed is tried again.
    pub retry: Duration,
    /// The longest that a record waits for a signature.
    pub checkpoint: Duration,
    /// How often it is looked whether segments are to be dropped.
    pub retention: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self { retry: secs(5), checkpoint: secs(30), retention: secs(60) }
    }
}

/// How a ledger does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Condition {
    /// Who writes it.
    pub engine: String,
    /// The number of the newest record.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
    /// The newest record that is signed and outlives a power cut.
    pub safe: Option<Anchor>,
    /// Records written since it was opened.
    pub written: u64,
    /// Entries that found no room, and are in no record.
    pub lost: u64,
    /// Attempts to write that failed.
    pub failures: u64,
    /// Entries that wait.
    pub waiting: u64,
    /// Why it is not written now.
    pub fault: Option<String>,
}

/// Takes entries; dropped, it writes what waits.
#[derive(Debug)]
pub struct Ledger {
    shared: Arc<Shared>,
    folder: PathBuf,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Entry>,
    bytes: usize,
    gap: Option<Gap>,
    condition: Condition,
    stopping: bool,
}

/// Entries that no record tells of yet.
#[derive(Debug, Clone)]
struct Gap {
    lost: u64,
    from: i64,
    to: i64,
    reason: String,
}

impl Ledger {
    /// Begins to write. Whatever stands against it is told by [`Ledger::condition`] and the log, and tried again.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn open<D>(settings: Settings, pace: Pace, disk: D) -> std::io::Result<Self>
    where
        D: Fn() -> Box<dyn Disk> + Send + 'static,
    {
        let shared = Arc::new(Shared::default());
        let folder = settings.folder.clone();
        let clerk = Clerk {
            shared: Arc::clone(&shared),
            settings,
            pace,
            disk: Box::new(disk),
            writer: None,
            unsigned_since: None,
            retained: None,
        };
        let thread =
            std::thread::Builder::new().name("thalweg-ledger".to_owned()).spawn(|| clerk.work())?;
        Ok(Self { shared, folder, thread: Some(thread) })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes an entry. Never waits for a disk.
    pub fn append(&self, entry: Entry) {
        let mut state = self.shared.lock();
        let size = entry.size();
        if state.waiting.len() >= MOST_WAITING || state.bytes + size > MOST_BYTES {
            let reason = state.condition.fault.clone();
            let reason = reason.unwrap_or_else(|| "more came than could be written".to_owned());
            let gap = state.gap.get_or_insert(Gap { lost: 0, from: entry.at, to: 0, reason });
            (gap.lost, gap.to) = (gap.lost + 1, entry.at);
            state.condition.lost += 1;
            return;
        }
        state.bytes += size;
        state.waiting.push_back(entry);
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Waits until nothing waits any more; tells whether that came in time.
    pub fn settle(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.lock();
        while !state.waiting.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// How it does.
    pub fn condition(&self) -> Condition {
        let state = self.shared.lock();
        Condition { waiting: state.waiting.len() as u64, ..state.condition.clone() }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the ledger ended by a panic");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's own.
struct Clerk {
    shared: Arc<Shared>,
    settings: Settings,
    pace: Pace,
    disk: Box<dyn Fn() -> Box<dyn Disk> + Send>,
    writer: Option<Writer>,
    unsigned_since: Option<Instant>,
    retained: Option<Instant>,
}

impl Clerk {
    fn work(mut self) {
        let mut pause = Duration::ZERO;
        loop {
            let stopping = self.rest(pause);
            pause = match self.write() {
                Ok(()) => {
                    self.note_success();
                    self.until_due()
                }
                Err(error) => {
                    self.note_failure(&error);
                    self.pace.retry
                }
            };
            if stopping {
                let left = self.shared.lock().waiting.len();
                if left > 0 {
                    tracing::warn!(
                        left,
                        "records are lost: the ledger could not be written to the end"
                    );
                }
                return;
            }
        }
    }

    /// Waits until there is something to do; tells whether this is the end.
    fn rest(&self, pause: Duration) -> bool {
        let state = self.shared.lock();
        let failing = state.condition.fault.is_some();
        // While it fails, a new entry is no reason to try at once.
        let idle = |state: &mut State| !state.stopping && (failing || state.waiting.is_empty());
        let waited = self.shared.changed.wait_timeout_while(state, pause, idle);
        waited.unwrap_or_else(PoisonError::into_inner).0.stopping
    }

    fn until_due(&self) -> Duration {
        let due = self.unsigned_since.map(|since| {
            self.pace.checkpoint.saturating_sub(since.elapsed()).max(Duration::from_millis(1))
        });
        due.unwrap_or(self.pace.retention).min(self.pace.retention)
    }

    /// Writes all that waits, and what is due besides.
    fn write(&mut self) -> Result<(), WriteError> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let opened = Writer::open(self.settings.clone(), (self.disk)())?;
                self.writer.insert(opened)
            }
        };
        loop {
            let batch: Vec<Entry> =
                self.shared.lock().waiting.iter().take(BATCH).cloned().collect();
            if batch.is_empty() {
                break;
            }
            writer.append(&batch)?;
            let mut state = self.shared.lock();
            state.waiting.drain(..batch.len());
            state.bytes = state.waiting.iter().map(Entry::size).sum();
            note(&mut state, writer, batch.len());
            drop(state);
            self.shared.changed.notify_all();
            self.unsigned_since.get_or_insert_with(Instant::now);
            if writer.is_long_unsigned() {
                writer.checkpoint()?;
                self.unsigned_since = None;
            }
        }
        let gap = self.shared.lock().gap.clone();
        if let Some(gap) = gap {
            let Gap { lost, from, to, reason } = &gap;
            let content = json!({ "lost": lost, "from": from, "to": to });
            writer.append(&[Entry { why: reason.clone(), ..Entry::of("gap", &content) }])?;
            let mut state = self.shared.lock();
            // Of what was lost meanwhile another record tells.
            let more = state.gap.take().filter(|now| now.lost > *lost);
            state.gap = more.map(|now| Gap { lost: now.lost - lost, from: *to, ..now });
            note(&mut state, writer, 1);
            self.unsigned_since.get_or_insert_with(Instant::now);
        }
        let stopping = self.shared.lock().stopping;
        let signing_due =
            self.unsigned_since.is_some_and(|at| at.elapsed() >= self.pace.checkpoint);
        if writer.is_unsigned() && (signing_due || stopping) {
            writer.checkpoint()?;
            self.unsigned_since = None;
        }
        if self.retained.is_none_or(|at| at.elapsed() >= self.pace.retention) {
            writer.retain(now())?;
            self.retained = Some(Instant::now());
        }
        note(&mut self.shared.lock(), writer, 0);
        Ok(())
    }

    fn note_success(&self) {
        let mut state = self.shared.lock();
        if let Some(fault) = state.condition.fault.take() {
            tracing::info!(fault, "the ledger is written again");
        }
    }

    /// Says once why it is not written, and again when that changes.
    fn note_failure(&mut self, error: &WriteError) {
        let said = error.to_string();
        let mut state = self.shared.lock();
        state.condition.failures += 1;
        if state.condition.fault.as_ref() != Some(&said) {
            tracing::warn!(error = said, "the ledger is not written; the scheduler goes on");
            state.condition.fault = Some(said);
        }
    }
}

fn note(state: &mut State, writer: &Writer, written: usize) {
    let (seq, hash) = writer.head();
    writer.engine().clone_into(&mut state.condition.engine);
    state.condition.safe = writer.safe();
    state.condition.seq = seq;
    hash.clone_into(&mut state.condition.hash);
    state.condition.written += written as u64;
}
