//! What waits in a Kafka behind TLS and SASL, with the properties of a Java client.

use std::fs;

use anyhow::{Result, ensure};
use thalweg_connect::kafka::{Begin, Group, KafkaError, LagReader, Topics, read_properties};
use thalweg_e2e::LIMIT;
use thalweg_lab::Kafka;
use thalweg_lab::kafka::Secured;
use thalweg_lab::process::Site;
use thalweg_lab::wait::until;

#[test]
fn a_group_behind_tls_and_scram_is_asked_for_by_its_own_properties() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let signed = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
    let (keystore, certificate) =
        (folder.path().join("keystore.pem"), folder.path().join("certificate.pem"));
    fs::write(&keystore, signed.signing_key.serialize_pem() + &signed.cert.pem())?;
    fs::write(&certificate, signed.cert.pem())?;
    let secured = Secured {
        user: "reader",
        password: "not-to-be-told",
        keystore: &keystore,
        certificate: &certificate,
    };
    let kafka = Kafka::secured(&Site::loopback(folder.path())?, &secured)?;
    let text = |password: &str| {
        format!(
            "bootstrap.servers={}\nsecurity.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n\
             sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n\
             username=\"reader\" password=\"{password}\";\nssl.truststore.type=PEM\n\
             ssl.truststore.location={}\n",
            kafka.bootstrap(),
            certificate.display()
        )
    };
    let ask = |password: &str| -> Result<Option<&'static str>> {
        let group = Group {
            id: "words".to_owned(),
            topics: Topics::named(["lines"]),
            begin: Begin::Earliest,
        };
        let properties = read_properties(text(password).as_bytes())?;
        let mut reader = LagReader::new(&properties.keys, group)?;
        Ok(reader.read().err().map(|error: KafkaError| error.code()))
    };
    // It is let in, and there is no such topic.
    until("the broker's answer", LIMIT, || {
        Ok((ask(secured.password)? == Some("TOPIC_MISSING")).then_some(()))
    })?;
    let refused = ask("another")?;
    ensure!(refused == Some("UNREACHABLE"), "{refused:?}");
    Ok(())
}
