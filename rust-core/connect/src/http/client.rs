//! Asks a server, and puts things there.

use std::error::Error;
use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::blocking::Response;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Url, blocking};

use super::access::Access;
use super::error::HttpError;
use super::pace::Pace;
use super::tls;

/// So much of what is said with a refusal is told.
const LONGEST_TEXT: usize = 200;
/// Bytes that are read at a time.
const CHUNK: usize = 1 << 16;

/// What a server says, and what it says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its type, as `application/json`, with what stands behind it; empty where there is none.
    pub content_type: String,
    /// All of it.
    pub body: Vec<u8>,
}

/// What is asked for, or put there.
struct Question<'a> {
    /// As errors name it.
    path: &'a str,
    url: Url,
    /// The types that are understood.
    accept: &'a str,
    /// What is put there, as JSON; nothing where it is only asked for.
    put: Option<String>,
}

/// A server, and how it is asked: by GET, and by PUT where something is to be changed.
///
/// Safe from any thread; questions wait for each other as far as their pace asks for it.
#[derive(Debug)]
pub struct Client {
    access: Access,
    client: blocking::Client,
    pace: Mutex<Pace>,
}

impl Client {
    /// Prepares to ask; nothing is sent yet.
    ///
    /// # Errors
    /// When a file of certificates or a key cannot be used.
    pub fn new(access: Access) -> Result<Self, HttpError> {
        let client = blocking::Client::builder()
            .tls_backend_preconfigured(tls::client(&access)?)
            .timeout(access.timeout)
            .connect_timeout(access.timeout)
            // What is somewhere else may be anything, and would be shown who we are.
            .redirect(Policy::none())
            .no_proxy()
            .http1_only()
            .user_agent(concat!("thalweg/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| HttpError::Setup(told(&error)))?;
        let pace = Mutex::new(Pace::of(access.most_a_second));
        Ok(Self { access, client, pace })
    }

    /// Where it is, and what it takes to be answered there.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The answer at a path behind the address, which may have a query behind it, as one of these types.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, path: &str, accept: &str) -> Result<Answer, HttpError> {
        self.ask(Question { path, url: self.access.address.at(path), accept, put: None })
    }

    /// Puts this JSON at a path behind the address. Once only: whether something that was not answered has been done can only
    /// be seen by asking.
    ///
    /// # Errors
    /// When it is refused, or nobody knows whether it was done.
    pub fn put(&self, path: &str, json: String) -> Result<Answer, HttpError> {
        let url = self.access.address.at(path);
        self.ask(Question { path, url, accept: "application/json", put: Some(json) })
    }

    /// The answer at the address itself.
    ///
    /// # Errors
    /// When there is none.
    pub fn get_itself(&self, accept: &str) -> Result<Answer, HttpError> {
        let (path, url) = (self.access.address.to_string(), self.access.address.itself());
        self.ask(Question { path: &path, url, accept, put: None })
    }

    fn ask(&self, question: Question<'_>) -> Result<Answer, HttpError> {
        let path = question.path;
        self.wait();
        let until = Instant::now() + self.access.timeout.max(Duration::from_millis(1));
        let answer = self.send(question, until)?;
        let status = answer.status();
        let content_type = answer.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let content_type = content_type.to_owned();
        let body = self.body(path, answer, until)?;
        if matches!(status.as_u16(), 401 | 403 | 407) {
            return Err(HttpError::NotAllowed { path: path.to_owned(), status: status.as_u16() });
        }
        if !status.is_success() {
            let text = String::from_utf8_lossy(&body);
            let text = text.trim().chars().take(LONGEST_TEXT).collect();
            return Err(HttpError::Refused {
                path: path.to_owned(),
                status: status.as_u16(),
                text,
            });
        }
        Ok(Answer { content_type, body })
    }

    fn wait(&self) {
        let pause = {
            // A count of instants cannot be half changed.
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            pace.next(Instant::now())
        };
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }

    fn send(&self, question: Question<'_>, until: Instant) -> Result<Response, HttpError> {
        let path = question.path;
        let mut request = match question.put {
            None => self.client.get(question.url),
            Some(json) => {
                self.client.put(question.url).header(CONTENT_TYPE, "application/json").body(json)
            }
        };
        request = request.header(ACCEPT, question.accept);
        if let Some(said) = self.access.authorization.header()? {
            let mut said = HeaderValue::from_str(&said).map_err(|_| {
                HttpError::Setup("Authorization is no text for a header".to_owned())
            })?;
            said.set_sensitive(true);
            request = request.header(AUTHORIZATION, said);
        }
        let answer = request.timeout(until.saturating_duration_since(Instant::now())).send();
        answer.map_err(|error| match error.is_timeout() && !error.is_connect() {
            true => self.late(path),
            false => HttpError::Unreachable {
                place: self.access.address.to_string(),
                reason: told(&error.without_url()),
            },
        })
    }

    /// All of an answer, if it is no larger and no later than it may be.
    fn body(&self, path: &str, mut answer: Response, until: Instant) -> Result<Vec<u8>, HttpError> {
        let limit = self.access.longest_answer;
        let mut body = Vec::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match answer.read(&mut chunk) {
                Ok(0) => return Ok(body),
                Ok(read) => read,
                Err(error) => return Err(self.broken(path, &error, until)),
            };
            body.extend_from_slice(&chunk[..read]);
            if body.len() > limit {
                return Err(HttpError::TooLarge { path: path.to_owned(), limit });
            }
            if Instant::now() > until {
                return Err(self.late(path));
            }
        }
    }

    fn broken(&self, path: &str, error: &std::io::Error, until: Instant) -> HttpError {
        if error.kind() == std::io::ErrorKind::TimedOut || Instant::now() > until {
            return self.late(path);
        }
        HttpError::BreaksOff { path: path.to_owned(), reason: error.to_string() }
    }

    fn late(&self, path: &str) -> HttpError {
        HttpError::Late { path: path.to_owned(), secs: self.access.timeout.as_secs() }
    }
}

/// What an error says, with its causes: the outermost only says that something failed.
fn told(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !told.contains(&text) {
            told += &format!(": {text}");
        }
        cause = error.source();
    }
    told
}
