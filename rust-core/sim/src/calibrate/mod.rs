//! Fits what a scenario hides to a recording of a real run, and says how near the simulation comes.
//!
//! **In**: a scenario, and recordings of runs on the same load. **Out**: the scenario with the
//! parameters that fit best, and the errors that remain. Only a few parameters are fitted, each of
//! which shows in a recording in its own way: work (how much is done while catching up), the delay
//! that every record has (latency when nothing waits), downtime of a planned restart (latency after
//! counts change) and of a failure (latency after faults).

mod recording;

use std::collections::BTreeMap;

use thalweg_core::settings::{Mode, Settings, WorkerLimit};

use crate::invariants::Violation;
use crate::report::{Point, RunResult};
use crate::run::run;
use crate::scenario::{Fault, FaultKind, Load, LoadShape, Scenario, ScriptStep};

pub use recording::{Recording, RecordingError, Sample};

/// Seconds for which a count must hold to be more than a flicker of the recording.
const LEAST_HOLD_SECS: f64 = 30.0;
/// Steps in each of the intervals that are compared, while fitting.
const FIT_STEPS: f64 = 5.0;
/// Less than this share of the mean load is next to nothing.
const STOPPED: f64 = 0.1;
/// Rounds over all parameters, each with half the stride of the one before.
const ROUNDS: usize = 4;

/// What is fitted; factors on what the scenario says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// On the work of every component.
    pub work: f64,
    /// On the delay of every component.
    pub delay: f64,
    /// On the downtime of planned restarts (Flink), or on what starting workers burn and how long senders take
    /// to switch to them (Storm).
    pub restart: f64,
    /// On the time until a failure is noticed.
    pub detect: f64,
}

/// How far a simulated run is from a recorded one: medians over the points of both.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Errors {
    /// Median relative error of throughput.
    pub throughput: f64,
    /// Median relative error of latency.
    pub latency: f64,
    /// Median relative error of the highest latency around each fault.
    pub fault_peak: Option<f64>,
    /// Median relative error of the highest throughput after each fault, while what waited is caught
    /// up: it tells how much the job can do.
    pub catch_up: Option<f64>,
    /// Seconds in which the real run did next to nothing, and the simulated one, whether down or without
    /// anything to do.
    pub stopped_secs: (f64, f64),
    /// Share of points that were compared.
    pub compared: f64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { work: 1.0, delay: 1.0, restart: 1.0, detect: 1.0 }
    }
}

impl Parameters {
    /// The scenario with these parameters.
    pub fn apply(&self, scenario: &Scenario) -> Scenario {
        let mut fitted = scenario.clone();
        for component in &mut fitted.components {
            component.work_micros *= self.work;
            component.delay_millis *= self.delay;
        }
        fitted.flink.restart_secs = fitted.flink.restart_secs.map(|secs| secs * self.restart);
        fitted.storm.start_cpu_secs *= self.restart;
        fitted.storm.switch_secs = fitted.storm.switch_secs.map(|secs| secs * self.restart);
        fitted.flink.detect_secs *= self.detect;
        fitted
    }

    fn with(self, index: usize, factor: f64) -> Self {
        let mut changed = self;
        let parameter = match index {
            0 => &mut changed.work,
            1 => &mut changed.delay,
            2 => &mut changed.restart,
            _ => &mut changed.detect,
        };
        *parameter *= factor;
        changed
    }
}

/// A scenario that repeats a recorded run: its load, its executors or TaskManagers, its faults.
///
/// `load` holds records per second at equal distances.
pub fn repeat(
    scenario: &Scenario,
    recording: &Recording,
    load: &[f64],
    load_secs: f64,
) -> Scenario {
    let mut repeated = under_load(scenario, recording, load, load_secs);
    repeated.script = script(scenario, recording);
    if let Some(first) = repeated.script.first().filter(|step| step.at_secs <= 0.0).cloned() {
        for component in &mut repeated.components {
            if let Some(&count) = first.counts.get(&component.id) {
                component.executors = count;
            }
        }
        repeated.script.remove(0);
    }
    repeated
}

/// A scenario under a recorded run's load and faults, whoever sets its counts.
pub fn under_load(
    scenario: &Scenario,
    recording: &Recording,
    load: &[f64],
    load_secs: f64,
) -> Scenario {
    let mut repeated = scenario.clone();
    let mean = load.iter().sum::<f64>() / load.len().max(1) as f64;
    repeated.rate = mean;
    repeated.load = Load {
        shape: LoadShape::Series {
            file: String::new(),
            column: 1,
            interval_secs: load_secs,
            mean: 1.0,
            stretch: 1.0,
            skip: 0,
            values: load.to_vec(),
        },
        noise: 0.0,
    };
    repeated.duration_secs = recording.duration_secs();
    repeated.point_secs = recording.interval_secs;
    let faults = recording.samples.iter().filter(|sample| sample.fault);
    let fail = |sample: &Sample| Fault {
        at_secs: sample.secs,
        for_secs: 1.0,
        kind: FaultKind::JobFailure,
    };
    repeated.faults = faults.map(fail).collect();
    repeated
}

/// The counts that held, and from when on.
fn script(scenario: &Scenario, recording: &Recording) -> Vec<ScriptStep> {
    let mut steps: Vec<ScriptStep> = Vec::new();
    for sample in &recording.samples {
        let counts = match sample.counts.is_empty() {
            false => sample.counts.clone(),
            true if holds(recording, sample) => {
                one_for_each_manager(scenario, sample.task_managers)
            }
            true => continue,
        };
        if steps.last().is_none_or(|last| last.counts != counts) {
            steps.push(ScriptStep { at_secs: sample.secs, counts });
        }
    }
    steps
}

/// Whether a count of TaskManagers is more than a flicker.
fn holds(recording: &Recording, sample: &Sample) -> bool {
    let span = sample.secs..sample.secs + LEAST_HOLD_SECS;
    let mut soon = recording.samples.iter().filter(|s| span.contains(&s.secs));
    sample.task_managers > 0 && soon.all(|s| s.task_managers == sample.task_managers)
}

fn one_for_each_manager(scenario: &Scenario, managers: u32) -> BTreeMap<String, u32> {
    scenario.components.iter().map(|c| (c.id.clone(), managers.min(c.tasks))).collect()
}

/// Runs a scenario that nobody but its script steers.
///
/// # Errors
/// When an invariant is broken.
pub fn watch(scenario: &Scenario) -> Result<RunResult, Violation> {
    let (mode, worker_limit) = (Mode::Observe, WorkerLimit::Free);
    run(scenario, &Settings { mode, worker_limit, ..Settings::default() }, 1)
}

/// How far a run is from its recording.
pub fn compare(result: &RunResult, recording: &Recording) -> Errors {
    let (mut throughput, mut latency) = (Vec::new(), Vec::new());
    let (mut peaks, mut catch_ups) = (Vec::new(), Vec::new());
    let load = recording.load();
    let little = STOPPED * load.iter().sum::<f64>() / load.len().max(1) as f64;
    let mut stopped_secs = (0.0, 0.0);
    let mut compared = 0;
    for (point, sample) in result.points.iter().zip(&recording.samples) {
        if let Some(real) = sample.throughput {
            stopped_secs.0 += if real < little { recording.interval_secs } else { 0.0 };
            stopped_secs.1 += if point.completed < little { recording.interval_secs } else { 0.0 };
        }
        if let Some(real) = sample.throughput.filter(|rate| *rate > 0.0) {
            compared += 1;
            throughput.push((point.completed - real).abs() / real);
        }
        if let (Some(real), Some(simulated)) = (sample.latency_ms, point.p50_ms) {
            latency.push((simulated - real).abs() / real.max(1.0));
        }
    }
    for (index, _) in recording.samples.iter().enumerate().filter(|(_, s)| s.fault) {
        let span = index..(index + 12).min(recording.samples.len()).min(result.points.len());
        let (samples, points) = (&recording.samples[span.clone()], &result.points[span]);
        let highest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
        let error = |real: f64, own: f64| (real > 0.0).then(|| (own - real).abs() / real);
        peaks.extend(error(
            highest(&mut samples.iter().filter_map(|s| s.latency_max_ms)),
            highest(&mut points.iter().filter_map(|p: &Point| p.p95_ms)),
        ));
        catch_ups.extend(error(
            highest(&mut samples.iter().filter_map(|s| s.throughput)),
            highest(&mut points.iter().map(|p| p.completed)),
        ));
    }
    Errors {
        throughput: median(&mut throughput).unwrap_or(f64::NAN),
        latency: median(&mut latency).unwrap_or(f64::NAN),
        fault_peak: median(&mut peaks),
        catch_up: median(&mut catch_ups),
        stopped_secs,
        compared: f64::from(compared) / recording.samples.len().max(1) as f64,
    }
}

/// Fits a scenario to recordings by going up and down with one parameter at a time.
///
/// `tried` is told of every attempt. Returns the parameters and the loss that remains.
///
/// # Errors
/// When an invariant is broken.
pub fn fit(
    scenario: &Scenario,
    recordings: &[(Recording, Vec<f64>, f64)],
    mut tried: impl FnMut(&Parameters, f64),
) -> Result<(Parameters, f64), Violation> {
    let mut loss = |parameters: &Parameters| -> Result<f64, Violation> {
        let mut sum = 0.0;
        for (recording, load, load_secs) in recordings {
            let mut own = repeat(&parameters.apply(scenario), recording, load, *load_secs);
            own.step_millis = own.step_millis.max(recording.interval_secs * 1_000.0 / FIT_STEPS);
            sum += distance(&watch(&own)?, recording);
        }
        tried(parameters, sum);
        Ok(sum)
    };
    let mut best = Parameters::default();
    let mut least = loss(&best)?;
    let mut stride = 1.6;
    for _ in 0..ROUNDS {
        for index in 0..4 {
            for factor in [stride, 1.0 / stride] {
                let attempt = best.with(index, factor);
                let found = loss(&attempt)?;
                if found < least {
                    (best, least) = (attempt, found);
                    break;
                }
            }
        }
        stride = stride.sqrt();
    }
    Ok((best, least))
}

/// The mean distance of all points in the logarithm, far ones counting no more than threefold, so that
/// neither hours of rest nor a few seconds of outage decide alone.
fn distance(result: &RunResult, recording: &Recording) -> f64 {
    let apart = |a: f64, b: f64| ((a.max(1.0) / b.max(1.0)).ln().abs()).min(3f64.ln());
    let (mut sum, mut count) = (0.0, 0.0);
    for (point, sample) in result.points.iter().zip(&recording.samples) {
        if let Some(real) = sample.throughput {
            sum += apart(point.completed, real);
            count += 1.0;
        }
        if let (Some(real), Some(own)) = (sample.latency_ms, point.p50_ms) {
            sum += apart(own, real);
            count += 1.0;
        }
    }
    let errors = compare(result, recording);
    let faults =
        errors.fault_peak.unwrap_or(0.0).min(1.0) + errors.catch_up.unwrap_or(0.0).min(1.0);
    sum / f64::max(count, 1.0) + 0.3 * faults
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    values.get(middle).copied()
}
