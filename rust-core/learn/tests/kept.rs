//! Models are kept, listed, asked only when they have earned it, and taken back.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use thalweg_core::learning::{Card, CatchUp, Feature, Measure, Quantity, SCHEMA, Training};
use thalweg_learn::{Body, ModelFile, Registry};

fn feature(name: &str, unit: &str) -> Feature {
    Feature { name: name.to_owned(), unit: unit.to_owned() }
}

/// A model whose error is this, beside a rule whose error is 10.
fn model(own: f64) -> ModelFile {
    let measure = Measure {
        name: "mean absolute error, s".to_owned(),
        own,
        rule: 10.0,
        beside: "mean".to_owned(),
    };
    let card = Card {
        schema: SCHEMA,
        name: "recovery".to_owned(),
        version: 0,
        date: "2026-11-30".to_owned(),
        trainer: "by hand".to_owned(),
        target: feature("recovery", "s"),
        quantity: Quantity::Plain,
        features: vec![feature("throughput", "1/s"), feature("interval", "s")],
        training: Training { digest: "sha256:0".to_owned(), rows: 3, source: "made".to_owned() },
        measures: vec![measure],
        spread: None,
        calibration: None,
    };
    let catch_up = CatchUp { away_secs: 60.0, beyond_secs: 30.0, share: 0.5, most_per_sec: 2000.0 };
    ModelFile { card, body: Body::CatchUp(catch_up) }
}

fn add(registry: &Registry, errors: &[f64]) {
    for error in errors {
        registry.add(model(*error)).unwrap();
    }
}

#[test]
fn a_model_is_asked_once_it_is_promoted_and_no_more_once_it_is_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::at(folder.path());
    assert!(registry.list().unwrap().is_empty());
    assert_eq!(registry.asked("recovery").unwrap(), None);
    add(&registry, &[5.0, 4.0]);
    assert_eq!(registry.asked("recovery").unwrap(), None, "nobody has promoted one");
    registry.promote("recovery", 1, "2026-12-01", "it wins").unwrap();
    registry.promote("recovery", 2, "2026-12-02", "it wins by more").unwrap();
    let asked = registry.asked("recovery").unwrap().unwrap();
    assert_eq!(asked.card().version, 2);
    assert_eq!(asked.told(&[Some(1000.0), Some(120.0)]), Ok(Some(150.0)));
    assert_eq!(asked.told(&[Some(1000.0), None]), Ok(None), "the simple rule is asked");
    assert_eq!(registry.roll_back("recovery", "2026-12-03", "it was wrong").unwrap(), Some(1));
    assert_eq!(registry.asked("recovery").unwrap().unwrap().card().version, 1);
    let listed = registry.list().unwrap();
    let listed: Vec<_> = listed.iter().map(|one| (one.version, one.asked)).collect();
    assert_eq!(listed, [(1, true), (2, false)]);
    let entries = &registry.standings().unwrap()["recovery"].entries;
    let told: Vec<_> = entries.iter().map(|e| (e.date.as_str(), e.version)).collect();
    assert_eq!(told, [("2026-12-01", Some(1)), ("2026-12-02", Some(2)), ("2026-12-03", Some(1))]);
}

#[test]
fn before_the_first_there_was_the_simple_rule() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::at(folder.path());
    add(&registry, &[5.0]);
    let code = |error: thalweg_learn::LearnError| error.code();
    assert_eq!(registry.roll_back("recovery", "", "").map_err(code), Err("LEARN_NONE_BEFORE"));
    registry.promote("recovery", 1, "2026-12-01", "it wins").unwrap();
    assert_eq!(registry.roll_back("recovery", "2026-12-02", "").unwrap(), None);
    assert_eq!(registry.asked("recovery").unwrap(), None);
}

#[test]
fn one_that_lost_to_a_simple_rule_is_never_asked() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::at(folder.path());
    add(&registry, &[11.0]);
    let refused = registry.promote("recovery", 1, "2026-12-01", "hope").unwrap_err();
    assert_eq!(refused.code(), "LEARN_NOT_EARNED");
    assert!(refused.to_string().contains("11.0, and 10.0 by mean"), "{refused}");
    assert_eq!(registry.promote("recovery", 9, "", "").unwrap_err().code(), "LEARN_UNKNOWN");
}

#[test]
fn what_is_damaged_or_newer_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::at(folder.path());
    add(&registry, &[5.0, 5.0]);
    registry.promote("recovery", 1, "2026-12-01", "it wins").unwrap();
    let file = folder.path().join("recovery/000001.json");
    let sound = fs::read_to_string(&file).unwrap();
    write(&file, &sound.replace("\"away_secs\":60.0", "\"away_secs\":-1.0"));
    assert_eq!(registry.asked("recovery").unwrap_err().code(), "MODEL_CARD");
    let listed = registry.list().unwrap();
    assert!(listed[0].card.is_err() && listed[1].card.is_ok());
    write(&file, &sound.replace("\"version\":1", "\"version\":2"));
    assert_eq!(registry.get("recovery", 1).unwrap_err().code(), "LEARN_CORRUPT");
    let index = folder.path().join("registry.json");
    let text = fs::read_to_string(&index).unwrap();
    write(&index, &text.replace("\"format\": 1", "\"format\": 2"));
    assert_eq!(registry.list().unwrap_err().code(), "LEARN_NEWER");
    assert_eq!(registry.add(model(5.0)).unwrap_err().code(), "LEARN_NEWER");
}

#[test]
fn a_model_that_xgboost_trained_is_kept_byte_for_byte_and_asked() {
    let folder = tempfile::tempdir().unwrap();
    let vector = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/squared.json");
    let vector: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(vector).unwrap()).unwrap();
    let path = folder.path().join("elsewhere.json");
    let text = vector["model"].to_string();
    write(&path, &text);
    let features = ["a", "b", "c", "d", "e"].map(|name| feature(name, "")).to_vec();
    let card = Card { name: "elsewhere".to_owned(), features, ..model(5.0).card };
    let adopted = ModelFile::adopt(&path, card.clone()).unwrap();
    let registry = Registry::at(&folder.path().join("models"));
    registry.add(adopted).unwrap();
    let kept = fs::read_to_string(folder.path().join("models/elsewhere/000001.json")).unwrap();
    assert!(kept.contains(&text), "its bytes are kept");
    let asked = registry.get("elsewhere", 1).unwrap();
    let row: Vec<Option<f32>> = vector["rows"][0]
        .as_array()
        .unwrap()
        .iter()
        .map(|bits| {
            let value = f32::from_bits(bits.as_u64().unwrap() as u32);
            (!value.is_nan()).then_some(value)
        })
        .collect();
    let right = f32::from_bits(vector["margins"][0].as_u64().unwrap() as u32);
    assert_eq!(asked.told(&row), Ok(Some(f64::from(right))));
    let parts = asked.contributions(&row).unwrap().unwrap();
    assert!((parts.sum() - f64::from(right)).abs() < 1e-3);
    let fewer = Card { features: vec![feature("a", "")], ..card };
    assert_eq!(ModelFile::adopt(&path, fewer).unwrap_err().code(), "MODEL_ROW");
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}
