//! One connection to a Redis server, made when it is needed and again when it broke.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::{
    ConnectionAddr, ErrorKind, FromRedisValue, IntoConnectionInfo, RedisError, RedisResult,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::link::{Link, Place};
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
    place: Place,
    name: String,
    timeout: Duration,
    /// The key of the format of all that is kept there.
    format: String,
    /// Whether what is asked there is of that format.
    of_format: bool,
    link: Mutex<Option<Link>>,
}

impl Server {
    /// Prepares a server without connecting to it.
    pub(super) fn new(settings: &StoreSettings) -> Result<Self, StoreError> {
        let place = place(settings)?;
        Ok(Self {
            place,
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
        request: impl Fn(&mut Link) -> RedisResult<T>,
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
        kept: &mut Option<Link>,
        request: impl Fn(&mut Link) -> RedisResult<T>,
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
    fn connect(&self) -> Result<Link, StoreError> {
        let connected = || {
            let mut link = Link::to(&self.place, self.timeout)?;
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

fn read_format(link: &mut Link, key: &str) -> RedisResult<Option<String>> {
    redis::cmd("GET").arg(key).query(link)
}

fn is_answer(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::UnexpectedReturnType
    )
}

fn place(settings: &StoreSettings) -> Result<Place, StoreError> {
    let bad_url = |reason: &str| StoreError::Setting {
        setting: "url",
        reason: format!("{}: {reason}", settings.server()),
    };
    let url = settings.url.as_str();
    if !url.starts_with("redis://") && !url.starts_with("rediss://") {
        let reason = "begins with neither redis:// nor rediss://".to_owned();
        return Err(StoreError::Setting { setting: "url", reason });
    }
    let info = url.into_connection_info().map_err(|error| bad_url(error.category()))?;
    let mut login = info.redis_settings().clone();
    if let Some(user) = &settings.user {
        login = login.set_username(user);
    }
    if let Some(password) = &settings.password {
        login = login.set_password(password.reveal());
    }
    match info.addr() {
        ConnectionAddr::Tcp(host, port) => {
            Ok(Place { host: host.clone(), port: *port, tls: None, login })
        }
        ConnectionAddr::TcpTls { host, port, insecure: false, .. } => {
            let tls = Some(trusting(settings.ca_file.as_deref())?);
            Ok(Place { host: host.clone(), port: *port, tls, login })
        }
        _ => Err(bad_url("this way to a server is not supported")),
    }
}

/// Trusts the authorities of a file, or those of this machine.
fn trusting(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, StoreError> {
    let bad = |reason: String| StoreError::Setting { setting: "ca_file", reason };
    let certificates = match ca_file {
        Some(path) => {
            let read = read_authorities(path)?;
            let all = CertificateDer::pem_slice_iter(&read).collect::<Result<Vec<_>, _>>();
            all.map_err(|error| bad(format!("{}: {error}", path.display())))?
        }
        None => rustls_native_certs::load_native_certs().certs,
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|error| bad(error.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(error.to_string()))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// Reads the authorities to trust.
fn read_authorities(path: &Path) -> Result<Vec<u8>, StoreError> {
    let setting = "ca_file";
    std::fs::read(path).map_err(|bad| StoreError::Setting {
        setting,
        reason: format!("{}: {bad}", path.display()),
    })
}
