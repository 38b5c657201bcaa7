//! The thread that answers at the socket: one request after the other, each within a few seconds.

use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use thalweg_control::envelope::Envelope;
use thalweg_control::socket::may_order;
use thalweg_control::token::TokenFile;
use thalweg_control::{Answer, ErrorCode, Listener, Peer, Refusal, Request, line, now_millis};

use super::handler::RequestHandler;
use super::reply::Reply;
use super::thread::join;
use super::tokens::known;
use crate::orders::By;

/// How long an asker may take to send its request.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an asker may take to read its answer.
const READING: Duration = Duration::from_secs(10);

/// Who is answered at the socket, and with what.
struct Responder {
    tokens: Option<Arc<TokenFile>>,
    /// Names of signed requests that were answered, until they would be too late anyway.
    answered: Vec<(i64, String)>,
    handler: Arc<RequestHandler>,
}

/// The thread and what it listens at; dropped, both are gone.
pub struct Server {
    listener: Arc<Listener>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Begins to answer at a path; who signs with a token that is in the file then is known by its name.
    ///
    /// # Errors
    /// Why nobody can be answered there, for people.
    pub fn start(
        path: &Path,
        tokens: Option<Arc<TokenFile>>,
        handler: Arc<RequestHandler>,
    ) -> Result<Self, String> {
        let listener = Arc::new(Listener::bind(path).map_err(|error| error.to_string())?);
        let stopping = Arc::new(AtomicBool::new(false));
        let (listening, stops) = (Arc::clone(&listener), Arc::clone(&stopping));
        let thread = std::thread::Builder::new()
            .name("thalweg-control".to_owned())
            .spawn(move || {
                Responder { tokens, answered: Vec::new(), handler }.serve(&listening, &stops);
            })
            .map_err(|error| format!("no thread: {error}"))?;
        Ok(Self { listener, stopping, thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.listener.stop();
        join(self.thread.take());
    }
}

impl Responder {
    fn serve(&mut self, listener: &Listener, stopping: &AtomicBool) {
        while !stopping.load(Ordering::SeqCst) {
            match listener.accept() {
                Ok((stream, peer)) => {
                    if let Err(error) = self.answer(stream, peer) {
                        tracing::debug!(uid = peer.uid, pid = peer.pid, %error, "request not answered");
                    }
                }
                Err(_) if stopping.load(Ordering::SeqCst) => {}
                Err(error) => {
                    // As with too many open files; it may pass, and must not keep a processor busy until then.
                    tracing::warn!(%error, "nobody can be accepted at the control socket");
                    std::thread::sleep(Duration::from_secs(1));
                }
            }
        }
    }

    fn answer(&mut self, mut stream: UnixStream, peer: Peer) -> std::io::Result<()> {
        let read = line::read(&mut stream, line::LONGEST_REQUEST, Instant::now() + PATIENCE);
        let (id, result) = match read {
            Ok(_) if !may_order(peer) => {
                let text = format!("user {} is neither root nor the scheduler's own", peer.uid);
                (String::new(), Err(Refusal::of(ErrorCode::Forbidden, "", text)))
            }
            Ok(line) => match self.asked(&line, peer) {
                Ok((request, by)) => {
                    let id = request.id.clone();
                    (id, guarded(|| self.handler.answer(request, by)))
                }
                Err(refusal) => (String::new(), Err(refusal)),
            },
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                (String::new(), Err(Refusal::of(ErrorCode::TooLarge, "", error.to_string())))
            }
            // Somebody only looked whether anybody is here.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        let answer = serde_json::to_vec(&Answer::to(&id, result))?;
        line::write(&mut stream, &answer, Instant::now() + READING)
    }

    /// What is asked, and by whom: a signed request by its signer, or whom that speaks for, a plain one by the user.
    fn asked(&mut self, line: &[u8], peer: Peer) -> Result<(Request, By), Refusal> {
        if !Envelope::is_meant(line) {
            let request = Request::read(line)?;
            if !request.on_behalf_of.is_empty() {
                let text = "who speaks for somebody else signs with a token of a delegate";
                return Err(Refusal::of(ErrorCode::Forbidden, "on_behalf_of", text));
            }
            return Ok((request, By::User { uid: peer.uid, pid: peer.pid }));
        }
        let envelope = Envelope::read(line)?;
        let now = now_millis();
        let tokens = self.tokens.as_deref().map(known).unwrap_or_default();
        let (token, request) = envelope.open(&tokens, now)?;
        let request = request?;
        self.answered.retain(|(expires, _)| now < *expires);
        if self.answered.iter().any(|(_, id)| *id == envelope.id) {
            let text = "it came before, and is answered once";
            return Err(Refusal::of(ErrorCode::Forbidden, "id", text));
        }
        let by = By::of(token, &request);
        self.answered.push((envelope.expires, envelope.id));
        Ok((request, by))
    }
}

/// Nothing that goes wrong in an answer may end the thread, or the process.
fn guarded(answer: impl FnOnce() -> Result<Reply, Refusal>) -> Result<Reply, Refusal> {
    catch_unwind(AssertUnwindSafe(answer)).unwrap_or_else(|_| {
        tracing::error!("an answer ended by a panic");
        Err(Refusal::of(ErrorCode::Internal, "", "an error of the engine itself; its log has more"))
    })
}
