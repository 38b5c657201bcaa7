//! A Unix socket in the engine's folder: whoever may open it may give orders.

use std::fs::{self, Permissions};
use std::io;
use std::os::linux::fs::MetadataExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::net::{Shutdown, sockopt};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::envelope::Envelope;
use crate::line::{self, LONGEST_ANSWER, Timed};
use crate::wire::{Answer, Refusal, Request};

/// The socket's name in the engine's folder.
pub const NAME: &str = "control.sock";
/// The longest path that a socket can have on Linux: 108 bytes with the one that ends it.
pub const LONGEST_PATH: usize = 107;

impl Timed for UnixStream {
    fn wait_at_most(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))?;
        self.set_write_timeout(Some(time))
    }
}

/// Why there is no socket.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Its path is too long.
    #[error(
        "{} has {length} bytes, and a socket's path at most {LONGEST_PATH}: set thalweg.control.socket to a shorter one",
        path.display()
    )]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// Its bytes.
        length: usize,
    },
    /// Others could put their own socket in its place.
    #[error("{} may be written by everybody: chmod o-w {}", folder.display(), folder.display())]
    OpenFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// Another process answers there.
    #[error("another process answers at {}", path.display())]
    Taken {
        /// The path.
        path: PathBuf,
    },
    /// Something else lies there.
    #[error("{} is no socket, and is left alone", path.display())]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("{}: {error}", path.display())]
    System {
        /// The path.
        path: PathBuf,
        /// Its words.
        error: io::Error,
    },
}

/// A process at the other end of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Its user.
    pub uid: u32,
    /// Its number.
    pub pid: i32,
}

/// Listens at a path, for its own user and root. Dropped, it removes the socket, unless another has put one there.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    path: PathBuf,
    /// Device and number of the file.
    file: (u64, u64),
}

impl Listener {
    /// Begins to listen. A socket at which nobody answers is replaced.
    ///
    /// # Errors
    /// [`ListenError`].
    pub fn bind(path: &Path) -> Result<Self, ListenError> {
        let system = |error| ListenError::System { path: path.to_owned(), error };
        check_length(path)?;
        check_folder(path).map_err(system)??;
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                make_room(path)?;
                UnixListener::bind(path)
            }
            other => other,
        };
        let listener = listener.map_err(system)?;
        // Until here others may have connected, but they are told apart by who they are.
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(system)?;
        let file = file_at(path).map_err(system)?;
        Ok(Self { listener, path: path.to_owned(), file })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for the next one who connects, and tells who that is.
    ///
    /// # Errors
    /// When it cannot be told, and once [`Listener::stop`] was called.
    pub fn accept(&self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = self.listener.accept()?;
        let peer = sockopt::socket_peercred(&stream)?;
        Ok((stream, Peer { uid: peer.uid.as_raw(), pid: peer.pid.as_raw_nonzero().get() }))
    }

    /// Has [`Listener::accept`] fail from now on, also where it waits already.
    pub fn stop(&self) {
        if let Err(error) = rustix::net::shutdown(&self.listener, Shutdown::Both) {
            // Nothing else can be done, and whoever listens finds out when the process ends.
            let _ = error;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if file_at(&self.path).is_ok_and(|file| file == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether a peer may give orders: the user of this process, and root.
pub fn may_order(peer: Peer) -> bool {
    peer.uid == 0 || peer.uid == rustix::process::geteuid().as_raw()
}

fn check_length(path: &Path) -> Result<(), ListenError> {
    let length = path.as_os_str().len();
    if length > LONGEST_PATH {
        return Err(ListenError::PathTooLong { path: path.to_owned(), length });
    }
    Ok(())
}

fn check_folder(path: &Path) -> io::Result<Result<(), ListenError>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mode = fs::metadata(folder)?.permissions().mode();
    // With the sticky bit, as on /tmp, nobody removes what is another's.
    let open = mode & 0o002 != 0 && mode & 0o1000 == 0;
    Ok(if open { Err(ListenError::OpenFolder { folder: folder.to_owned() }) } else { Ok(()) })
}

/// Removes a socket at which nobody answers.
fn make_room(path: &Path) -> Result<(), ListenError> {
    let system = |error| ListenError::System { path: path.to_owned(), error };
    let found = fs::symlink_metadata(path).map_err(system)?;
    if !found.file_type().is_socket() {
        return Err(ListenError::NoSocket { path: path.to_owned() });
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(system)
        }
        _ => Err(ListenError::Taken { path: path.to_owned() }),
    }
}

fn file_at(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.st_dev(), found.st_ino()))
}

/// Why there is no result.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// Nobody answers.
    #[error("{place}: {reason}")]
    Unreachable {
        /// Where it was tried.
        place: String,
        /// Why.
        reason: String,
    },
    /// What was answered is no answer.
    #[error("{place}: no answer of this protocol: {reason}")]
    Nonsense {
        /// Where it was tried.
        place: String,
        /// Why.
        reason: String,
    },
    /// It was answered, with a refusal.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Asks the engine at a socket.
///
/// # Errors
/// [`CallError`].
pub fn call(
    path: &Path,
    request: &Request,
    patience: Duration,
) -> Result<serde_json::Value, CallError> {
    exchange(path, serde_json::to_vec(request), patience)
}

/// Asks the engine at a socket with a signed request.
///
/// # Errors
/// [`CallError`].
pub fn call_signed(
    path: &Path,
    envelope: &Envelope,
    patience: Duration,
) -> Result<serde_json::Value, CallError> {
    exchange(path, serde_json::to_vec(envelope), patience)
}

fn exchange(
    path: &Path,
    line: serde_json::Result<Vec<u8>>,
    patience: Duration,
) -> Result<serde_json::Value, CallError> {
    let place = || path.display().to_string();
    let unreachable =
        |error: io::Error| CallError::Unreachable { place: place(), reason: said(&error) };
    let nonsense = |reason: String| CallError::Nonsense { place: place(), reason };
    if let Err(error) = check_length(path) {
        return Err(CallError::Unreachable { place: place(), reason: error.to_string() });
    }
    let line = line.map_err(|error| nonsense(error.to_string()))?;
    let end = Instant::now() + patience;
    let mut stream = UnixStream::connect(path).map_err(unreachable)?;
    let sent = line::write(&mut stream, &line, end);
    // Who is refused at once may be told so before all was sent.
    let answer = match (line::read(&mut stream, LONGEST_ANSWER, end), sent) {
        (Ok(answer), _) => answer,
        (Err(_), Err(error)) | (Err(error), Ok(())) => return Err(unreachable(error)),
    };
    let answer = Answer::read(&answer).map_err(nonsense)?;
    match answer.outcome {
        crate::wire::Outcome::Result(value) => Ok(value),
        crate::wire::Outcome::Error(refusal) => Err(refusal.into()),
    }
}

fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "there is no socket: is the scheduler running, and is this its folder?".to_owned()
        }
        io::ErrorKind::ConnectionRefused => {
            "nobody answers: the scheduler that made it is gone".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "only the scheduler's own user and root may connect".to_owned()
        }
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "no answer in time".to_owned(),
        _ => error.to_string(),
    }
}
