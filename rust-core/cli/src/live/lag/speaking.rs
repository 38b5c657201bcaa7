//! How brokers are spoken to: the properties of a file, and what is to be said of them first.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use thalweg_connect::kafka::{Properties, read_properties, tell_secrets};
use thalweg_connect::local::are_local;
use thalweg_control::visible;

/// The key of brokers' addresses.
pub const SERVERS: &str = "bootstrap.servers";
/// Keys of a source's own configuration that say how its brokers are spoken to; a file's count over them.
const OF_SOURCES: [&str; 3] = ["isolation.level", "sasl.mechanism", "security.protocol"];

/// What the user says of how brokers are spoken to.
#[derive(Debug, Default)]
pub struct Speaking {
    properties: Properties,
    /// The brokers that the user names for all.
    bootstrap: Option<String>,
    /// The brokers of which it was said already that they are spoken to unencrypted.
    warned: RefCell<BTreeSet<String>>,
}

impl Speaking {
    /// Reads the file, if one is given, and names what of it is left out.
    pub fn of(file: Option<&PathBuf>, bootstrap: Option<&String>) -> Result<Self> {
        let properties = file.map(|file| read(file)).transpose()?.unwrap_or_default();
        Ok(Self { properties, bootstrap: bootstrap.cloned(), ..Self::default() })
    }

    /// The properties for a group that is named by hand.
    pub fn by_hand(&self) -> Result<BTreeMap<String, String>> {
        let mut keys = self.properties.keys.clone();
        keys.extend(self.bootstrap.iter().map(|servers| (SERVERS.to_owned(), servers.clone())));
        let servers = keys.get(SERVERS);
        let missing = || anyhow!("where is Kafka? Give --bootstrap HOST:PORT, or --properties");
        self.warn(servers.ok_or_else(missing)?, &keys);
        Ok(keys)
    }

    /// The properties for a source that tells itself where it reads.
    ///
    /// # Errors
    /// Why it cannot be spoken to: credentials go to brokers only that the user names, as anybody who submits a topology can
    /// name others.
    pub fn with_source(
        &self,
        feed: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, String> {
        let mut keys = self.properties.keys.clone();
        for (key, value) in feed.iter().filter(|(key, _)| OF_SOURCES.contains(&key.as_str())) {
            keys.entry(key.clone()).or_insert_with(|| value.clone());
        }
        let of_source = feed.get(SERVERS).ok_or("its configuration does not tell its servers")?;
        let servers = self.bootstrap.as_ref().unwrap_or(of_source);
        let named = self.bootstrap.is_some()
            || self.properties.keys.get(SERVERS).is_some_and(|named| all_named(of_source, named));
        if self.properties.are_secret() && !named {
            return Err(format!(
                "its servers {} are not among {SERVERS} of --properties, so they are not shown its credentials",
                visible(of_source)
            ));
        }
        let protocol = keys.get("security.protocol").map_or("", String::as_str);
        if protocol.to_ascii_uppercase().starts_with("SASL") && !self.properties.are_secret() {
            return Err(format!(
                "it speaks {}: give credentials by --properties",
                visible(protocol)
            ));
        }
        if tell_secrets(&keys) && !tell_secrets(&self.properties.keys) {
            return Err("it speaks SASL_PLAINTEXT, which would show all the network the credentials: where they may be, say so \
                        yourself by security.protocol in --properties"
                .to_owned());
        }
        keys.insert(SERVERS.to_owned(), servers.clone());
        self.warn(servers, &keys);
        Ok(keys)
    }

    /// Says it once where name and password go over a network as they are.
    fn warn(&self, servers: &str, keys: &BTreeMap<String, String>) {
        let open = tell_secrets(keys) && !are_local(servers);
        if open && self.warned.borrow_mut().insert(servers.to_owned()) {
            eprintln!(
                "thalweg: credentials for {} go over the network unencrypted (security.protocol=SASL_PLAINTEXT)",
                visible(servers)
            );
        }
    }
}

fn read(file: &Path) -> Result<Properties> {
    let place = || file.display().to_string();
    let text = std::fs::read(file).with_context(place)?;
    let properties = read_properties(&text).map_err(|error| anyhow!("{}: {error}", place()))?;
    if !properties.left_out.is_empty() {
        let keys = properties.left_out.join(", ");
        let keys = visible(&keys);
        eprintln!(
            "thalweg: {}: left out, as they say nothing here of how brokers are spoken to: {keys}",
            place()
        );
    }
    Ok(properties)
}

/// Whether all servers of a source are among those that the user names.
fn all_named(of_source: &str, named: &str) -> bool {
    let named: Vec<&str> = named.split(',').map(str::trim).collect();
    of_source.split(',').all(|server| named.contains(&server.trim()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn speaking(text: &str, bootstrap: Option<&str>) -> Speaking {
        let properties = read_properties(text.as_bytes()).unwrap();
        Speaking { properties, bootstrap: bootstrap.map(str::to_owned), ..Speaking::default() }
    }

    fn feed(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    const SECRET: &str =
        "bootstrap.servers=a:1,b:2\nsecurity.protocol=SASL_SSL\nsasl.username=u\nsasl.password=p";

    #[test]
    fn a_source_is_spoken_to_by_what_it_tells_and_the_files_words_count_over_it() {
        let told = feed(&[
            (SERVERS, "c:3"),
            ("security.protocol", "SSL"),
            ("topics", "lines"),
            ("isolation.level", "read_committed"),
        ]);
        let found = speaking("", None).with_source(&told).unwrap();
        let expected =
            [(SERVERS, "c:3"), ("isolation.level", "read_committed"), ("security.protocol", "SSL")];
        assert_eq!(found, feed(&expected));
        let found =
            speaking("security.protocol=PLAINTEXT", Some("d:4")).with_source(&told).unwrap();
        assert_eq!((&*found["security.protocol"], &*found[SERVERS]), ("PLAINTEXT", "d:4"));
    }

    #[test]
    fn credentials_go_to_brokers_only_that_the_user_names() {
        let file = speaking(SECRET, None);
        assert_eq!(
            file.with_source(&feed(&[(SERVERS, "b:2, a:1")])).unwrap()["sasl.password"],
            "p"
        );
        let refused = file.with_source(&feed(&[(SERVERS, "b:2,evil:1")])).unwrap_err();
        assert!(refused.contains("evil:1") && refused.contains("credentials"), "{refused}");
        let named = speaking(SECRET, Some("b:2")).with_source(&feed(&[(SERVERS, "evil:1")]));
        assert_eq!(named.unwrap()[SERVERS], "b:2");
        // A source's word does not have them sent unencrypted.
        let told = feed(&[(SERVERS, "a:1"), ("security.protocol", "SASL_PLAINTEXT")]);
        assert_eq!(file.with_source(&told).unwrap()["security.protocol"], "SASL_SSL");
        let silent = speaking(&SECRET.replace("security.protocol=SASL_SSL\n", ""), None);
        assert!(silent.with_source(&told).unwrap_err().contains("say so yourself"));
        let encrypted = feed(&[(SERVERS, "a:1"), ("security.protocol", "SASL_SSL")]);
        assert_eq!(silent.with_source(&encrypted).unwrap()["security.protocol"], "SASL_SSL");
    }

    #[test]
    fn what_cannot_be_spoken_to_is_told_with_what_is_missing() {
        let none = speaking("", None);
        let sasl = feed(&[(SERVERS, "a:1"), ("security.protocol", "SASL_SSL")]);
        assert!(none.with_source(&sasl).unwrap_err().contains("--properties"));
        assert!(none.with_source(&feed(&[])).unwrap_err().contains("servers"));
        assert!(none.by_hand().is_err());
    }
}
