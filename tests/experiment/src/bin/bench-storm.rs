//! `bench-storm`: Storm's own scheduler against Thalweg in several situations, side by side, several times.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use thalweg_experiment::outage::outages;
use thalweg_experiment::report::{MEASURES, Report, short};
use thalweg_experiment::workplace::clean_up_when_interrupted;
use thalweg_experiment::{
    Measured, Options, Phase, Scheduler, Side, Situation, Status, Store, Vitals, Witness, run,
};
use thalweg_lab::control::TopologyInfo;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench/storm.json");

/// Compares Storm's DefaultScheduler with Thalweg on real clusters on this machine.
#[derive(Parser)]
struct Cli {
    /// Situations: a too few executors, b unequal nodes, c a node slows down, d a slow link, e nothing to gain, f placement alone
    #[arg(long, value_delimiter = ',', default_value = "a,b,c,d,e,f")]
    only: Vec<Situation>,
    /// Ordered actions of each kind, on each side
    #[arg(long, default_value_t = 5)]
    actions: u32,
    /// Runs of each side in each situation; none leaves situations out
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Length of the stable stage that is measured
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Where Thalweg keeps its routing tables: embedded or redis
    #[arg(long, default_value = "embedded")]
    store: Store,
    /// Keep the clusters' logs and files in this folder
    #[arg(long)]
    keep: Option<PathBuf>,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    ensure!(cli.seconds > 0, "seconds must be above 0");
    clean_up_when_interrupted()?;
    let begun = Instant::now();
    let options =
        Options { stage: Duration::from_secs(cli.seconds), store: cli.store, keep: cli.keep };
    let mut settings = Scheduler::settings(Side::Thalweg, Path::new(""), None);
    settings.retain(|key, _| key != "thalweg.store.dir");
    let mut report = Report::new("storm", settings.into());
    if cli.actions > 0 {
        println!("(outage) actions of each kind, ordered");
        for side in [Side::Default, Side::Thalweg] {
            let series = outages(side, cli.actions, &options, &mut Lines { begun: Instant::now() })
                .with_context(|| format!("outages, {side}"))?;
            series.failures.iter().for_each(|failure| println!("    {side}: {failure}"));
            println!("    {side}: {} words lost", series.lost);
            report.add_outages(side, &series);
        }
        println!("{}\n", report.outage_table());
        report.took(begun.elapsed().as_secs());
        save(&report)?;
    }
    let situations = if cli.rounds == 0 { &[][..] } else { &cli.only };
    for situation in situations {
        println!("({}) {}", situation.name, situation.title);
        if let Err(why) = situation.network.available() {
            println!("    left out, this machine does not allow it: {why:#}\n");
            continue;
        }
        let mut runs = Vec::new();
        for round in 1..=cli.rounds {
            for side in order(round) {
                runs.push(one(side, situation, round, &options)?);
            }
        }
        report.add(situation.name, &runs);
        println!("{}\n", report.table(situation.name));
        // After each situation, so that an interrupt costs only the one under way.
        report.took(begun.elapsed().as_secs());
        save(&report)?;
    }
    println!("written to target/bench/storm.json");
    Ok(())
}

/// Sides take turns in going first.
fn order(round: u32) -> [Side; 2] {
    if round % 2 == 1 { [Side::Default, Side::Thalweg] } else { [Side::Thalweg, Side::Default] }
}

fn one(side: Side, situation: &Situation, round: u32, options: &Options) -> Result<Measured> {
    let measured = run(side, situation, options, &mut Lines { begun: Instant::now() })
        .with_context(|| format!("situation {}, round {round}, {side}", situation.name))?;
    let values: Vec<String> = MEASURES
        .iter()
        .map(|measure| format!("{} {}", measure.title, short((measure.of)(&measured))))
        .collect();
    println!("  round {round}, {side}: {}", values.join(", "));
    let zero = measured.disruptions.iter().map(|d| format!("{:.1} s", d.zero_ms as f64 / 1_000.0));
    let zero: Vec<String> = zero.collect();
    if !zero.is_empty() {
        println!("    without output in its actions: {}", zero.join(", "));
    }
    for note in &measured.notes {
        println!("    {note}");
    }
    Ok(measured)
}

fn save(report: &Report) -> Result<()> {
    let file = Path::new(FILE);
    fs::create_dir_all(file.parent().context("the file lies in a folder")?)?;
    fs::write(file, serde_json::to_string_pretty(report)? + "\n").context(FILE)
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
