//! A shared store with a journal in front of it: writes are safe on this machine when the call
//! returns and follow to the shared store from a thread of their own; reads come from memory.

mod memory;
mod queue;
mod worker;

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use self::memory::Memory;
use self::queue::{Queue, Settled, Subject, Work};
use crate::embedded::EmbeddedStore;
use crate::error::StoreError;
use crate::redis::RedisStore;
use crate::store::{Head, Health, Loaded, Published, Reach, Store};
use crate::table::RoutingTable;
use crate::term::{Stamped, term_after};

/// Nobody waits longer than a day, and adding more to an instant may overflow.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// How patiently the shared store is written to.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Attempts in a row before the shared store counts as down.
    pub attempts: u32,
    /// The wait after the first failed attempt.
    pub base: Duration,
    /// The longest wait between attempts, also while the shared store is down.
    pub cap: Duration,
    /// Spreads the waits; give every process its own.
    pub seed: u64,
    /// How often to look for what other writers stored, and for what got lost.
    pub refresh: Duration,
    /// How many writes may wait.
    pub queue_limit: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            attempts: 4,
            base: Duration::from_millis(100),
            cap: Duration::from_secs(5),
            seed: u64::from(std::process::id()),
            refresh: Duration::from_secs(15),
            queue_limit: 4_096,
        }
    }
}

/// A shared store with a journal in front of it.
pub struct BackedStore {
    shared: Arc<Shared>,
    worker: Option<JoinHandle<()>>,
}

/// What callers and the worker share.
struct Shared {
    primary: Arc<RedisStore>,
    journal: EmbeddedStore,
    pace: Pace,
    /// Held while a term begins, so that no two get the same number.
    leading: Mutex<()>,
    /// Held while journal and memory change together, so that they keep the same order.
    writing: Mutex<()>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    memory: Memory,
    queue: Queue,
    health: Health,
    /// What is wrong with tables of the shared store that cannot be used.
    broken: BTreeMap<String, String>,
    stopping: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a write in line, unless too many wait already; the journal has it in any case.
    fn enqueue(&self, state: &mut State, work: Work) -> Option<u64> {
        let ticket = state.queue.push(work, self.pace.queue_limit);
        if ticket.is_none() {
            state.health.counters.overflowed += 1;
        }
        self.changed.notify_all();
        ticket
    }
}

impl BackedStore {
    /// Puts a journal in front of a shared store and starts to bring them together.
    ///
    /// # Errors
    /// When the journal cannot be read, or the system gives no thread.
    pub fn new(
        primary: Arc<RedisStore>,
        journal: EmbeddedStore,
        pace: Pace,
    ) -> Result<Self, StoreError> {
        let memory = Memory::of(&journal)?;
        let health = Health { reach: Reach::Connecting, ..Health::default() };
        let shared = Arc::new(Shared {
            primary,
            journal,
            pace,
            leading: Mutex::new(()),
            writing: Mutex::new(()),
            state: Mutex::new(State {
                memory,
                queue: Queue::default(),
                health,
                broken: BTreeMap::new(),
                stopping: false,
            }),
            changed: Condvar::new(),
        });
        let working = Arc::clone(&shared);
        let worker = std::thread::Builder::new()
            .name("thalweg-store".into())
            .spawn(move || worker::run(&working))
            .map_err(|error| StoreError::File {
                path: "thread thalweg-store".into(),
                reason: error.to_string(),
            })?;
        Ok(Self { shared, worker: Some(worker) })
    }

    /// Waits until the shared store is known to be up or down, at most for the given time.
    pub fn wait_until_settled(&self, at_most: Duration) {
        let state = self.shared.state();
        let connecting = |state: &mut State| state.health.reach == Reach::Connecting;
        drop(self.shared.changed.wait_timeout_while(state, at_most, connecting));
    }

    /// Makes a table safe in the journal and puts it in line for the shared store.
    fn admit(&self, table: &RoutingTable) -> Result<Option<u64>, StoreError> {
        let _writing = self.shared.writing();
        self.shared.journal.publish(table)?;
        let table = Arc::new(table.clone());
        let mut state = self.shared.state();
        state.memory.put_own(Arc::clone(&table));
        Ok(self.shared.enqueue(&mut state, Work::Table { table, replay: false }))
    }

    /// Makes stamped bytes safe in the journal and puts them in line for the shared store.
    fn admit_stamp(&self, key: &str, term: u64, bytes: &[u8]) -> Result<Option<u64>, StoreError> {
        let _writing = self.shared.writing();
        let stamp = Arc::new(self.shared.journal.stamp(key, term, bytes)?);
        let mut state = self.shared.state();
        let work = Work::Stamped { key: key.to_owned(), stamp, replay: false };
        Ok(self.shared.enqueue(&mut state, work))
    }

    /// Waits for a write to reach the shared store; an error is the epoch or term in its way.
    fn wait_for(
        &self,
        subject: &Subject,
        ticket: Option<u64>,
        deadline: Duration,
    ) -> Result<Published, u64> {
        let Some(ticket) = ticket else {
            return Ok(Published::Journal("too many writes wait".into()));
        };
        let end = Instant::now() + deadline.min(LONGEST_WAIT);
        let mut state = self.shared.state();
        loop {
            match state.queue.settled(subject, ticket) {
                Some(Settled::Stored) => return Ok(Published::Primary),
                Some(Settled::Failed(reason)) => return Ok(Published::Journal(reason.clone())),
                Some(Settled::Fenced { stored }) => return Err(*stored),
                None => {}
            }
            if let Reach::Down(reason) = &state.health.reach {
                return Ok(Published::Journal(reason.clone()));
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let reason = format!("no answer within {} ms", deadline.as_millis());
                return Ok(Published::Journal(reason));
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for BackedStore {
    /// Stops after one last attempt to hand over what waits; the journal keeps the rest.
    fn drop(&mut self) {
        self.shared.state().stopping = true;
        self.shared.changed.notify_all();
        if let Some(Err(_)) = self.worker.take().map(JoinHandle::join) {
            tracing::error!("store thread ended by a panic");
        }
    }
}

impl Store for BackedStore {
    fn publish(&self, table: &RoutingTable) -> Result<(), StoreError> {
        self.admit(table).map(drop)
    }

    fn publish_and_wait(
        &self,
        table: &RoutingTable,
        deadline: Duration,
    ) -> Result<Published, StoreError> {
        let ticket = self.admit(table)?;
        let topology = table.topology.clone();
        self.wait_for(&Subject::Topology(topology.clone()), ticket, deadline)
            .map_err(|stored| StoreError::Fenced { topology, stored, got: table.epoch })
    }

    fn table(&self, topology: &str) -> Result<Option<Loaded>, StoreError> {
        let entry = self.shared.state().memory.get(topology);
        Ok(entry.map(|(table, dropped)| Loaded { table: (*table).clone(), dropped }))
    }

    fn head(&self, topology: &str) -> Result<Option<Head>, StoreError> {
        Ok(self.shared.state().memory.head(topology))
    }

    fn tables(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.shared.state().memory.topologies())
    }

    fn remove(&self, topology: &str) -> Result<(), StoreError> {
        let _writing = self.shared.writing();
        let epoch = self.head(topology)?.map_or(0, |head| head.epoch);
        self.shared.journal.forget(topology, epoch)?;
        let term = self.shared.journal.term()?;
        let mut state = self.shared.state();
        state.memory.forget(topology);
        let topology = topology.to_owned();
        self.shared.enqueue(&mut state, Work::Removal { topology, epoch, term });
        Ok(())
    }

    fn next_epoch(&self, topology: &str, term: u64) -> Result<u64, StoreError> {
        // Memory may know of a table that the journal could not keep.
        let known = self.head(topology)?.map_or(0, |head| head.epoch);
        self.shared.journal.next_epoch_above(topology, known, term)
    }

    fn begin_term(&self, at_least: u64) -> Result<u64, StoreError> {
        match self.begin_shared_term(at_least) {
            Err(error)
                if !matches!(error, StoreError::TermTooLarge(_) | StoreError::Newer { .. }) =>
            {
                tracing::warn!(%error, "shared store gives no term, the journal does");
                self.shared.journal.begin_term(at_least)
            }
            other => other,
        }
    }

    fn begin_shared_term(&self, at_least: u64) -> Result<u64, StoreError> {
        let Shared { primary, journal, leading, .. } = &*self.shared;
        let _leading = leading.lock().unwrap_or_else(PoisonError::into_inner);
        // The shared store may have lost its number since.
        let wanted = term_after(journal.term()?, at_least)?;
        let term = primary.begin_term(wanted)?;
        journal.raise_term(term).map(|()| term)
    }

    fn put_stamped(&self, key: &str, term: u64, bytes: &[u8]) -> Result<(), StoreError> {
        self.admit_stamp(key, term, bytes).map(drop)
    }

    fn put_stamped_and_wait(
        &self,
        key: &str,
        term: u64,
        bytes: &[u8],
        deadline: Duration,
    ) -> Result<Published, StoreError> {
        let ticket = self.admit_stamp(key, term, bytes)?;
        self.wait_for(&Subject::Stamped(key.to_owned()), ticket, deadline)
            .map_err(|stored| StoreError::Deposed { key: key.to_owned(), stored, got: term })
    }

    fn stamped(&self, key: &str) -> Result<Option<Stamped>, StoreError> {
        self.shared_stamped(key).or_else(|error| {
            if matches!(error, StoreError::Newer { .. }) {
                return Err(error);
            }
            tracing::warn!(key, %error, "shared store not read, the journal is");
            self.shared.journal.stamped(key)
        })
    }

    fn shared_stamped(&self, key: &str) -> Result<Option<Stamped>, StoreError> {
        let Shared { primary, journal, .. } = &*self.shared;
        let theirs = primary.stamp_aside(key)?;
        let ours = journal.stamp_at(key)?;
        let Some(theirs) = theirs else { return Ok(ours.map(Stamped::from)) };
        if let Some(ours) = ours.filter(|ours| ours.version.follows(theirs.version)) {
            return Ok(Some(ours.into()));
        }
        if let Err(error) = journal.adopt_stamp(key, &theirs) {
            tracing::warn!(key, %error, "journal cannot keep stamped state");
        }
        Ok(Some(theirs.into()))
    }

    fn put_state(&self, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let _writing = self.shared.writing();
        self.shared.journal.put_state(key, bytes)?;
        let mut state = self.shared.state();
        self.shared.enqueue(&mut state, Work::State { key: key.to_owned(), bytes: bytes.into() });
        Ok(())
    }

    fn state(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.shared.journal.state(key)
    }

    fn shared_state(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.shared.primary.state(key)
    }

    fn state_keys(&self) -> Result<Vec<String>, StoreError> {
        self.shared.journal.state_keys()
    }

    fn health(&self) -> Health {
        let state = self.shared.state();
        let mut health = state.health.clone();
        health.counters.queue_len = state.queue.len() as u64;
        health
    }
}
