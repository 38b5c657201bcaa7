//! The encodings that Rust and Java must agree on.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use thalweg_codec::{decode, encode};
use thalweg_core::model::Observation;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors")
}

#[test]
fn both_directions_agree_with_every_vector() {
    let mut names: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    names.sort();
    assert!(names.len() >= 2, "vectors are missing: {names:?}");

    for json in names {
        let observation: Observation = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
        let encoding = json.with_extension("bin");
        if std::env::var_os("THALWEG_WRITE_VECTORS").is_some() {
            fs::write(&encoding, encode(&observation).unwrap()).unwrap();
        }
        let bytes = fs::read(&encoding).unwrap();
        assert_eq!(decode(&bytes).unwrap(), observation, "decoding {}", encoding.display());
        assert!(encode(&observation).unwrap() == bytes, "encoding {}", json.display());
    }
}
