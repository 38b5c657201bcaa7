//! What a scenario hides is found again in a recording of it.

use std::collections::BTreeMap;
use std::path::Path;

use thalweg_sim::calibrate::{Recording, Sample, compare, fit, repeat, watch};
use thalweg_sim::scenario::Scenario;

const INTERVAL_SECS: f64 = 5.0;
const GROWS_AT_SECS: f64 = 200.0;

fn scenario(file: &str, text: &str) -> Scenario {
    let read = thalweg_sim::scenario::read(file, text, |file| Err(format!("no {file}")));
    read.expect("a shipped scenario is right")
}

/// A run of a scenario in which one splitting executor is too few, and becomes four after a while.
fn recorded(scenario: &Scenario, rate: f64) -> (Recording, Vec<f64>, f64) {
    let counts = |split| BTreeMap::from([("split".to_owned(), split), ("count".to_owned(), 3)]);
    let sample = |index: u32| {
        let secs = f64::from(index) * INTERVAL_SECS;
        let split = if secs < GROWS_AT_SECS { 1 } else { 4 };
        Sample { secs, counts: counts(split), ..Sample::default() }
    };
    let samples = (0..80).map(sample).collect();
    let mut recording = Recording { interval_secs: INTERVAL_SECS, samples };
    let load = vec![rate; recording.samples.len()];
    let run = watch(&repeat(scenario, &recording, &load, INTERVAL_SECS));
    for (sample, point) in recording.samples.iter_mut().zip(run.expect("no contradiction").points) {
        sample.throughput = Some(point.completed);
        sample.latency_ms = point.p50_ms;
    }
    (recording, load, INTERVAL_SECS)
}

fn is_found_again(scenario: &Scenario, rate: f64) {
    let (recording, load, secs) = recorded(scenario, rate);
    let at = |secs: f64| {
        let index = (secs / INTERVAL_SECS) as usize;
        recording.samples[index].throughput.expect("it ran")
    };
    let (before, after) = (at(GROWS_AT_SECS - 60.0), at(GROWS_AT_SECS + 60.0));
    assert!(after > 1.5 * before, "{before} to {after} records/s");

    let mut wrong = scenario.clone();
    for component in &mut wrong.components {
        component.work_micros *= 1.5;
    }
    let known = [(recording.clone(), load.clone(), secs)];
    let (found, _) = fit(&wrong, &known, |_, _| {}).expect("no contradiction");
    let work = found.work * 1.5;
    assert!((work - 1.0).abs() < 0.06, "{found:?}");
    let again = repeat(&found.apply(&wrong), &recording, &load, secs);
    let errors = compare(&watch(&again).expect("no contradiction"), &recording);
    assert!(errors.throughput < 0.06 && errors.latency < 0.2, "{errors:?}");
}

fn lab_storm() -> Scenario {
    scenario("lab-storm", include_str!("../scenarios/lab-storm.toml"))
}

fn lab_flink() -> Scenario {
    scenario("lab-flink", include_str!("../scenarios/lab-flink.toml"))
}

fn recording(name: &str) -> (Recording, Vec<f64>, f64) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/recordings");
    let text = std::fs::read_to_string(folder.join(format!("{name}.csv")));
    let recording = Recording::read(name, &text.expect("a recording of this project"));
    let recording = recording.expect("it is whole");
    let (load, secs) = (recording.load(), recording.interval_secs);
    (recording, load, secs)
}

/// Fits a scenario to some recordings and holds it to the goals on others.
fn meets(scenario: &Scenario, fitted_on: &[&str], tested_on: &[&str]) {
    let known: Vec<_> = fitted_on.iter().map(|name| recording(name)).collect();
    let (found, _) = fit(scenario, &known, |_, _| {}).expect("no contradiction");
    let fitted = found.apply(scenario);
    let miss = |name: &&str| {
        let (recording, load, secs) = recording(name);
        let run = watch(&repeat(&fitted, &recording, &load, secs)).expect("no contradiction");
        let errors = compare(&run, &recording);
        let near = errors.throughput <= 0.1 && errors.latency <= 0.2;
        (!near).then(|| format!("{name}: {errors:?} with {found:?}"))
    };
    let misses: Vec<String> = tested_on.iter().filter_map(miss).collect();
    assert_eq!(misses, Vec::<String>::new());
}

#[test]
fn runs_on_a_real_storm_cluster_are_met_that_were_not_fitted() {
    meets(
        &lab_storm(),
        &["storm-g-default-1", "storm-g-ds2-1", "storm-h-ds2-1", "storm-h-default-1"],
        &["storm-g-me-stream-1", "storm-g-thalweg-1", "storm-h-me-stream-1", "storm-h-thalweg-1"],
    );
}

#[test]
fn runs_on_a_real_flink_cluster_are_met_that_were_not_fitted() {
    meets(
        &lab_flink(),
        &[
            "flink-steps-static-1",
            "flink-steps-autoscaler-1",
            "flink-steps-level1-1",
            "flink-steps-level2-1",
        ],
        &[
            "flink-steps-static-2",
            "flink-steps-autoscaler-2",
            "flink-steps-level1-2",
            "flink-steps-level2-2",
        ],
    );
}

#[test]
fn a_recording_of_another_job_is_refused() {
    let lab = lab_storm();
    let (mut recording, ..) = recorded(&lab, 30.0);
    assert_eq!(recording.check("run.csv", &lab), Ok(()));
    recording.samples[3].counts.insert("split".to_owned(), 13);
    let many = recording.check("run.csv", &lab).expect_err("there are 12 tasks");
    assert_eq!(many.to_string(), "run.csv:5: expected at most 12 executors of split, its tasks");
    let ads = scenario("ads", include_str!("../scenarios/ads.toml"));
    let other = recording.check("run.csv", &ads).expect_err("another job");
    assert!(other.to_string().contains("there is no count"), "{other}");
}

#[test]
fn work_is_found_again_in_a_recording_of_storm() {
    is_found_again(&lab_storm(), 250.0);
}

#[test]
fn work_is_found_again_in_a_recording_of_flink() {
    is_found_again(&lab_flink(), 150.0);
}
