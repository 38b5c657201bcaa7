//! All lines of a ledger, from the oldest to the newest.

use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use crate::folder::{Segment, segments};
use crate::record::{self, Record};

/// Where a line stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The segment's file name.
    pub file: String,
    /// The line, from 1; 0 is the file as a whole.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// A line.
#[derive(Debug, Clone)]
pub struct Line {
    /// Where it stands.
    pub place: Place,
    /// Its bytes, without the newline.
    pub bytes: Vec<u8>,
    /// Whether it has its newline.
    pub whole: bool,
    /// Whether it stands in the last segment.
    pub in_last: bool,
}

/// Goes through a folder's lines, up to one of a newer version; one segment at a time is in memory.
#[derive(Debug)]
pub struct Walk {
    left: VecDeque<Segment>,
    open: Option<Opened>,
    begun: bool,
}

#[derive(Debug)]
struct Opened {
    file: String,
    bytes: Vec<u8>,
    at: usize,
    line: u64,
}

impl Walk {
    /// Begins at the oldest line.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn of(folder: &Path) -> io::Result<Self> {
        Ok(Self { left: segments(folder)?.into(), open: None, begun: false })
    }

    fn open_next(&mut self) -> Option<io::Result<()>> {
        loop {
            let segment = self.left.pop_front()?;
            match fs::read(&segment.path) {
                Ok(bytes) => {
                    self.open = Some(Opened { file: segment.name(), bytes, at: 0, line: 0 });
                    return Some(Ok(()));
                }
                // Whoever writes may drop the oldest ones meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !self.begun => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Iterator for Walk {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.open.as_ref().is_none_or(|open| open.at == open.bytes.len()) {
            if let Err(error) = self.open_next()? {
                return Some(Err(error));
            }
        }
        let in_last = self.left.is_empty();
        let open = self.open.as_mut()?;
        let rest = &open.bytes[open.at..];
        let end = rest.iter().position(|byte| *byte == b'\n');
        let bytes = rest[..end.unwrap_or(rest.len())].to_vec();
        open.at += end.map_or(rest.len(), |end| end + 1);
        open.line += 1;
        self.begun = true;
        let place = Place { file: open.file.clone(), line: open.line };
        if let Some(version) = Record::newer(&bytes) {
            return Some(Err(refusal(&place, version)));
        }
        Some(Ok(Line { place, bytes, whole: end.is_some(), in_last }))
    }
}

/// A record that only a newer version can read, for whoever wants to read it.
pub(crate) fn refusal(place: &Place, version: u32) -> io::Error {
    let text = format!("{place}: {}", record::unknown(version));
    io::Error::new(io::ErrorKind::InvalidData, text)
}
