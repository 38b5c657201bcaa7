//! The thread that answers requests which lie in the shared store, so that they reach whoever leads from any machine.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use thalweg_control::envelope::{Envelope, SealedAnswer};
use thalweg_control::token::{Token, TokenFile};
use thalweg_control::{Answer, ErrorCode, Refusal, now_millis};
use thalweg_store::{Mailbox, StoreError, StoreSettings};

use super::handler::RequestHandler;
use super::reply::Reply;
use super::thread::join;
use super::tokens::known;
use crate::locked::lock;
use crate::orders::By;

/// How often requests are looked for.
const LOOK: Duration = Duration::from_millis(500);
/// The longest wait while the store is away.
const LONGEST: Duration = Duration::from_secs(10);
/// The most requests that are answered before the next look.
const MOST: usize = 16;
/// The most bytes of an answer that is left in the store.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

/// The thread; dropped, it ends.
pub struct Remote {
    stopping: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread works with.
struct Responder {
    mailbox: Mailbox,
    tokens: Arc<TokenFile>,
    handler: Arc<RequestHandler>,
}

impl Remote {
    /// Begins to answer those who sign with a token that is in the file then.
    ///
    /// # Errors
    /// Why nobody can be answered there, for people.
    pub fn start(
        store: &StoreSettings,
        tokens: Arc<TokenFile>,
        handler: Arc<RequestHandler>,
    ) -> Result<Self, String> {
        let mailbox = Mailbox::new(store).map_err(|error| error.to_string())?;
        let responder = Responder { mailbox, tokens, handler };
        let stopping = Arc::new((Mutex::new(false), Condvar::new()));
        let stops = Arc::clone(&stopping);
        let thread = std::thread::Builder::new()
            .name("thalweg-remote".to_owned())
            .spawn(move || responder.work(&stops))
            .map_err(|error| format!("no thread: {error}"))?;
        Ok(Self { stopping, thread: Some(thread) })
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        *lock(&self.stopping.0) = true;
        self.stopping.1.notify_all();
        join(self.thread.take());
    }
}

impl Responder {
    fn work(&self, stopping: &(Mutex<bool>, Condvar)) {
        let mut wait = LOOK;
        loop {
            let stop = lock(&stopping.0);
            let waited = stopping.1.wait_timeout_while(stop, wait, |stop| !*stop);
            if *waited.unwrap_or_else(PoisonError::into_inner).0 {
                return;
            }
            wait = match self.look() {
                Ok(()) => LOOK,
                Err(error) => {
                    tracing::debug!(%error, "requests in the store cannot be looked for");
                    (wait * 2).min(LONGEST)
                }
            };
        }
    }

    /// Answers what lies there; who does not lead takes nothing.
    fn look(&self) -> Result<(), StoreError> {
        let Some(term) = self.handler.leading_term() else { return Ok(()) };
        for bytes in self.mailbox.take(term, MOST)? {
            self.answer(&bytes)?;
        }
        Ok(())
    }

    /// Answers one request, if somebody who is known has signed it. Who has not gets no answer, not even that.
    fn answer(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let envelope = match Envelope::read(bytes) {
            Ok(envelope) => envelope,
            Err(refusal) => {
                tracing::warn!(%refusal, "a request in the store cannot be read");
                return Ok(());
            }
        };
        let tokens = known(&self.tokens);
        let (token, request) = match envelope.open(&tokens, now_millis()) {
            Ok(opened) => opened,
            Err(refusal) => {
                tracing::warn!(token = envelope.token, %refusal, "a request in the store is not answered");
                return Ok(());
            }
        };
        if !self.mailbox.is_first(&envelope.id)? {
            tracing::warn!(
                token = token.name,
                id = envelope.id,
                "a request came again, and is not answered again"
            );
            return Ok(());
        }
        let result = request.and_then(|request| self.guarded(request, token));
        let mut answer = line(&envelope.id, result);
        if answer.len() > LONGEST_ANSWER {
            let text =
                format!("the answer has more than {LONGEST_ANSWER} bytes: ask at the socket");
            answer = line(&envelope.id, Err(Refusal::of(ErrorCode::TooLarge, "", text)));
        }
        let sealed = SealedAnswer::seal(&envelope.id, answer, token);
        let Ok(bytes) = serde_json::to_vec(&sealed) else { return Ok(()) };
        self.mailbox.answer(&envelope.id, &bytes)
    }

    /// Nothing that goes wrong in an answer may end the thread, or the process.
    fn guarded(&self, request: thalweg_control::Request, token: &Token) -> Result<Reply, Refusal> {
        let by = By::of(token, &request);
        catch_unwind(AssertUnwindSafe(|| self.handler.answer(request, by))).unwrap_or_else(|_| {
            tracing::error!("an answer ended by a panic");
            let text = "an error of the engine itself; its log has more";
            Err(Refusal::of(ErrorCode::Internal, "", text))
        })
    }
}

fn line(id: &str, result: Result<Reply, Refusal>) -> String {
    serde_json::to_string(&Answer::to(id, result)).unwrap_or_default()
}
