//! Clients who take for ever: to say what they want, to send it, or to take the answer. None keeps its connection.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use thalweg_serve::{Role, Settings, add_token, start};
use tokio::runtime::Runtime;

use crate::client::ask;
use crate::loopback;

/// How long the server of these tests waits for a client.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long these tests wait for the server.
const DEADLINE: Duration = Duration::from_secs(60);

/// A server that is not patient, with what belongs to an operator's request.
struct Hasty {
    runtime: Runtime,
    served: Option<thalweg_serve::Served>,
    bearer: String,
    _folder: tempfile::TempDir,
}

impl Hasty {
    fn new() -> Self {
        Self::with(PATIENCE)
    }

    /// One that waits for its clients as long as any.
    fn patient() -> Self {
        Self::with(Settings::PATIENCE)
    }

    fn with(patience: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens.json");
        let token = add_token(&file, "otto", &[Role::Operator]).unwrap();
        let settings = Settings { patience, tokens: Some(file), ..loopback() };
        let runtime = Runtime::new().unwrap();
        let served = runtime.block_on(start(&settings, Vec::new())).unwrap();
        let bearer = format!("Bearer {token}");
        Self { runtime, served: Some(served), bearer, _folder: folder }
    }

    fn address(&self) -> SocketAddr {
        self.served.as_ref().unwrap().address()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }
}

impl Drop for Hasty {
    fn drop(&mut self) {
        let _guard = self.runtime.enter();
        drop(self.served.take());
    }
}

#[test]
fn who_does_not_say_what_he_wants_is_cut_off() {
    let server = Hasty::new();
    for begun in ["", "GET /v1/me HT", "GET /v1/me HTTP/1.1\r\nHost: localhost\r\nX-Slow: "] {
        let mut stream = server.connect();
        stream.write_all(begun.as_bytes()).unwrap();
        let mut said = String::new();
        let read = stream.read_to_string(&mut said);
        assert!(read.is_ok(), "{begun:?}: {read:?}");
        assert!(!said.starts_with("HTTP/1.1 2"), "{begun:?}: {said}");
    }
    // Nor does who has been answered once keep a connection that he has no use for.
    let mut stream = server.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let server = Hasty::new();
    let mut stream = server.connect();
    let head = format!(
        "POST /v1/engines/storm/pause HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\
         Content-Type: application/json\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{{",
        server.bearer
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    assert!(said.contains("urn:thalweg:problem:too-slow"), "{said}");
}

#[test]
fn who_takes_no_answer_is_cut_off_and_others_are_answered() {
    let server = Hasty::new();
    let mut stream = server.connect();
    stream.set_nonblocking(true).unwrap();
    let asked = format!(
        "GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n",
        server.bearer
    );
    let end = Instant::now() + DEADLINE;
    let error = loop {
        match stream.write_all(asked.as_bytes()) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => break error,
        }
        assert!(Instant::now() < end, "the connection is still there");
    };
    let cut = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::TimedOut];
    assert!(cut.contains(&error.kind()), "{error}");
    let answer = ask(server.address(), "GET", "/healthz", &[], "");
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn who_listens_to_changes_may_be_silent() {
    let server = Hasty::new();
    let mut listening = server.connect();
    let asked = format!(
        "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n",
        server.bearer
    );
    listening.write_all(asked.as_bytes()).unwrap();
    let mut begun = [0; 12];
    listening.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");
    // Patience has ended twice once two clients were cut off one after the other.
    for _ in 0..2 {
        server.connect().read_to_end(&mut Vec::new()).unwrap();
    }
    listening.set_nonblocking(true).unwrap();
    let end = loop {
        match listening.read(&mut [0; 4096]) {
            Ok(length) if length > 0 => {}
            other => break other,
        }
    };
    assert!(end.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "it was cut off");
}

#[test]
fn whoever_comes_is_answered_while_many_others_keep_their_connections() {
    let server = Hasty::patient();
    let asked = format!(
        "GET /v1/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n",
        server.bearer
    );
    // More than there may be at once, each of which would stay.
    let mut open = Vec::new();
    let mut closed = 0;
    for number in 0..600 {
        let mut stream = server.connect();
        stream.write_all(asked.as_bytes()).unwrap();
        let mut said = [0; 4096];
        let length = stream.read(&mut said).unwrap_or_else(|error| panic!("{number}: {error}"));
        let said = String::from_utf8_lossy(&said[..length]).to_ascii_lowercase();
        assert!(said.starts_with("http/1.1 200"), "{number}: {said}");
        closed += usize::from(said.contains("connection: close"));
        open.push(stream);
    }
    assert!((400..600).contains(&closed), "{closed} of them are told to come anew");
}
