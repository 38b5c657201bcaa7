//! Ports that no other cluster on this machine uses.

use std::fs::{self, File, TryLockError};
use std::net::TcpListener;

use anyhow::{Context, Result, bail};

/// Below the range that Linux gives to outgoing connections (32768 and up).
const FIRST: u16 = 20_000;
const BLOCK: u16 = 100;
const BLOCKS: u16 = 120;

/// A run of consecutive ports, kept for its holder while this value lives.
///
/// The lock keeps two holders that start at the same time apart; once started, their open ports do.
#[derive(Debug)]
pub struct Ports {
    base: u16,
    count: u16,
    _locks: Vec<File>,
}

impl Ports {
    /// Finds a free run of `count` ports.
    ///
    /// # Errors
    /// When no run of that length is free.
    pub fn take(count: u16) -> Result<Self> {
        let needed = count.div_ceil(BLOCK);
        for block in (0..=BLOCKS.saturating_sub(needed)).step_by(usize::from(needed.max(1))) {
            let base = FIRST + block * BLOCK;
            let Some(locks) = lock_blocks(block, needed)? else {
                continue;
            };
            if (base..base + count).all(is_free) {
                return Ok(Self { base, count, _locks: locks });
            }
        }
        bail!("no {count} free consecutive ports from {FIRST} on")
    }

    /// Whether no living holder has the run that begins with this block.
    ///
    /// # Errors
    /// When the locks cannot be read.
    pub fn is_abandoned(block: u16) -> Result<bool> {
        Ok(lock_blocks(block, 1)?.is_some())
    }

    /// The first port.
    pub fn base(&self) -> u16 {
        self.base
    }

    /// A number below 120 that no other holder has.
    pub fn block(&self) -> u16 {
        (self.base - FIRST) / BLOCK
    }

    /// The port at this place of the run.
    ///
    /// # Panics
    /// When the run is shorter.
    pub fn at(&self, index: u16) -> u16 {
        assert!(index < self.count, "port {index} of {}", self.count);
        self.base + index
    }
}

fn lock_blocks(first: u16, count: u16) -> Result<Option<Vec<File>>> {
    let folder = std::env::temp_dir().join("thalweg-lab-ports");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let mut locks = Vec::new();
    for block in first..first + count {
        let file = File::create(folder.join(block.to_string()))?;
        match file.try_lock() {
            Ok(()) => locks.push(file),
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(e)) => return Err(e.into()),
        }
    }
    Ok(Some(locks))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("0.0.0.0", port)).is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn two_holders_never_overlap() {
        let a = Ports::take(30).unwrap();
        let b = Ports::take(130).unwrap();
        assert!(a.base() + 30 <= b.base() || b.base() + 130 <= a.base());
        assert_ne!(a.block(), b.block());
        assert!(!Ports::is_abandoned(a.block()).unwrap());
    }
}
