//! Properties of Kafka clients, as a source's own file has them.
//!
//! Files of the Java client can be used as they are: what the client here calls otherwise is translated, what it does not
//! need (serializers, stores of keys in Java's own format) is refused by name where it would matter, and left out where not.

use std::collections::BTreeMap;

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PropertiesError {
    /// It is no property.
    #[error("line {line}: expected key=value")]
    NoProperty {
        /// Counted from 1.
        line: usize,
    },
    /// A key store or trust store of Java's.
    #[error(
        "line {line}: {key} is a store in Java's own format; give {instead} with a PEM file instead"
    )]
    JavaStore {
        /// Counted from 1.
        line: usize,
        /// The key.
        key: String,
        /// The key to use.
        instead: &'static str,
    },
    /// A login module without what is needed of it.
    #[error("line {line}: sasl.jaas.config lacks username=\"...\" or password=\"...\"")]
    Jaas {
        /// Counted from 1.
        line: usize,
    },
}

/// Keys that say how a broker is spoken to, by how they begin; all others are the consumer's own business.
const SPOKEN: [&str; 8] = [
    "bootstrap.servers",
    "isolation.level",
    "security.",
    "sasl.",
    "ssl.",
    "client.",
    "socket.",
    "broker.address.",
];

/// Keys of Java's stores, and what takes their place.
const STORES: [(&str, &str); 2] =
    [("ssl.truststore.location", "ssl.ca.location"), ("ssl.keystore.location", "ssl.key.location")];

/// Keys that only Java's stores and login modules have.
const JAVAS: [&str; 8] = [
    "ssl.truststore.password",
    "ssl.truststore.type",
    "ssl.keystore.type",
    "ssl.protocol",
    "ssl.enabled.protocols",
    "sasl.login.callback.handler.class",
    "sasl.client.callback.handler.class",
    "client.dns.lookup",
];

/// Reads the text of a properties file: what says how brokers are spoken to.
///
/// # Errors
/// The first line that cannot be used. Values are never part of it, as they may be secrets.
pub fn read(text: &str) -> Result<BTreeMap<String, String>, PropertiesError> {
    let mut found = BTreeMap::new();
    for (line, (key, value)) in pairs(text)? {
        if let Some((_, instead)) = STORES.iter().find(|(store, _)| *store == key) {
            return Err(PropertiesError::JavaStore { line, key, instead });
        }
        if key == "sasl.jaas.config" {
            let part = |name| quoted(&value, name).ok_or(PropertiesError::Jaas { line });
            found.insert("sasl.username".to_owned(), part("username")?);
            found.insert("sasl.password".to_owned(), part("password")?);
        } else if SPOKEN.iter().any(|start| key.starts_with(start)) && !JAVAS.contains(&&*key) {
            found.insert(key, value);
        }
    }
    Ok(found)
}

type Pair = (usize, (String, String));

/// Keys and values with their lines; a line goes on after a backslash at its end.
fn pairs(text: &str) -> Result<Vec<Pair>, PropertiesError> {
    let mut pairs = Vec::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((line, first)) = lines.next() {
        let first = first.trim();
        if first.is_empty() || first.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = first.to_owned();
        while let Some(begun) = whole.strip_suffix('\\').map(str::to_owned) {
            let more = lines.next().map_or("", |(_, more)| more.trim());
            whole = begun + more;
        }
        let (key, value) = whole.split_once('=').ok_or(PropertiesError::NoProperty { line })?;
        pairs.push((line, (key.trim().to_owned(), value.trim().to_owned())));
    }
    Ok(pairs)
}

/// The value of `name="value"` in a login module's line, in which a backslash keeps the next letter.
fn quoted(line: &str, name: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!("{name}=\""))?;
    let mut value = String::new();
    let mut letters = rest.chars();
    loop {
        match letters.next()? {
            '"' => return Some(value),
            '\\' => value.push(letters.next()?),
            letter => value.push(letter),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_java_client_is_used_as_it_is() {
        let text = r#"
            # of the source
            bootstrap.servers=a:9093,b:9093
            security.protocol = SASL_SSL
            sasl.mechanism=SCRAM-SHA-512
            sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
                username="reader" password="a\"b=c";
            ssl.ca.location=/etc/ca.pem
            key.deserializer=org.apache.kafka.common.serialization.StringDeserializer
            ssl.protocol=TLSv1.3
            group.id=words
        "#;
        let found = read(text).unwrap();
        let found: Vec<(&str, &str)> = found.iter().map(|(k, v)| (&**k, &**v)).collect();
        let expected = [
            ("bootstrap.servers", "a:9093,b:9093"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.password", "a\"b=c"),
            ("sasl.username", "reader"),
            ("security.protocol", "SASL_SSL"),
            ("ssl.ca.location", "/etc/ca.pem"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_cannot_be_used_is_named_without_its_value() {
        assert_eq!(read("a=b\nsecret"), Err(PropertiesError::NoProperty { line: 2 }));
        let store = read("ssl.truststore.location=/secret.jks").unwrap_err();
        assert!(store.to_string().contains("ssl.ca.location"), "{store}");
        assert!(!store.to_string().contains("secret"), "{store}");
        let jaas = read("sasl.jaas.config=Module required username=\"a\"").unwrap_err();
        assert_eq!(jaas, PropertiesError::Jaas { line: 1 });
    }
}
