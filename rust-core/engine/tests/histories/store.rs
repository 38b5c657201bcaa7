//! Stores in memory: one for each process, one for all, or one for all with a journal for each. Writes fail, or fail
//! after they were made, when they are told to; the shared store can be out of reach, and each can lose everything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thalweg_store::{
    Head, Loaded, Published, RoutingTable, Stamped, Store, StoreError, TERM_SHIFT,
};

/// What the engine keeps of actions.
const ACTIONS: &str = "actions";

/// How far the writer lies above the running number of what it stamps.
const WRITER_SHIFT: u32 = 20;

/// What is stored in one place.
#[derive(Default)]
struct Content {
    tables: BTreeMap<String, RoutingTable>,
    /// The last epoch given, also of topologies that are gone.
    epochs: BTreeMap<String, u64>,
    /// Up to which epoch tables of topologies were removed.
    removed: BTreeMap<String, u64>,
    /// With the writer in the upper bits of a number that grows with each write of a term.
    stamped: BTreeMap<String, (u64, Stamped)>,
    /// Which leader, counted from the first of the history on, has stored what is under each key.
    leaders: BTreeMap<String, u64>,
    /// What an earlier leader has replaced of a later one's.
    replaced: Option<String>,
    term: u64,
    /// How often all was lost.
    losses: u64,
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
    /// By what others know what it stamps.
    writer: u64,
    own: Place,
    /// The store behind it that others share.
    shared: Option<Place>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    leader: u64,
    trouble: Trouble,
    /// Whether the process is to end.
    dead: bool,
    out_of_reach: bool,
    /// How often all had been lost when something was stored here of actions last.
    losses: u64,
    /// Topologies and keys whose newest value has yet to reach the shared store.
    tables: BTreeSet<String>,
    removals: BTreeMap<String, u64>,
    keys: BTreeSet<String>,
}

impl Place {
    /// One that leaders of another cluster have used before.
    pub fn used(terms: u64) -> Self {
        Self(Arc::new(Mutex::new(Content { term: terms, ..Content::default() })))
    }

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

    fn put_stamped(
        &mut self,
        key: &str,
        term: u64,
        bytes: &[u8],
        (writer, leader): (u64, u64),
    ) -> Result<(), StoreError> {
        let held = self.stamped.get(key).map(|(number, held)| (held.term, *number));
        let number = match held {
            Some((stored, number))
                if stored > term || stored == term && number >> WRITER_SHIFT != writer =>
            {
                return Err(StoreError::Deposed { key: key.to_owned(), stored, got: term });
            }
            Some((stored, number)) if stored == term => number + 1,
            _ => writer << WRITER_SHIFT | 1,
        };
        let stamped = Stamped { term, bytes: bytes.to_vec() };
        self.keep(key, (number, stamped), leader);
        Ok(())
    }

    /// What a file on a machine does, and a shared store does not: no term that it has seen is given again.
    fn see_terms(&mut self) {
        let stamped = self.stamped.values().map(|(_, held)| held.term);
        let tables = self.tables.values().map(|table| table.epoch >> TERM_SHIFT);
        let epochs = self.epochs.values().chain(self.removed.values()).map(|e| e >> TERM_SHIFT);
        let seen = stamped.chain(tables).chain(epochs).max().unwrap_or(0);
        self.term = self.term.max(seen);
    }

    /// Whether what is held under a key came after what another place has. Of two writers in one term neither did.
    fn follows(&self, key: &str, other: &Self) -> bool {
        let version =
            |content: &Self| content.stamped.get(key).map(|(number, held)| (held.term, *number));
        match (version(self), version(other)) {
            (Some((term, number)), Some((other_term, other_number))) => {
                let same_writer = number >> WRITER_SHIFT == other_number >> WRITER_SHIFT;
                term > other_term || term == other_term && same_writer && number > other_number
            }
            (ours, _) => ours.is_some(),
        }
    }

    fn keep(&mut self, key: &str, stamped: (u64, Stamped), leader: u64) {
        self.stamped.insert(key.to_owned(), stamped);
        let before = self.leaders.insert(key.to_owned(), leader).unwrap_or(0);
        if before > leader {
            self.replaced = Some(format!("{key} of leader {before} by that of leader {leader}"));
        }
    }

    fn keep_as_in(&mut self, key: &str, other: &Self) {
        if let Some(stamped) = other.stamped.get(key) {
            self.keep(key, stamped.clone(), other.leaders[key]);
        }
    }

    /// Takes over what the shared place has under a key, unless this is newer.
    fn take_over(&mut self, key: &str, other: &Self) {
        if !self.follows(key, other) {
            self.keep_as_in(key, other);
        }
    }

    /// Takes what a machine sends under a key, where it is newer.
    fn receive(&mut self, key: &str, other: &Self) {
        if other.follows(key, self) {
            self.keep_as_in(key, other);
        }
    }
}

fn failed() -> StoreError {
    StoreError::File { path: "memory".to_owned(), reason: "disk full".to_owned() }
}

impl Handle {
    /// A store of this place alone, or with a place of its own in front of it.
    pub fn new(writer: u64, shared: Option<Place>, journal: bool) -> Self {
        match shared {
            Some(shared) if journal => Self { writer, shared: Some(shared), ..Self::default() },
            Some(shared) => Self { writer, own: shared, ..Self::default() },
            None => Self { writer, ..Self::default() },
        }
    }

    fn inner(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which leader this is the store of from now on.
    pub fn led_by(&self, leader: u64) {
        self.inner().leader = leader;
    }

    /// What an earlier leader has replaced of a later one's.
    pub fn replaced(&self) -> Option<String> {
        let places = std::iter::once(&self.own).chain(&self.shared);
        places.filter_map(|place| place.content().replaced.clone()).next()
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
        let mut content = self.shared.as_ref().unwrap_or(&self.own).content();
        let losses = content.losses + 1;
        *content = Content { losses, ..Content::default() };
    }

    /// What is stored of actions instead, if something that whoever leads is about to do is not among them; unless the
    /// store has lost all since that was stored.
    pub fn lacks(&self, plan: &str, done: &str) -> Option<String> {
        let content = self.own.content();
        let held = content.stamped.get(ACTIONS).map(|(number, held)| (*number, held));
        let text =
            held.map_or_else(String::new, |(_, held)| String::from_utf8_lossy(&held.bytes).into());
        let has = text.contains(done) && text.contains(&format!("\"{plan}\""));
        let lost = content.losses != self.inner().losses;
        let version = held.map(|(number, held)| (held.term, number));
        drop(content);
        (!has && !lost).then(|| format!("{version:?}, {text}"))
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

    fn require_reach(&self) -> Result<(), StoreError> {
        if self.shared.is_some() && self.inner().out_of_reach {
            let server = "memory".to_owned();
            return Err(StoreError::Unreachable { server, reason: "cut off".to_owned() });
        }
        Ok(())
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
            let Some((number, ours)) = own.stamped.get(&key).cloned() else { continue };
            let theirs = there.stamped.get(&key).map(|(number, held)| (*number, held.term));
            let stored = theirs.filter(|(other, term)| {
                *term > ours.term
                    || *term == ours.term && number >> WRITER_SHIFT != other >> WRITER_SHIFT
            });
            if let Some((_, stored)) = stored {
                own.take_over(&key, &there);
                refused.get_or_insert(StoreError::Deposed { key, stored, got: ours.term });
            } else {
                there.receive(&key, &own);
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
        own.see_terms();
        there.term = there.term.max(own.term);
        own.term = there.term;
        let keys: BTreeSet<String> =
            own.stamped.keys().chain(there.stamped.keys()).cloned().collect();
        for key in keys {
            own.take_over(&key, &there);
            there.receive(&key, &own);
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
            content.see_terms();
            let wanted = (content.term + 1).max(at_least);
            content.term = match reach {
                Some(shared) => shared.content().begin_term(wanted),
                None => wanted,
            };
            Ok(content.term)
        })
    }

    fn begin_shared_term(&self, at_least: u64) -> Result<u64, StoreError> {
        self.require_reach()?;
        self.begin_term(at_least)
    }

    fn shared_stamped(&self, key: &str) -> Result<Option<Stamped>, StoreError> {
        self.require_reach()?;
        self.stamped(key)
    }

    fn put_stamped(&self, key: &str, term: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let by = (self.writer, self.inner().leader);
        let losses = self.write(|content| {
            content.put_stamped(key, term, bytes, by)?;
            Ok(content.losses)
        })?;
        let mut state = self.inner();
        state.keys.insert(key.to_owned());
        if key == ACTIONS {
            state.losses = losses;
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
