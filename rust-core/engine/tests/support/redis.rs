//! A Redis of a test's own.

use std::fs::{self, File};
use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server on a free port of the loopback; it ends with this.
pub struct Redis {
    process: Child,
    pub url: String,
    _folder: tempfile::TempDir,
}

impl Redis {
    /// Starts one, and waits until it says that it is ready: a port accepts before requests are served.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = folder.path().join("redis.log");
        let mut process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(folder.path())
            .stdout(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let end = Instant::now() + PATIENCE;
        loop {
            let said = fs::read_to_string(&log).unwrap();
            if said.contains("Ready to accept connections") {
                break;
            }
            assert!(process.try_wait().unwrap().is_none() && Instant::now() < end, "{said}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, url: format!("redis://127.0.0.1:{port}"), _folder: folder }
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
