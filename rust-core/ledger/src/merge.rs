//! Several ledgers as one, by time.

use std::io;
use std::path::Path;

use crate::chain::{Place, Walk};
use crate::record::Record;

/// The records of several folders by time; each ledger's own order stays, whatever its clock did.
pub struct Merged {
    walks: Vec<(Walk, Option<Step>)>,
}

/// A line of one of the ledgers.
#[derive(Debug)]
pub struct Step {
    /// The ledger's place among the folders.
    pub ledger: usize,
    /// Where the line stands.
    pub place: Place,
    /// The record, or what is wrong with the line.
    pub read: Result<Record, String>,
    /// The line as it stands there.
    pub line: Vec<u8>,
}

impl Merged {
    /// Begins at the oldest records.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn of<P: AsRef<Path>>(folders: &[P]) -> io::Result<Self> {
        let mut walks = Vec::new();
        for (ledger, folder) in folders.iter().enumerate() {
            let mut walk = Walk::of(folder.as_ref())?;
            let first = step(ledger, &mut walk)?;
            walks.push((walk, first));
        }
        Ok(Self { walks })
    }
}

impl Iterator for Merged {
    type Item = io::Result<Step>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = |(_, next): &(Walk, Option<Step>)| {
            // What cannot be read comes at once.
            next.as_ref().map(|step| step.read.as_ref().map_or(i64::MIN, |record| record.at))
        };
        let ready = self.walks.iter().enumerate().filter_map(|(n, walk)| Some((at(walk)?, n)));
        let (_, first) = ready.min()?;
        let (walk, next) = &mut self.walks[first];
        let taken = next.take();
        match step(first, walk) {
            Ok(step) => *next = step,
            Err(error) => return Some(Err(error)),
        }
        taken.map(Ok)
    }
}

fn step(ledger: usize, walk: &mut Walk) -> io::Result<Option<Step>> {
    for line in walk.by_ref() {
        let line = line?;
        if !line.whole && line.in_last {
            // It is being written.
            continue;
        }
        let read = Record::read(&line.bytes);
        return Ok(Some(Step { ledger, place: line.place, read, line: line.bytes }));
    }
    Ok(None)
}
