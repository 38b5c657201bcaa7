//! A box in Redis: requests are left in it for whoever leads, and each answer under its request's name.
//!
//! It carries bytes and trusts nobody: who may ask is told by what is in them.

use super::connection::Server;
use crate::error::StoreError;
use crate::settings::StoreSettings;

/// The most requests that lie there.
const MOST_WAITING: u64 = 256;
/// Seconds after which what lies there is gone, longer than any request is good for.
const KEPT_SECS: u64 = 600;

/// Requests and answers in Redis.
pub struct Mailbox {
    server: Server,
    prefix: String,
}

/// What a Redis server does against loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precautions {
    /// Whether it writes every change to a file.
    pub appends: bool,
    /// When it writes all to a file, as it says itself; empty if never.
    pub saves: String,
    /// What time it is there, in ms since 1970, if it tells.
    pub time: Option<i64>,
}

impl Mailbox {
    /// Prepares a box without connecting to its server.
    ///
    /// # Errors
    /// [`StoreError::Setting`] for what waiting will not heal.
    pub fn new(settings: &StoreSettings) -> Result<Self, StoreError> {
        Ok(Self { server: Server::for_messages(settings)?, prefix: settings.prefix.clone() })
    }

    /// Leaves a request.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when too many lie there, or when Redis is out of reach.
    pub fn post(&self, request: &[u8]) -> Result<(), StoreError> {
        let key = self.key("requests");
        let waiting: u64 =
            self.server.ask(&key, |link| redis::cmd("LLEN").arg(&key).query(link))?;
        if waiting >= MOST_WAITING {
            let reason = format!("{waiting} requests wait already: nobody who leads takes them");
            return Err(StoreError::Refused { server: key, reason });
        }
        let mut post = redis::pipe();
        post.atomic().cmd("RPUSH").arg(&key).arg(request).ignore();
        post.cmd("EXPIRE").arg(&key).arg(KEPT_SECS);
        self.server.ask(&key, |link| post.query::<(u64,)>(link)).map(drop)
    }

    /// Takes requests out, the first ones first, unless a later term than `term` has begun. Each is taken once.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub fn take(&self, term: u64, most: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let (key, term_key) = (self.key("requests"), format!("{}:term", self.prefix));
        let begun: Option<String> =
            self.server.ask(&term_key, |link| redis::cmd("GET").arg(&term_key).query(link))?;
        let begun = begun.map(|text| text.parse::<u64>());
        let begun = begun.transpose().map_err(|error| StoreError::Corrupt {
            place: term_key.clone(),
            reason: error.to_string(),
        })?;
        if begun.is_some_and(|begun| begun > term) {
            return Ok(Vec::new());
        }
        let mut take = redis::pipe();
        for _ in 0..most.max(1) {
            take.cmd("LPOP").arg(&key);
        }
        let taken: Vec<Option<Vec<u8>>> = self.server.ask(&key, |link| take.query(link))?;
        Ok(taken.into_iter().flatten().collect())
    }

    /// Whether this is the first time that a request of this name is to be answered, by anybody.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub fn is_first(&self, id: &str) -> Result<bool, StoreError> {
        let key = self.key(&format!("seen:{id}"));
        let mut claim = redis::cmd("SET");
        claim.arg(&key).arg("1").arg("NX").arg("EX").arg(KEPT_SECS);
        let first: Option<String> = self.server.ask(&key, |link| claim.query(link))?;
        Ok(first.is_some())
    }

    /// Leaves the answer to a request.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub fn answer(&self, id: &str, answer: &[u8]) -> Result<(), StoreError> {
        let key = self.key(&format!("answer:{id}"));
        let mut put = redis::cmd("SET");
        put.arg(&key).arg(answer).arg("EX").arg(KEPT_SECS);
        self.server.ask(&key, |link| put.query::<String>(link)).map(drop)
    }

    /// The answer to a request, if it is there.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub fn answered(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let key = self.key(&format!("answer:{id}"));
        self.server.ask(&key, |link| redis::cmd("GET").arg(&key).query(link))
    }

    /// What the server does against loss.
    ///
    /// # Errors
    /// When Redis is out of reach, or does not tell.
    pub fn precautions(&self) -> Result<Precautions, StoreError> {
        let told = |what: &str| -> Result<Vec<String>, StoreError> {
            self.server.ask("server", |link| redis::cmd("CONFIG").arg("GET").arg(what).query(link))
        };
        let appends = told("appendonly")?.get(1).is_some_and(|value| value == "yes");
        let saves = told("save")?.get(1).cloned().unwrap_or_default();
        // Its user may not be allowed to ask.
        let time: Option<(i64, i64)> =
            self.server.ask("server", |link| redis::cmd("TIME").query(link)).ok();
        let time = time.map(|(secs, micros)| secs * 1_000 + micros / 1_000);
        Ok(Precautions { appends, saves, time })
    }

    fn key(&self, part: &str) -> String {
        format!("{}:control:{part}", self.prefix)
    }
}
