//! Before a program that is no Java, but is started and asked in the same way.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thalweg_core::model::Observation;

use super::*;

const SOON: Duration = Duration::from_secs(20);
const HELLO: &str = r#"echo '{"thalweg_storm":2,"version":"2.8.3","place":"nimbus:6627"}'"#;

/// A client whose `java` is this script.
fn client(folder: &std::path::Path, script: &str) -> Client {
    fs::create_dir_all(folder.join("lib")).unwrap();
    fs::write(folder.join("storm.yaml"), "").unwrap();
    let java = folder.join("java");
    fs::write(folder.join("script"), script).unwrap();
    symlink(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/answers/java.sh"), &java).unwrap();
    let jar = folder.join("storm.yaml");
    Client { home: folder.to_owned(), conf: folder.to_owned(), jar, java, may_change: false }
}

fn empty() -> String {
    STANDARD.encode(thalweg_codec::encode(&Observation::default()).unwrap())
}

#[test]
fn looks_are_numbered_and_nimbus_may_be_gone_for_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let failed = r#""failed":{"code":"UNREACHABLE","text":"gone"}"#;
    let script = format!(
        "{HELLO}\nread a && echo '{{\"look\":1,\"observation\":\"{0}\"}}'\n\
         read a && echo '{{\"look\":2,{failed}}}'\nread a && echo '{{\"look\":3,\"observation\":\"{0}\"}}'\ncat",
        empty()
    );
    let mut beside = Beside::start(client(folder.path(), &script), SOON).unwrap();
    assert_eq!(beside.cluster().version, "2.8.3");
    assert_eq!(beside.look().unwrap().observation, Observation::default());
    assert_eq!(beside.look().unwrap_err(), StormError::Unreachable("gone".to_owned()));
    assert!(beside.look().is_ok(), "the same program goes on");
}

#[test]
fn a_program_that_died_or_babbles_is_started_anew_at_the_next_look() {
    let folder = tempfile::tempdir().unwrap();
    // The number of the look is taken from the question.
    let script = format!(
        "{HELLO}\nread a\nif [ ! -e {0}/died ]; then touch {0}/died; echo dying >&2; exit 9; fi\n\
         if [ ! -e {0}/babbled ]; then touch {0}/babbled; echo hello; cat; fi\n\
         echo \"{{\\\"look\\\":${{a#look }},\\\"observation\\\":\\\"{1}\\\"}}\"; cat",
        folder.path().display(),
        empty()
    );
    let mut beside = Beside::start(client(folder.path(), &script), SOON).unwrap();
    let error = beside.look().unwrap_err();
    assert!(error.to_string().ends_with("it said last: dying"), "{error}");
    assert_eq!(beside.look().unwrap_err().code(), "GARBLED");
    assert!(beside.look().is_ok());
}

#[test]
fn whoever_is_no_client_of_storm_is_not_begun_with() {
    for (script, code) in [
        ("echo 'Error: no such class' >&2; exit 1", "ENDED"),
        ("echo hello; cat", "GARBLED"),
        (r#"echo '{"thalweg_storm":7}'; cat"#, "OTHER_VERSION"),
        (r#"echo '{"thalweg_storm":2,"failed":{"code":"REFUSED","text":"no"}}'; cat"#, "REFUSED"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let error = Beside::start(client(folder.path(), script), SOON).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
}
