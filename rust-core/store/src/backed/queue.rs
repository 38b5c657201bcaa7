//! Writes on their way to the shared store: the newest per topology and key, and never more than a limit.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::table::RoutingTable;
use crate::term::Stamp;

/// A write for the shared store.
#[derive(Debug, Clone)]
pub(super) enum Work {
    /// A table; a replay is one that the shared store lacked or lost.
    Table { table: Arc<RoutingTable>, replay: bool },
    /// A topology whose table is to go, unless there is one after this epoch; and the last term that
    /// the remover knows.
    Removal { topology: String, epoch: u64, term: u64 },
    /// Stamped bytes; a replay is what the shared store lacked or lost.
    Stamped { key: String, stamp: Arc<Stamp>, replay: bool },
    /// Learned state.
    State { key: String, bytes: Arc<[u8]> },
}

/// What a write replaces, in the order in which writes leave.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Stamped(String),
    Topology(String),
    State(String),
}

impl Work {
    fn subject(&self) -> Subject {
        match self {
            Self::Table { table, .. } => Subject::Topology(table.topology.clone()),
            Self::Removal { topology, .. } => Subject::Topology(topology.clone()),
            Self::Stamped { key, .. } => Subject::Stamped(key.clone()),
            Self::State { key, .. } => Subject::State(key.clone()),
        }
    }
}

/// How the way of a table, or of stamped bytes, ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Settled {
    /// The shared store has it.
    Stored,
    /// Another writer is ahead, with this epoch or term.
    Fenced { stored: u64 },
    /// The shared store will not take it.
    Failed(String),
}

/// Writes on their way to the shared store.
#[derive(Default)]
pub(super) struct Queue {
    waiting: BTreeMap<Subject, (u64, Work)>,
    settled: BTreeMap<Subject, (u64, Settled)>,
    last_ticket: u64,
}

impl Queue {
    /// Puts a write in line in place of an older one of the same subject, and returns its ticket;
    /// nothing when `limit` others wait.
    pub(super) fn push(&mut self, work: Work, limit: usize) -> Option<u64> {
        let subject = work.subject();
        if self.waiting.len() >= limit && !self.waiting.contains_key(&subject) {
            return None;
        }
        self.last_ticket += 1;
        self.waiting.insert(subject, (self.last_ticket, work));
        Some(self.last_ticket)
    }

    /// The next write to be made; it stays in line until it is settled.
    pub(super) fn next(&self) -> Option<(u64, Work)> {
        self.waiting.values().next().cloned()
    }

    /// Ends a write's way, unless a newer one has taken its place in line.
    pub(super) fn settle(&mut self, ticket: u64, work: &Work, outcome: Settled) {
        let subject = work.subject();
        if self.waiting.get(&subject).is_some_and(|(waiting, _)| *waiting == ticket) {
            self.waiting.remove(&subject);
        }
        match work {
            Work::Table { .. } | Work::Stamped { .. } => {
                self.settled.insert(subject, (ticket, outcome));
            }
            Work::Removal { .. } => {
                self.settled.remove(&subject);
            }
            Work::State { .. } => {}
        }
    }

    /// How the way of a write ended that got this ticket, or of one that took its place.
    pub(super) fn settled(&self, subject: &Subject, ticket: u64) -> Option<&Settled> {
        let (settled, outcome) = self.settled.get(subject)?;
        (*settled >= ticket).then_some(outcome)
    }

    /// Whether a write for the subject waits.
    pub(super) fn has(&self, subject: &Subject) -> bool {
        self.waiting.contains_key(subject)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use thalweg_core::units::Timestamp;

    use super::*;

    fn table(topology: &str, epoch: u64) -> Work {
        let table = RoutingTable::new("p", topology, epoch, Timestamp::default(), vec![]);
        Work::Table { table: Arc::new(table), replay: false }
    }

    #[test]
    fn the_newest_table_of_a_topology_wins() {
        let mut queue = Queue::default();
        let old = queue.push(table("a", 1), 1).unwrap();
        let (ticket, sent) = queue.next().unwrap();
        assert_eq!(ticket, old);
        let new = queue.push(table("a", 2), 1).unwrap();
        queue.settle(ticket, &sent, Settled::Stored);
        assert_eq!(queue.len(), 1, "the newer table must still be sent");
        let subject = Subject::Topology("a".into());
        assert_eq!(queue.settled(&subject, old), Some(&Settled::Stored));
        assert_eq!(queue.settled(&subject, new), None);
    }

    #[test]
    fn a_full_queue_takes_only_what_replaces() {
        let mut queue = Queue::default();
        assert!(queue.push(table("a", 1), 1).is_some());
        assert!(queue.push(table("b", 1), 1).is_none());
        assert!(queue.push(Work::Removal { topology: "a".into(), epoch: 1, term: 0 }, 1).is_some());
        assert_eq!(queue.len(), 1);
    }
}
