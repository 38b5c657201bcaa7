//! The socket as both sides meet it.
#![allow(clippy::unwrap_used)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use thalweg_control::socket::{ListenError, may_order};
use thalweg_control::{Answer, CallError, Command, Listener, Request, call, line};

const PATIENCE: Duration = Duration::from_secs(10);

fn ping(path: &Path) -> Result<serde_json::Value, CallError> {
    call(path, &Request::of(Command::Ping {}), PATIENCE)
}

#[test]
fn who_asks_is_known_and_answered_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let listener = Listener::bind(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    thread::scope(|scope| {
        let asked = scope.spawn(|| ping(&path));
        let (mut stream, peer) = listener.accept().unwrap();
        assert_eq!(peer.pid, std::process::id() as i32);
        assert!(may_order(peer));
        let end = Instant::now() + PATIENCE;
        let request = line::read(&mut stream, line::LONGEST_REQUEST, end).unwrap();
        let request = Request::read(&request).unwrap();
        let answer = Answer::to(&request.id, Ok(json!("here")));
        line::write(&mut stream, &serde_json::to_vec(&answer).unwrap(), end).unwrap();
        assert_eq!(asked.join().unwrap().unwrap(), json!("here"));
    });
    drop(listener);
    assert!(!path.exists());
    assert!(matches!(ping(&path), Err(CallError::Unreachable { .. })));
}

#[test]
fn whoever_waits_for_askers_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::bind(&folder.path().join("control.sock")).unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| listener.accept().map(drop));
        listener.stop();
        assert!(waits.join().unwrap().is_err());
    });
}

#[test]
fn a_socket_of_the_dead_is_replaced_and_one_of_the_living_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "left by somebody who was killed");
    let first = Listener::bind(&path).unwrap();
    assert!(matches!(Listener::bind(&path), Err(ListenError::Taken { .. })));
    // Another's socket at the same path outlives the first one.
    fs::remove_file(&path).unwrap();
    let second = Listener::bind(&path).unwrap();
    drop(first);
    assert!(path.exists());
    drop(second);
    fs::write(&path, "a file of somebody's").unwrap();
    assert!(matches!(Listener::bind(&path), Err(ListenError::NoSocket { .. })));
    assert!(path.exists());
}

#[test]
fn a_path_that_is_too_long_and_a_folder_that_is_open_to_all_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("x".repeat(110));
    let error = Listener::bind(&long).unwrap_err().to_string();
    assert!(error.contains("at most 107") && error.contains("thalweg.control.socket"), "{error}");
    assert!(ping(&long).unwrap_err().to_string().contains("at most 107"));
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let error = Listener::bind(&folder.path().join("control.sock")).unwrap_err();
    assert!(matches!(error, ListenError::OpenFolder { .. }), "{error}");
}

#[test]
fn lines_end_at_their_limit_and_at_the_deadline() {
    let (mut one, mut other) = std::os::unix::net::UnixStream::pair().unwrap();
    let soon = || Instant::now() + Duration::from_millis(50);
    line::write(&mut one, &[b'x'; 100], soon()).unwrap();
    let error = line::read(&mut other, 99, soon()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    let error = line::read(&mut other, 99, soon()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    // Nobody reads: sooner or later nothing more can be written.
    let error = line::write(&mut one, &vec![b'x'; 10 << 20], soon()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}
