//! A connection to a server that is given neither more time nor more memory than an answer may take, whatever it sends.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{ConnectionLike, Parser, RedisConnectionInfo, RedisError, RedisResult, Value};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// The longest answer: a table of 36,000 executors has less than a tenth of it.
const LONGEST: usize = 64 << 20;
/// How often the time for a piece of an answer goes into that for the whole.
const PIECES: u32 = 10;

/// Where a server is, and how it is spoken to.
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
    /// Whom to trust, where TLS is spoken.
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) login: RedisConnectionInfo,
}

/// A connection.
pub(super) struct Link {
    stream: Stream,
    parser: Parser,
    db: i64,
}

enum Stream {
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
}

impl Link {
    /// Connects and logs in.
    pub(super) fn to(place: &Place, timeout: Duration) -> RedisResult<Self> {
        let stream = Timed::to(place, timeout)?;
        let stream = match &place.tls {
            None => Stream::Plain(stream),
            Some(config) => {
                let name = ServerName::try_from(place.host.clone());
                let name = name.map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
                let speaking = ClientConnection::new(Arc::clone(config), name);
                let speaking = speaking.map_err(io::Error::other)?;
                Stream::Tls(Box::new(StreamOwned::new(speaking, stream)))
            }
        };
        let login = &place.login;
        let mut link = Self { stream, parser: Parser::new(), db: login.db() };
        link.log_in(login)?;
        if login.db() != 0 {
            redis::cmd("SELECT").arg(login.db()).query::<()>(&mut link)?;
        }
        Ok(link)
    }

    fn log_in(&mut self, login: &RedisConnectionInfo) -> RedisResult<()> {
        let Some(password) = login.password() else { return Ok(()) };
        let mut ask = redis::cmd("AUTH");
        ask.arg(login.username()).arg(password);
        ask.query::<()>(self).map_err(|error| {
            if error.kind() == redis::ErrorKind::Io {
                return error;
            }
            // Nothing of what the server says about a password is repeated.
            RedisError::from((redis::ErrorKind::AuthenticationFailed, "the password is refused"))
        })
    }

    /// Sends a request; its answers are due from now on.
    fn send(&mut self, request: &[u8]) -> RedisResult<()> {
        let timed = match &mut self.stream {
            Stream::Plain(timed) => timed,
            Stream::Tls(tls) => &mut tls.sock,
        };
        timed.end = Instant::now() + timed.timeout * PIECES;
        let to: &mut dyn Write = match &mut self.stream {
            Stream::Plain(timed) => timed,
            Stream::Tls(tls) => tls,
        };
        to.write_all(request)?;
        Ok(to.flush()?)
    }

    fn answer(&mut self, left: &mut usize) -> RedisResult<Value> {
        let from: &mut dyn Read = match &mut self.stream {
            Stream::Plain(timed) => timed,
            Stream::Tls(tls) => tls,
        };
        self.parser.parse_value(Bounded { from, left })
    }
}

impl ConnectionLike for Link {
    fn req_packed_command(&mut self, request: &[u8]) -> RedisResult<Value> {
        self.send(request)?;
        self.answer(&mut { LONGEST })
    }

    fn req_packed_commands(
        &mut self,
        requests: &[u8],
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        self.send(requests)?;
        let mut left = LONGEST;
        let mut refused = None;
        // All are read, also after a refusal, or the next request would be given their answers.
        for _ in 0..offset {
            if let Value::ServerError(error) = self.answer(&mut left)? {
                refused.get_or_insert(error);
            }
        }
        let answers = (0..count).map(|_| self.answer(&mut left)).collect::<RedisResult<_>>()?;
        match refused {
            Some(error) => Err(error.into()),
            None => Ok(answers),
        }
    }

    fn get_db(&self) -> i64 {
        self.db
    }

    fn check_connection(&mut self) -> bool {
        redis::cmd("PING").query::<String>(self).is_ok()
    }

    fn is_open(&self) -> bool {
        true
    }
}

/// A stream on which everything has an end, whatever comes over it meanwhile.
struct Timed {
    stream: TcpStream,
    /// For each piece.
    timeout: Duration,
    /// For all of them.
    end: Instant,
}

impl Timed {
    fn to(place: &Place, timeout: Duration) -> io::Result<Self> {
        let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in (place.host.as_str(), place.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, timeout) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Self { stream, timeout, end: Instant::now() + timeout * PIECES });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The time for the next piece.
    fn left(&self) -> io::Result<Duration> {
        match self.end.saturating_duration_since(Instant::now()).min(self.timeout) {
            Duration::ZERO => Err(io::Error::new(ErrorKind::TimedOut, "it takes too long")),
            left => Ok(left),
        }
    }
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(into)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// What is read, as far as it is not too much.
struct Bounded<'a> {
    from: &'a mut dyn Read,
    left: &'a mut usize,
}

impl Read for Bounded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if *self.left == 0 {
            let text = format!("its answer is longer than {LONGEST} bytes");
            return Err(io::Error::new(ErrorKind::FileTooLarge, text));
        }
        let most = into.len().min(*self.left);
        let length = self.from.read(&mut into[..most])?;
        *self.left -= length;
        Ok(length)
    }
}
