//! Clocks that are wrong, on some nodes only.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

/// Gives a command, and all that it starts, the time of this many seconds later.
///
/// # Errors
/// Without Debian's `libfaketime`.
pub fn set_clock(command: &mut Command, secs: i32) -> Result<()> {
    let library =
        format!("/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1", std::env::consts::ARCH);
    ensure!(Path::new(&library).exists(), "no {library}: run scripts/setup.sh thorough");
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME", format!("{secs:+}"))
        // Java waits by this one, and durations are as right as anywhere.
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Ok(())
}
