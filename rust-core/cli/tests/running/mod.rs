//! A command that stays, as a process of its own, and what it leaves in its folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// What is waited for comes within so long, or never.
const LIMIT: Duration = Duration::from_secs(60);

/// One that runs, and is ended with the test.
pub struct Running {
    pub process: Child,
    /// What it says on its error channel.
    pub said: PathBuf,
}

impl Running {
    /// Starts a command; what it says goes beside its folder.
    pub fn started(mut command: Command, dir: &Path) -> Self {
        let said = dir.with_extension("log");
        command.stdout(Stdio::null()).stderr(File::create(&said).unwrap());
        Self { process: command.spawn().unwrap(), said }
    }

    /// Sends a signal, and tells how it ended and what it had said.
    pub fn signal(mut self, signal: Signal) -> (Option<i32>, String) {
        let pid = Pid::from_raw(self.process.id() as i32).unwrap();
        kill_process(pid, signal).unwrap();
        self.ended()
    }

    /// How it ends by itself, and what it says.
    pub fn ended(&mut self) -> (Option<i32>, String) {
        let status = until("end", || self.process.try_wait().unwrap());
        (status.code(), fs::read_to_string(&self.said).unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until something is there.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < LIMIT, "no {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn status(dir: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(dir.join("status.json")).ok()?).ok()
}

/// How the last plan ended.
pub fn ended(dir: &Path) -> Option<Value> {
    status(dir)?["ended"].as_array()?.last().cloned()
}
