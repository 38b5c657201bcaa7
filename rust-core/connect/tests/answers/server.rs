//! A server with prepared answers, on a free loopback port, with or without TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

/// A question as it came: its first line, its headers, and what stands behind them if anything does.
pub type Asked = Vec<String>;
/// What is sent in answer, byte by byte as HTTP has it.
pub type Answer = Box<dyn Fn(&Asked) -> Vec<u8> + Send + Sync>;

/// The server; its threads end with the test.
pub struct Server {
    pub port: u16,
    asked: Mutex<Receiver<Asked>>,
}

impl Server {
    /// Answers as this says.
    pub fn plain(answer: Answer) -> Self {
        Self::start(answer, |stream| Some(Box::new(stream)))
    }

    /// The same over TLS, to clients with a certificate of the authority only.
    pub fn encrypted(certificates: &Certificates, answer: Answer) -> Self {
        let config = Arc::new(certificates.server());
        Self::start(answer, move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).ok()?;
            Some(Box::new(StreamOwned::new(connection, stream)))
        })
    }

    fn start(
        answer: Answer,
        wrap: impl Fn(TcpStream) -> Option<Box<dyn Both>> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it listens").port();
        let (send, asked) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
                let Some(mut stream) = wrap(stream) else { continue };
                let Some(question) = question(stream.as_mut()) else { continue };
                let bytes = answer(&question);
                let _ = send.send(question);
                // In pieces, so that one who is not read from any more is noticed.
                for piece in bytes.chunks(1 << 14) {
                    if stream.write_all(piece).is_err() {
                        break;
                    }
                }
                let _ = stream.flush();
            }
        });
        Self { port, asked: Mutex::new(asked) }
    }

    /// What was asked since the last call.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test panics with it").try_iter().collect()
    }
}

trait Both: Read + Write + Send {}
impl<T: Read + Write + Send> Both for T {}

fn question(stream: &mut dyn Both) -> Option<Asked> {
    let mut lines = Vec::new();
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim_end();
        if line.is_empty() {
            let long = lines.iter().find_map(|line: &String| {
                let (name, value) = line.split_once(':')?;
                let is_it = name.eq_ignore_ascii_case("content-length");
                is_it.then(|| value.trim().parse().ok()).flatten()
            });
            let mut body = vec![0; long.unwrap_or(0)];
            reader.read_exact(&mut body).ok()?;
            lines.extend((!body.is_empty()).then(|| String::from_utf8_lossy(&body).into_owned()));
            return Some(lines);
        }
        lines.push(line.to_owned());
    }
}

/// An answer with this status and body.
pub fn answer(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        .into()
}

/// An authority of the test's own, and certificates of it for a server and a client, in files.
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    pub fn make() -> Self {
        let made = Self { folder: tempfile::tempdir().expect("a folder") };
        let key = KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = authority.self_signed(&key).expect("a certificate");
        made.write("ca.pem", &certificate.pem());
        let issuer = Issuer::new(authority, key);
        for name in ["localhost", "client"] {
            let key = KeyPair::generate().expect("a key");
            let own = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
            let signed = own.signed_by(&key, &issuer).expect("a certificate");
            made.write(&format!("{name}.pem"), &signed.pem());
            made.write(&format!("{name}.key"), &key.serialize_pem());
        }
        made
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).expect("written");
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn server(&self) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let read =
            |name: &str| CertificateDer::from_pem_file(self.file(name)).expect("a certificate");
        let mut authorities = RootCertStore::empty();
        authorities.add(read("ca.pem")).expect("an authority");
        let clients = WebPkiClientVerifier::builder_with_provider(
            Arc::new(authorities),
            Arc::clone(&provider),
        );
        let key = PrivateKeyDer::from_pem_file(self.file("localhost.key")).expect("a key");
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(clients.build().expect("a verifier"))
            .with_single_cert(vec![read("localhost.pem")], key)
            .expect("a pair")
    }
}
