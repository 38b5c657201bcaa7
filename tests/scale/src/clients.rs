//! An HTTP client as a browser's connection is: it stays open, and tells the tag of what it has.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
    /// How long it took, from the question to its last byte.
    pub took: Duration,
}

/// One connection, made when it is needed first.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    token: String,
    patience: Duration,
    stream: Option<BufReader<TcpStream>>,
    tags: BTreeMap<String, String>,
}

/// The head of an answer.
#[derive(Debug, Default)]
struct Head {
    status: u16,
    length: Option<usize>,
    tag: Option<String>,
    closes: bool,
}

impl Client {
    /// Prepares to ask a server, with so much patience for each answer.
    pub fn of(address: SocketAddr, token: &str, patience: Duration) -> Self {
        Self { address, token: token.to_owned(), patience, stream: None, tags: BTreeMap::new() }
    }

    /// Asks for a path.
    ///
    /// # Errors
    /// When there is no answer in time.
    pub async fn get(&mut self, path: &str) -> Result<Answer> {
        let begun = Instant::now();
        let asked = timeout(self.patience, self.exchange(path)).await;
        match asked.context("no answer in time").flatten() {
            Ok((status, body)) => Ok(Answer { status, body, took: begun.elapsed() }),
            Err(error) => {
                self.stream = None;
                Err(error)
            }
        }
    }

    async fn exchange(&mut self, path: &str) -> Result<(u16, Vec<u8>)> {
        let known = self.stream.is_some();
        let head = match self.send(path).await {
            // The server may have closed what was idle.
            Err(_) if known => {
                self.stream = None;
                self.send(path).await?
            }
            head => head?,
        };
        let stream = self.stream.as_mut().context("it was just asked")?;
        let mut body = Vec::new();
        match head.length {
            Some(length) => {
                body.resize(length, 0);
                stream.read_exact(&mut body).await?;
            }
            None if head.status == 304 => {}
            None => bail!("an answer of unknown length"),
        }
        self.tags.extend(head.tag.map(|tag| (path.to_owned(), tag)));
        if head.closes {
            self.stream = None;
        }
        Ok((head.status, body))
    }

    async fn send(&mut self, path: &str) -> Result<Head> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let connected = TcpStream::connect(self.address).await?;
                connected.set_nodelay(true)?;
                none.insert(BufReader::new(connected))
            }
        };
        let Self { address, token, tags, .. } = self;
        let tag = tags.get(path).map(|tag| format!("If-None-Match: {tag}\r\n")).unwrap_or_default();
        let question = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nAccept-Encoding: gzip\r\n{tag}\r\n"
        );
        stream.get_mut().write_all(question.as_bytes()).await?;
        head(stream).await
    }

    /// Begins to listen to the server's events; whoever calls then asks for [`Events::next`].
    ///
    /// # Errors
    /// When the server does not tell any in time.
    pub async fn listen(mut self) -> Result<Events> {
        let head = timeout(self.patience, self.send("/v1/events"))
            .await
            .context("no answer in time")??;
        if head.status != 200 {
            bail!("refused with {}", head.status);
        }
        Ok(Events(self.stream.context("it was just asked")?))
    }
}

/// Events of a server.
#[derive(Debug)]
pub struct Events(BufReader<TcpStream>);

impl Events {
    /// Waits for the next change.
    ///
    /// # Errors
    /// When the server ends the stream.
    pub async fn next(&mut self) -> Result<()> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.0.read_line(&mut line).await? == 0 {
                bail!("the server told of no more changes");
            }
            if line.starts_with("event: changed") {
                return Ok(());
            }
        }
    }
}

async fn head(stream: &mut BufReader<TcpStream>) -> Result<Head> {
    let mut head = Head::default();
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            bail!("the server closed the connection");
        }
        let text = line.trim_end();
        if text.is_empty() {
            return Ok(head);
        }
        match text.split_once(": ") {
            None => {
                let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
                head.status = status.with_context(|| text.to_owned())?;
            }
            Some((name, value)) => match name.to_ascii_lowercase().as_str() {
                "content-length" => head.length = Some(value.parse()?),
                "etag" => head.tag = Some(value.to_owned()),
                "connection" => head.closes = value.eq_ignore_ascii_case("close"),
                _ => {}
            },
        }
    }
}
