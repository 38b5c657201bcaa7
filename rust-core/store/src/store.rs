//! What a store offers, and what it answers with.

use std::time::Duration;

use crate::error::StoreError;
use crate::table::RoutingTable;
use crate::term::Stamped;

/// A place for routing tables and learned state; calls block until done.
pub trait Store: Send + Sync {
    /// Stores a table in place of its topology's older one, whole or not at all.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another table of the same or a later epoch is stored; the very
    /// same table may be stored again.
    fn publish(&self, table: &RoutingTable) -> Result<(), StoreError>;

    /// Stores a table and says how far it got before the deadline.
    ///
    /// # Errors
    /// As [`Store::publish`].
    fn publish_and_wait(
        &self,
        table: &RoutingTable,
        deadline: Duration,
    ) -> Result<Published, StoreError> {
        let _ = deadline;
        self.publish(table).map(|()| Published::Primary)
    }

    /// The table of a topology.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it cannot be trusted as a whole.
    fn table(&self, topology: &str) -> Result<Option<Loaded>, StoreError>;

    /// Epoch and digest of a topology's table, without its rows.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when they cannot be understood.
    fn head(&self, topology: &str) -> Result<Option<Head>, StoreError>;

    /// The topologies that have a table.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn tables(&self) -> Result<Vec<String>, StoreError>;

    /// Forgets the table of a topology; nothing happens where there is none.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn remove(&self, topology: &str) -> Result<(), StoreError>;

    /// An epoch for a topology in the range of a term (`epoch >> TERM_SHIFT == term`), above all
    /// that this store has given or stored for the topology.
    ///
    /// # Errors
    /// [`StoreError::Deposed`] when a later term has one, or when the store cannot be written.
    fn next_epoch(&self, topology: &str, term: u64) -> Result<u64, StoreError>;

    /// Begins a term of leadership: a number above every one that this store, and the shared store
    /// when it is in reach, has given, and not below `at_least`. It may wait for the network.
    ///
    /// # Errors
    /// [`StoreError::TermTooLarge`], or when the store cannot be written.
    fn begin_term(&self, at_least: u64) -> Result<u64, StoreError>;

    /// Begins a term as [`Store::begin_term`] does, but only with the shared store's word that it is above all before it.
    ///
    /// # Errors
    /// As there, and where a shared store is out of reach.
    fn begin_shared_term(&self, at_least: u64) -> Result<u64, StoreError> {
        self.begin_term(at_least)
    }

    /// Keeps bytes under a key with the term of the leader who writes them. No bytes means that
    /// they are forgotten, but the term stays.
    ///
    /// # Errors
    /// [`StoreError::Deposed`] when a later term, or another writer in this one, has written the key,
    /// or when the store cannot be written.
    fn put_stamped(&self, key: &str, term: u64, bytes: &[u8]) -> Result<(), StoreError>;

    /// Keeps bytes as [`Store::put_stamped`] does and says how far they got before the deadline.
    ///
    /// # Errors
    /// As [`Store::put_stamped`].
    fn put_stamped_and_wait(
        &self,
        key: &str,
        term: u64,
        bytes: &[u8],
        deadline: Duration,
    ) -> Result<Published, StoreError> {
        let _ = deadline;
        self.put_stamped(key, term, bytes).map(|()| Published::Primary)
    }

    /// What the latest term wrote under a key, here or in the shared store when it is in reach. It
    /// may wait for the network.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn stamped(&self, key: &str) -> Result<Option<Stamped>, StoreError>;

    /// What the latest term wrote under a key as [`Store::stamped`] gives it, but only with the shared store's word.
    ///
    /// # Errors
    /// As there, and where a shared store is out of reach.
    fn shared_stamped(&self, key: &str) -> Result<Option<Stamped>, StoreError> {
        self.stamped(key)
    }

    /// Keeps bytes under a key, for this process itself: what a successor elsewhere must see goes
    /// through [`Store::put_stamped`].
    ///
    /// # Errors
    /// When the store cannot be written.
    fn put_state(&self, key: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// The bytes kept under a key.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn state(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// The bytes kept under a key, but only with the shared store's word. It may wait for the network.
    ///
    /// # Errors
    /// As [`Store::state`], and where a shared store is out of reach.
    fn shared_state(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.state(key)
    }

    /// The keys that have bytes.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn state_keys(&self) -> Result<Vec<String>, StoreError>;

    /// Whether the store is in reach, and what it has done so far.
    fn health(&self) -> Health {
        Health::default()
    }
}

/// A table as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The table; where rows were dropped, its digest is that of the rows left.
    pub table: RoutingTable,
    /// Rows that could not be understood.
    pub dropped: Vec<UnreadableRow>,
}

/// A stored row that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableRow {
    /// The field it was stored under.
    pub key: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Which table of a topology is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its epoch.
    pub epoch: u64,
    /// Its digest.
    pub digest: String,
}

/// How far a table, or stamped bytes, got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// It is in the store that every writer shares.
    Primary,
    /// It is safe on this machine and follows later, for this reason.
    Journal(String),
}

/// Whether the shared store answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reach {
    /// The last attempt succeeded.
    #[default]
    Up,
    /// Not known yet.
    Connecting,
    /// Attempts fail, for this reason.
    Down(String),
}

/// What a store has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Tables that reached the shared store.
    pub published: u64,
    /// Attempts that failed and were made again soon.
    pub retries: u64,
    /// Outages, and writes that the shared store would not take.
    pub failures: u64,
    /// Tables, stamped state and removals refused because another writer was ahead.
    pub fenced: u64,
    /// Tables, of those that reached the shared store, that it had lacked or lost.
    pub replayed: u64,
    /// Tables taken over from another writer.
    pub pulled: u64,
    /// Writes that found the queue full and stayed in the journal.
    pub overflowed: u64,
    /// Writes waiting for the shared store.
    pub queue_len: u64,
}

/// The condition of a store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// Whether the shared store answers; always up for a store that has none.
    pub reach: Reach,
    /// What was done so far.
    pub counters: Counters,
}
