//! Recoveries of a published job are foretold far better by the catch-up formula than by any constant; trees lose to it.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use thalweg_learn::recovery::{judge, model, scores};
use thalweg_learn::{Body, Boosted, Model, Registry, Table};

fn published() -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/recovery/failures.csv");
    Table::read("failures.csv", &std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn of_an_interval_that_was_left_out_the_formula_errs_least() {
    let table = published();
    let judged = judge(&table, &Boosted).unwrap();
    let scores = scores(&judged);
    let of = |name: &str| scores.iter().find(|score| score.name == name).unwrap();
    println!("{scores:#?}");
    assert_eq!((table.rows.len(), of("mean").judged), (72, 60), "of twelve no interval is known");
    for simple in ["mean", "constant 30 s", "constant 300 s"] {
        assert!(of("catch-up").median_secs < 0.5 * of(simple).median_secs, "{simple}");
        assert!(of("catch-up").mean_secs < of(simple).mean_secs, "{simple}");
    }
    assert!(of("catch-up").median_secs < of("trees").median_secs);
}

#[test]
fn the_model_that_is_made_wins_and_can_be_kept_and_asked() {
    let file = model(&published(), &Boosted, "2026-11-30", "published").unwrap();
    assert!(matches!(file.body, Body::CatchUp(_)), "{:?}", file.body);
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::at(folder.path());
    registry.add(file).unwrap();
    registry.promote("recovery", 1, "2026-11-30", "it wins").unwrap();
    let asked: Model = registry.asked("recovery").unwrap().unwrap();
    let row = [Some(20_000.0), Some(800.0), None, Some(60.0)];
    let told = asked.told(&row).unwrap().unwrap();
    assert!((150.0..250.0).contains(&told), "{told}, and 203 s were published");
}
