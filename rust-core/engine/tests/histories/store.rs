//! Stores in memory: one for each process, one for all, or one for all with a journal for each. Writes fail, or fail
//! after they were made, when they are told to; the shared store can be out of reach, and each can lose everything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thalweg_store::{
    Head, Loaded, Published, Record, RoutingTable, Stamped, Store, StoreError, TERM_SHIFT,
};

/// What the engine keeps of actions.
const ACTIONS: &str = "actions";

/// What is stored in one place.
#[derive(Default)]
struct Content {
    tables: BTreeMap<String, RoutingTable>,
    /// The last epoch given, also of topologies that are gone.
    epochs: BTreeMap<String, u64>,
    /// Up to which epoch tables of topologies were removed.
    removed: BTreeMap<String, u64>,
    /// With a number that grows with each write of a term.
    stamped: BTreeMap<String, (u64, Stamped)>,
    term: u64,
    /// Whether all was lost, and nothing stored of actions since.
    lost: bool,
}

/// A place that several processes may share.
#[derive(Clone, Default)]
pub struct Place(Arc<Mutex<Content>>);

/// What goes wrong with the next writes of a process.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Trouble {
    #[default]
    None,
    /// So many more fail.
    Fail(u32),
    /// So many more are made, but whoever asked is told that they failed.
    Torn(u32),
    /// After so many more the process ends in the middle of what it does.
    Dies(u32),
}

/// The store of one process.
#[derive(Default)]
pub struct Handle {
    own: Place,
    /// The store behind it that others share.
    shared: Option<Place>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    trouble: Trouble,
    /// Whether the process is to end.
    dead: bool,
    out_of_reach: bool,
    /// Term and number of what was stored here of actions last.
    actions: (u64, u64),
    /// Topologies and keys whose newest value has yet to reach the shared store.
    tables: BTreeSet<String>,
    removals: BTreeMap<String, u64>,
    keys: BTreeSet<String>,
}

impl Place {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn publish(&mut self, table: &RoutingTable) -> Result<(), StoreError> {
        let topology = &table.topology;
        let held = self.tables.get(topology).map(|held| (held.epoch, &held.digest));
        let ahead = match held {
            Some((epoch, digest)) if epoch > table.epoch => Some((epoch, digest)),
            Some((epoch, digest)) if epoch == table.epoch && *digest != table.digest => {
                Some((epoch, digest))
            }
            _ => None,
        };
        let removed = self.removed.get(topology).filter(|removed| **removed >= table.epoch);
        let ahead = ahead
            .map(|(epoch, _)| epoch)
            .or(removed.copied().filter(|_| !self.tables.contains_key(topology)));
        if let Some(stored) = ahead {
            let topology = topology.clone();
            return Err(StoreError::Fenced { topology, stored, got: table.epoch });
        }
        self.tables.insert(topology.clone(), table.clone());
        Ok(())
    }

    fn remove(&mut self, topology: &str, up_to: u64, term: u64) {
        let stored = self.tables.get(topology).map_or(0, |table| table.epoch);
        if stored > up_to {
            return;
        }
        self.tables.remove(topology);
        let given = self.epochs.remove(topology).unwrap_or(0);
        let last = up_to.max(given).max((term << TERM_SHIFT).saturating_sub(1));
        let removed = self.removed.entry(topology.to_owned()).or_default();
        *removed = last.max(*removed);
    }

    fn next_epoch(&mut self, topology: &str, term: u64) -> Result<u64, StoreError> {
        let stored = self.tables.get(topology).map_or(0, |table| table.epoch);
        let of = |epochs: &BTreeMap<String, u64>| epochs.get(topology).copied().unwrap_or(0);
        let known = stored.max(of(&self.epochs)).max(of(&self.removed));
        if known >> TERM_SHIFT > term {
            let (key, stored) = (topology.to_owned(), known >> TERM_SHIFT);
            return Err(StoreError::Deposed { key, stored, got: term });
        }
        let next = (known + 1).max(term << TERM_SHIFT);
        self.epochs.insert(topology.to_owned(), next);
        Ok(next)
    }

    fn begin_term(&mut self, at_least: u64) -> u64 {
        self.term = (self.term + 1).max(at_least);
        self.term
    }

    fn put_stamped(&mut self, key: &str, term: u64, bytes: &[u8]) -> Result<u64, StoreError> {
        let held = self.stamped.get(key).map(|(number, held)| (held.term, *number));
        let number = match held {
            Some((stored, _)) if stored > term => {
                return Err(StoreError::Deposed { key: key.to_owned(), stored, got: term });
            }
            Some((stored, number)) if stored == term => number + 1,
            _ => 1,
        };
        let stamped = Stamped { term, bytes: bytes.to_vec() };
        self.stamped.insert(key.to_owned(), (number, stamped));
        self.lost &= key != ACTIONS;
        Ok(number)
    }

    /// Takes over what another place has under a key, if it is newer.
    fn take_over(&mut self, key: &str, other: &Self) {
        let version =
            |content: &Self| content.stamped.get(key).map(|(number, held)| (held.term, *number));
        if version(other) > version(self) {
            self.stamped
                .extend(other.stamped.get_key_value(key).map(|(k, v)| (k.clone(), v.clone())));
        }
    }
}

fn failed() -> StoreError {
    StoreError::File { path: "memory".to_owned(), reason: "disk full".to_owned() }
}

impl Handle {
    /// A store of this place alone, or with a place of its own in front of it.
    pub fn new(shared: Option<Place>, journal: bool) -> Self {
        match shared {
            Some(shared) if journal => Self { shared: Some(shared), ..Self::default() },
            Some(shared) => Self { own: shared, ..Self::default() },
            None => Self::default(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the next writes go wrong.
    pub fn trouble(&self, trouble: Trouble) {
        self.inner().trouble = trouble;
    }

    /// Whether the process has ended in the middle of a write; says so once.
    pub fn has_died(&self) -> bool {
        std::mem::take(&mut self.inner().dead)
    }

    /// Whether the shared store, where there is one behind it, does not answer.
    pub fn set_out_of_reach(&self, out_of_reach: bool) {
        self.inner().out_of_reach = out_of_reach;
    }

    /// Loses everything, as a server that was flushed; a journal is not lost with it.
    pub fn empty(&self) {
        *self.shared.as_ref().unwrap_or(&self.own).content() =
            Content { lost: true, ..Content::default() };
    }

    /// What is stored of actions instead, if something that is to be done is not among them; unless that was lost, or
    /// replaced by what another leader stored under this or a later term.
    pub fn lacks(&self, done: &str) -> Option<String> {
        let (content, ours) = (self.own.content(), self.inner().actions);
        let Some((number, held)) = content.stamped.get(ACTIONS).filter(|_| !content.lost) else {
            return (!content.lost).then(|| "nothing".to_owned());
        };
        let (text, version) = (String::from_utf8_lossy(&held.bytes), (held.term, *number));
        let lacks = version <= ours && !text.contains(done);
        lacks.then(|| format!("{version:?} after {ours:?}, {text}"))
    }

    fn write<T>(
        &self,
        work: impl FnOnce(&mut Content) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut state = self.inner();
        if state.dead {
            return Err(failed());
        }
        let (trouble, made, told) = match state.trouble {
            Trouble::None => (Trouble::None, true, true),
            Trouble::Fail(0) | Trouble::Torn(0) => (Trouble::None, true, true),
            Trouble::Fail(left) => (Trouble::Fail(left - 1), false, false),
            Trouble::Torn(left) => (Trouble::Torn(left - 1), true, false),
            Trouble::Dies(0) => {
                state.dead = true;
                (Trouble::None, true, false)
            }
            Trouble::Dies(left) => (Trouble::Dies(left - 1), true, true),
        };
        state.trouble = trouble;
        drop(state);
        if !made {
            return Err(failed());
        }
        let done = work(&mut self.own.content());
        if told { done } else { done.and(Err(failed())) }
    }

    /// Sends what waits to the shared store. An error is that of the first that it refuses.
    fn send(&self) -> Result<Published, StoreError> {
        let Some(shared) = &self.shared else { return Ok(Published::Primary) };
        let mut state = self.inner();
        if state.out_of_reach {
            return Ok(Published::Journal("out of reach".to_owned()));
        }
        let (mut own, mut there) = (self.own.content(), shared.content());
        let mut refused = None;
        for (topology, epoch) in std::mem::take(&mut state.removals) {
            there.remove(&topology, epoch, own.term);
        }
        for topology in std::mem::take(&mut state.tables) {
            let Some(table) = own.tables.get(&topology) else { continue };
            if let Err(error @ StoreError::Fenced { stored, .. }) = there.publish(table) {
                let given = own.epochs.entry(topology.clone()).or_default();
                *given = stored.max(*given);
                own.tables.remove(&topology);
                own.tables.extend(
                    there.tables.get_key_value(&topology).map(|(k, v)| (k.clone(), v.clone())),
                );
                refused.get_or_insert(error);
            }
        }
        for key in std::mem::take(&mut state.keys) {
            let (ours, theirs) = (own.stamped.get(&key), there.stamped.get(&key));
            let (Some((_, ours)), theirs) = (ours, theirs.map_or(0, |(_, held)| held.term)) else {
                continue;
            };
            if theirs > ours.term {
                let error =
                    StoreError::Deposed { key: key.clone(), stored: theirs, got: ours.term };
                own.take_over(&key, &there);
                refused.get_or_insert(error);
            } else {
                there.take_over(&key, &own);
            }
        }
        refused.map_or(Ok(Published::Primary), Err)
    }

    /// Brings journal and shared store together, as each process does again and again.
    pub fn compare(&self) {
        let _ = self.send();
        let Some(shared) = &self.shared else { return };
        if self.inner().out_of_reach {
            return;
        }
        let (mut own, mut there) = (self.own.content(), shared.content());
        there.term = there.term.max(own.term);
        own.term = there.term;
        let keys: BTreeSet<String> =
            own.stamped.keys().chain(there.stamped.keys()).cloned().collect();
        for key in keys {
            own.take_over(&key, &there);
            there.take_over(&key, &own);
        }
        let topologies: BTreeSet<String> =
            own.tables.keys().chain(there.tables.keys()).cloned().collect();
        for topology in topologies {
            let epoch = |content: &Content| content.tables.get(&topology).map(|table| table.epoch);
            let (ours, theirs) = (epoch(&own), epoch(&there));
            if theirs >= ours {
                own.tables.insert(topology.clone(), there.tables[&topology].clone());
            } else if ours <= there.removed.get(&topology).copied() {
                own.tables.remove(&topology);
            } else {
                there.tables.insert(topology.clone(), own.tables[&topology].clone());
            }
        }
    }
}

impl Store for Handle {
    fn publish(&self, table: &RoutingTable) -> Result<(), StoreError> {
        self.write(|content| content.publish(table))?;
        self.inner().tables.insert(table.topology.clone());
        Ok(())
    }

    fn publish_and_wait(&self, table: &RoutingTable, _: Duration) -> Result<Published, StoreError> {
        self.publish(table)?;
        self.send()
    }

    fn table(&self, topology: &str) -> Result<Option<Loaded>, StoreError> {
        let table = self.own.content().tables.get(topology).cloned();
        Ok(table.map(|table| Loaded { table, dropped: Vec::new() }))
    }

    fn head(&self, topology: &str) -> Result<Option<Head>, StoreError> {
        let content = self.own.content();
        let head = |table: &RoutingTable| Head { epoch: table.epoch, digest: table.digest.clone() };
        Ok(content.tables.get(topology).map(head))
    }

    fn tables(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.own.content().tables.keys().cloned().collect())
    }

    fn remove(&self, topology: &str) -> Result<(), StoreError> {
        let epoch = self.write(|content| {
            let epoch = content.tables.get(topology).map_or(0, |table| table.epoch);
            content.remove(topology, epoch, content.term);
            Ok(epoch)
        })?;
        self.inner().removals.insert(topology.to_owned(), epoch);
        Ok(())
    }

    fn next_epoch(&self, topology: &str, term: u64) -> Result<u64, StoreError> {
        self.write(|content| content.next_epoch(topology, term))
    }

    fn begin_term(&self, at_least: u64) -> Result<u64, StoreError> {
        let reach = self.shared.as_ref().filter(|_| !self.inner().out_of_reach);
        self.write(|content| {
            let wanted = (content.term + 1).max(at_least);
            content.term = match reach {
                Some(shared) => shared.content().begin_term(wanted),
                None => wanted,
            };
            Ok(content.term)
        })
    }

    fn put_stamped(&self, key: &str, term: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let number = self.write(|content| content.put_stamped(key, term, bytes))?;
        let mut state = self.inner();
        state.keys.insert(key.to_owned());
        if key == ACTIONS {
            state.actions = (term, number);
        }
        Ok(())
    }

    fn put_stamped_and_wait(
        &self,
        key: &str,
        term: u64,
        bytes: &[u8],
        _: Duration,
    ) -> Result<Published, StoreError> {
        self.put_stamped(key, term, bytes)?;
        self.send()
    }

    fn stamped(&self, key: &str) -> Result<Option<Stamped>, StoreError> {
        if let Some(shared) = self.shared.as_ref().filter(|_| !self.inner().out_of_reach) {
            self.own.content().take_over(key, &shared.content());
        }
        Ok(self.own.content().stamped.get(key).map(|(_, held)| held.clone()))
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
