//! What lies in a ledger's folder: segments, named by their first record, and the head.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::key::{PublicKey, SigningKey};
use crate::record::Tail;

/// The folder's name, beside the status file.
pub const FOLDER: &str = "ledger";
/// Where a shared store keeps up to where ledgers go: this with the engine's name behind it, and `@` and a number where it
/// is what was noted before and is not in the ledger any more.
pub const HEADS: &str = "ledger.head.";
/// The file that tells up to where the ledger goes.
const HEAD: &str = "head.json";
/// The private key, unless it lies elsewhere.
const KEY: &str = "key";
/// Held by whoever writes.
const LOCK: &str = "lock";

/// A segment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Segment {
    /// The number of its first record.
    pub(crate) first: u64,
    /// Which one of those with that number.
    pub(crate) nth: u32,
    pub(crate) path: PathBuf,
}

impl Segment {
    /// The first one with this number that is not there yet.
    pub(crate) fn new(folder: &Path, first: u64) -> Self {
        let path = |nth: u32| match nth {
            0 => folder.join(format!("{first:020}.jsonl")),
            nth => folder.join(format!("{first:020}-{nth}.jsonl")),
        };
        let nth = (0..u32::MAX).find(|nth| !path(*nth).exists()).unwrap_or_default();
        Self { first, nth, path: path(nth) }
    }

    fn of(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(".jsonl")?;
        let (first, nth) = name.split_once('-').unwrap_or((name, "0"));
        Some(Self { first: first.parse().ok()?, nth: nth.parse().ok()?, path })
    }

    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// All segments, the oldest first.
pub(crate) fn segments(folder: &Path) -> io::Result<Vec<Segment>> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder)? {
        found.extend(Segment::of(file?.path()));
    }
    found.sort();
    Ok(found)
}

pub(crate) fn key_path(folder: &Path) -> PathBuf {
    folder.join(KEY)
}

pub(crate) fn lock_path(folder: &Path) -> PathBuf {
    folder.join(LOCK)
}

pub(crate) fn head_path(folder: &Path) -> PathBuf {
    folder.join(HEAD)
}

/// Up to where a ledger goes at least.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Head {
    engine: String,
    pub(crate) seq: u64,
    pub(crate) hash: String,
    at: i64,
    pub(crate) key: String,
    sig: String,
}

impl Head {
    pub(crate) fn sign(key: &SigningKey, engine: &str, tail: &Tail, at: i64) -> Self {
        Self {
            engine: engine.to_owned(),
            seq: tail.seq,
            hash: tail.hash.clone(),
            at,
            key: key.public().to_string(),
            sig: key.sign(&Self::text(engine, tail.seq, &tail.hash)),
        }
    }

    /// The head that lies in a folder, if one does.
    pub(crate) fn read(folder: &Path) -> io::Result<Option<Self>> {
        match fs::read(head_path(folder)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.has_signed(&Self::text(&self.engine, self.seq, &self.hash), &self.sig)
    }

    pub(crate) fn tail(&self) -> Tail {
        Tail { seq: self.seq, hash: self.hash.clone() }
    }

    fn text(engine: &str, seq: u64, hash: &str) -> String {
        format!("thalweg ledger head 1 {engine} {seq} {hash}")
    }
}

/// What the signature of a checkpoint stands for: all records up to this one.
pub(crate) fn checkpoint_text(engine: &str, tail: &Tail) -> String {
    format!("thalweg ledger checkpoint 1 {engine} {} {}", tail.seq, tail.hash)
}
