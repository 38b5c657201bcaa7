//! The routing table: where every executor of one topology was, and where a plan wants it.

use serde::{Deserialize, Serialize};
use thalweg_core::model::TaskRange;
use thalweg_core::units::Timestamp;
use thiserror::Error;
use xxhash_rust::xxh3::Xxh3;

use crate::limits::MAX_EPOCH;

/// The layout in which tables are stored; other layouts are not guessed at.
pub const LAYOUT: u32 = 1;

/// One side's value before a plan, and the value the plan wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change<T> {
    /// What it was; nothing for an executor that was not running.
    pub before: Option<T>,
    /// What it is to be.
    pub after: T,
}

impl<T> Change<T> {
    /// Makes a change.
    pub fn new(before: Option<T>, after: T) -> Self {
        Self { before, after }
    }
}

/// The migration of one executor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The executor, named by its tasks.
    pub executor: TaskRange,
    /// The component it belongs to.
    pub component: String,
    /// Its node; the value of the paper's N(k, v).
    pub node: Change<String>,
    /// Its port there; the value of the paper's P(k, v).
    pub port: Change<u32>,
}

/// A plan's migrations for one topology, under a fencing epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingTable {
    /// The plan it came from.
    pub plan: String,
    /// The topology it is for.
    pub topology: String,
    /// Whose turn it is: a higher epoch replaces a lower one, never the reverse.
    pub epoch: u64,
    /// When the plan was made.
    pub at: Timestamp,
    /// Fingerprint of everything else here; finds accidents, not forgers.
    pub digest: String,
    /// One row per executor, in the order of their tasks.
    pub rows: Vec<Row>,
}

/// What is wrong with a routing table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TableError {
    /// The topology's id cannot be part of a key.
    #[error("topology id {0:?} is empty or holds braces or control characters")]
    BadTopology(String),
    /// The epoch is too large to be compared exactly everywhere.
    #[error("epoch {0} is above {MAX_EPOCH}")]
    EpochTooLarge(u64),
    /// Two rows are out of order or share tasks.
    #[error("executor {executor} does not begin after {previous} ends")]
    Overlap {
        /// The earlier row.
        previous: TaskRange,
        /// The row that does not follow it.
        executor: TaskRange,
    },
    /// A row lacks a name.
    #[error("executor {executor} has an empty {what}")]
    EmptyName {
        /// The row.
        executor: TaskRange,
        /// What has no name.
        what: &'static str,
    },
    /// A row knows only one of node and port before the plan.
    #[error("executor {executor} has only one of node and port before the plan")]
    HalfAPlace {
        /// The row.
        executor: TaskRange,
    },
    /// The content is not what the fingerprint was taken of.
    #[error("digest is {stated} but the content has {computed}")]
    Digest {
        /// As the table says.
        stated: String,
        /// As computed.
        computed: String,
    },
}

impl RoutingTable {
    /// Makes a table, its rows sorted and its digest computed.
    pub fn new(
        plan: impl Into<String>,
        topology: impl Into<String>,
        epoch: u64,
        at: Timestamp,
        mut rows: Vec<Row>,
    ) -> Self {
        rows.sort_by_key(|row| row.executor);
        let mut table = Self {
            plan: plan.into(),
            topology: topology.into(),
            epoch,
            at,
            digest: String::new(),
            rows,
        };
        table.digest = table.fingerprint();
        table
    }

    /// Checks that the table is well formed and unchanged since it was made.
    ///
    /// # Errors
    /// Names the first thing that is wrong.
    pub fn verify(&self) -> Result<(), TableError> {
        check_topology(&self.topology)?;
        if self.epoch > MAX_EPOCH {
            return Err(TableError::EpochTooLarge(self.epoch));
        }
        for row in &self.rows {
            row.verify()?;
        }
        for pair in self.rows.windows(2) {
            let (previous, executor) = (pair[0].executor, pair[1].executor);
            if executor.first <= previous.last {
                return Err(TableError::Overlap { previous, executor });
            }
        }
        let computed = self.fingerprint();
        if computed == self.digest {
            Ok(())
        } else {
            Err(TableError::Digest { stated: self.digest.clone(), computed })
        }
    }

    /// The paper's N(k, v): each executor's node before and after.
    pub fn nodes(&self) -> impl Iterator<Item = (TaskRange, &Change<String>)> {
        self.rows.iter().map(|row| (row.executor, &row.node))
    }

    /// The paper's P(k, v): each executor's port before and after.
    pub fn ports(&self) -> impl Iterator<Item = (TaskRange, &Change<u32>)> {
        self.rows.iter().map(|row| (row.executor, &row.port))
    }

    /// The row of an executor.
    pub fn row(&self, executor: TaskRange) -> Option<&Row> {
        let index = self.rows.binary_search_by_key(&executor, |row| row.executor);
        index.ok().map(|index| &self.rows[index])
    }

    /// XXH3 over a byte form in which every text carries its length, so that no two tables share
    /// one; integers are little-endian, which makes it the same on every machine.
    fn fingerprint(&self) -> String {
        let mut hash = Xxh3::new();
        hash.update(&LAYOUT.to_le_bytes());
        text(&mut hash, &self.plan);
        text(&mut hash, &self.topology);
        hash.update(&self.epoch.to_le_bytes());
        hash.update(&self.at.millis().to_le_bytes());
        for row in &self.rows {
            hash.update(&row.executor.first.to_le_bytes());
            hash.update(&row.executor.last.to_le_bytes());
            text(&mut hash, &row.component);
            maybe(&mut hash, row.node.before.as_ref(), |hash, node| text(hash, node));
            text(&mut hash, &row.node.after);
            maybe(&mut hash, row.port.before.as_ref(), |hash, port| {
                hash.update(&port.to_le_bytes());
            });
            hash.update(&row.port.after.to_le_bytes());
        }
        format!("{:032x}", hash.digest128())
    }
}

impl Row {
    pub(crate) fn verify(&self) -> Result<(), TableError> {
        let executor = self.executor;
        for (what, name) in [
            ("component", Some(&self.component)),
            ("node before", self.node.before.as_ref()),
            ("node after", Some(&self.node.after)),
        ] {
            if name.is_some_and(String::is_empty) {
                return Err(TableError::EmptyName { executor, what });
            }
        }
        if self.node.before.is_some() == self.port.before.is_some() {
            Ok(())
        } else {
            Err(TableError::HalfAPlace { executor })
        }
    }
}

/// Checks that a topology's id can be part of a key: braces would move it to another Redis slot.
pub(crate) fn check_topology(id: &str) -> Result<(), TableError> {
    let bad = |c: char| c == '{' || c == '}' || c.is_control();
    if id.is_empty() || id.contains(bad) {
        return Err(TableError::BadTopology(id.to_owned()));
    }
    Ok(())
}

fn text(hash: &mut Xxh3, value: &str) {
    hash.update(&(value.len() as u64).to_le_bytes());
    hash.update(value.as_bytes());
}

fn maybe<T>(hash: &mut Xxh3, value: Option<T>, write: impl FnOnce(&mut Xxh3, T)) {
    hash.update(&[u8::from(value.is_some())]);
    if let Some(value) = value {
        write(hash, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(first: u32, last: u32) -> Row {
        Row {
            executor: TaskRange::new(first, last),
            component: "count".into(),
            node: Change::new(Some("n1".into()), "n2".into()),
            port: Change::new(Some(6700), 6701),
        }
    }

    fn table(rows: Vec<Row>) -> RoutingTable {
        RoutingTable::new("p1", "wordcount-1", 7, Timestamp::from_millis(42), rows)
    }

    #[test]
    fn rows_are_sorted_and_found_by_executor() {
        let table = table(vec![row(3, 4), row(1, 2)]);
        assert_eq!(table.verify(), Ok(()));
        assert_eq!(table.nodes().map(|(k, _)| k.first).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(table.ports().next().map(|(_, v)| v.after), Some(6701));
        assert_eq!(table.row(TaskRange::new(3, 4)), Some(&row(3, 4)));
        assert_eq!(table.row(TaskRange::new(3, 5)), None);
    }

    #[test]
    fn the_digest_is_the_same_on_every_machine() {
        assert_eq!(table(vec![row(1, 2)]).digest, "732226284f5439efe81cc6f6ef042b1f");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let (previous, executor) = (TaskRange::new(1, 3), TaskRange::new(3, 4));
        let overlapping = table(vec![row(1, 3), row(3, 4)]).verify();
        assert_eq!(overlapping, Err(TableError::Overlap { previous, executor }));

        let half = Row { port: Change::new(None, 1), ..row(1, 1) };
        let executor = half.executor;
        assert_eq!(table(vec![half]).verify(), Err(TableError::HalfAPlace { executor }));

        let unnamed = Row { component: String::new(), ..row(1, 1) };
        let what = "component";
        assert_eq!(table(vec![unnamed]).verify(), Err(TableError::EmptyName { executor, what }));

        let mut changed = table(vec![row(1, 2)]);
        changed.rows[0].port.after = 6702;
        assert!(matches!(changed.verify(), Err(TableError::Digest { .. })));

        let braces = RoutingTable { topology: "a}b".into(), ..table(vec![]) };
        assert_eq!(braces.verify(), Err(TableError::BadTopology("a}b".into())));
        let late = RoutingTable { epoch: MAX_EPOCH + 1, ..table(vec![]) };
        assert_eq!(late.verify(), Err(TableError::EpochTooLarge(MAX_EPOCH + 1)));
    }
}
