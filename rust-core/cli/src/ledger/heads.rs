//! Up to where ledgers go, as a shared Redis knows it.

use std::collections::BTreeSet;

use anyhow::anyhow;
use thalweg_ledger::{Anchor, HEADS};
use thalweg_store::{RedisStore, Store, StoreError, StoreSettings};

use crate::exit::Failure;

/// Records that schedulers noted, each with its engine.
#[derive(Debug, Default)]
pub struct Heads(Vec<(String, Anchor)>);

impl Heads {
    /// Reads all of them.
    pub fn read(settings: &StoreSettings) -> Result<Self, Failure> {
        let unreachable = |error: StoreError| Failure::Unreachable(error.to_string());
        let store = RedisStore::new(settings).map_err(|error| anyhow!(error.to_string()))?;
        let mut found = Vec::new();
        for key in store.state_keys().map_err(unreachable)? {
            let Some(name) = key.strip_prefix(HEADS) else { continue };
            let Some(bytes) = store.state(&key).map_err(unreachable)? else { continue };
            let anchor = serde_json::from_slice(&bytes)
                .map_err(|error| anyhow!("{key} in Redis is no head of a ledger: {error}"))?;
            let engine = name.split('@').next().unwrap_or(name);
            found.push((engine.to_owned(), anchor));
        }
        Ok(Self(found))
    }

    /// Those of a ledger that these engines wrote.
    pub fn of(&self, engines: &BTreeSet<String>) -> Vec<Anchor> {
        let own = self.0.iter().filter(|(engine, _)| engines.contains(engine));
        own.map(|(_, anchor)| anchor.clone()).collect()
    }

    /// Engines of the same hosts that wrote no ledger that is there.
    pub fn without(&self, engines: &BTreeSet<String>) -> Vec<String> {
        let hosts: BTreeSet<&str> = engines.iter().map(|engine| host(engine)).collect();
        let others = self.0.iter().map(|(engine, _)| engine);
        let gone =
            others.filter(|engine| !engines.contains(*engine) && hosts.contains(host(engine)));
        gone.cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// An engine's host: its name without the beginning of its key.
fn host(engine: &str) -> &str {
    engine.rsplit_once('-').map_or(engine, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_belong_to_their_engines_and_others_of_the_host_are_missed() {
        let head = |engine: &str, seq| (engine.to_owned(), Anchor { seq, hash: "ab".to_owned() });
        let heads =
            Heads(vec![head("a-b-01", 7), head("a-b-01", 3), head("a-b-02", 9), head("c-03", 1)]);
        let own = BTreeSet::from(["a-b-01".to_owned()]);
        assert_eq!(heads.of(&own).iter().map(|a| a.seq).collect::<Vec<_>>(), [7, 3]);
        assert_eq!(heads.without(&own), ["a-b-02"]);
        assert!(heads.without(&BTreeSet::new()).is_empty());
    }
}
