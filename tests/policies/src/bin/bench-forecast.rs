//! `bench-forecast`: how well published loads are foretold, and what that is worth on a daily peak; writes JSON and plots.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use comfy_table::{Table, presets};
use plotters::style::RGBColor;
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use thalweg_policies::contestant::Contestant;
use thalweg_policies::foresight::{Cadence, Chosen, Score};
use thalweg_policies::matrix::{root_above, shipped};
use thalweg_policies::origin::{commit, machine};
use thalweg_policies::plot::{Line, course};
use thalweg_sim::{RunResult, Scenario, run};

/// Seconds of a bin, and how far ahead: as published, as the policy keeps them on Storm and on Flink with its defaults, and
/// where stops are long.
const CADENCES: [Cadence; 5] = [(300, 300.0), (60, 100.0), (5, 100.0), (300, 900.0), (60, 900.0)];
const DAY_SECS: f64 = 86_400.0;
/// Days that are not judged.
const LEARNING_DAYS: f64 = 2.0;

/// Measures forecasts on published loads and on a daily peak in the simulator.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
    /// Seeds of the daily peak; 0 leaves it out
    #[arg(long, default_value_t = 10)]
    seeds: u64,
    /// Where results go
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let root = root_above(&std::env::current_dir()?).context("run this within the repository")?;
    let out = root.join(&arguments.out);
    fs::create_dir_all(&out)?;
    let scores = scores(&root, &arguments)?;
    let mut told = json!({
        "name": "forecast",
        "commit": commit(&root),
        "machine": machine(),
        "series": scores,
    });
    for (secs, lead) in CADENCES {
        let of: Vec<&Score> =
            scores.iter().filter(|s| s.bin_secs == secs && s.lead_secs == lead).collect();
        if !of.is_empty() {
            println!("bins of {secs} s, {lead} s ahead\n{}", table(&of));
        }
    }
    if arguments.seeds > 0 {
        let daily = shipped(&root, "daily-peak")?;
        let peaks = peaks(&daily, arguments.seeds)?;
        println!("{}", serde_json::to_string_pretty(&peaks.json())?);
        told["daily_peak"] = peaks.json();
        fs::write(out.join("forecast-peak.svg"), peaks.plot()?)?;
    }
    fs::write(out.join("forecast.json"), serde_json::to_string_pretty(&told)?)?;
    println!("wrote {}/forecast.json", out.display());
    Ok(())
}

fn scores(root: &Path, arguments: &Arguments) -> Result<Vec<Score>> {
    let all = arguments.chosen.of(&CADENCES);
    all.into_par_iter()
        .map(|((secs, lead), series)| Ok(series.bins(root, secs)?.score(series.name, lead)))
        .collect()
}

fn table(scores: &[&Score]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "series",
        "bins",
        "MASE",
        "without days",
        "day before",
        "covered",
        "mixed",
        "µs",
    ]);
    for score in scores {
        table.add_row([
            score.series.clone(),
            score.judged.to_string(),
            format!("{:.3}", score.mase),
            format!("{:.3}", score.mase_without),
            format!("{:.2}", score.mase_day_before),
            format!("{:.3}", score.covered),
            format!("{:.2}", score.mixed),
            format!("{:.1}", score.micros),
        ]);
    }
    table
}

/// The daily peak with and without forecasts.
struct Peaks {
    scenario: Scenario,
    foreseen: Vec<RunResult>,
    reactive: Vec<RunResult>,
}

fn peaks(scenario: &Scenario, seeds: u64) -> Result<Peaks> {
    let runs = |forecast: bool| -> Result<Vec<RunResult>> {
        let extra = Map::from_iter([("thalweg.scaling.forecast".to_owned(), json!(forecast))]);
        let settings = Contestant::Policy("thalweg".to_owned()).settings(scenario, &extra)?;
        let seeds: Vec<u64> = (1..=seeds).collect();
        seeds.into_par_iter().map(|seed| Ok(run(scenario, &settings, seed)?)).collect()
    };
    Ok(Peaks { scenario: scenario.clone(), foreseen: runs(true)?, reactive: runs(false)? })
}

impl Peaks {
    /// Seconds of peaks from the third day on in which something was short.
    fn short(&self, result: &RunResult) -> f64 {
        let begins = |secs: f64| secs - self.scenario.point_secs / 2.0;
        let peak =
            |secs: f64| self.scenario.load.level(begins(secs)) > self.scenario.load.level(0.0);
        let later = result.points.iter().filter(|p| p.secs > LEARNING_DAYS * DAY_SECS);
        later.filter(|p| peak(p.secs)).map(|point| point.under_secs).sum()
    }

    fn json(&self) -> Value {
        let each = |runs: &[RunResult], of: &dyn Fn(&RunResult) -> f64| -> Vec<f64> {
            runs.iter().map(of).collect()
        };
        let both = |of: &dyn Fn(&RunResult) -> f64| json!({ "forecast": each(&self.foreseen, of), "reactive": each(&self.reactive, of) });
        json!({
            "short_secs_in_peaks_from_the_third_day": both(&|run| self.short(run)),
            "executor_hours": both(&|run| run.measures.executor_hours),
            "plans": both(&|run| run.measures.reconfigurations as f64),
            "p99_ms": both(&|run| run.measures.p99_ms),
        })
    }

    /// The third day's peak with the first seed.
    fn plot(&self) -> Result<String> {
        let (from, to) = (246_000.0, 253_000.0);
        let line =
            |runs: &[RunResult], name: &str, colour, of: &dyn Fn(&thalweg_sim::Point) -> u32| {
                let points = runs.first().map(|run| run.points.iter());
                let points =
                    points.into_iter().flatten().filter(|p| p.secs >= from && p.secs <= to);
                let points = points.map(|p| ((p.secs - from) / 3600.0, f64::from(of(p)))).collect();
                Line { name: name.to_owned(), colour, points }
            };
        let executors = |point: &thalweg_sim::Point| point.executors;
        let lines = [
            line(&self.reactive, "needed", RGBColor(190, 190, 190), &|point| point.needed),
            line(&self.reactive, "without forecasts", RGBColor(230, 159, 0), &executors),
            line(&self.foreseen, "with forecasts", RGBColor(0, 114, 178), &executors),
        ];
        course("A peak on the third day", "executors of operators", &lines, false)
    }
}

#[cfg(test)]
#[path = "../../../../rust-core/cli/tests/docs/blocks.rs"]
mod blocks;

#[cfg(test)]
mod tests {
    #[test]
    fn it_takes_what_the_documentation_shows() {
        super::blocks::are_taken_by::<super::Arguments>("target/release/bench-forecast");
    }
}
