//! The dashboard beside a run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;
use thalweg_control::socket;
use thalweg_serve::{Served, Settings, Socket, start};
use tokio::runtime::Runtime;

use crate::workplace::remove_when_interrupted;

/// Between two looks at the scheduler; runs take minutes.
const LOOK: Duration = Duration::from_secs(1);

/// What `thalweg serve` shows, by this process and for as long as this lives, whichever scheduler runs meanwhile.
#[derive(Debug)]
pub struct Dashboard {
    served: Served,
    socket: PathBuf,
    // Dropped after what uses them.
    _runtime: Runtime,
    _folder: TempDir,
}

impl Dashboard {
    /// Opens it on a free port of the loopback, over an engine of this name.
    ///
    /// # Errors
    /// When there is no port, or no folder, to be had.
    pub fn open(engine: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("thalweg-dashboard-").tempdir()?;
        remove_when_interrupted(folder.path());
        let socket = folder.path().join(socket::NAME);
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        let runtime = threads.worker_threads(1).enable_all().build().context("no threads")?;
        let listen = "127.0.0.1:0".parse().context("a loopback address")?;
        let settings =
            Settings { listen, tokens: None, tls: None, pause: LOOK, patience: Settings::PATIENCE };
        let engines = vec![(engine.to_owned(), Arc::new(Socket::at(&socket)) as _)];
        let served = runtime.block_on(start(&settings, engines))?;
        Ok(Self { served, socket, _runtime: runtime, _folder: folder })
    }

    /// Where to look at it.
    pub fn url(&self) -> String {
        format!("http://{}", self.served.address())
    }

    /// The setting by which a scheduler is found.
    pub fn setting(&self) -> (String, String) {
        ("thalweg.control.socket".to_owned(), self.socket.display().to_string())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use serde_json::json;
    use thalweg_engine::Engine;

    use super::*;

    fn get(dashboard: &Dashboard, path: &str) -> String {
        let address = dashboard.url().replace("http://", "");
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[test]
    fn it_is_there_before_the_scheduler_and_shows_it_once_it_runs() {
        let dashboard = Dashboard::open("storm").unwrap();
        // Where the dashboard was not built before the tests, the server says so.
        let page = get(&dashboard, "/");
        assert!(page.starts_with("HTTP/1.1 200") || page.contains("make build"), "{page}");
        assert!(get(&dashboard, "/v1/engines").contains("\"storm\""));
        let store = tempfile::tempdir().unwrap();
        let (key, socket) = dashboard.setting();
        let settings = json!({ "thalweg.store.dir": store.path(), key: socket });
        let engine = Engine::open(&settings.to_string()).unwrap().serve();
        let end = std::time::Instant::now() + Duration::from_secs(30);
        // It answers that it has seen no cluster, in place of nobody answering.
        while !get(&dashboard, "/v1/engines").contains("the cluster was not observed yet") {
            assert!(std::time::Instant::now() < end, "{}", get(&dashboard, "/v1/engines"));
            std::thread::sleep(Duration::from_millis(50));
        }
        drop(engine);
    }
}
