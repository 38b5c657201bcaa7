//! The numbers of the layout, shared by both directions and mirrored by `SnapshotWriter.java`.

use std::fmt;

use thalweg_core::model::{ComponentKind, Grouping, Obstacle, TopologyStatus};

/// `THWG` as a little-endian number.
pub const MAGIC: u32 = u32::from_le_bytes(*b"THWG");
/// The version of the layout described here.
pub const VERSION: u32 = 9;
/// What texts may take in memory, as a multiple of the encoding: many records may name one text, and each has its own
/// copy. Of a thousand topologies that all have the same settings, those may be of 20 KiB.
pub const MAX_REPEATED: usize = 32;
/// The largest integer of a 32-bit field: what a non-negative Java `int` can hold.
pub const MAX_INT: u32 = i32::MAX as u32;
/// The largest integer of a 64-bit field: what a non-negative Java `long` can hold.
pub const MAX_LONG: u64 = i64::MAX as u64;

/// Where the header's fields are.
pub mod header {
    use super::Section;

    /// Magic number.
    pub const MAGIC: usize = 0;
    /// Layout version.
    pub const VERSION: usize = 4;
    /// Length of the whole encoding in bytes.
    pub const LENGTH: usize = 8;
    /// Number of sections.
    pub const SECTIONS: usize = 12;
    /// When it was seen, in milliseconds since the Unix epoch.
    pub const AT: usize = 16;
    /// The first of the pairs of offset and count.
    pub const TABLE: usize = 24;
    /// Length of the header.
    pub const SIZE: usize = TABLE + 8 * Section::ALL.len();
}

/// A node's flag: the engine forbids new work on it.
pub const BLACKLISTED: u32 = 1;
/// A node's flag: an operator is emptying it.
pub const DRAINING: u32 = 2;
/// All flags of a node.
pub const NODE_FLAGS: u32 = BLACKLISTED | DRAINING;
/// An executor's flag: it reported counters.
pub const HAS_COUNTERS: u32 = 1;
/// An executor's slot when it has none.
pub const NO_SLOT: u32 = u32::MAX;
/// A 32-bit count that was not measured.
pub const NO_INT: u32 = u32::MAX;
/// A 64-bit count that was not measured.
pub const NO_LONG: u64 = u64::MAX;

/// A topology's status is encoded as its place here.
pub const STATUSES: [TopologyStatus; 4] = [
    TopologyStatus::Active,
    TopologyStatus::Inactive,
    TopologyStatus::Rebalancing,
    TopologyStatus::Killed,
];
/// What stands against a change of a topology is encoded as its place here, or as [`NO_INT`].
pub const OBSTACLES: [Obstacle; 7] = [
    Obstacle::CheckpointsOff,
    Obstacle::NoCheckpointYet,
    Obstacle::CheckpointsFail,
    Obstacle::Batch,
    Obstacle::OtherScheduler,
    Obstacle::Unreadable,
    Obstacle::KeptApart,
];
/// A component's kind is encoded as its place here.
pub const KINDS: [ComponentKind; 3] =
    [ComponentKind::Source, ComponentKind::Operator, ComponentKind::System];
/// A stream's grouping is encoded as its place here.
pub const GROUPINGS: [Grouping; 7] = [
    Grouping::Shuffle,
    Grouping::Fields,
    Grouping::All,
    Grouping::Global,
    Grouping::LocalOrShuffle,
    Grouping::Custom,
    Grouping::Broadcast,
];

/// One array of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// id, host, rack, flags: u32; CPU points, memory MiB, round trip ms, by how much its
    /// clock is ahead in ms, which may be below zero: f64, NaN where unknown.
    Nodes,
    /// node, port: u32; ascending.
    Slots,
    /// id, name, status, desired workers: u32; message timeout ms: f64; numbers of components,
    /// edges, executors, least compute of a worker in thousandths of a point: u32; heap of a worker
    /// MiB, duration of the last checkpoint ms: f64, NaN where unknown; bytes of it: u64, all ones where
    /// unknown; what stands against a change, all ones where nothing does, and what its user set about Thalweg,
    /// as a JSON object: the string's index and 1, 0 where nothing is set: u32; time between two checkpoints ms: f64,
    /// NaN where unknown.
    Topologies,
    /// id, kind, first task, last task: u32; CPU points, memory MiB: f64, NaN where undeclared;
    /// backlog: u64, partitions: u32, all ones where unknown; most executors on one node: u32, 0 where
    /// nobody asks; heap MiB: f64, NaN where undeclared; fewest and most executors: u32, all ones where
    /// nobody asks; the number of those that it shares slots with, and where a source reads from, as a JSON object
    /// of texts: the string's index and 1, 0 where it does not tell: u32.
    Components,
    /// from, to, grouping, and 0: u32; the first two count within the topology; sent: u64, all
    /// ones where unknown.
    Edges,
    /// component (within the topology), first task, last task, slot, flags, uptime s: u32;
    /// executed: u64, execute ms: f64, acked: u64, process ms: f64, failed, emitted, transferred,
    /// completed: u64, complete ms: f64; busy ms, back-pressured ms, idle ms, GC ms: f64, NaN where
    /// unknown; state bytes, state accesses, state hits: u64, all ones where unknown.
    Executors,
    /// topology, two of its components that are to be on different nodes, and 0: u32; topologies ascend.
    Apart,
    /// Where each string ends in the bytes: u32.
    StringEnds,
    /// UTF-8.
    StringBytes,
}

impl Section {
    /// Every section, in order.
    pub const ALL: [Self; 9] = [
        Self::Nodes,
        Self::Slots,
        Self::Topologies,
        Self::Components,
        Self::Edges,
        Self::Executors,
        Self::Apart,
        Self::StringEnds,
        Self::StringBytes,
    ];

    /// Bytes of one record.
    pub const fn record_size(self) -> usize {
        match self {
            Self::Nodes => 48,
            Self::Topologies => 80,
            Self::Slots => 8,
            Self::Components => 72,
            Self::Edges => 24,
            Self::Executors => 152,
            Self::Apart => 16,
            Self::StringEnds => 4,
            Self::StringBytes => 1,
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nodes => "node",
            Self::Slots => "slot",
            Self::Topologies => "topology",
            Self::Components => "component",
            Self::Edges => "edge",
            Self::Executors => "executor",
            Self::Apart => "pair apart",
            Self::StringEnds => "string end",
            Self::StringBytes => "string byte",
        })
    }
}

/// The first aligned offset that is not before `offset`.
pub const fn aligned(offset: usize) -> usize {
    offset.next_multiple_of(8)
}
