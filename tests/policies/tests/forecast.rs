//! Loads that were published are foretold better than by their last value, and never clearly worse.

use std::path::Path;

use thalweg_policies::foresight::{PUBLISHED, Score};

fn scores(secs: i64, lead_secs: f64) -> Vec<Score> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let score = |series: &thalweg_policies::foresight::Published| {
        let bins = series.bins(&root, secs).expect("its file is here");
        bins.score(series.name, lead_secs)
    };
    PUBLISHED.iter().map(score).collect()
}

fn assert_foretold(scores: &[Score]) {
    let told: Vec<String> =
        scores.iter().map(|score| format!("{} {:.3}", score.series, score.mase)).collect();
    let better = scores.iter().filter(|score| score.mase < 1.0).count();
    assert!(better >= 9, "{told:?}");
    assert!(scores.iter().all(|score| score.mase <= 1.05), "{told:?}");
}

#[test]
fn at_five_minutes_nine_of_ten_are_foretold_better_than_by_the_last_value() {
    assert_foretold(&scores(300, 300.0));
}

#[test]
fn at_a_minute_nine_of_ten_are_foretold_better_than_by_the_last_value() {
    assert_foretold(&scores(60, 100.0));
}
