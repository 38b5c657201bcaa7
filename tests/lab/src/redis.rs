//! A Redis server that keeps nothing on disk.

use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;

use crate::ports::Ports;
use crate::process::{Server, Site, signal};
use crate::wait::accepts;

const START_LIMIT: Duration = Duration::from_secs(10);

/// A running server; dropping it stops it.
#[derive(Debug)]
pub struct Redis {
    server: Option<Server>,
    site: Site,
    ports: Ports,
    arguments: Vec<String>,
}

impl Redis {
    /// Starts a server at a site; further arguments are those of `redis-server`, with its port for `{port}`.
    ///
    /// So `--port 0 --tls-port {port} ...` makes it speak TLS only.
    ///
    /// # Errors
    /// With its output.
    pub fn start(site: &Site, arguments: &[&str]) -> Result<Self> {
        let mut redis = Self {
            server: None,
            site: site.clone(),
            ports: Ports::take(1)?,
            arguments: arguments.iter().map(ToString::to_string).collect(),
        };
        redis.restart()?;
        Ok(redis)
    }

    /// Starts it again, empty, on the same port.
    ///
    /// # Errors
    /// With its output.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        let dir = self.site.lab.join("redis");
        std::fs::create_dir_all(&dir)?;
        let mut command = self.site.command("redis-server");
        command
            .args(["--bind", &self.site.host, "--port", &self.port().to_string()])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            // Other machines of the lab ask it too.
            .args(["--protected-mode", "no", "--dir"])
            .arg(&dir)
            .args(
                self.arguments
                    .iter()
                    .map(|argument| argument.replace("{port}", &self.port().to_string())),
            );
        let mut server = Server::start("redis", command, &dir, &[])?;
        let (host, port) = (self.site.host.clone(), self.port());
        server.wait_ready(START_LIMIT, || accepts(&host, port))?;
        self.server = Some(server);
        Ok(())
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.ports.at(0)
    }

    /// Its address, without encryption or credentials.
    pub fn url(&self) -> String {
        format!("redis://{}:{}/", self.site.host, self.port())
    }

    /// Kills it at once.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Stops it from running, without ending it.
    ///
    /// # Errors
    /// When the signal is not allowed.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a paused server go on.
    ///
    /// # Errors
    /// When the signal is not allowed.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, what: Signal) -> Result<()> {
        self.server.as_ref().map_or(Ok(()), |server| signal(server.pid(), what))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_server_comes_up_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::loopback(folder.path()).unwrap();
        let mut redis = Redis::start(&site, &[]).unwrap();
        redis.kill();
        assert!(!accepts("127.0.0.1", redis.port()));
        redis.restart().unwrap();
        assert!(accepts("127.0.0.1", redis.port()));
    }

    #[test]
    fn arguments_win_over_the_labs_own() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::loopback(folder.path()).unwrap();
        let redis = Redis::start(&site, &["--port", "{port}", "--requirepass", "secret"]).unwrap();
        let mut connection = TcpStream::connect(("127.0.0.1", redis.port())).unwrap();
        connection.write_all(b"PING\r\n").unwrap();
        let mut answer = [0; 7];
        connection.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"-NOAUTH");
    }
}
