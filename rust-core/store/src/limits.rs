//! How large epochs and terms may be.

/// Redis compares epochs as doubles, which are exact up to here.
pub const MAX_EPOCH: u64 = (1 << 53) - 1;

/// How far a term lies above the running number in an epoch: a term has some 268 million epochs for
/// each topology, and there are some 33 million terms.
pub const TERM_SHIFT: u32 = 28;

/// The last term whose epochs can be compared exactly everywhere.
pub const MAX_TERM: u64 = MAX_EPOCH >> TERM_SHIFT;
