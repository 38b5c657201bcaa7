//! One connection to a Redis server, made when it is needed and again when it broke.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::{
    Client, Connection, ErrorKind, FromRedisValue, IntoConnectionInfo, RedisError, RedisResult,
    TlsCertificates,
};

use crate::error::StoreError;
use crate::format;
use crate::settings::StoreSettings;

/// What a request can be answered with.
pub(super) trait Answer: FromRedisValue {}
impl<T: FromRedisValue> Answer for T {}

/// Answers by which a server that is there lets nobody in, or not now.
const NOT_NOW: [&str; 11] = [
    "NOAUTH",
    "WRONGPASS",
    "LOADING",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "READONLY",
    "OOM",
    "MISCONF",
    "NOREPLICAS",
    "BUSY",
];

/// A Redis server and the connection to it, if there is one.
pub(super) struct Server {
    client: Client,
    name: String,
    timeout: Duration,
    /// The key of the format of all that is kept there.
    format: String,
    /// Whether what is asked there is of that format.
    of_format: bool,
    link: Mutex<Option<Connection>>,
}

impl Server {
    /// Prepares a server without connecting to it.
    pub(super) fn new(settings: &StoreSettings) -> Result<Self, StoreError> {
        let client = client(settings)?;
        Ok(Self {
            client,
            name: settings.server(),
            timeout: settings.timeout.max(Duration::from_millis(1)),
            format: format!("{}:{}", settings.prefix, format::NAME),
            of_format: true,
            link: Mutex::new(None),
        })
    }

    /// The same for what has a version of its own in each message, whatever format all else has.
    pub(super) fn for_messages(settings: &StoreSettings) -> Result<Self, StoreError> {
        Ok(Self { of_format: false, ..Self::new(settings)? })
    }

    /// Sends a request. A connection that was found broken is made anew once, so a request may
    /// reach the server twice.
    pub(super) fn ask<T: Answer>(
        &self,
        place: &str,
        request: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        let mut kept = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let reused = kept.is_some();
        let first = self.attempt(&mut kept, &request)?;
        let answer = match first {
            Err(broken) if reused && broken.is_connection_dropped() => {
                self.attempt(&mut kept, &request)?
            }
            other => other,
        };
        answer.map_err(|error| self.explain(place, &error))
    }

    /// Refuses to go on where a newer version has written, with the connection that is there; it is closed, so that nothing
    /// else is asked over it either.
    pub(super) fn check_format(&self) -> Result<(), StoreError> {
        let kept = self.ask(&self.format, |link| read_format(link, &self.format))?;
        let judged = self.judge_format(kept);
        if judged.is_err() {
            *self.link.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        judged
    }

    fn judge_format(&self, kept: Option<String>) -> Result<(), StoreError> {
        let Some(kept) = kept else { return Ok(()) };
        let place = format!("{} at {}", self.format, self.name);
        let bad = |_| StoreError::Corrupt {
            place: place.clone(),
            reason: format!("{kept:?} is not a number"),
        };
        format::check(&place, kept.parse().map_err(bad)?)
    }

    /// The inner error is the server's answer to the request, the outer one what kept it from being asked.
    fn attempt<T: Answer>(
        &self,
        kept: &mut Option<Connection>,
        request: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<RedisResult<T>, StoreError> {
        let mut link = match kept.take() {
            Some(link) => link,
            None => self.connect()?,
        };
        let answer = request(&mut link);
        // After anything but an answer, the next thing to arrive may belong to this request.
        if answer.as_ref().map_or_else(is_answer, |_| true) {
            *kept = Some(link);
        }
        Ok(answer)
    }

    /// Connects, unless what is kept there is a newer version's: nothing is asked of it before that is known.
    fn connect(&self) -> Result<Connection, StoreError> {
        let connected = || {
            let mut link = self.client.get_connection_with_timeout(self.timeout)?;
            link.set_read_timeout(Some(self.timeout))?;
            link.set_write_timeout(Some(self.timeout))?;
            let asked = self.of_format.then(|| read_format(&mut link, &self.format));
            Ok((link, asked.transpose()?.flatten()))
        };
        let (link, kept) = connected().map_err(|error| self.explain(&self.format, &error))?;
        self.judge_format(kept).map(|()| link)
    }

    fn explain(&self, place: &str, error: &RedisError) -> StoreError {
        let (server, reason) = (self.name.clone(), error.to_string());
        let code = error.code().unwrap_or_default();
        match error.kind() {
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => {
                StoreError::Corrupt { place: place.to_owned(), reason }
            }
            _ if code == "WRONGTYPE" || reason.contains("WRONGTYPE") => {
                StoreError::Corrupt { place: place.to_owned(), reason }
            }
            ErrorKind::InvalidClientConfig => StoreError::Setting { setting: "url", reason },
            ErrorKind::Io | ErrorKind::AuthenticationFailed => {
                StoreError::Unreachable { server, reason }
            }
            _ if NOT_NOW.contains(&code) => StoreError::Unreachable { server, reason },
            _ => StoreError::Refused { server, reason },
        }
    }
}

fn read_format(link: &mut Connection, key: &str) -> RedisResult<Option<String>> {
    redis::cmd("GET").arg(key).query(link)
}

fn is_answer(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::UnexpectedReturnType
    )
}

fn client(settings: &StoreSettings) -> Result<Client, StoreError> {
    let bad_url = |error: RedisError| StoreError::Setting {
        setting: "url",
        reason: format!("{}: {}", settings.server(), error.category()),
    };
    let url = settings.url.as_str();
    if !url.starts_with("redis://") && !url.starts_with("rediss://") {
        let reason = "begins with neither redis:// nor rediss://".to_owned();
        return Err(StoreError::Setting { setting: "url", reason });
    }
    let info = url.into_connection_info().map_err(bad_url)?;
    let mut login = info.redis_settings().clone();
    if let Some(user) = &settings.user {
        login = login.set_username(user);
    }
    if let Some(password) = &settings.password {
        login = login.set_password(password.reveal());
    }
    let info = info.set_redis_settings(login);
    if !url.starts_with("rediss://") {
        return Client::open(info).map_err(bad_url);
    }

    // An error only says that a provider is installed already, which is just as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root_cert = settings.ca_file.as_deref().map(read_authorities).transpose()?;
    let unreadable =
        |error: RedisError| StoreError::Setting { setting: "ca_file", reason: error.to_string() };
    Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
        .map_err(unreadable)
}

/// Reads the authorities to trust.
fn read_authorities(path: &Path) -> Result<Vec<u8>, StoreError> {
    let setting = "ca_file";
    std::fs::read(path).map_err(|bad| StoreError::Setting {
        setting,
        reason: format!("{}: {bad}", path.display()),
    })
}
