//! `thalweg tune`: searches settings in the simulator.
//!
//! A random search with successive halving: many draws meet few seeds, the better half meets twice as
//! many, until one is left. The settings as they are take part, so the result is never worse on the
//! seeds it was tuned on.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use thalweg_core::settings::Settings;
use thalweg_engine::{Kind, keys};
use thalweg_sim::random::Random;
use thalweg_sim::{Scenario, run};

use crate::files;
use crate::settings::Wanted;

/// Arguments of `thalweg tune`.
#[derive(Debug, Args)]
pub struct Tune {
    /// Scenarios to tune on
    #[arg(required = true)]
    scenarios: Vec<PathBuf>,
    /// A setting to search, with the bounds of its values; may be given several times
    #[arg(long = "search", value_name = "KEY=LOW..HIGH", required = true)]
    search: Vec<String>,
    #[command(flatten)]
    wanted: Wanted,
    /// Draws in the first round
    #[arg(long, default_value_t = 32)]
    draws: usize,
    /// Seeds of the first round; each further one has twice as many
    #[arg(long, default_value_t = 2)]
    seeds: u64,
    /// Seed of the search itself
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What a per cent of time in want of capacity costs, in per cent of the executor-hours needed
    #[arg(long, default_value_t = 5.0)]
    under_weight: f64,
    /// What a reconfiguration in an hour costs, in the same
    #[arg(long, default_value_t = 1.0)]
    action_weight: f64,
}

/// A setting that is searched.
struct Range {
    key: String,
    low: f64,
    high: f64,
    whole: bool,
}

impl Tune {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let scenarios: Vec<Scenario> =
            self.scenarios.iter().map(|file| files::scenario(file)).collect::<Result<_>>()?;
        let ranges: Vec<Range> =
            self.search.iter().map(|text| range(text)).collect::<Result<_>>()?;
        let mut random = Random::of(self.seed, "tune");
        // The first is the settings as they are.
        let mut draws: Vec<Vec<String>> = vec![Vec::new()];
        draws.extend((1..self.draws).map(|_| ranges.iter().map(|r| r.draw(&mut random)).collect()));
        let mut seeds = self.seeds.max(1);
        let mut ranked: Vec<(f64, Vec<String>)> = Vec::new();
        while !draws.is_empty() {
            ranked = self.rank(&scenarios, &draws, seeds)?;
            println!(
                "{} draws, {seeds} seeds: best {:.2} with {}",
                draws.len(),
                ranked[0].0,
                shown(&ranked[0].1)
            );
            if draws.len() == 1 {
                break;
            }
            draws = ranked.iter().take(draws.len().div_ceil(2)).map(|(_, d)| d.clone()).collect();
            seeds *= 2;
        }
        let untouched = self.rank(&scenarios, &[Vec::new()], seeds)?;
        let (cost, best) = ranked.first().context("there is at least one draw")?;
        println!("\nas they are {:.2}, best {cost:.2}:", untouched[0].0);
        println!(
            "{}",
            if best.is_empty() {
                "  the settings as they are".to_owned()
            } else {
                format!("  --set {}", best.join(" --set "))
            }
        );
        Ok(())
    }

    /// Costs of draws, the least first.
    fn rank(
        &self,
        scenarios: &[Scenario],
        draws: &[Vec<String>],
        seeds: u64,
    ) -> Result<Vec<(f64, Vec<String>)>> {
        let bar = ProgressBar::new(draws.len() as u64);
        bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} draws, {eta} left")?);
        let mut ranked = Vec::new();
        for draw in draws {
            let mut sum = 0.0;
            for scenario in scenarios {
                let mut wanted = self.wanted.clone();
                wanted.set.extend(draw.iter().cloned());
                let settings = wanted.over(&scenario.given())?;
                for seed in 1..=seeds {
                    sum += self.cost(scenario, &settings, seed)?;
                }
            }
            ranked.push((sum / (scenarios.len() as f64 * seeds as f64), draw.clone()));
            bar.inc(1);
        }
        bar.finish_and_clear();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(ranked)
    }

    /// What a run costs, in per cent of the executor-hours needed.
    fn cost(&self, scenario: &Scenario, settings: &Settings, seed: u64) -> Result<f64> {
        let m = run(scenario, settings, seed)?.measures;
        Ok(100.0 * m.executor_hours / m.needed_executor_hours.max(1e-9)
            + self.under_weight * 100.0 * m.under_time
            + self.action_weight * m.reconfigurations as f64 / m.hours.max(1e-9))
    }
}

impl Range {
    fn draw(&self, random: &mut Random) -> String {
        // Bounds of one sign that lie far apart are searched by factors rather than by steps.
        let value = if self.low > 0.0 && self.high / self.low >= 10.0 {
            self.low * (self.high / self.low).powf(random.unit())
        } else {
            random.between(self.low, self.high)
        };
        if self.whole {
            format!("{}={:.0}", self.key, value)
        } else {
            format!("{}={value:.4}", self.key)
        }
    }
}

fn range(text: &str) -> Result<Range> {
    let parts = || {
        let (key, bounds) = text.split_once('=')?;
        let (low, high) = bounds.split_once("..")?;
        Some((key, low.parse::<f64>().ok()?, high.parse::<f64>().ok()?))
    };
    let Some((name, low, high)) = parts() else {
        bail!("--search {text}: expected KEY=LOW..HIGH with two numbers");
    };
    let Some(key) = keys().find(|key| key.name == name) else {
        bail!("--search {text}: there is no setting {name}");
    };
    let (least, most, whole) = match key.kind {
        Kind::Number(least, most) => (least, most, false),
        Kind::Whole(least, most) => (least, most, true),
        _ => bail!("--search {text}: expected a setting that is a number"),
    };
    if !(least <= low && low < high && high <= most) {
        bail!("--search {text}: expected bounds from {least} to {most}");
    }
    Ok(Range { key: name.to_owned(), low, high, whole })
}

fn shown(draw: &[String]) -> String {
    if draw.is_empty() { "the settings as they are".to_owned() } else { draw.join(" ") }
}
