//! `thalweg tune`: searches settings in the simulator.
//!
//! A random search with successive halving: many draws meet few seeds, the better half meets twice as
//! many, until one is left. The settings as they are take part. What is left is held against them on seeds that nothing
//! was chosen on, pair by pair, and it is advised only if the gain exceeds what the gains of single runs are apart.

mod book;
mod range;
mod spread;

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use thalweg_core::settings::Settings;
use thalweg_sim::calibrate::{Recording, under_load};
use thalweg_sim::random::Random;
use thalweg_sim::{Scenario, run};
use xxhash_rust::xxh3::xxh3_64;

use self::book::{Book, Key};
use self::range::{Range, range};
use self::spread::Spread;
use crate::files::{self, print_json};
use crate::settings::Wanted;

/// Seeds from here on are those that nothing is chosen on.
const FRESH: u64 = 1_000_000;
/// The settings as they are, among the draws.
const UNTOUCHED: usize = 0;

/// Arguments of `thalweg tune`.
#[derive(Debug, Args)]
pub struct Tune {
    /// Scenarios to tune on
    #[arg(required = true)]
    scenarios: Vec<PathBuf>,
    /// A recorded run, as for `thalweg calibrate`, whose load and faults each scenario is put under; may be given several
    /// times
    #[arg(long = "recording", value_name = "FILE")]
    recordings: Vec<PathBuf>,
    /// A setting to search, with the bounds of its values; may be given several times
    #[arg(long = "search", value_name = "KEY=LOW..HIGH", required = true)]
    search: Vec<String>,
    #[command(flatten)]
    wanted: Wanted,
    /// Keeps what each run cost in this file: ended, however, the same command goes on where it was
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Draws in the first round
    #[arg(long, default_value_t = 32)]
    draws: usize,
    /// Seeds of the first round; each further one has twice as many
    #[arg(long, default_value_t = 2)]
    seeds: u64,
    /// Other seeds, on which what is left is held against the settings as they are
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(2..))]
    fresh_seeds: u64,
    /// Seed of the search itself
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What a per cent of time in want of capacity costs, in per cent of the executor-hours needed
    #[arg(long, default_value_t = 5.0)]
    under_weight: f64,
    /// What a reconfiguration in an hour costs, in the same
    #[arg(long, default_value_t = 1.0)]
    action_weight: f64,
    /// Prints the result as JSON
    #[arg(long)]
    json: bool,
}

/// A search under way.
struct Search<'a> {
    tune: &'a Tune,
    /// Scenarios, under the load of recordings where such are given.
    cases: Vec<Scenario>,
    /// Settings; the first are those as they are.
    draws: Vec<Vec<String>>,
    book: Book,
    /// The best of each round, where the result is to be JSON.
    rounds: Vec<Value>,
}

impl Tune {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let ranges: Vec<Range> =
            self.search.iter().map(|text| range(text)).collect::<Result<_>>()?;
        let cases = self.cases()?;
        let mut random = Random::of(self.seed, "tune");
        let mut draws: Vec<Vec<String>> = vec![Vec::new()];
        draws.extend((1..self.draws).map(|_| ranges.iter().map(|r| r.draw(&mut random)).collect()));
        let book = Book::open(self.state.as_deref(), &self.identity(&cases)?)?;
        if book.len() > 0 && !self.json {
            println!("going on, {} runs are known", book.len());
        }
        let mut search = Search { tune: &self, cases, draws, book, rounds: Vec::new() };
        let best = search.best()?;
        search.advise(best)
    }

    /// Each scenario as it is, or under the load of each recording.
    fn cases(&self) -> Result<Vec<Scenario>> {
        let scenarios: Vec<Scenario> =
            self.scenarios.iter().map(|file| files::scenario(file)).collect::<Result<_>>()?;
        if self.recordings.is_empty() {
            return Ok(scenarios);
        }
        let mut cases = Vec::new();
        for file in &self.recordings {
            let name = file.display().to_string();
            let recording = Recording::read(&name, &files::text(file)?)?;
            for scenario in &scenarios {
                recording.check(&name, scenario)?;
                let load = recording.load();
                cases.push(under_load(scenario, &recording, &load, recording.interval_secs));
            }
        }
        Ok(cases)
    }

    /// What makes two searches the same.
    fn identity(&self, cases: &[Scenario]) -> Result<Value> {
        let mut prints = Vec::new();
        for case in cases {
            prints.push(format!("{} {:016x}", case.name, xxh3_64(&serde_json::to_vec(case)?)));
        }
        Ok(json!({
            "version": env!("CARGO_PKG_VERSION"), "scenarios": prints, "search": self.search,
            "policy": self.wanted.policy, "set": self.wanted.set, "draws": self.draws, "seed": self.seed,
            "weights": [self.under_weight, self.action_weight],
        }))
    }
}

impl Search<'_> {
    /// The draw that is left when all others cost more.
    fn best(&mut self) -> Result<usize> {
        let mut left: Vec<usize> = (0..self.draws.len()).collect();
        let mut seeds = self.tune.seeds.max(1);
        loop {
            let bar = bar(left.len() as u64)?;
            let mut ranked = Vec::new();
            for &draw in &left {
                let costs = self.costs(draw, 1..=seeds)?;
                ranked.push((typical(&costs), draw, Spread::of(&costs.concat())));
                bar.inc(1);
            }
            bar.finish_and_clear();
            ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (_, best, spread) = *ranked.first().context("there is at least one draw")?;
            self.tell_round((left.len(), seeds), &self.draws[best].clone(), spread);
            if left.len() == 1 {
                return Ok(best);
            }
            let half = left.len().div_ceil(2);
            left = ranked.into_iter().take(half).map(|(_, draw, _)| draw).collect();
            seeds *= 2;
        }
    }

    /// Tells the best of a round of so many draws and seeds.
    fn tell_round(&mut self, (draws, seeds): (usize, u64), set: &[String], cost: Spread) {
        if self.tune.json {
            let round = json!({ "draws": draws, "seeds": seeds, "set": set, "cost": cost });
            self.rounds.push(round);
        } else {
            println!("{draws} draws, {seeds} seeds: best {cost} with {}", shown(set));
        }
    }

    /// Holds a draw against the settings as they are, and says whether it is worth it.
    fn advise(&mut self, best: usize) -> Result<()> {
        let seeds = self.tune.fresh_seeds;
        let fresh = || FRESH + 1..=FRESH + seeds;
        let before = self.costs(UNTOUCHED, fresh())?.concat();
        let after = self.costs(best, fresh())?.concat();
        let gains: Vec<f64> = before.iter().zip(&after).map(|(was, is)| was - is).collect();
        let gain = Spread::of(&gains);
        let width = gain.width();
        let advised = gain.median > width;
        if self.tune.json {
            return print_json(&json!({
                "rounds": self.rounds, "fresh_seeds": seeds, "runs": gains.len(),
                "set": self.draws[best], "advised": advised, "gain": gain,
                "before": Spread::of(&before), "after": Spread::of(&after),
            }));
        }
        println!("\non {seeds} other seeds, median and quartiles of {} runs each:", gains.len());
        println!("  as they are  {}", Spread::of(&before));
        println!("  the best     {}", Spread::of(&after));
        println!("  gain         {gain}");
        if advised {
            println!("the gain exceeds its spread of {width:.2}:");
            println!("  --set {}", self.draws[best].join(" --set "));
        } else {
            println!("no advice: the gain does not exceed its spread of {width:.2}");
        }
        Ok(())
    }

    /// What a draw costs, by case and seed.
    fn costs(
        &mut self,
        draw: usize,
        seeds: std::ops::RangeInclusive<u64>,
    ) -> Result<Vec<Vec<f64>>> {
        let mut costs = Vec::new();
        for (case, scenario) in self.cases.iter().enumerate() {
            let mut wanted = self.tune.wanted.clone();
            wanted.set.extend(self.draws[draw].iter().cloned());
            let settings = wanted.over(&scenario.given())?;
            let mut of_case = Vec::new();
            for seed in seeds.clone() {
                let run = || self.tune.cost(scenario, &settings, seed);
                of_case.push(self.book.cost(Key { draw, case, seed }, run)?);
            }
            costs.push(of_case);
        }
        Ok(costs)
    }
}

impl Tune {
    /// What a run costs, in per cent of the executor-hours needed.
    fn cost(&self, scenario: &Scenario, settings: &Settings, seed: u64) -> Result<f64> {
        let m = run(scenario, settings, seed)?.measures;
        Ok(100.0 * m.executor_hours / m.needed_executor_hours.max(1e-9)
            + self.under_weight * 100.0 * m.under_time
            + self.action_weight * m.reconfigurations as f64 / m.hours.max(1e-9))
    }
}

/// The mean over all cases of the median over seeds.
fn typical(costs: &[Vec<f64>]) -> f64 {
    let medians = costs.iter().map(|of_case| Spread::of(of_case).median);
    medians.sum::<f64>() / costs.len().max(1) as f64
}

fn bar(length: u64) -> Result<ProgressBar> {
    let bar = match std::io::stderr().is_terminal() {
        true => ProgressBar::new(length),
        false => ProgressBar::hidden(),
    };
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} draws, {eta} left")?);
    Ok(bar)
}

fn shown(draw: &[String]) -> String {
    if draw.is_empty() { "the settings as they are".to_owned() } else { draw.join(" ") }
}
