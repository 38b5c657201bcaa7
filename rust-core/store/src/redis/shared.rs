//! What only the journal in front of Redis asks for: what it needs to bring both sides together.

use std::collections::BTreeMap;

use super::connection::{Answer, Server};
use super::link::Link;
use super::{EPOCH_SECONDS, RedisStore, corrupt, head_of, number};
use crate::error::StoreError;
use crate::limits::WRITER_SHIFT;
use crate::store::Head;
use crate::term::{Stamp, Version, last_before};

impl RedisStore {
    /// Epoch and digest of a table, and how many rows each of its three maps has.
    ///
    /// # Errors
    /// As [`crate::store::Store::head`].
    pub(crate) fn outline(&self, topology: &str) -> Result<Option<(Head, [u64; 3])>, StoreError> {
        let meta = self.key(topology, "meta");
        let mut read = redis::pipe();
        read.atomic().cmd("HMGET").arg(&meta).arg("epoch").arg("digest");
        for part in ["C", "N", "P"] {
            read.cmd("HLEN").arg(self.key(topology, part));
        }
        let (fields, c, n, p) = self.server.ask(&meta, |link| read.query(link))?;
        Ok(head_of(&meta, fields)?.map(|head| (head, [c, n, p])))
    }

    /// Forgets a table unless one later than `known` is stored, and keeps the terms before the given
    /// one from bringing it back.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] by the later one, or when Redis is out of reach.
    pub(crate) fn remove_up_to(
        &self,
        topology: &str,
        known: Option<u64>,
        term: u64,
    ) -> Result<(), StoreError> {
        let meta = self.key(topology, "meta");
        let mut call = self.scripts.remove.key(self.key(topology, "epoch"));
        for part in ["removed", "meta", "C", "N", "P"] {
            call.key(self.key(topology, part));
        }
        call.arg(known.map_or_else(String::new, |epoch| epoch.to_string()));
        call.arg(last_before(term)).arg(EPOCH_SECONDS);
        if let Some(stored) = self.run::<Option<String>>(&meta, &call)? {
            let (topology, stored) = (topology.to_owned(), number(&meta, &stored)?);
            return Err(StoreError::Fenced { topology, stored, got: known.unwrap_or_default() });
        }
        let index = self.shared_key("topologies");
        self.server
            .ask(&index, |link| redis::cmd("SREM").arg(&index).arg(topology).query::<u64>(link))?;
        Ok(())
    }

    /// Up to which epoch a topology's tables were removed, if they were.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub(crate) fn removed(&self, topology: &str) -> Result<Option<u64>, StoreError> {
        let removed = self.key(topology, "removed");
        let get = |link: &mut Link| redis::cmd("GET").arg(&removed).query(link);
        let epoch: Option<String> = self.server.ask(&removed, get)?;
        epoch.map(|epoch| number(&removed, &epoch)).transpose()
    }

    /// Raises the last term given, and returns it.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub(crate) fn raise_term(&self, term: u64) -> Result<u64, StoreError> {
        let key = self.shared_key("term");
        let mut call = self.scripts.raise.key(&key);
        call.arg(term);
        number(&key, &self.run::<String>(&key, &call)?)
    }

    /// Keeps a version of bytes: one that was just written, or one that Redis lacks.
    ///
    /// # Errors
    /// [`StoreError::Deposed`] when a later term, or another writer in this one, has written the key.
    pub(crate) fn send_stamp(
        &self,
        key: &str,
        stamp: &Stamp,
        again: bool,
    ) -> Result<(), StoreError> {
        let stamped = self.shared_key("stamped");
        let Version { term, seq } = stamp.version;
        let mut call = self.scripts.put_stamped.key(&stamped);
        call.arg(key).arg(term).arg(seq).arg(if again { "again" } else { "anew" });
        call.arg(&stamp.bytes).arg(1u64 << WRITER_SHIFT);
        let Some(later) = self.run::<Option<String>>(&stamped, &call)? else { return Ok(()) };
        let (key, stored) = (key.to_owned(), number(&stamped, &later)?);
        Err(StoreError::Deposed { key, stored, got: term })
    }

    /// The bytes kept under a key and their version.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub(crate) fn stamp_at(&self, key: &str) -> Result<Option<Stamp>, StoreError> {
        self.stamp_from(&self.server, key)
    }

    /// As [`RedisStore::stamp_at`], over the connection that waits for no other request's answer.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub(crate) fn stamp_aside(&self, key: &str) -> Result<Option<Stamp>, StoreError> {
        // It may have been open before a newer version came.
        self.check_format()?;
        self.stamp_from(&self.aside, key)
    }

    fn stamp_from(&self, server: &Server, key: &str) -> Result<Option<Stamp>, StoreError> {
        let stamped = self.shared_key("stamped");
        let get = |link: &mut Link| {
            redis::cmd("HGET").arg(&stamped).arg(key).query::<Option<Vec<u8>>>(link)
        };
        let Some(kept) = server.ask(&stamped, get)? else { return Ok(None) };
        let bad = || corrupt(&stamped, format!("{key:?} does not begin with term and number"));
        Stamp::read(&kept).map(Some).ok_or_else(bad)
    }

    /// The versions of all keys; one below all others for what cannot be understood.
    ///
    /// # Errors
    /// When Redis is out of reach.
    pub(crate) fn versions(&self) -> Result<BTreeMap<String, Version>, StoreError> {
        let stamped = self.shared_key("stamped");
        let call = self.scripts.versions.key(&stamped);
        let versions: Vec<(String, String, String)> = self.run(&stamped, &call)?;
        let version = |(key, term, seq): (String, String, String)| {
            Ok((key, Version { term: number(&stamped, &term)?, seq: number(&stamped, &seq)? }))
        };
        versions.into_iter().map(version).collect()
    }

    /// Asks over the connection that waits for no other request's answer.
    pub(super) fn run_aside<T: Answer>(
        &self,
        place: &str,
        call: &redis::ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        self.aside.ask(place, |link| call.invoke(link))
    }
}
