//! Asks a JobManager's REST interface.

use std::error::Error;
use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, Response};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::redirect::Policy;
use serde_json::Value;

use super::access::Access;
use super::ask::Ask;
use super::error::RestError;
use super::pace::Pace;
use super::tls;

/// So much of what is said with a refusal is told.
const LONGEST_TEXT: usize = 200;
/// Bytes that are read at a time.
const CHUNK: usize = 1 << 16;

/// A JobManager's REST interface, and how it is asked: by GET, as there is nothing else here.
///
/// Safe from any thread; questions wait for each other as far as their pace asks for it.
#[derive(Debug)]
pub struct Rest {
    access: Access,
    client: Client,
    pace: Mutex<Pace>,
}

impl Rest {
    /// Prepares to ask; nothing is sent yet.
    ///
    /// # Errors
    /// When a file of certificates or a key cannot be used.
    pub fn new(access: Access) -> Result<Self, RestError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client(&access)?)
            .timeout(access.timeout)
            .connect_timeout(access.timeout)
            // What is somewhere else may be anything, and would be shown who we are.
            .redirect(Policy::none())
            .no_proxy()
            .http1_only()
            .user_agent(concat!("thalweg/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| RestError::Setup(told(&error)))?;
        let pace = Mutex::new(Pace::of(access.most_a_second));
        Ok(Self { access, client, pace })
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

    fn send(&self, path: &str, until: Instant) -> Result<Response, RestError> {
        let mut request =
            self.client.get(self.access.address.at(path)).header(ACCEPT, "application/json");
        if let Some(said) = self.access.authorization.header()? {
            let mut said = HeaderValue::from_str(&said).map_err(|_| {
                RestError::Setup("Authorization is no text for a header".to_owned())
            })?;
            said.set_sensitive(true);
            request = request.header(AUTHORIZATION, said);
        }
        let answer = request.timeout(until.saturating_duration_since(Instant::now())).send();
        answer.map_err(|error| match error.is_timeout() && !error.is_connect() {
            true => self.late(path),
            false => RestError::Unreachable {
                place: self.access.address.to_string(),
                reason: told(&error.without_url()),
            },
        })
    }

    /// All of an answer, if it is no larger and no later than it may be.
    fn body(&self, path: &str, mut answer: Response, until: Instant) -> Result<Vec<u8>, RestError> {
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
                return Err(RestError::TooLarge { path: path.to_owned(), limit });
            }
            if Instant::now() > until {
                return Err(self.late(path));
            }
        }
    }

    fn broken(&self, path: &str, error: &std::io::Error, until: Instant) -> RestError {
        if error.kind() == std::io::ErrorKind::TimedOut || Instant::now() > until {
            return self.late(path);
        }
        RestError::NoJson {
            path: path.to_owned(),
            reason: format!("the answer breaks off: {error}"),
        }
    }

    fn late(&self, path: &str) -> RestError {
        RestError::Late { path: path.to_owned(), secs: self.access.timeout.as_secs() }
    }
}

impl Ask for Rest {
    fn get(&self, path: &str) -> Result<Value, RestError> {
        self.wait();
        let until = Instant::now() + self.access.timeout.max(Duration::from_millis(1));
        let answer = self.send(path, until)?;
        let status = answer.status();
        let body = self.body(path, answer, until)?;
        if matches!(status.as_u16(), 401 | 403 | 407) {
            return Err(RestError::NotAllowed { path: path.to_owned(), status: status.as_u16() });
        }
        if !status.is_success() {
            let text = String::from_utf8_lossy(&body);
            let text = text.trim().chars().take(LONGEST_TEXT).collect();
            return Err(RestError::Refused {
                path: path.to_owned(),
                status: status.as_u16(),
                text,
            });
        }
        serde_json::from_slice(&body)
            .map_err(|error| RestError::NoJson { path: path.to_owned(), reason: error.to_string() })
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
