//! `bench-flink`: a load that changes, under Flink alone, its own autoscaler, and Thalweg at both levels.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;
use thalweg_experiment::flink::{Demand, FlinkSide, StepReport, Unequal, run_demand, run_unequal};
use thalweg_experiment::options::pair;
use thalweg_experiment::record;
use thalweg_experiment::report::save;
use thalweg_experiment::summary::{Summary, short};
use thalweg_experiment::workplace::clean_up_when_interrupted;

/// Thalweg at its quickest, as the autoscaler is.
const QUICK: [(&str, &str); 4] = [
    ("thalweg.metrics.settle.secs", "2"),
    ("thalweg.scaling.up.delay.secs", "0"),
    ("thalweg.scaling.down.window.secs", "3"),
    ("thalweg.scaling.catch.up.secs", "10"),
];

/// Compares ways of scaling a Flink job on real clusters on this machine.
#[derive(Parser)]
struct Cli {
    /// Who takes part
    #[arg(long, value_delimiter = ',', default_value = "static,autoscaler,level1,level2")]
    only: Vec<FlinkSide>,
    /// Runs of each side
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Lines per second before and after
    #[arg(long, default_value_t = 30.0)]
    low: f64,
    /// How many times that in between
    #[arg(long, default_value_t = 4.0)]
    factor: f64,
    /// Seconds of each of the three parts
    #[arg(long, default_value_t = 25)]
    seconds: u32,
    /// Milliseconds for which a line keeps a subtask busy
    #[arg(long, default_value_t = 16.0)]
    line_ms: f64,
    /// Thalweg's policy
    #[arg(long, default_value = "thalweg")]
    policy: String,
    /// Further settings of Thalweg, key=value, over those for quick action
    #[arg(long = "set", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// A recorded day instead of steps, as long and at its highest as high as they
    #[arg(long)]
    day: bool,
    /// Compare placement instead: nodes of unequal speed, parallelism that may not grow
    #[arg(long)]
    placement: bool,
    /// Keep the clusters' logs and files in this folder
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Write each run into this folder, for the simulator to be calibrated with
    #[arg(long)]
    record: Option<PathBuf>,
}

fn main() -> Result<()> {
    let mut cli = Cli::parse();
    clean_up_when_interrupted()?;
    let begun = Instant::now();
    cli.settings.insert(0, ("thalweg.policy".to_owned(), cli.policy.clone()));
    if cli.placement {
        return placement(&cli);
    }
    let quick = QUICK.map(|(key, value)| (key.to_owned(), value.to_owned()));
    cli.settings.splice(0..0, quick);
    let high = cli.low * cli.factor;
    let demand = if cli.day {
        Demand::day(high, 3 * cli.seconds, cli.line_ms)?
    } else {
        Demand::steps(cli.low, cli.factor, cli.seconds, cli.line_ms)
    };
    let (name, course) = if cli.day { ("flink-day", "day") } else { ("flink", "steps") };
    let (line_ms, enough) = (cli.line_ms, demand.enough());
    println!("up to {high} lines/s of {line_ms} ms each: {enough} subtasks are enough");
    let mut report = StepReport::new(&cli.settings);
    for round in 0..cli.rounds {
        let mut sides = cli.only.clone();
        // Each goes first in turn.
        let first = round % sides.len();
        sides.rotate_left(first);
        for side in sides {
            let keep = cli.keep.as_ref().map(|keep| keep.join(format!("{side}-{round}")));
            let run = run_demand(side, &demand, &cli.settings, keep)
                .with_context(|| format!("round {}, {side}", round + 1))?;
            println!(
                "  round {}, {side}: enough after {} s, {} rescales, gap {} s, p99 {} ms{}",
                round + 1,
                run.time_to_right_s.map_or("-".to_owned(), short),
                run.rescales.len(),
                run.gap_s().map_or("-".to_owned(), short),
                run.p99_ms,
                if run.exactly_once { "" } else { ", NOT COUNTED ONCE" }
            );
            run.notes.iter().for_each(|note| println!("    {note}"));
            if let Some(predicted) = &run.predicted {
                println!("    {}", predicted.beside(&run));
            }
            if let Some(folder) = &cli.record {
                let run_name = format!("flink-{course}-{side}-{}", round + 1);
                record::save(folder, &run_name, &run.recording)?;
            }
            report.add(run, begun.elapsed().as_secs());
            save(name, &report)?;
        }
    }
    println!("{}\nwritten to target/bench/{name}.json", report.table());
    Ok(())
}

/// Flink's own placement against Thalweg's, taking turns in going first.
fn placement(cli: &Cli) -> Result<()> {
    let unequal = Unequal { cores: [0.8, 0.25], rate: 300.0, line_ms: 4.0 };
    println!("{} and {} cores, {} ms a line", unequal.cores[0], unequal.cores[1], unequal.line_ms);
    let (mut runs, mut ratios) = (Vec::new(), Vec::new());
    for round in 0..cli.rounds {
        let mut sides = [FlinkSide::Static, FlinkSide::Level2];
        sides.rotate_left(round % 2);
        let mut rates = BTreeMap::new();
        for side in sides {
            let keep = cli.keep.as_ref().map(|keep| keep.join(format!("{side}-{round}")));
            let run = run_unequal(side, unequal, &cli.settings, keep)?;
            println!(
                "  round {}, {side}: {} lines/s with {:?}",
                round + 1,
                short(run.lines_per_sec),
                run.split
            );
            rates.insert(side, run.lines_per_sec);
            runs.push(run);
        }
        ratios.push(rates[&FlinkSide::Level2] / rates[&FlinkSide::Static].max(1e-9));
        save("flink-placement", &json!({ "setting": unequal, "runs": runs, "ratios": ratios }))?;
    }
    let ratio = Summary::of(&ratios).context("no rounds")?;
    println!(
        "Thalweg's throughput over Flink's: {ratio}\nwritten to target/bench/flink-placement.json"
    );
    Ok(())
}

#[cfg(test)]
#[path = "../../../../rust-core/cli/tests/docs/blocks.rs"]
mod blocks;

#[cfg(test)]
mod tests {
    #[test]
    fn it_takes_what_the_documentation_shows() {
        super::blocks::are_taken_by::<super::Cli>("target/debug/bench-flink");
    }
}
