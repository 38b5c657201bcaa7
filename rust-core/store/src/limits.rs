//! How large epochs and terms may be, and which formats are read.

/// Redis compares epochs as doubles, which are exact up to here.
pub const MAX_EPOCH: u64 = (1 << 53) - 1;

/// How far a term lies above the running number in an epoch: a term has some million epochs for each
/// topology, and there are some eight thousand million terms, or 33 million times 256.
pub const TERM_SHIFT: u32 = 20;

/// How far a writer lies above the running number of what it stamps: a writer may stamp a key a million times in a term,
/// and Redis compares this number exactly too.
pub(crate) const WRITER_SHIFT: u32 = 20;

/// The last term whose epochs can be compared exactly everywhere.
pub const MAX_TERM: u64 = MAX_EPOCH >> TERM_SHIFT;

/// The newest format of a store as a whole that this version reads, and the one that it writes.
pub const FORMAT: u32 = 1;
