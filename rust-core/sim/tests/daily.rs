//! A peak that comes on working days is met before it comes.

use thalweg_core::settings::{PolicyName, Settings, WorkerLimit};
use thalweg_sim::{RunResult, Scenario, run};

const DAY_SECS: f64 = 86_400.0;
/// When the first peak begins, and how long each is.
const PEAK: (f64, f64) = (74_300.0, 4500.0);

fn daily_peak() -> Scenario {
    let text = include_str!("../scenarios/daily-peak.toml");
    thalweg_sim::scenario::read("daily-peak.toml", text, |file| Err(format!("no {file}")))
        .expect("a shipped scenario is right")
}

fn eight_days(forecast: bool) -> RunResult {
    let mut settings =
        Settings { worker_limit: WorkerLimit::Free, ..Settings::recommended(PolicyName::Thalweg) };
    settings.thalweg.forecast = forecast;
    run(&daily_peak(), &settings, 1).expect("no invariant is broken")
}

/// Seconds of each peak in which something was short: of five days, and of one after two days without any.
fn short_in_peaks(result: &RunResult) -> Vec<f64> {
    let within = |day: f64| {
        let begins = PEAK.0 + day * DAY_SECS;
        let points = result.points.iter();
        let peak = points.filter(|p| p.secs > begins && p.secs <= begins + PEAK.1);
        peak.map(|point| point.under_secs).sum()
    };
    [0, 1, 2, 3, 4, 7].map(|day| within(f64::from(day))).to_vec()
}

#[test]
fn from_the_third_day_on_a_peak_is_met_before_it_comes() {
    let (foreseen, reactive) = (eight_days(true), eight_days(false));
    let (with, without) = (short_in_peaks(&foreseen), short_in_peaks(&reactive));
    let later = |days: &[f64]| days[2..5].iter().sum::<f64>();
    assert!(without.iter().all(|secs| *secs > 30.0), "each peak surprises: {without:?}");
    assert!(later(&with) <= later(&without) / 5.0, "{with:?} s short, without {without:?} s");
    assert!(with[5] <= without[5] / 5.0, "after two days without one: {with:?}, {without:?}");
    let hours = |result: &RunResult| result.measures.executor_hours;
    assert!(hours(&foreseen) < 1.1 * hours(&reactive), "nor is it had by keeping more all day");
}
