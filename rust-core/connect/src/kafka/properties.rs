//! Properties of Kafka clients, as a source's own file has them.
//!
//! Files of the Java client can be used as they are: what the client here calls otherwise is translated, what only Java's
//! client or a reader needs (serializers, assignment of partitions, the group) is left out and named, and what this client
//! cannot read is refused with what to do instead.

use std::collections::BTreeMap;

use encoding_rs::UTF_8;
use java_properties::{LineContent, PropertiesIter};

use super::jaas::Login;

/// What is wrong with a file of properties. Values are never part of it, as they may be secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PropertiesError {
    /// It is no property.
    #[error("line {line}: an escape of letters that is none (\\uXXXX)")]
    Unreadable {
        /// Counted from 1.
        line: usize,
    },
    /// A trust store of Java's.
    #[error(
        "line {line}: {key} is a store of Java's, which this client cannot read; write its certificates as PEM with \
         `keytool -list -rfc -keystore STORE > ca.pem`, and give ssl.ca.location=ca.pem in its place"
    )]
    TrustStore {
        /// Counted from 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// A key store of Java's own format.
    #[error(
        "line {line}: {key} is a store in Java's own format, which this client cannot read; write it as PKCS12 with \
         `keytool -importkeystore -srckeystore STORE -destkeystore key.p12 -deststoretype PKCS12`, and give that with \
         ssl.keystore.type=PKCS12"
    )]
    KeyStore {
        /// Counted from 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// A login module without what is needed of it.
    #[error("line {line}: sasl.jaas.config lacks username=\"...\" or password=\"...\"")]
    Jaas {
        /// Counted from 1.
        line: usize,
    },
    /// A login module of another kind.
    #[error(
        "line {line}: sasl.jaas.config names no module for PLAIN or SCRAM, the only ones that are translated"
    )]
    Login {
        /// Counted from 1.
        line: usize,
    },
    /// A value that only Java's client would fetch.
    #[error(
        "line {line}: the value of {key} stands elsewhere (${{...}}); only Java's client fetches it"
    )]
    Reference {
        /// Counted from 1.
        line: usize,
        /// The key.
        key: String,
    },
}

/// What says how brokers are spoken to, in this client's words.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties {
    /// By key.
    pub keys: BTreeMap<String, String>,
    /// Keys that were left out, as they say something else, in the order of their names.
    pub left_out: Vec<String>,
}

/// Values may be secrets.
impl std::fmt::Debug for Properties {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys: Vec<&String> = self.keys.keys().collect();
        f.debug_struct("Properties").field("keys", &keys).field("left_out", &self.left_out).finish()
    }
}

/// Keys that both clients have, with the same meaning.
const SAME: [&str; 25] = [
    "bootstrap.servers",
    "broker.address.family",
    "client.id",
    "client.rack",
    "connections.max.idle.ms",
    "enable.ssl.certificate.verification",
    "isolation.level",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.method",
    "sasl.oauthbearer.scope",
    "sasl.oauthbearer.token.endpoint.url",
    "sasl.password",
    "sasl.username",
    "security.protocol",
    "socket.connection.setup.timeout.ms",
    "socket.keepalive.enable",
    "socket.timeout.ms",
    "ssl.key.password",
    "ssl.keystore.password",
    "ssl.endpoint.identification.algorithm",
];

/// What begins so is this client's own.
const OWN: [&str; 4] = ["ssl.ca.", "ssl.certificate.", "ssl.key.", "ssl.crl."];

/// Keys of Java's that are translated.
const TRANSLATED: [&str; 6] = [
    "sasl.jaas.config",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
];

/// Keys of Java's that say something of a translated one, and nothing by themselves.
const BESIDE: [&str; 3] = ["ssl.keystore.type", "ssl.truststore.password", "ssl.truststore.type"];

/// Reads the text of a properties file.
///
/// # Errors
/// The first line that cannot be used.
pub fn read(text: &[u8]) -> Result<Properties, PropertiesError> {
    let mut given = BTreeMap::new();
    // As in Java, the last of several lines of one key counts.
    for (line, key, value) in pairs(&without_comments(&decoded(text)))? {
        given.insert(key, (line, value));
    }
    let given = Given(given);
    let mut found = Properties::default();
    for (key, (line, value)) in &given.0 {
        if value.contains("${") && (speaks(key) || TRANSLATED.contains(&key.as_str())) {
            return Err(PropertiesError::Reference { line: *line, key: key.clone() });
        }
        given.take(key, (*line, value), &mut found)?;
    }
    Ok(found)
}

/// All that the file says, with the lines where it does.
struct Given(BTreeMap<String, (usize, String)>);

impl Given {
    /// The type of a store in capitals; Java's own format where nobody says.
    fn store(&self, key: &str) -> String {
        self.0.get(key).map_or_else(|| "JKS".to_owned(), |(_, kind)| kind.to_ascii_uppercase())
    }

    /// Puts one property where it belongs.
    fn take(
        &self,
        key: &str,
        (line, value): (usize, &str),
        found: &mut Properties,
    ) -> Result<(), PropertiesError> {
        match key {
            "sasl.jaas.config" => found.log_in(line, value)?,
            "ssl.truststore.certificates" => found.translate("ssl.ca.pem", value),
            "ssl.keystore.certificate.chain" => found.translate("ssl.certificate.pem", value),
            "ssl.keystore.key" => found.translate("ssl.key.pem", value),
            "ssl.truststore.location" if self.store("ssl.truststore.type") == "PEM" => {
                found.translate("ssl.ca.location", value);
            }
            "ssl.truststore.location" => {
                return Err(PropertiesError::TrustStore { line, key: key.to_owned() });
            }
            "ssl.keystore.location" => match self.store("ssl.keystore.type").as_str() {
                // One file holds both, and each reader takes its part.
                "PEM" => {
                    found.translate("ssl.key.location", value);
                    found.translate("ssl.certificate.location", value);
                }
                "PKCS12" => found.put(key, value),
                _ => return Err(PropertiesError::KeyStore { line, key: key.to_owned() }),
            },
            // Java's way of asking for no look at names.
            "ssl.endpoint.identification.algorithm" if value.is_empty() => found.put(key, "none"),
            "ssl.endpoint.identification.algorithm" => found.put(key, &value.to_ascii_lowercase()),
            // Two names of one property, of which either client would take whichever it meets last.
            "sasl.mechanisms" => found.translate("sasl.mechanism", value),
            _ if BESIDE.contains(&key) => {}
            _ if speaks(key) => found.put(key, value),
            _ => found.left_out.push(key.to_owned()),
        }
        Ok(())
    }
}

impl Properties {
    fn put(&mut self, key: &str, value: &str) {
        self.keys.insert(key.to_owned(), value.to_owned());
    }

    /// Puts what Java calls otherwise, unless it is said in this client's own words too.
    fn translate(&mut self, key: &str, value: &str) {
        self.keys.entry(key.to_owned()).or_insert_with(|| value.to_owned());
    }

    /// Takes name and password out of a login module's line.
    fn log_in(&mut self, line: usize, value: &str) -> Result<(), PropertiesError> {
        let login = Login::read(value).ok_or(PropertiesError::Jaas { line })?;
        if !["PlainLoginModule", "ScramLoginModule"].contains(&login.module.as_str()) {
            return Err(PropertiesError::Login { line });
        }
        for (of, key) in [("username", "sasl.username"), ("password", "sasl.password")] {
            let value = login.options.get(of).ok_or(PropertiesError::Jaas { line })?;
            self.translate(key, value);
        }
        Ok(())
    }

    /// Whether they hold what nobody else may see.
    pub fn are_secret(&self) -> bool {
        let secret = ["sasl.password", "ssl.key.", "ssl.keystore.", "sasl.oauthbearer."];
        self.keys.keys().any(|key| secret.iter().any(|start| key.starts_with(start)))
    }
}

/// Whether a name and password go over the network for all to read where a client has these keys.
pub fn tell_secrets(keys: &BTreeMap<String, String>) -> bool {
    let protocol = keys.get("security.protocol").map(|name| name.to_ascii_uppercase());
    keys.contains_key("sasl.password") && protocol.as_deref() == Some("SASL_PLAINTEXT")
}

/// Whether a key says how brokers are spoken to, in words that this client has too.
fn speaks(key: &str) -> bool {
    SAME.contains(&key) || OWN.iter().any(|own| key.starts_with(own))
}

/// Java reads Latin-1, and what people write is UTF-8: what can be that, is.
fn decoded(text: &[u8]) -> String {
    match std::str::from_utf8(text) {
        Ok(text) => text.to_owned(),
        Err(_) => text.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// The same text with nothing in lines of comments, in which the reader would look for escapes.
fn without_comments(text: &str) -> String {
    let mut goes_on = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        let comment = !goes_on && line.trim_start().starts_with(['#', '!']);
        let backslashes = line.chars().rev().take_while(|letter| *letter == '\\').count();
        goes_on = !comment && backslashes % 2 == 1;
        if !comment {
            kept.push_str(line);
        }
        kept.push('\n');
    }
    kept
}

/// Keys and values with their lines.
fn pairs(text: &str) -> Result<Vec<(usize, String, String)>, PropertiesError> {
    let mut pairs = Vec::new();
    for read in PropertiesIter::new_with_encoding(text.as_bytes(), UTF_8) {
        let unreadable = |error: java_properties::PropertiesError| PropertiesError::Unreadable {
            line: error.line_number().unwrap_or_default(),
        };
        let line = read.map_err(unreadable)?;
        let number = line.line_number();
        if let LineContent::KVPair(key, value) = line.consume_content() {
            pairs.push((number, key, value));
        }
    }
    Ok(pairs)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<(String, String)> {
        read(text.as_bytes()).unwrap().keys.into_iter().collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn a_file_of_the_java_client_is_used_as_it_is() {
        let text = r#"
            # of the source, once C:\users\me
            bootstrap.servers=a:9093,b:9093
            security.protocol : SASL_SSL
            sasl.mechanism SCRAM-SHA-512
            sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
                username="reader" \
                password="a\\"b=c\u00e4";
            ssl.ca.location=/etc/ca.pem
            key.deserializer=org.apache.kafka.common.serialization.StringDeserializer
            partition.assignment.strategy=org.apache.kafka.clients.consumer.RangeAssignor
            ssl.protocol=TLSv1.3
            group.id=words
        "#;
        let found = read(text.as_bytes()).unwrap();
        let expected = [
            pair("bootstrap.servers", "a:9093,b:9093"),
            pair("sasl.mechanism", "SCRAM-SHA-512"),
            pair("sasl.password", "a\"b=cä"),
            pair("sasl.username", "reader"),
            pair("security.protocol", "SASL_SSL"),
            pair("ssl.ca.location", "/etc/ca.pem"),
        ];
        assert_eq!(found.keys.clone().into_iter().collect::<Vec<_>>(), expected);
        let left_out =
            ["group.id", "key.deserializer", "partition.assignment.strategy", "ssl.protocol"];
        assert_eq!(found.left_out, left_out);
        assert!(found.are_secret() && !tell_secrets(&found.keys));
        assert!(!format!("{found:?}").contains("b=c"));
    }

    #[test]
    fn stores_that_this_client_can_read_are_translated() {
        let pem = "ssl.truststore.type=PEM\nssl.truststore.location=/ca.pem\nssl.keystore.type=pem\n\
                   ssl.keystore.location=/key.pem\nssl.key.password=x";
        let expected = [
            pair("ssl.ca.location", "/ca.pem"),
            pair("ssl.certificate.location", "/key.pem"),
            pair("ssl.key.location", "/key.pem"),
            pair("ssl.key.password", "x"),
        ];
        assert_eq!(keys(pem), expected);
        let pkcs = "ssl.keystore.type=PKCS12\nssl.keystore.location=/key.p12\nssl.keystore.password=x\n\
                    ssl.endpoint.identification.algorithm=";
        let expected = [
            pair("ssl.endpoint.identification.algorithm", "none"),
            pair("ssl.keystore.location", "/key.p12"),
            pair("ssl.keystore.password", "x"),
        ];
        assert_eq!(keys(pkcs), expected);
        let text = "ssl.truststore.certificates=-----BEGIN CERTIFICATE-----\\n\\\nAB==\\n\n";
        assert_eq!(keys(text), [pair("ssl.ca.pem", "-----BEGIN CERTIFICATE-----\nAB==\n")]);
    }

    #[test]
    fn what_cannot_be_used_is_named_with_what_to_do_and_without_its_value() {
        let refused = |text: &str| read(text.as_bytes()).unwrap_err();
        assert_eq!(refused("a=b\nc=\\u00g1"), PropertiesError::Unreadable { line: 2 });
        for (text, advice) in [
            ("ssl.truststore.location=/secret.jks", "ssl.ca.location"),
            (
                "ssl.truststore.type=PKCS12\nssl.truststore.location=/secret.p12",
                "keytool -list -rfc",
            ),
            ("ssl.keystore.location=/secret.jks", "-deststoretype PKCS12"),
            (
                "sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required;",
                "PLAIN or SCRAM",
            ),
            ("sasl.password=${file:/secret:key}", "sasl.password"),
        ] {
            let told = refused(text).to_string();
            assert!(told.contains(advice) && !told.contains("secret"), "{told}");
        }
        let lacking = refused("\nsasl.jaas.config=ScramLoginModule required username=\"a\";");
        assert_eq!(lacking, PropertiesError::Jaas { line: 2 });
    }

    #[test]
    fn latin_letters_of_java_are_read_and_what_goes_unencrypted_is_known() {
        let text = b"sasl.username=\xe4\nsasl.password=b\nsecurity.protocol=sasl_plaintext\n";
        let found = read(text).unwrap();
        assert_eq!(found.keys["sasl.username"], "ä");
        assert!(tell_secrets(&found.keys));
    }
}
