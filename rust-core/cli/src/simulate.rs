//! `thalweg simulate`.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use thalweg_sim::{Brain, Measures, Point, RunResult, Scenario, Simulation};

use crate::chart::line;
use crate::files;
use crate::record::Recorded;
use crate::settings::Wanted;

/// Steps between two signs of progress.
const STEPS: u64 = 1000;
/// Columns of a chart.
const COLUMNS: usize = 72;

/// Arguments of `thalweg simulate`.
#[derive(Debug, Args)]
pub struct Simulate {
    /// The scenario, a TOML file
    scenario: PathBuf,
    /// A further topology in the same cluster: a scenario with the same nodes, and the same faults of these; may be repeated
    #[arg(long, value_name = "FILE")]
    with: Vec<PathBuf>,
    /// Same seed, same run
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    wanted: Wanted,
    /// Writes the whole result there; of several topologies a list
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Records everything that goes into decisions there, for `thalweg replay`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

impl Simulate {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let files = std::iter::once(&self.scenario).chain(&self.with);
        let scenarios: Vec<Scenario> =
            files.map(|file| files::scenario(file)).collect::<Result<_>>()?;
        let settings = self.wanted.over(&scenarios[0].given())?;
        let mut brain = Recorded::to(self.record.as_deref(), &settings)?;
        let results = watch(&scenarios, &settings, self.seed, &mut brain)?;
        for (scenario, result) in scenarios.iter().zip(&results) {
            show(scenario, result);
        }
        if let Some(file) = &self.json {
            let text = match &results[..] {
                [one] => serde_json::to_string_pretty(one)?,
                all => serde_json::to_string_pretty(all)?,
            };
            files::write(file, &text)?;
        }
        Ok(())
    }
}

/// Runs scenarios in one cluster and shows how far they are.
fn watch(
    scenarios: &[Scenario],
    settings: &thalweg_core::settings::Settings,
    seed: u64,
    brain: &mut impl Brain,
) -> Result<Vec<RunResult>> {
    let mut simulation = Simulation::together(scenarios, settings, seed)?;
    let steps = scenarios[0].steps();
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new(steps)
    } else {
        ProgressBar::hidden()
    };
    let style = "{spinner} {percent:>3} % of the run, {eta} left";
    bar.set_style(ProgressStyle::with_template(style)?);
    for step in 0..steps {
        simulation.advance(brain)?;
        if step % STEPS == 0 {
            bar.set_position(step);
        }
    }
    bar.finish_and_clear();
    Ok(simulation.finish_all(brain)?)
}

fn show(scenario: &Scenario, result: &RunResult) {
    println!("{}: {}", scenario.name, scenario.about);
    println!(
        "policy {}, seed {}, {} simulated\n",
        result.policy,
        result.seed,
        span(result.measures.hours * 3600.0)
    );
    charts(&result.points);
    actions(result);
    println!("{}", measures(&result.measures));
}

fn charts(points: &[Point]) {
    let chart = |name: &str, unit: &str, of: &dyn Fn(&Point) -> f64| {
        let values: Vec<f64> = points.iter().map(of).collect();
        let most = values.iter().copied().fold(0.0, f64::max);
        println!("{name:>16} {}  up to {} {unit}", line(&values, most, COLUMNS), figure(most));
    };
    chart("offered", "records/s", &|p| p.offered);
    chart("completed", "records/s", &|p| p.completed);
    chart("waiting", "records", &|p| p.lag);
    chart("executors", "", &|p| f64::from(p.executors));
    chart("needed", "", &|p| f64::from(p.needed));
    chart("p95 latency", "ms", &|p| p.p95_ms.unwrap_or(0.0));
    println!();
}

fn actions(result: &RunResult) {
    for action in &result.actions {
        let counts: Vec<String> =
            action.counts.iter().map(|(id, count)| format!("{id} to {count}")).collect();
        let ended = if action.ended_secs.is_finite() {
            format!("{:.1} s", action.ended_secs - action.decided_secs)
        } else {
            "under way".to_owned()
        };
        println!(
            "{:>9}  {} {}; {} executors move; {}{}",
            span(action.decided_secs),
            action.kind,
            counts.join(", "),
            action.moved,
            ended,
            if action.done { "" } else { ", not carried out" },
        );
        println!("           because {}", action.reason);
        if let Some(outcome) = &action.outcome {
            println!("           {outcome}");
        }
    }
    if result.actions.is_empty() {
        let most = result.reasons.iter().max_by_key(|(_, times)| **times);
        if let Some((reason, times)) = most {
            println!("nothing was done; most often because of {reason} ({times} times)");
        }
    }
    println!();
}

fn measures(m: &Measures) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let rows = [
        ("records arrived, completed", format!("{}, {}", figure(m.arrived), figure(m.completed))),
        (
            "latency mean, p50, p95, p99 [ms]",
            [m.mean_ms, m.p50_ms, m.p95_ms, m.p99_ms].map(figure).join(", "),
        ),
        ("under-provisioned", percent(m.under_time)),
        ("over-provisioned", percent(m.over_time)),
        ("mean wait before sources [s]", figure(m.backlog_area)),
        ("seconds without output", figure(m.outage_secs)),
        ("records replayed", figure(m.replayed)),
        ("reconfigurations, given up", format!("{}, {}", m.reconfigurations, m.given_up)),
        (
            "executor-hours, of them needed",
            format!("{}, {}", figure(m.executor_hours), figure(m.needed_executor_hours)),
        ),
        ("node-hours", figure(m.node_hours)),
        ("memory [GiB-hours]", figure(m.memory_hours)),
    ];
    for (name, value) in rows {
        table.add_row([name.to_owned(), value]);
    }
    table
}

/// A number with as many places as say something.
pub fn figure(value: f64) -> String {
    match value.abs() {
        x if x >= 1e6 => format!("{:.2}M", value / 1e6),
        x if x >= 1e4 => format!("{:.1}k", value / 1e3),
        x if x >= 100.0 => format!("{value:.0}"),
        x if x >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A time in hours, minutes and seconds.
fn span(secs: f64) -> String {
    let whole = secs.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    format!("{hours}:{minutes:02}:{seconds:02}")
}
