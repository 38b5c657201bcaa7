//! Ledgers for tests.
#![allow(dead_code)]

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use thalweg_ledger::{Disk, Entry, Files, Limits, Settings, Sink, Writer};

pub const ROOMY: Limits = Limits { bytes: 1 << 30, age_ms: 0 };

pub fn settings(folder: &Path, limits: Limits) -> Settings {
    if folder.is_dir() {
        key(folder, 'a');
    }
    Settings { folder: folder.to_owned(), key_file: None, version: "test".to_owned(), limits }
}

pub fn open(folder: &Path) -> Writer {
    Writer::open(settings(folder, ROOMY), Box::new(Quick)).unwrap()
}

/// Puts a key there, which is written much sooner than a new one.
pub fn key(folder: &Path, digit: char) {
    fs::create_dir_all(folder).unwrap();
    let path = folder.join("key");
    if !path.exists() {
        fs::write(&path, digit.to_string().repeat(64)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// The `n`th record of a test, with some length of its own.
pub fn entry(n: u64) -> Entry {
    let text = "x".repeat(usize::try_from(n * 37 % 300).unwrap());
    Entry {
        topology: format!("words-{}", n % 3),
        name: format!("words{}", n % 3),
        who: "ann".to_owned(),
        why: format!("because of {n}"),
        ..Entry::of("decision", &json!({ "n": n, "text": text }))
    }
}

/// A ledger of so many records, written a few at a time and closed.
pub fn ledger(folder: &Path, records: u64) {
    let mut writer = open(folder);
    for n in 0..records {
        writer.append(&[entry(n)]).unwrap();
        if n % 7 == 3 {
            writer.checkpoint().unwrap();
        }
    }
}

/// Its segments, the oldest first.
pub fn segments(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut found: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
    found.sort();
    found
}

/// All files of a folder in another one, as after a kill -9 or in a backup.
pub fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.path().join(file.file_name())).unwrap();
    }
    to
}

/// The contents' numbers of all records of tests that are there, in their order.
pub fn numbers(folder: &Path) -> Vec<u64> {
    let merged = thalweg_ledger::Merged::of(&[folder]).unwrap();
    let told = merged.filter_map(|step| Some(step.unwrap().read.ok()?.told()));
    told.filter_map(|told| told["n"].as_u64()).collect()
}

/// Files that nobody waits for.
#[derive(Clone, Copy)]
pub struct Quick;

struct QuickSink(Box<dyn Sink>);

impl Disk for Quick {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        Ok(Box::new(QuickSink(Files.open(path)?)))
    }

    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let part = path.with_extension("part");
        fs::write(&part, content)?;
        fs::rename(part, path)
    }
}

impl Sink for QuickSink {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.0.cut(len)
    }
}

/// A disk with so much room.
#[derive(Clone)]
pub struct Small(pub Arc<AtomicU64>);

struct SmallSink(Box<dyn Sink>, Arc<AtomicU64>);

impl Small {
    pub fn of(room: u64) -> Self {
        Self(Arc::new(AtomicU64::new(room)))
    }
}

impl Disk for Small {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        Ok(Box::new(SmallSink(Quick.open(path)?, Arc::clone(&self.0))))
    }

    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) < content.len() as u64 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Quick.replace(path, content)
    }
}

impl Sink for SmallSink {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = self.1.load(Ordering::SeqCst);
        let fits = room.min(bytes.len() as u64);
        self.0.append(&bytes[..usize::try_from(fits).unwrap()])?;
        self.1.fetch_sub(fits, Ordering::SeqCst);
        if fits < bytes.len() as u64 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.0.cut(len)
    }
}
