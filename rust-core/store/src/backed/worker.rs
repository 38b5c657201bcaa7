//! The thread that brings journal and shared store together.
//!
//! Before anything else, and again after every outage and at every refresh, it compares both sides:
//! what is newer there is taken over, what the shared store has lost is sent again, and what another
//! writer removed is forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::queue::{Settled, Subject, Work};
use super::{Shared, State};
use crate::backoff::Backoff;
use crate::error::StoreError;
use crate::store::{Head, Reach, Store};
use crate::table::RoutingTable;

/// What to do next.
enum Step {
    Compare,
    Send(u64, Work),
    Stop,
}

/// Works until the store is dropped.
pub(super) fn run(shared: &Shared) {
    let pace = &shared.pace;
    let mut backoff = Backoff::new(pace.base, pace.cap, pace.seed);
    let mut compare_at = Instant::now();
    let mut failures = 0;
    loop {
        let done = match next_step(shared, compare_at, failures) {
            Step::Stop => return,
            Step::Compare => compare(shared).map(|()| compare_at = Instant::now() + pace.refresh),
            Step::Send(ticket, work) => send(shared, ticket, &work),
        };
        match done {
            Ok(()) => {
                failures = 0;
                note_success(shared);
            }
            Err(error) => {
                failures += 1;
                // What was stored before the outage may be lost after it.
                compare_at = Instant::now();
                note_failure(shared, failures, &error);
                pause(shared, backoff.after(failures));
            }
        }
    }
}

/// Waits until there is something to do.
fn next_step(shared: &Shared, compare_at: Instant, failures: u32) -> Step {
    let mut state = shared.state();
    loop {
        if state.stopping && (failures > 0 || state.queue.len() == 0) {
            return Step::Stop;
        }
        let due = compare_at.saturating_duration_since(Instant::now());
        if due.is_zero() && !state.stopping {
            return Step::Compare;
        }
        if let Some((ticket, work)) = state.queue.next() {
            return Step::Send(ticket, work);
        }
        let waited = shared.changed.wait_timeout(state, due);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}

fn pause(shared: &Shared, wait: Duration) {
    let state = shared.state();
    let running = |state: &mut State| !state.stopping;
    drop(shared.changed.wait_timeout_while(state, wait, running));
}

fn note_success(shared: &Shared) {
    let mut state = shared.state();
    if state.health.reach != Reach::Up {
        state.health.reach = Reach::Up;
        tracing::info!("shared store is in reach");
        shared.changed.notify_all();
    }
}

fn note_failure(shared: &Shared, failures: u32, error: &StoreError) {
    let mut state = shared.state();
    let counters = &mut state.health.counters;
    if failures < shared.pace.attempts {
        counters.retries += 1;
    } else if failures == shared.pace.attempts {
        counters.failures += 1;
        tracing::warn!(%error, "shared store is down, working from the journal");
    }
    // Waiting does not make what is there any older.
    if failures >= shared.pace.attempts || matches!(error, StoreError::Newer { .. }) {
        state.health.reach = Reach::Down(error.to_string());
        shared.changed.notify_all();
    }
}

/// Makes one write. An error means that the shared store is out of reach and the write still waits.
fn send(shared: &Shared, ticket: u64, work: &Work) -> Result<(), StoreError> {
    let primary = &shared.primary;
    let done = match work {
        Work::Table { table, .. } => primary.publish(table),
        Work::Removal { topology, epoch, term } => {
            primary.remove_up_to(topology, Some(*epoch), *term)
        }
        Work::Stamped { key, stamp, replay } => primary.send_stamp(key, stamp, *replay),
        Work::State { key, bytes } => primary.put_state(key, bytes),
    };
    let outcome = match done {
        Ok(()) => Settled::Stored,
        Err(StoreError::Fenced { topology, stored, .. }) => {
            // Before anyone is told: whoever asks for an epoch next must get one above the other's,
            // also when the other's table turns out to be damaged.
            shared.journal.raise_epoch(&topology, stored)?;
            pull(shared, &topology)?;
            Settled::Fenced { stored }
        }
        Err(StoreError::Deposed { key, stored, .. }) => {
            shared.journal.raise_term(stored)?;
            pull_stamp(shared, &key)?;
            Settled::Fenced { stored }
        }
        Err(error @ (StoreError::Unreachable { .. } | StoreError::Newer { .. })) => {
            return Err(error);
        }
        Err(error) => {
            tracing::warn!(%error, "shared store does not take a write");
            Settled::Failed(error.to_string())
        }
    };
    settle(shared, ticket, work, outcome);
    Ok(())
}

fn settle(shared: &Shared, ticket: u64, work: &Work, outcome: Settled) {
    let mut state = shared.state();
    let counters = &mut state.health.counters;
    match (&outcome, work) {
        (Settled::Stored, Work::Table { replay, .. }) => {
            counters.published += 1;
            counters.replayed += u64::from(*replay);
        }
        (Settled::Stored, _) => {}
        (Settled::Fenced { .. }, _) => counters.fenced += 1,
        (Settled::Failed(_), _) => counters.failures += 1,
    }
    state.queue.settle(ticket, work, outcome);
    shared.changed.notify_all();
}

/// Brings both sides together. What is spoiled in the shared store does not keep the rest apart.
fn compare(shared: &Shared) -> Result<(), StoreError> {
    shared.primary.claim_format()?;
    usable(shared, "terms", compare_terms(shared))?;
    usable(shared, "stamped state", compare_stamps(shared))?;
    compare_tables(shared)?;
    usable(shared, "state", compare_state(shared))
}

/// Passes over what is spoiled.
fn usable(shared: &Shared, what: &str, done: Result<(), StoreError>) -> Result<(), StoreError> {
    match done {
        Err(error @ StoreError::Corrupt { .. }) => {
            note_broken(shared, what, &error);
            Ok(())
        }
        other => other,
    }
}

/// Brings the last term of each side to the other.
fn compare_terms(shared: &Shared) -> Result<(), StoreError> {
    let term = shared.primary.raise_term(shared.journal.term()?)?;
    shared.journal.raise_term(term)
}

fn compare_tables(shared: &Shared) -> Result<(), StoreError> {
    let mut there = BTreeMap::new();
    for topology in shared.primary.tables()? {
        let Some((theirs, sizes)) = outline(shared, &topology)? else {
            // Nothing to compare with, but reading it says what is wrong with it.
            pull(shared, &topology)?;
            continue;
        };
        let state = shared.state();
        let waits = state.queue.has(&Subject::Topology(topology.clone()));
        let ours = state.memory.get(&topology);
        drop(state);
        if ours.as_ref().is_none_or(|(ours, _)| is_news(&theirs, ours)) && !waits {
            pull(shared, &topology)?;
        }
        // A table that lost some of its keys is sent again as one that is not there.
        let whole = |ours: &RoutingTable| sizes == [ours.rows.len() as u64; 3];
        if ours.is_none_or(|(ours, _)| ours.epoch != theirs.epoch || whole(&ours)) {
            there.insert(topology, theirs.epoch);
        }
    }
    let ours = shared.state().memory.topologies();
    for topology in ours {
        restore(shared, &topology, there.get(&topology).copied())?;
    }
    Ok(())
}

fn is_news(theirs: &Head, ours: &RoutingTable) -> bool {
    theirs.epoch > ours.epoch || theirs.epoch == ours.epoch && theirs.digest != ours.digest
}

/// The shared store's outline of a topology; none where it is damaged, so that it gets replaced.
fn outline(shared: &Shared, topology: &str) -> Result<Option<(Head, [u64; 3])>, StoreError> {
    match shared.primary.outline(topology) {
        Err(error @ StoreError::Corrupt { .. }) => {
            note_broken(shared, topology, &error);
            Ok(None)
        }
        other => other,
    }
}

/// Tells of what cannot be used: once, as it is read again at every comparison.
fn note_broken(shared: &Shared, what: &str, error: &StoreError) {
    let text = error.to_string();
    let told = shared.state().broken.insert(what.to_owned(), text.clone());
    if told.as_ref() != Some(&text) {
        tracing::warn!(what, %error, "content of the shared store cannot be used");
    }
}

/// Sends a table again that the shared store has lost; forgets one that was removed there.
fn restore(shared: &Shared, topology: &str, theirs: Option<u64>) -> Result<(), StoreError> {
    let is_behind = |table: &RoutingTable| theirs.is_none_or(|theirs| theirs < table.epoch);
    let behind = || {
        let entry = shared.state().memory.get(topology);
        entry.is_some_and(|(table, _)| is_behind(&table))
    };
    if !behind() {
        return Ok(());
    }
    // Asked before the lock is taken: callers must not wait for the network.
    let removed = if theirs.is_none() { shared.primary.removed(topology)? } else { None };

    let _writing = shared.writing();
    let mut state = shared.state();
    let Some((table, dropped)) = state.memory.get(topology) else { return Ok(()) };
    if state.queue.has(&Subject::Topology(topology.to_owned())) || !is_behind(&table) {
        return Ok(());
    }
    if let Some(removed) = removed.filter(|removed| *removed >= table.epoch) {
        state.memory.forget(topology);
        drop(state);
        return shared.journal.forget(topology, removed);
    }
    // A table that lost rows on its way to us must not stand for the whole one.
    if dropped.is_empty() {
        shared.enqueue(&mut state, Work::Table { table, replay: true });
    }
    Ok(())
}

/// Takes over the shared store's table, unless ours has become newer.
fn pull(shared: &Shared, topology: &str) -> Result<(), StoreError> {
    let loaded = match shared.primary.table(topology) {
        Err(error @ StoreError::Corrupt { .. }) => {
            note_broken(shared, topology, &error);
            return Ok(());
        }
        other => other?,
    };
    shared.state().broken.remove(topology);
    let Some(loaded) = loaded else { return Ok(()) };
    for row in &loaded.dropped {
        tracing::warn!(topology, key = row.key, reason = row.reason, "row dropped");
    }
    let _writing = shared.writing();
    let ours = shared.state().memory.head(topology);
    if ours.is_some_and(|ours| is_same_or_newer(&ours, &loaded.table)) {
        return Ok(());
    }
    keep(shared, &loaded.table);
    let mut state = shared.state();
    state.memory.put(loaded);
    state.health.counters.pulled += 1;
    Ok(())
}

fn is_same_or_newer(ours: &Head, theirs: &RoutingTable) -> bool {
    ours.epoch > theirs.epoch || ours.epoch == theirs.epoch && ours.digest == theirs.digest
}

/// Keeps another writer's table in the journal; memory has it even where the journal cannot.
fn keep(shared: &Shared, table: &RoutingTable) {
    if let Err(error) = shared.journal.adopt(table) {
        tracing::warn!(topology = table.topology, %error, "journal cannot keep a table");
    }
}

/// Gives each side the newer one of what was kept under a key.
fn compare_stamps(shared: &Shared) -> Result<(), StoreError> {
    let (theirs, ours) = (shared.primary.versions()?, shared.journal.versions()?);
    for (key, version) in &theirs {
        if ours.get(key).is_none_or(|ours| ours != version && !ours.follows(*version)) {
            pull_stamp(shared, key)?;
        }
    }
    for (key, version) in ours {
        if theirs.get(&key).is_none_or(|theirs| version.follows(*theirs)) {
            restore_stamp(shared, key)?;
        }
    }
    Ok(())
}

/// Takes over what the shared store has under a key, unless ours is newer.
fn pull_stamp(shared: &Shared, key: &str) -> Result<(), StoreError> {
    match shared.primary.stamp_at(key) {
        Ok(Some(theirs)) => shared.journal.adopt_stamp(key, &theirs),
        Ok(None) => Ok(()),
        Err(error @ StoreError::Corrupt { .. }) => {
            note_broken(shared, key, &error);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Sends what the shared store has lost under a key, unless something newer is in line.
fn restore_stamp(shared: &Shared, key: String) -> Result<(), StoreError> {
    let _writing = shared.writing();
    let Some(stamp) = shared.journal.stamp_at(&key)? else { return Ok(()) };
    let mut state = shared.state();
    if !state.queue.has(&Subject::Stamped(key.clone())) {
        shared.enqueue(&mut state, Work::Stamped { key, stamp: stamp.into(), replay: true });
    }
    Ok(())
}

/// Gives each side the learned state that only the other has.
fn compare_state(shared: &Shared) -> Result<(), StoreError> {
    let theirs: BTreeSet<String> = shared.primary.state_keys()?.into_iter().collect();
    let ours: BTreeSet<String> = shared.journal.state_keys()?.into_iter().collect();
    for key in theirs.difference(&ours) {
        let Some(bytes) = shared.primary.state(key)? else { continue };
        let _writing = shared.writing();
        if shared.journal.state(key)?.is_none() {
            shared.journal.put_state(key, &bytes)?;
        }
    }
    for key in ours.difference(&theirs) {
        let _writing = shared.writing();
        let Some(bytes) = shared.journal.state(key)? else { continue };
        let mut state = shared.state();
        shared.enqueue(&mut state, Work::State { key: key.clone(), bytes: bytes.into() });
    }
    Ok(())
}
