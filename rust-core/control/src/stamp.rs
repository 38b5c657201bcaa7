//! Whether a file is still what it was when it was read.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What changes with a file's content, also where it is replaced by another of the same length within the same tick of the
/// file system's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    length: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of a file; none if it cannot be looked at.
    pub fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        Some(Self {
            inode: found.ino(),
            length: found.len(),
            written: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}
