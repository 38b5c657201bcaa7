//! `thalweg calibrate`: fits a scenario to recorded runs and shows simulated beside real.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use thalweg_sim::Scenario;
use thalweg_sim::calibrate::{Errors, Parameters, Recording, compare, fit, repeat, watch};
use thalweg_sim::scenario::read_series;

use crate::files::{self, print_json};

/// Runs of a fit: one at the start, then two for each of four parameters in four rounds.
const MOST_RUNS: u64 = 33;

/// Arguments of `thalweg calibrate`.
#[derive(Debug, Args)]
pub struct Calibrate {
    /// The scenario, a TOML file
    scenario: PathBuf,
    /// Recordings to fit to
    #[arg(required = true)]
    recordings: Vec<PathBuf>,
    /// Recordings to test the fit on
    #[arg(long, value_name = "FILE")]
    test: Vec<PathBuf>,
    /// What arrived: a file of `secs,records_per_s`; without it, what each recording says of it
    #[arg(long, value_name = "FILE")]
    load: Option<PathBuf>,
    /// Prints the result as JSON
    #[arg(long)]
    json: bool,
}

/// A recorded run beside the simulated one.
struct Row<'a> {
    file: &'a Path,
    /// Whether it was fitted to.
    fitted: bool,
    errors: Errors,
    /// Of the medians of intervals, the 95th percentile: recorded and simulated.
    latencies: (Option<f64>, Option<f64>),
}

impl Calibrate {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let scenario = files::scenario(&self.scenario)?;
        let fitted_on: Vec<_> =
            self.recordings.iter().map(|file| self.open(file, &scenario)).collect::<Result<_>>()?;
        let tested_on: Vec<_> =
            self.test.iter().map(|file| self.open(file, &scenario)).collect::<Result<_>>()?;
        let bar = ProgressBar::new(MOST_RUNS);
        bar.set_style(ProgressStyle::with_template("{spinner} {pos} attempts, {msg}")?);
        let (parameters, loss) = fit(&scenario, &fitted_on, |_, loss| {
            bar.inc(1);
            bar.set_message(format!("the last at a distance of {loss:.3}"));
        })?;
        bar.finish_and_clear();
        let fitted = parameters.apply(&scenario);
        let runs = self.recordings.iter().zip(&fitted_on).map(|run| (run, true));
        let mut rows = Vec::new();
        for ((file, (recording, load, secs)), used) in
            runs.chain(self.test.iter().zip(&tested_on).map(|run| (run, false)))
        {
            let result = watch(&repeat(&fitted, recording, load, *secs))?;
            let errors = compare(&result, recording);
            let latencies = (recording.latency(0.95), result.latency(0.95));
            rows.push(Row { file, fitted: used, errors, latencies });
        }
        if self.json {
            return print_json(&as_json(&parameters, loss, &rows));
        }
        print(&parameters, loss, &rows);
        Ok(())
    }

    fn open(&self, file: &Path, scenario: &Scenario) -> Result<(Recording, Vec<f64>, f64)> {
        let name = file.display().to_string();
        let recording = Recording::read(&name, &files::text(file)?)?;
        recording.check(&name, scenario)?;
        let interval = recording.interval_secs;
        let load = match &self.load {
            Some(load) => read_series(&load.display().to_string(), &files::text(load)?, 1)?,
            None => recording.load(),
        };
        Ok((recording, load, interval))
    }
}

fn print(parameters: &Parameters, loss: f64, rows: &[Row<'_>]) {
    println!("fitted, as factors on the scenario, at a distance of {loss:.3}:");
    println!("  work      {:.3}", parameters.work);
    println!("  delay     {:.3}", parameters.delay);
    println!("  restart   {:.3}", parameters.restart);
    println!("  detection {:.3}", parameters.detect);
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "recording",
        "fitted on",
        "throughput, median error",
        "latency, median error",
        "highest latency after faults",
        "highest throughput after faults",
        "without output real, simulated [s]",
        "p95 of the intervals' median latencies real, simulated [ms]",
    ]);
    rows.iter().for_each(|row| {
        table.add_row(cells(row));
    });
    println!("{table}");
}

fn cells(row: &Row<'_>) -> [String; 8] {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let millis = |latency: Option<f64>| latency.map_or("-".to_owned(), |ms| format!("{ms:.0}"));
    let errors = &row.errors;
    [
        row.file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        if row.fitted { "yes" } else { "no" }.to_owned(),
        percent(errors.throughput),
        percent(errors.latency),
        errors.fault_peak.map_or("-".to_owned(), percent),
        errors.catch_up.map_or("-".to_owned(), percent),
        format!("{:.0}, {:.0}", errors.stopped_secs.0, errors.stopped_secs.1),
        format!("{}, {}", millis(row.latencies.0), millis(row.latencies.1)),
    ]
}

fn as_json(parameters: &Parameters, loss: f64, rows: &[Row<'_>]) -> Value {
    let of = |row: &Row<'_>| {
        json!({
            "recording": row.file, "fitted_on": row.fitted, "errors": row.errors,
            "p95_latency_ms": { "recorded": row.latencies.0, "simulated": row.latencies.1 },
        })
    };
    json!({
        "distance": loss,
        "factors": { "work": parameters.work, "delay": parameters.delay,
            "restart": parameters.restart, "detection": parameters.detect },
        "runs": rows.iter().map(of).collect::<Vec<_>>(),
    })
}
