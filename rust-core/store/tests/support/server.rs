//! A Redis server of the test's own, on a free loopback port and in a folder of its own.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use thalweg_store::{StoreKind, StoreSettings};

use super::wait_until;

/// Where a server says what it does, in its folder.
const LOG: &str = "redis.log";

/// A running, or killed, server.
pub struct RedisServer {
    process: Child,
    options: Vec<String>,
    port: u16,
    dir: TempDir,
    tls: bool,
}

impl RedisServer {
    /// Starts a server that keeps nothing over a restart.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with further options.
    pub fn start_with(options: &[&str]) -> Self {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Self::launch(tempfile::tempdir().expect("a folder for the server"), options, false)
    }

    /// Starts a server that speaks only TLS, under an authority made for this test.
    pub fn start_tls() -> Self {
        let dir = tempfile::tempdir().expect("a folder for the server");
        write_certificates(&dir);
        let mut options: Vec<String> = vec!["--tls-auth-clients".into(), "no".into()];
        for (option, file) in [("cert", "server.pem"), ("key", "server.key"), ("ca-cert", "ca.pem")]
        {
            options.push(format!("--tls-{option}-file"));
            options.push(dir.path().join(file).display().to_string());
        }
        Self::launch(dir, options, true)
    }

    fn launch(dir: TempDir, options: Vec<String>, tls: bool) -> Self {
        let port = free_port();
        let process = spawn(&dir, &options, port, tls);
        let mut server = Self { process, options, port, dir, tls };
        server.wait_until_ready();
        server
    }

    /// Kills the server without a chance to say goodbye.
    pub fn kill(&mut self) {
        self.process.kill().expect("the server runs");
        self.process.wait().expect("a killed process ends");
    }

    /// Stops the server's process where it is, so that it accepts but never answers.
    pub fn freeze(&self) {
        let pid = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-STOP", &pid])
                .status()
                .expect("kill is installed")
                .success()
        );
    }

    /// Starts the killed server again on its old port.
    pub fn restart(&mut self) {
        self.process = spawn(&self.dir, &self.options, self.port, self.tls);
        self.wait_until_ready();
    }

    /// Settings of a store on this server.
    pub fn settings(&self) -> StoreSettings {
        let scheme = if self.tls { "rediss" } else { "redis" };
        StoreSettings {
            kind: StoreKind::Redis,
            dir: self.dir.path().join("journal"),
            url: format!("{scheme}://localhost:{}", self.port),
            ca_file: self.tls.then(|| self.file("ca.pem")),
            timeout: Duration::from_secs(5),
            ..StoreSettings::default()
        }
    }

    /// A file in the server's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A plain connection, for looking at keys as an operator would.
    pub fn connection(&self) -> redis::Connection {
        redis::Client::open(format!("redis://127.0.0.1:{}", self.port))
            .expect("the address is well formed")
            .get_connection()
            .expect("the server listens")
    }

    /// Its own word is waited for: a port accepts before requests are served, and whoever accepts may be another.
    fn wait_until_ready(&mut self) {
        let port = self.port;
        wait_until("redis-server is ready", || {
            let log = fs::read_to_string(self.file(LOG)).unwrap_or_default();
            let ended = self.process.try_wait().expect("the process is ours");
            assert_eq!(ended, None, "redis-server did not start on port {port}: {log}");
            log.contains("Ready to accept connections")
        });
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // A killed server cannot be killed again; nothing is left to do then.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that no other test of this process gets. It lies below those that the system hands out by
/// itself, so that no connection takes it before the server does, or while the server is away.
fn free_port() -> u16 {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id();
    let port = || FIRST + begin.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(port)
        .take(COUNT as usize)
        .filter_map(|port| u16::try_from(port).ok())
        .find(free)
        .expect("one of 12,000 ports is free")
}

fn spawn(dir: &TempDir, options: &[String], port: u16, tls: bool) -> Child {
    let (plain, encrypted) = if tls { (0, port) } else { (port, 0) };
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.args(["--port", &plain.to_string(), "--tls-port", &encrypted.to_string()]);
    command.arg("--dir").arg(dir.path()).args(options);
    // Each start has a log of its own, so that the word of an earlier one is not taken for this one's.
    let log = fs::File::create(dir.path().join(LOG)).expect("the folder is there");
    command.stdout(log);
    command.spawn().expect("redis-server must be installed to run these tests")
}

/// Writes `ca.pem`, and `server.pem` with `server.key` signed by it.
pub fn write_certificates(dir: &TempDir) {
    let write = |name: &str, text: String| {
        fs::write(dir.path().join(name), text).expect("the folder is there")
    };
    let mut authority = CertificateParams::new(vec![]).expect("no names are good names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().expect("keys can be made");
    write("ca.pem", authority.self_signed(&authority_key).expect("the key fits").pem());

    let server_key = KeyPair::generate().expect("keys can be made");
    let server = CertificateParams::new(vec!["localhost".into()]).expect("a host is a good name");
    let issuer = Issuer::new(authority, authority_key);
    write("server.pem", server.signed_by(&server_key, &issuer).expect("the keys fit").pem());
    write("server.key", server_key.serialize_pem());
}
