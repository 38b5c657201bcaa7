//! A store in Redis. Each table is published by one script and read in one transaction, so that a
//! reader sees the old or the new one, never half of each.

mod connection;
mod link;
mod mailbox;
mod shared;

use std::collections::BTreeMap;

use redis::{Script, ScriptInvocation};

use self::connection::{Answer, Server};
pub use self::mailbox::{Mailbox, Precautions};
use crate::error::StoreError;
use crate::format;
use crate::layout::Stored;
use crate::limits::{FORMAT, MAX_TERM, TERM_SHIFT};
use crate::settings::StoreSettings;
use crate::store::{Head, Loaded, Store};
use crate::table::{RoutingTable, check_topology};
use crate::term::{Stamp, Stamped, Version, check_term, epoch_after};

/// How long an epoch that was given or removed is remembered: a month.
const EPOCH_SECONDS: u32 = 30 * 24 * 3600;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// A store in Redis.
pub struct RedisStore {
    server: Server,
    /// A connection of its own for whoever takes over, so that it waits for nobody else's answer.
    aside: Server,
    prefix: String,
    scripts: Scripts,
}

struct Scripts {
    publish: Script,
    next_epoch: Script,
    remove: Script,
    begin_term: Script,
    raise: Script,
    put_stamped: Script,
    versions: Script,
}

impl RedisStore {
    /// Prepares a store without connecting to it.
    ///
    /// # Errors
    /// [`StoreError::Setting`] for what waiting will not heal.
    pub fn new(settings: &StoreSettings) -> Result<Self, StoreError> {
        let bad = |c: char| c == '{' || c == '}' || c.is_control();
        if settings.prefix.is_empty() || settings.prefix.contains(bad) {
            let reason = "is empty or holds braces or control characters".to_owned();
            return Err(StoreError::Setting { setting: "prefix", reason });
        }
        Ok(Self {
            server: Server::new(settings)?,
            aside: Server::new(settings)?,
            prefix: settings.prefix.clone(),
            scripts: Scripts {
                publish: Script::new(include_str!("publish.lua")),
                next_epoch: Script::new(include_str!("next_epoch.lua")),
                remove: Script::new(include_str!("remove.lua")),
                begin_term: Script::new(include_str!("begin_term.lua")),
                raise: Script::new(include_str!("raise.lua")),
                put_stamped: Script::new(include_str!("put_stamped.lua")),
                versions: Script::new(include_str!("versions.lua")),
            },
        })
    }

    /// Prepares a store and connects once, so that a wrong setting shows at once.
    ///
    /// # Errors
    /// As [`RedisStore::new`], and [`StoreError::Unreachable`] with what the server or system said.
    pub fn open(settings: &StoreSettings) -> Result<Self, StoreError> {
        let store = Self::new(settings)?;
        store.server.ask("server", |link| redis::cmd("PING").query::<String>(link))?;
        Ok(store)
    }

    /// Refuses what a newer version has written there.
    ///
    /// # Errors
    /// [`StoreError::Newer`], or when Redis is out of reach.
    pub(crate) fn check_format(&self) -> Result<(), StoreError> {
        self.aside.check_format()
    }

    /// Refuses what a newer version has written there, and raises the format to this version's where it is below.
    ///
    /// # Errors
    /// As [`RedisStore::check_format`].
    pub(crate) fn claim_format(&self) -> Result<(), StoreError> {
        self.server.check_format()?;
        let key = self.shared_key(format::NAME);
        let mut call = self.scripts.raise.key(&key);
        call.arg(FORMAT);
        let kept = number(&key, &self.run::<String>(&key, &call)?)?;
        format::check(&key, kept)
    }

    /// A key of one topology; the braces keep all of them in one slot of a cluster.
    fn key(&self, topology: &str, part: &str) -> String {
        format!("{}:{{{topology}}}:{part}", self.prefix)
    }

    fn shared_key(&self, part: &str) -> String {
        format!("{}:{part}", self.prefix)
    }

    fn run<T: Answer>(&self, place: &str, call: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        self.server.ask(place, |link| call.invoke(link))
    }
}

impl Store for RedisStore {
    fn publish(&self, table: &RoutingTable) -> Result<(), StoreError> {
        table.verify()?;
        // Listed first: a listed topology without a table is harmless, an unlisted one is lost.
        let (index, topology) = (self.shared_key("topologies"), &table.topology);
        self.server
            .ask(&index, |link| redis::cmd("SADD").arg(&index).arg(topology).query::<u64>(link))?;

        let stored = Stored::of(table);
        let meta = self.key(topology, "meta");
        let mut call = self.scripts.publish.key(&meta);
        for part in ["C", "N", "P", "removed"] {
            call.key(self.key(topology, part));
        }
        for field in ["epoch", "digest", "layout", "plan", "at"] {
            call.arg(&stored.meta[field]);
        }
        for (executor, component) in &stored.components {
            call.arg(executor).arg(component);
            call.arg(&stored.nodes[executor]).arg(&stored.ports[executor]);
        }
        match self.run::<Option<String>>(&meta, &call)? {
            None => Ok(()),
            Some(epoch) => Err(StoreError::Fenced {
                topology: topology.clone(),
                stored: number(&meta, &epoch)?,
                got: table.epoch,
            }),
        }
    }

    fn table(&self, topology: &str) -> Result<Option<Loaded>, StoreError> {
        let keys = ["meta", "C", "N", "P"].map(|part| self.key(topology, part));
        let mut read = redis::pipe();
        read.atomic();
        for key in &keys {
            read.cmd("HGETALL").arg(key);
        }
        let maps: (Pairs, Pairs, Pairs, Pairs) =
            self.server.ask(&keys[0], |link| read.query(link))?;
        let stored = Stored {
            meta: texts(maps.0),
            components: texts(maps.1),
            nodes: texts(maps.2),
            ports: texts(maps.3),
        };
        if stored == Stored::default() {
            return Ok(None);
        }
        let corrupt = |reason| StoreError::Corrupt { place: keys[0].clone(), reason };
        stored.load(topology).map(Some).map_err(corrupt)
    }

    fn head(&self, topology: &str) -> Result<Option<Head>, StoreError> {
        let meta = self.key(topology, "meta");
        let mut read = redis::cmd("HMGET");
        read.arg(&meta).arg("epoch").arg("digest");
        head_of(&meta, self.server.ask(&meta, |link| read.query(link))?)
    }

    fn tables(&self) -> Result<Vec<String>, StoreError> {
        let index = self.shared_key("topologies");
        let mut topologies: Vec<String> =
            self.server.ask(&index, |link| redis::cmd("SMEMBERS").arg(&index).query(link))?;
        topologies.sort_unstable();
        Ok(topologies)
    }

    fn remove(&self, topology: &str) -> Result<(), StoreError> {
        self.remove_up_to(topology, None, 0)
    }

    fn next_epoch(&self, topology: &str, term: u64) -> Result<u64, StoreError> {
        check_topology(topology)?;
        check_term(term)?;
        let epoch = self.key(topology, "epoch");
        let mut call = self.scripts.next_epoch.key(&epoch);
        call.key(self.key(topology, "meta")).key(self.key(topology, "removed"));
        call.arg(term).arg(1u64 << TERM_SHIFT).arg(EPOCH_SECONDS);
        epoch_after(topology, number(&epoch, &self.run::<String>(&epoch, &call)?)?, term)
    }

    fn begin_term(&self, at_least: u64) -> Result<u64, StoreError> {
        check_term(at_least)?;
        // Whoever begins a term is about to write, and the connection may be older than a newer version.
        self.check_format()?;
        let key = self.shared_key("term");
        let mut call = self.scripts.begin_term.key(&key);
        call.arg(at_least).arg(MAX_TERM);
        let term = number(&key, &self.run_aside::<String>(&key, &call)?)?;
        check_term(term).map(|()| term)
    }

    fn put_stamped(&self, key: &str, term: u64, bytes: &[u8]) -> Result<(), StoreError> {
        check_term(term)?;
        let stamp = Stamp { version: Version { term, seq: 1 }, bytes: bytes.to_vec() };
        self.send_stamp(key, &stamp, false)
    }

    fn stamped(&self, key: &str) -> Result<Option<Stamped>, StoreError> {
        Ok(self.stamp_aside(key)?.map(Stamped::from))
    }

    fn put_state(&self, key: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let state = self.shared_key("state");
        let mut write = redis::cmd("HSET");
        write.arg(&state).arg(key).arg(bytes);
        self.server.ask(&state, |link| write.query::<u64>(link)).map(drop)
    }

    fn state(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let state = self.shared_key("state");
        self.server.ask(&state, |link| redis::cmd("HGET").arg(&state).arg(key).query(link))
    }

    fn state_keys(&self) -> Result<Vec<String>, StoreError> {
        let state = self.shared_key("state");
        let mut keys: Vec<String> =
            self.server.ask(&state, |link| redis::cmd("HKEYS").arg(&state).query(link))?;
        keys.sort_unstable();
        Ok(keys)
    }
}

/// A head of its fields, epoch and digest.
fn head_of(
    meta: &str,
    fields: (Option<String>, Option<String>),
) -> Result<Option<Head>, StoreError> {
    match fields {
        (Some(epoch), Some(digest)) => Ok(Some(Head { epoch: number(meta, &epoch)?, digest })),
        (None, None) => Ok(None),
        _ => Err(corrupt(meta, "has only one of epoch and digest".into())),
    }
}

fn corrupt(place: &str, reason: String) -> StoreError {
    StoreError::Corrupt { place: place.to_owned(), reason }
}

fn number(place: &str, text: &str) -> Result<u64, StoreError> {
    text.parse().map_err(|_| corrupt(place, format!("{text:?} is not a number")))
}

/// Field and value as text; what is none is replaced by text that no reader takes for a value.
fn texts(pairs: Pairs) -> BTreeMap<String, String> {
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes).unwrap_or_else(|bad| format!("not text: {:?}", bad.as_bytes()))
    };
    pairs.into_iter().map(|(field, value)| (text(field), text(value))).collect()
}
