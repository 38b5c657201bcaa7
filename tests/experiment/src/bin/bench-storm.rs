//! `bench-storm`: Storm's own scheduler against Thalweg in several situations, side by side, several times.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use thalweg_experiment::options::{pair, storm_settings};
use thalweg_experiment::outage::outages;
use thalweg_experiment::record;
use thalweg_experiment::report::{MEASURES, Report, save};
use thalweg_experiment::summary::short;
use thalweg_experiment::workplace::clean_up_when_interrupted;
use thalweg_experiment::{
    Measured, Options, Phase, Side, Situation, Status, Store, Vitals, Witness, run,
};
use thalweg_lab::control::TopologyInfo;

/// Compares Storm's DefaultScheduler with Thalweg on real clusters on this machine.
#[derive(Parser)]
struct Cli {
    /// Situations: a too few executors, b unequal nodes, c a node slows down, d a slow link, e nothing to gain,
    /// f placement alone, g the load steps up and down, h a recorded load
    #[arg(long, value_delimiter = ',', default_value = "a,b,c,d,e,f,g,h")]
    only: Vec<Situation>,
    /// Ordered actions of each kind, on each side
    #[arg(long, default_value_t = 5)]
    actions: u32,
    /// Those of DefaultScheduler, if it is to make do with fewer
    #[arg(long)]
    default_actions: Option<u32>,
    /// Runs of each side in each situation; none leaves situations out
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Length of the stable stage that is measured
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Thalweg's policies, each a side of its own; its default where none is named
    #[arg(long, value_delimiter = ',')]
    policy: Vec<String>,
    /// Further settings of Thalweg, key=value
    #[arg(long = "set", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// Where Thalweg keeps its routing tables: embedded or redis
    #[arg(long, default_value = "embedded")]
    store: Store,
    /// Keep the clusters' logs and files in this folder
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Write each run into this folder, for the simulator to be calibrated with
    #[arg(long)]
    record: Option<PathBuf>,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    ensure!(cli.seconds > 0, "seconds must be above 0");
    clean_up_when_interrupted()?;
    let begun = Instant::now();
    let options = Options {
        stage: Duration::from_secs(cli.seconds),
        store: cli.store,
        keep: cli.keep,
        policy: cli.policy.first().cloned(),
        settings: cli.settings,
    };
    let sides = sides(&cli.policy);
    let mut settings = storm_settings(Side::Thalweg, &options, Path::new(""), None);
    settings.retain(|key, _| key != "thalweg.store.dir");
    let mut report = Report::new("storm", settings.into());
    if cli.actions > 0 {
        println!("(outage) actions of each kind, ordered");
        let of_default = cli.default_actions.unwrap_or(cli.actions);
        for (side, times) in [(Side::Default, of_default), (Side::Thalweg, cli.actions)] {
            let series = outages(side, times, &options, &mut Lines { begun: Instant::now() })
                .with_context(|| format!("outages, {side}"))?;
            series.failures.iter().for_each(|failure| println!("    {side}: {failure}"));
            println!("    {side}: {} words lost", series.lost);
            report.add_outages(side, &series);
        }
        println!("{}\n", report.outage_table());
        report.took(begun.elapsed().as_secs());
        save("storm", &report)?;
    }
    let situations = if cli.rounds == 0 { &[][..] } else { &cli.only };
    for situation in situations {
        println!("({}) {}", situation.name, situation.title);
        if let Err(why) = situation.network.available() {
            println!("    left out, this machine does not allow it: {why:#}\n");
            continue;
        }
        let mut runs = Vec::new();
        for round in 0..cli.rounds {
            // Each goes first in turn.
            let mut sides = sides.clone();
            let first = round as usize % sides.len();
            sides.rotate_left(first);
            for (side, policy) in sides {
                let options = Options { policy: policy.clone(), ..options.clone() };
                let measured = one(side, situation, round + 1, &options)?;
                if let (Some(folder), Some(recording)) = (&cli.record, &measured.recording) {
                    let who = policy.as_deref().unwrap_or(side.key());
                    let name = format!("storm-{}-{who}-{}", situation.name, round + 1);
                    record::save(folder, &name, recording)?;
                }
                runs.push((policy, measured));
            }
        }
        for (_, policy) in sides.iter().filter(|(side, _)| *side == Side::Thalweg) {
            let shown =
                |run: &&(Option<String>, Measured)| run.1.side == Side::Default || run.0 == *policy;
            let runs: Vec<&Measured> = runs.iter().filter(shown).map(|(_, run)| run).collect();
            let name = policy.as_ref().map(|policy| format!("{}.{policy}", situation.name));
            let name = name.unwrap_or_else(|| situation.name.to_owned());
            report.add(&name, &runs);
            println!("({name})\n{}\n", report.table(&name));
        }
        // After each situation, so that an interrupt costs only the one under way.
        report.took(begun.elapsed().as_secs());
        save("storm", &report)?;
    }
    println!("written to target/bench/storm.json");
    Ok(())
}

/// Storm's own scheduler, and Thalweg with each policy.
fn sides(policies: &[String]) -> Vec<(Side, Option<String>)> {
    let named = policies.iter().cloned().map(Some);
    let wanted: Vec<Option<String>> =
        if policies.is_empty() { vec![None] } else { named.collect() };
    let thalweg = wanted.into_iter().map(|policy| (Side::Thalweg, policy));
    std::iter::once((Side::Default, None)).chain(thalweg).collect()
}

fn one(side: Side, situation: &Situation, round: u32, options: &Options) -> Result<Measured> {
    let measured = run(side, situation, options, &mut Lines { begun: Instant::now() })
        .with_context(|| format!("situation {}, round {round}, {side}", situation.name))?;
    let values: Vec<String> = MEASURES
        .iter()
        .map(|measure| format!("{} {}", measure.title, short((measure.of)(&measured))))
        .collect();
    let policy = options.policy.as_ref().map_or(String::new(), |policy| format!(" ({policy})"));
    println!("  round {round}, {side}{policy}: {}", values.join(", "));
    let zero = measured.disruptions.iter().map(|d| format!("{:.1} s", d.zero_ms as f64 / 1_000.0));
    let zero: Vec<String> = zero.collect();
    if !zero.is_empty() {
        println!("    without output in its actions: {}", zero.join(", "));
    }
    for note in &measured.notes {
        println!("    {note}");
    }
    if let Some(predicted) = &measured.predicted {
        println!("    {}", predicted.beside(&measured));
    }
    Ok(measured)
}

/// Tells phases on standard error, so that the tables can be kept alone.
struct Lines {
    begun: Instant,
}

impl Witness for Lines {
    fn phase(&mut self, side: Side, phase: Phase) {
        eprintln!("    {:5.1} s  {side} {phase:?}", self.begun.elapsed().as_secs_f64());
    }

    fn note(&mut self, text: &str) {
        eprintln!("    {:5.1} s  {text}", self.begun.elapsed().as_secs_f64());
    }

    fn look(&mut self, _: Vitals, _: Option<&Status>, _: Option<&TopologyInfo>) {}
}

#[cfg(test)]
#[path = "../../../../rust-core/cli/tests/docs/blocks.rs"]
mod blocks;

#[cfg(test)]
mod tests {
    #[test]
    fn it_takes_what_the_documentation_shows() {
        super::blocks::are_taken_by::<super::Cli>("target/debug/bench-storm");
    }
}
