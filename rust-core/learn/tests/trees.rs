//! Trees say to the bit what XGBoost says: walked by us, and by the crate that trains; models of either are taken as they are.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use hessboost::data::DMatrix;
use hessboost::model::{BoostedModel, Iterations, ModelFormat};
use serde_json::Value;
use thalweg_core::learning::{Document, Feature, Forest};
use thalweg_learn::{Boosted, Loss, Row, Settings, Table, Trainer};

/// What `vectors/make.py` made with XGBoost's own wheel.
struct Vector {
    model: String,
    rows: Vec<Vec<f32>>,
    margins: Vec<u32>,
    predictions: Vec<u32>,
    contributions: Vec<Vec<f64>>,
}

fn bits(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|bits| bits.as_u64().unwrap() as u32).collect()
}

fn vector(name: &str) -> Vector {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found["made_with"], "xgboost 3.2.0");
    let row = |row: &Value| bits(row).into_iter().map(f32::from_bits).collect();
    Vector {
        model: found["model"].to_string(),
        rows: found["rows"].as_array().unwrap().iter().map(row).collect(),
        margins: bits(&found["margins"]),
        predictions: bits(&found["predictions"]),
        contributions: serde_json::from_value(found["contributions"].clone()).unwrap(),
    }
}

const VECTORS: [&str; 3] = ["squared.json", "absolute.json", "chance.json"];

fn walked(model: &str) -> Forest {
    serde_json::from_str::<Document>(model).unwrap().forest().unwrap()
}

fn known(row: &[f32]) -> Vec<Option<f32>> {
    row.iter().map(|value| Some(*value).filter(|value| !value.is_nan())).collect()
}

fn read_by_the_trainer(model: &str) -> BoostedModel {
    BoostedModel::decode(model, ModelFormat::XgboostJson).unwrap()
}

fn matrix(rows: &[Vec<f32>]) -> DMatrix {
    DMatrix::from_dense_vec(rows.concat(), rows.len(), rows[0].len()).unwrap()
}

#[test]
fn all_three_say_the_same_of_models_of_xgboost_to_the_bit() {
    for name in VECTORS {
        let vector = vector(name);
        let forest = walked(&vector.model);
        let own = |of: &dyn Fn(&[Option<f32>]) -> f32| -> Vec<u32> {
            vector.rows.iter().map(|row| of(&known(row)).to_bits()).collect()
        };
        assert_eq!(own(&|row| forest.margin(row).unwrap()), vector.margins, "{name}");
        assert_eq!(own(&|row| forest.predict(row).unwrap()), vector.predictions, "{name}");
        let (trainer, rows) = (read_by_the_trainer(&vector.model), matrix(&vector.rows));
        let margins = trainer.predict_margin(&rows, Iterations::Best).unwrap().into_vec();
        let margins: Vec<u32> = margins.into_iter().map(f32::to_bits).collect();
        assert_eq!(margins, vector.margins, "{name}");
    }
}

#[test]
fn contributions_are_those_of_xgboost() {
    for name in VECTORS {
        let vector = vector(name);
        let forest = walked(&vector.model);
        for (row, right) in vector.rows.iter().zip(&vector.contributions) {
            let parts = forest.contributions(&known(row)).unwrap();
            let own = parts.features.iter().chain([&parts.bias]);
            // XGBoost works them out in single precision.
            let largest = right.iter().fold(1.0, |most: f64, part| most.max(part.abs()));
            for (own, right) in own.zip(right) {
                assert!((own - right).abs() < 1e-4 * largest, "{name}: {own} for {right}");
            }
            let margin = f64::from(forest.margin(&known(row)).unwrap());
            assert!((parts.sum() - margin).abs() < 1e-4, "{name}: {} for {margin}", parts.sum());
        }
    }
}

/// Rows of which the first feature says most and the last nothing.
fn table(loss: Loss) -> Table {
    let feature = |name: &str| Feature { name: name.to_owned(), unit: String::new() };
    let row = |at: u16| {
        let (first, second) = (f32::from(at % 17), f32::from(at * 7 % 23));
        let target = first * 2.0 + second;
        let chance = f32::from(u8::from(target > 25.0));
        Row {
            group: String::new(),
            values: vec![
                Some(first),
                (!at.is_multiple_of(5)).then_some(second),
                Some(f32::from(at % 3)),
            ],
            target: if loss == Loss::Chance { chance } else { target },
        }
    };
    Table {
        target: feature("target"),
        features: ["first", "second", "nothing"].map(feature).into(),
        rows: (0..200).map(row).collect(),
    }
}

fn settings(loss: Loss) -> Settings {
    Settings { loss, rounds: 20, depth: 3, rate: 0.3, least_weight: 1.0, rising: vec![0] }
}

#[test]
fn what_is_trained_is_walked_to_the_bit_and_trained_again_the_same() {
    for loss in [Loss::Squared, Loss::Absolute, Loss::Chance] {
        let table = table(loss);
        let model = Boosted.train(&table, &settings(loss)).unwrap();
        assert_eq!(Boosted.train(&table, &settings(loss)).unwrap(), model, "{loss:?}");
        let forest = walked(&model);
        let rows: Vec<Vec<f32>> = table
            .rows
            .iter()
            .map(|row| row.values.iter().map(|v| v.unwrap_or(f32::NAN)).collect())
            .collect();
        let trainer = read_by_the_trainer(&model);
        let margins = trainer.predict_margin(&matrix(&rows), Iterations::Best).unwrap().into_vec();
        for (row, margin) in table.rows.iter().zip(margins) {
            let own = forest.margin(&row.values).unwrap();
            assert_eq!(own.to_bits(), margin.to_bits(), "{loss:?}");
        }
        let error = |row: &Row| (forest.predict(&row.values).unwrap() - row.target).abs();
        let mean = table.rows.iter().map(error).sum::<f32>() / 200.0;
        assert!(mean < 6.0, "{loss:?}: {mean}");
    }
}

#[test]
fn more_of_a_feature_that_may_only_rise_never_means_less() {
    let forest = walked(&Boosted.train(&table(Loss::Squared), &settings(Loss::Squared)).unwrap());
    for second in [None, Some(3.0), Some(20.0)] {
        let said = |first: u16| forest.margin(&[Some(f32::from(first)), second, None]).unwrap();
        let said: Vec<f32> = (0..20).map(said).collect();
        assert!(said.windows(2).all(|pair| pair[0] <= pair[1]), "{said:?}");
    }
}

#[test]
fn a_model_that_is_damaged_anywhere_is_refused_or_walked_and_never_worse() {
    let sound = vector("squared.json");
    let (model, row) = (sound.model.as_bytes(), known(&sound.rows[0]));
    let mut refused = 0;
    let mut state = 7u64;
    for _ in 0..400 {
        // Knuth's numbers of a linear congruential generator.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (place, other) = (
            (state >> 33) as usize % model.len(),
            b"0123456789-.[]{},\"e"[(state >> 20) as usize % 19],
        );
        let mut damaged = model.to_vec();
        damaged[place] = other;
        let Ok(document) = serde_json::from_slice::<Document>(&damaged) else {
            refused += 1;
            continue;
        };
        match document.forest() {
            Ok(forest) if forest.features() == row.len() => {
                let parts = forest.contributions(&row).unwrap();
                let margin = f64::from(forest.margin(&row).unwrap());
                let size = parts.features.iter().fold(margin.abs(), |sum, part| sum + part.abs());
                assert!((parts.sum() - margin).abs() <= 1e-5 * size.max(1.0), "{place}: {other}");
            }
            Ok(_) => {}
            Err(error) => {
                assert!(error.code().starts_with("MODEL_"));
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "{refused}");
}
