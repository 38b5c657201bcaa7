//! Whether a ledger is as it was written: nothing changed, nothing missing, nothing in another order.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::chain::{Line, Place, Walk};
use crate::folder::{Head, checkpoint_text};
use crate::key::PublicKey;
use crate::record::{Record, Tail};

/// The most findings that are told; whoever has so many does not need the rest.
const MOST_FINDINGS: usize = 100;

/// What is known of a ledger from elsewhere: the number and the hash of one of its records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The record's number.
    pub seq: u64,
    /// The record's hash.
    pub hash: String,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where; the head has no line.
    pub place: Place,
    /// What.
    pub fault: Fault,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A line that is not as it was written.
    Changed {
        /// The record before it.
        after: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A record that does not follow the one before it.
    Replaced {
        /// Its number.
        seq: u64,
    },
    /// Records that are not there.
    Missing {
        /// The first one.
        from: u64,
        /// The last one.
        to: u64,
    },
    /// A record where it does not belong, or once more.
    OutOfOrder {
        /// Its number.
        seq: u64,
        /// The number of the one before it.
        after: u64,
    },
    /// The oldest records are not there, and no record tells that they were dropped.
    BeginningMissing {
        /// The last one that is not there.
        to: u64,
    },
    /// A signature that is not that of what it stands for.
    BadSignature {
        /// The checkpoint's number; nothing for the head.
        seq: Option<u64>,
    },
    /// A signature by a key that is not known.
    OtherKey {
        /// The checkpoint's number; nothing for the head.
        seq: Option<u64>,
        /// The key.
        key: String,
    },
    /// The newest records are not there, and something tells that they were.
    CutOff {
        /// The first one that is not there.
        from: u64,
        /// The last one that was.
        to: u64,
    },
    /// A record is not the one that is known from elsewhere, or that the head tells of.
    NotThatRecord {
        /// Its number.
        seq: u64,
    },
    /// There is no head, so nothing tells whether the newest records are there.
    NoHead {
        /// Why not.
        reason: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |seq: &Option<u64>| {
            seq.map_or("the head".to_owned(), |seq| format!("checkpoint {seq}"))
        };
        match self {
            Self::Changed { after, reason } => {
                write!(f, "the record after {after} was changed: {reason}")
            }
            Self::Replaced { seq } => {
                write!(
                    f,
                    "record {seq} does not follow the one before it: one of them was replaced"
                )
            }
            Self::Missing { from, to } if from == to => write!(f, "record {from} is missing"),
            Self::Missing { from, to } => write!(f, "records {from} to {to} are missing"),
            Self::OutOfOrder { seq, after } => {
                write!(f, "record {seq} stands behind {after}: it was moved or doubled")
            }
            Self::BeginningMissing { to } => {
                write!(
                    f,
                    "records 1 to {to} are missing, and no record tells that they were dropped"
                )
            }
            Self::BadSignature { seq } => write!(f, "the signature of {} is wrong", of(seq)),
            Self::OtherKey { seq, key } => {
                write!(f, "{} is signed by another key: {key}", of(seq))
            }
            Self::CutOff { from, to } => {
                write!(f, "the end was cut off: records {from} to {to} were there")
            }
            Self::NotThatRecord { seq } => {
                write!(f, "record {seq} is not the one that was there: it has another hash")
            }
            Self::NoHead { reason } => {
                write!(f, "nothing tells whether the newest records are there: {reason}")
            }
        }
    }
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The engines that wrote it; another one with another key.
    pub engines: BTreeSet<String>,
    /// Records that are there.
    pub records: u64,
    /// The number of the first one.
    pub first: u64,
    /// The newest one.
    pub last: Option<Anchor>,
    /// Records behind the last good signature.
    pub unsigned: u64,
    /// The key that signed it, and whether it was given rather than read from the ledger itself.
    pub key: Option<(PublicKey, bool)>,
    /// Records that were never written, as the ledger itself tells: the places that do, how many, and why.
    pub gaps: Vec<(Place, u64, String)>,
    /// Bytes at the end that are no whole record: one is being written, or its writer was killed.
    pub unfinished: usize,
    /// What is wrong, as it stands in the ledger.
    pub findings: Vec<Finding>,
}

/// Looks through a ledger.
///
/// Without keys, the one that signed the head is taken for the right one: that finds accidents, but nobody who has
/// signed all of it with a key of his own.
///
/// # Errors
/// When the folder or a file of it cannot be read.
pub fn verify(folder: &Path, keys: &[PublicKey], anchors: &[Anchor]) -> io::Result<Report> {
    // The head comes first: what is recorded meanwhile only adds to what it tells of.
    let head = Head::read(folder);
    let mut looking = Looking::new(keys, anchors, head.as_ref().ok().and_then(Option::as_ref));
    for line in Walk::of(folder)? {
        looking.see(&line?);
        if looking.report.findings.len() >= MOST_FINDINGS {
            return Ok(looking.report);
        }
    }
    looking.end(head);
    Ok(looking.report)
}

struct Looking<'a> {
    keys: Vec<PublicKey>,
    anchors: &'a [Anchor],
    /// The record that the head tells of.
    told: Option<Anchor>,
    tail: Option<Tail>,
    /// The first record's predecessor, until a record tells that it was dropped.
    undropped: Option<Tail>,
    report: Report,
}

impl<'a> Looking<'a> {
    fn new(keys: &[PublicKey], anchors: &'a [Anchor], head: Option<&Head>) -> Self {
        let of_head = head.and_then(|head| PublicKey::read(&head.key).ok());
        let given = !keys.is_empty();
        let keys: Vec<PublicKey> =
            if given { keys.to_vec() } else { of_head.into_iter().collect() };
        let told = head.map(|head| Anchor { seq: head.seq, hash: head.hash.clone() });
        let report =
            Report { key: keys.first().cloned().map(|key| (key, given)), ..Report::default() };
        Self { keys, anchors, told, tail: None, undropped: None, report }
    }

    fn find(&mut self, place: &Place, fault: Fault) {
        self.report.findings.push(Finding { place: place.clone(), fault });
    }

    fn see(&mut self, line: &Line) {
        let after = self.tail.as_ref().map_or(0, |tail| tail.seq);
        if !line.whole && line.in_last {
            self.report.unfinished = line.bytes.len();
            return;
        }
        let read = match Record::read(&line.bytes) {
            Ok(record) if line.whole => record,
            Ok(_) => {
                let reason = "its newline is missing".to_owned();
                return self.find(&line.place, Fault::Changed { after, reason });
            }
            Err(reason) => return self.find(&line.place, Fault::Changed { after, reason }),
        };
        self.follow(&read, &line.place);
        self.report.records += 1;
        self.report.unsigned += 1;
        if !self.report.engines.contains(&read.engine) {
            self.report.engines.insert(read.engine.clone());
        }
        let known = self.told.iter().chain(self.anchors);
        if known.into_iter().any(|known| known.seq == read.seq && known.hash != read.hash) {
            self.find(&line.place, Fault::NotThatRecord { seq: read.seq });
        }
        match read.kind.as_str() {
            "checkpoint" => self.check_signature(&read, &line.place),
            "dropped" => self.note_dropped(&read),
            "gap" => {
                let lost = read.told()["lost"].as_u64().unwrap_or_default();
                self.report.gaps.push((line.place.clone(), lost, read.why.clone()));
            }
            _ => {}
        }
        self.tail = Some(read.tail());
    }

    /// Whether a record follows the one before it.
    fn follow(&mut self, read: &Record, place: &Place) {
        let Some(tail) = self.tail.clone() else {
            self.report.first = read.seq;
            let before = Tail { seq: read.seq.saturating_sub(1), hash: read.prev.clone() };
            self.undropped = (before != Tail::none()).then_some(before);
            return;
        };
        let fault = if read.seq <= tail.seq {
            Fault::OutOfOrder { seq: read.seq, after: tail.seq }
        } else if read.seq > tail.seq + 1 {
            Fault::Missing { from: tail.seq + 1, to: read.seq - 1 }
        } else if read.prev != tail.hash {
            Fault::Replaced { seq: read.seq }
        } else {
            return;
        };
        self.find(place, fault);
    }

    fn check_signature(&mut self, read: &Record, place: &Place) {
        let told = read.told();
        let text = |name: &str| told[name].as_str().unwrap_or_default();
        let before = Tail { seq: read.seq.saturating_sub(1), hash: read.prev.clone() };
        let stands_for = checkpoint_text(&read.engine, &before);
        let seq = Some(read.seq);
        let fault = match PublicKey::read(text("key")) {
            Ok(key) if !self.keys.contains(&key) => Fault::OtherKey { seq, key: key.to_string() },
            Ok(key) if key.has_signed(&stands_for, text("sig")) => {
                self.report.unsigned = 0;
                return;
            }
            _ => Fault::BadSignature { seq },
        };
        self.find(place, fault);
    }

    fn note_dropped(&mut self, read: &Record) {
        let told = read.told();
        let through = told["through"].as_u64().unwrap_or_default();
        let is_told = |before: &mut Tail| {
            // Whoever was killed while he dropped them has left some.
            through > before.seq || (through == before.seq && told["hash"] == before.hash.as_str())
        };
        self.undropped.take_if(is_told);
    }

    fn end(&mut self, head: io::Result<Option<Head>>) {
        let start = Place::default();
        if let Some(before) = self.undropped.take() {
            let fault = match before.seq {
                0 => Fault::Replaced { seq: 1 },
                to => Fault::BeginningMissing { to },
            };
            self.report.findings.insert(0, Finding { place: start, fault });
        }
        let place = Place { file: "head.json".to_owned(), line: 0 };
        match head {
            Ok(Some(head)) => {
                let signer = PublicKey::read(&head.key).ok();
                let known = signer.as_ref().filter(|key| self.keys.contains(key));
                if let (Some(_), None) = (&signer, known) {
                    self.find(&place, Fault::OtherKey { seq: None, key: head.key.clone() });
                } else if !known.is_some_and(|key| head.is_signed_by(key)) {
                    self.find(&place, Fault::BadSignature { seq: None });
                }
            }
            Ok(None) => {
                self.find(&place, Fault::NoHead { reason: "the file is missing".to_owned() });
            }
            Err(error) => self.find(&place, Fault::NoHead { reason: error.to_string() }),
        }
        let last = self.tail.as_ref().map_or(0, |tail| tail.seq);
        let told = self.told.iter().chain(self.anchors).map(|told| told.seq).max();
        if let Some(to) = told.filter(|to| *to > last) {
            self.find(&place, Fault::CutOff { from: last + 1, to });
        }
        if self.told.as_ref().is_some_and(|told| told.seq < self.report.first) {
            let reason = "it tells of a record that is not kept any more".to_owned();
            self.find(&place, Fault::NoHead { reason });
        }
        self.report.last = self.tail.take().map(|tail| Anchor { seq: tail.seq, hash: tail.hash });
    }
}
