//! Where segments are written to; another place than files in tests.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A segment that is added to.
pub trait Sink: Send {
    /// Adds bytes, or some of them before it fails.
    ///
    /// # Errors
    /// Why not all were added.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Has what was added outlive a power cut.
    ///
    /// # Errors
    /// Why it may not.
    fn sync(&mut self) -> io::Result<()>;

    /// Takes away all behind a length.
    ///
    /// # Errors
    /// Why it is still there.
    fn cut(&mut self, len: u64) -> io::Result<()>;
}

/// What segments lie on.
pub trait Disk: Send {
    /// Opens a segment to add to it, or makes it.
    ///
    /// # Errors
    /// Why it cannot be opened.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Sink>>;

    /// Replaces a small file whole.
    ///
    /// # Errors
    /// Why the old content stands.
    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()>;
}

/// Files, for their owner alone.
#[derive(Debug, Clone, Copy)]
pub struct Files;

impl Disk for Files {
    fn open(&self, path: &Path) -> io::Result<Box<dyn Sink>> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        Ok(Box::new(file))
    }

    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let part = path.with_extension("part");
        let mut file =
            OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(content)?;
        file.sync_data()?;
        fs::rename(part, path)
    }
}

impl Sink for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
}
