//! `published-runs`: holds the simulator against published runs of a real Flink job.
//!
//! Eighteen hours of one job on the same load under several controllers were published. The job is
//! fitted on two of them (fixed counts, and Flink's reactive mode). Then Flink's autoscaler, with the
//! settings of that experiment, drives the simulated job, and is compared with the real runs under
//! it. Last, other policies show what they would have done.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use comfy_table::{Table, presets};
use plotters::style::RGBColor;
use serde_json::{Map, Value, json};
use thalweg_core::settings::{Mode, Settings, WorkerLimit};
use thalweg_policies::contestant::{Contestant, policies};
use thalweg_policies::matrix::{root_above, shipped, write_scenario};
use thalweg_policies::plot::{Line, course};
use thalweg_policies::table::figure;
use thalweg_sim::calibrate::{Recording, compare, fit, repeat, under_load, watch};
use thalweg_sim::scenario::read_series;
use thalweg_sim::{RunResult, Scenario, run};

/// Seconds without TaskManagers in a redeployment by the operator, read off its runs: neither of the
/// runs that are fitted redeploys anything.
const REDEPLOYMENT_SECS: [f64; 2] = [30.0, 38.0];

/// The autoscaler's settings in that experiment: stabilisation 2 min, window 1 min, target utilisation
/// 0.35 ± 0.15, restart 1 min, catch-up 5 min, no wait before scaling down.
const OPERATOR: [(&str, f64); 7] = [
    ("thalweg.metrics.settle.secs", 120.0),
    ("thalweg.metrics.window.secs", 60.0),
    ("thalweg.flink-autoscaler.target.utilization", 0.35),
    ("thalweg.flink-autoscaler.utilization.boundary", 0.15),
    ("thalweg.flink-autoscaler.restart.secs", 60.0),
    ("thalweg.flink-autoscaler.catch.up.secs", 300.0),
    ("thalweg.flink-autoscaler.scale.down.interval.secs", 0.0),
];

/// A run, real or simulated, as a row of the table and a line of the plots.
struct Row {
    name: String,
    manager_hours: f64,
    changes: usize,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    managers: Vec<(f64, f64)>,
    latency: Vec<(f64, f64)>,
}

/// Holds the simulator against published runs of a real Flink job.
#[derive(Parser)]
struct Arguments {
    /// Writes the fitted job under the load of these runs there, for `thalweg simulate`
    #[arg(long, value_name = "FILE")]
    write_scenario: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let root = root_above(&std::env::current_dir()?).context("run this within the repository")?;
    let folder = root.join("data/recordings");
    let load = read_series("ads-load.csv", &fs::read_to_string(folder.join("ads-load.csv"))?, 1)?;
    let recorded = |name: &str| -> Result<Recording> {
        let file = folder.join(format!("ads-{name}.csv"));
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Recording::read(&file.display().to_string(), &text)?)
    };
    let ads = shipped(&root, "ads")?;
    let secs = recorded("baseline-1")?.interval_secs;
    let fitted_on: Vec<_> = ["baseline-1", "reactive-1"]
        .into_iter()
        .map(|name| Ok((recorded(name)?, load.clone(), secs)))
        .collect::<Result<_>>()?;
    eprintln!("fitting on baseline-1 and reactive-1");
    let (parameters, _) = fit(&ads, &fitted_on, |_, distance| eprint!("{distance:.3} "))?;
    eprintln!();
    let job = parameters.apply(&ads);
    println!("fitted factors: {parameters:?}");
    let mut errors = Map::new();
    for name in ["baseline-1", "reactive-1", "reactive-2"] {
        let recording = recorded(name)?;
        let found = compare(&watch(&repeat(&job, &recording, &load, secs))?, &recording);
        println!("{name}: {found:?}");
        errors.insert(name.to_owned(), serde_json::to_value(found)?);
    }
    let operator = recorded("operator-1")?;
    let mut rows = vec![
        real("real static", &recorded("baseline-1")?),
        real("real operator, run 1", &operator),
        real("real operator, run 2", &recorded("operator-2")?),
    ];
    let mut redeployed = under_load(&job, &operator, &load, secs);
    redeployed.flink.restart_secs = REDEPLOYMENT_SECS;
    if let Some(file) = &arguments.write_scenario {
        write_scenario(file, &redeployed)?;
    }
    let (mode, worker_limit) = (Mode::Observe, WorkerLimit::Free);
    let silent = Settings { mode, worker_limit, ..Settings::default() };
    rows.push(simulated("simulated static", &run(&redeployed, &silent, 1)?));
    rows.push(steered("simulated operator", "flink-autoscaler", &OPERATOR, &redeployed)?);
    let others = ["flink-autoscaler", "ds2", "conttune", "thalweg"];
    let known = policies();
    for policy in others.iter().filter(|name| known.iter().any(|known| known == *name)) {
        rows.push(steered(&format!("simulated {policy}"), policy, &[], &redeployed)?);
    }
    let roomy = [("thalweg.scaling.target", 0.55)];
    rows.push(steered("simulated thalweg, target 0.55", "thalweg", &roomy, &redeployed)?);
    println!("{}", table(&rows));
    write(&root, &rows, &errors, &parameters)
}

fn steered(name: &str, policy: &str, set: &[(&str, f64)], job: &Scenario) -> Result<Row> {
    let extra: Map<String, Value> =
        set.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
    let settings = Contestant::Policy(policy.to_owned()).settings(job, &extra)?;
    Ok(simulated(name, &run(job, &settings, 1)?))
}

fn simulated(name: &str, result: &RunResult) -> Row {
    let quantile = |share: f64| result.latency(share).unwrap_or(f64::NAN);
    Row {
        name: name.to_owned(),
        manager_hours: result.measures.node_hours,
        changes: result.measures.reconfigurations as usize,
        p50_ms: quantile(0.5),
        p95_ms: quantile(0.95),
        p99_ms: quantile(0.99),
        managers: result.points.iter().map(|p| (p.secs / 3600.0, f64::from(p.nodes))).collect(),
        latency: result.points.iter().filter_map(|p| Some((p.secs / 3600.0, p.p50_ms?))).collect(),
    }
}

fn real(name: &str, recording: &Recording) -> Row {
    let quantile = |share| recording.latency(share).unwrap_or(f64::NAN);
    let samples = || recording.samples.iter();
    Row {
        name: name.to_owned(),
        manager_hours: recording.manager_hours(),
        changes: recording.redeployments(),
        p50_ms: quantile(0.5),
        p95_ms: quantile(0.95),
        p99_ms: quantile(0.99),
        managers: samples().map(|s| (s.secs / 3600.0, f64::from(s.task_managers))).collect(),
        latency: samples().filter_map(|s| Some((s.secs / 3600.0, s.latency_ms?))).collect(),
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "run",
        "TaskManager-hours",
        "redeployments",
        "latency p50 [ms]",
        "p95",
        "p99",
    ]);
    for row in rows {
        table.add_row([
            row.name.clone(),
            format!("{:.0}", row.manager_hours),
            row.changes.to_string(),
            figure(row.p50_ms),
            figure(row.p95_ms),
            figure(row.p99_ms),
        ]);
    }
    table
}

fn write(
    root: &Path,
    rows: &[Row],
    errors: &Map<String, Value>,
    parameters: &thalweg_sim::calibrate::Parameters,
) -> Result<()> {
    let out = root.join("target/bench");
    fs::create_dir_all(&out)?;
    let colours =
        [RGBColor(213, 94, 0), RGBColor(0, 114, 178), RGBColor(0, 158, 115), RGBColor(230, 159, 0)];
    let lines = |names: &[&str], of: &dyn Fn(&Row) -> Vec<(f64, f64)>| -> Vec<Line> {
        let found = rows.iter().filter(|row| names.contains(&row.name.as_str()));
        found
            .zip(colours)
            .map(|(row, colour)| Line { name: row.name.clone(), colour, points: of(row) })
            .collect()
    };
    let last = rows.last().map_or("", |row| row.name.as_str());
    let both = ["real operator, run 1", "simulated operator"];
    let all = ["real operator, run 1", "real operator, run 2", "simulated operator"];
    let own = ["real operator, run 1", last];
    let managers = |row: &Row| hourly(&row.managers, 0.1);
    let latency = |row: &Row| hourly(&row.latency, 0.05);
    for (file, title, axis, lines, log) in [
        (
            "managers",
            "TaskManagers, real and simulated operator",
            "TaskManagers, mean of 6 min",
            lines(&all, &managers),
            false,
        ),
        (
            "latency",
            "Latency, real and simulated operator",
            "ms, mean of 3 min",
            lines(&both, &latency),
            true,
        ),
        (
            "own-managers",
            "TaskManagers, real operator and thalweg",
            "TaskManagers, mean of 6 min",
            lines(&own, &managers),
            false,
        ),
        (
            "own-latency",
            "Latency, real operator and thalweg",
            "ms, mean of 3 min",
            lines(&own, &latency),
            true,
        ),
    ] {
        fs::write(out.join(format!("published-{file}.svg")), course(title, axis, &lines, log)?)?;
    }
    let measures: Map<String, Value> = rows
        .iter()
        .map(|row| {
            let measured = json!({
                "manager_hours": row.manager_hours, "redeployments": row.changes,
                "p50_ms": row.p50_ms, "p95_ms": row.p95_ms, "p99_ms": row.p99_ms,
            });
            (row.name.clone(), measured)
        })
        .collect();
    let whole = json!({
        "name": "published-runs",
        "fitted": format!("{parameters:?}"),
        "errors": errors,
        "measures": measures,
    });
    fs::write(out.join("published-runs.json"), serde_json::to_string_pretty(&whole)?)?;
    println!("wrote {}/published-runs.json and 4 plots", out.display());
    Ok(())
}

/// Means over equal spans of so many hours.
fn hourly(points: &[(f64, f64)], span: f64) -> Vec<(f64, f64)> {
    let mut means: Vec<(f64, f64, f64)> = Vec::new();
    for (hours, value) in points {
        let middle = ((hours / span).floor() + 0.5) * span;
        match means.last_mut() {
            Some((at, sum, count)) if *at == middle => {
                *sum += value;
                *count += 1.0;
            }
            _ => means.push((middle, *value, 1.0)),
        }
    }
    means.into_iter().map(|(at, sum, count)| (at, sum / count)).collect()
}

#[cfg(test)]
#[path = "../../../../rust-core/cli/tests/docs/blocks.rs"]
mod blocks;

#[cfg(test)]
mod tests {
    #[test]
    fn it_takes_what_the_documentation_shows() {
        super::blocks::are_taken_by::<super::Arguments>("target/release/published-runs");
    }
}
