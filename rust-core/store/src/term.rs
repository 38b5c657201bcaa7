//! Terms of leadership, and what carries one: epochs and stamped state.
//!
//! Each leader begins a term with a number above all before it. An epoch holds its leader's term in
//! its upper bits, so that whoever led earlier is behind whoever leads now, however many epochs it
//! takes.

use crate::error::StoreError;
use crate::limits::{MAX_TERM, TERM_SHIFT, WRITER_SHIFT};

/// Bytes kept under a key, with the term of the leader who wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// The term.
    pub term: u64,
    /// The bytes; none where they were forgotten.
    pub bytes: Vec<u8>,
}

/// Which of two writes under one key is the newer: the one of the later term, and within a term the
/// one that was written later.
///
/// A term has one writer. Where two began the same one out of each other's sight, whichever reaches the shared store first
/// has it; the other is deposed, and begins another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) term: u64,
    /// The writer in the upper bits, and a running number.
    pub(crate) seq: u64,
}

impl Version {
    fn first(term: u64, writer: u32) -> Self {
        Self { term, seq: u64::from(writer) << WRITER_SHIFT | 1 }
    }

    fn is_of(self, writer: u32) -> bool {
        self.seq >> WRITER_SHIFT == u64::from(writer)
    }

    /// Whether this came after another. Of two writers in one term neither did.
    pub(crate) fn follows(self, other: Self) -> bool {
        let same_writer = self.seq >> WRITER_SHIFT == other.seq >> WRITER_SHIFT;
        self.term > other.term || self.term == other.term && same_writer && self.seq > other.seq
    }
}

/// Bytes as they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) version: Version,
    pub(crate) bytes: Vec<u8>,
}

impl Stamp {
    /// Reads "term number bytes".
    pub(crate) fn read(kept: &[u8]) -> Option<Self> {
        let mut parts = kept.splitn(3, |byte| *byte == b' ');
        let mut next = || std::str::from_utf8(parts.next()?).ok()?.parse().ok();
        let version = Version { term: next()?, seq: next()? };
        Some(Self { version, bytes: parts.next()?.to_vec() })
    }
}

impl Stamped {
    /// Reads what Redis keeps under a key, whoever put it there; nothing where it does not begin with its term and number.
    pub fn read(kept: &[u8]) -> Option<Self> {
        Stamp::read(kept).map(Self::from)
    }
}

impl From<Stamp> for Stamped {
    fn from(stamp: Stamp) -> Self {
        Self { term: stamp.version.term, bytes: stamp.bytes }
    }
}

/// Checks that a term has epochs that can be compared everywhere.
pub(crate) fn check_term(term: u64) -> Result<(), StoreError> {
    if term > MAX_TERM { Err(StoreError::TermTooLarge(term)) } else { Ok(()) }
}

/// The term after `last`, not below `at_least`.
pub(crate) fn term_after(last: u64, at_least: u64) -> Result<u64, StoreError> {
    let next = last.saturating_add(1).max(at_least);
    check_term(next).map(|()| next)
}

/// The epoch that a term has for a topology after the epoch `last`. A term that has given all of its
/// epochs is over: its leader must begin another.
pub(crate) fn epoch_after(topology: &str, last: u64, term: u64) -> Result<u64, StoreError> {
    check_term(term)?;
    let next = last.saturating_add(1).max(term << TERM_SHIFT);
    let stored = next >> TERM_SHIFT;
    if stored > term {
        return Err(StoreError::Deposed { key: topology.to_owned(), stored, got: term });
    }
    Ok(next)
}

/// The last epoch of the terms before this one, if there are any.
pub(crate) fn last_before(term: u64) -> u64 {
    (term << TERM_SHIFT).saturating_sub(1)
}

/// The version of a term's next write after `last`. A writer that has no number left must begin another term.
pub(crate) fn version_after(
    key: &str,
    last: Option<Version>,
    term: u64,
    writer: u32,
) -> Result<Version, StoreError> {
    check_term(term)?;
    let Some(last) = last.filter(|last| last.term >= term) else {
        return Ok(Version::first(term, writer));
    };
    let next = Version { term, seq: last.seq + 1 };
    if last.term > term || !last.is_of(writer) || !next.is_of(writer) {
        return Err(StoreError::Deposed { key: key.to_owned(), stored: last.term, got: term });
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_EPOCH;

    const RANGE: u64 = 1 << TERM_SHIFT;

    #[test]
    fn epochs_stay_in_the_range_of_their_term() {
        assert_eq!(epoch_after("t", 0, 0), Ok(1));
        assert_eq!(epoch_after("t", 41, 0), Ok(42));
        assert_eq!(epoch_after("t", 41, 3), Ok(3 * RANGE));
        assert_eq!(epoch_after("t", 3 * RANGE, 3), Ok(3 * RANGE + 1));
        assert_eq!(epoch_after("t", 0, MAX_TERM), Ok(MAX_TERM * RANGE));
        const { assert!(MAX_TERM * RANGE + (RANGE - 1) <= MAX_EPOCH) };

        let deposed = |stored| StoreError::Deposed { key: "t".into(), stored, got: 3 };
        assert_eq!(epoch_after("t", 4 * RANGE - 1, 3), Err(deposed(4)), "its epochs are spent");
        assert_eq!(epoch_after("t", 4 * RANGE, 3), Err(deposed(4)));
        assert_eq!(epoch_after("t", 9 * RANGE, 3), Err(deposed(9)));
        assert_eq!(epoch_after("t", last_before(3), 3), Ok(3 * RANGE));
        assert_eq!(last_before(0), 0);
        assert_eq!(epoch_after("t", 0, MAX_TERM + 1), Err(StoreError::TermTooLarge(MAX_TERM + 1)));
    }

    #[test]
    fn a_term_has_one_writer() {
        let first = version_after("k", None, 4, 7);
        assert_eq!(first, Ok(Version::first(4, 7)));
        let first = Version::first(4, 7);
        let second = version_after("k", Some(first), 4, 7).expect("its own");
        assert!(second.follows(first) && !first.follows(second) && !first.follows(first));

        let deposed = |stored| StoreError::Deposed { key: "k".into(), stored, got: 4 };
        assert_eq!(version_after("k", Some(second), 4, 8), Err(deposed(4)));
        assert_eq!(version_after("k", Some(Version::first(5, 7)), 4, 7), Err(deposed(5)));
        assert_eq!(version_after("k", Some(second), 5, 8), Ok(Version::first(5, 8)));
        let last = Version { term: 4, seq: (8 << WRITER_SHIFT) - 1 };
        assert_eq!(version_after("k", Some(last), 4, 7), Err(deposed(4)), "its numbers are spent");

        let other = Version::first(4, 8);
        assert!(!other.follows(second) && !second.follows(other), "neither came first");
        assert!(Version::first(5, 1).follows(second));
        let largest = Version { term: MAX_TERM, seq: u64::from(u32::MAX) << WRITER_SHIFT };
        assert!(largest.seq + (1 << WRITER_SHIFT) <= MAX_EPOCH, "compared exactly by Redis");
    }

    #[test]
    fn terms_end_where_epochs_end() {
        assert_eq!(term_after(4, 0), Ok(5));
        assert_eq!(term_after(4, 9), Ok(9));
        assert_eq!(term_after(MAX_TERM, 0), Err(StoreError::TermTooLarge(MAX_TERM + 1)));
        assert_eq!(term_after(u64::MAX, 0), Err(StoreError::TermTooLarge(u64::MAX)));
    }
}
