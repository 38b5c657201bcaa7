//! `demo`: the same load under Storm's own scheduler and under Thalweg, to watch in a terminal.

mod frame;
mod screen;
mod story;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;
use thalweg_experiment::dashboard::Dashboard;
use thalweg_experiment::report::MEASURES;
use thalweg_experiment::summary::short;
use thalweg_experiment::workplace::clean_up_when_interrupted;
use thalweg_experiment::{Engine, Measured, Options, Side, Situation, Store, run};

use story::Story;

/// As good allows for this much noise.
const NOISE: f64 = 0.1;

/// Shows Thalweg at work on a real cluster on this machine, beside the engine's own scheduler.
#[derive(Parser)]
struct Cli {
    /// What runs the topology: storm or flink
    #[arg(long, default_value = "storm")]
    engine: Engine,
    /// Where Thalweg keeps its routing tables: embedded or redis
    #[arg(long, default_value = "embedded")]
    store: Store,
    /// Length of the stable stage that is measured on each side
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// On Storm: a too few executors, b unequal nodes, c a node slows down, d a slow link, e nothing to gain
    #[arg(long, default_value = "a")]
    situation: Situation,
    /// Thalweg's policy; its default where none is named
    #[arg(long)]
    policy: Option<String>,
    /// Show Thalweg's side alone
    #[arg(long)]
    alone: bool,
    /// Show Thalweg in its dashboard too, at a port of this machine that is printed first
    #[arg(long)]
    dashboard: bool,
    /// Keep the clusters' logs and files in this folder
    #[arg(long)]
    keep: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let mut cli = Cli::parse();
    if cli.engine == Engine::Flink {
        cli.situation = Situation::on_flink();
    }
    ensure!(cli.seconds > 0, "seconds must be above 0");
    cli.situation.network.available()?;
    clean_up_when_interrupted()?;
    let name = match cli.engine {
        Engine::Storm => "storm",
        Engine::Flink => "flink",
    };
    let dashboard = cli.dashboard.then(|| Dashboard::open(name)).transpose()?;
    if let Some(dashboard) = &dashboard {
        println!("the dashboard is at {}", dashboard.url());
    }
    let options = Options {
        stage: Duration::from_secs(cli.seconds),
        store: cli.store,
        keep: cli.keep,
        policy: cli.policy,
        settings: dashboard.iter().map(Dashboard::setting).collect(),
    };
    let mut story = Story::begin(&cli.situation, dashboard.as_ref().map(Dashboard::url));
    let default = if cli.alone {
        None
    } else {
        Some(run(Side::Default, &cli.situation, &options, &mut story)?)
    };
    let thalweg = run(Side::Thalweg, &cli.situation, &options, &mut story)?;
    story.end();
    let Some(default) = default else {
        println!("{}", summary(&thalweg));
        return Ok(ExitCode::SUCCESS);
    };
    println!("{}", table(cli.engine, &default, &thalweg));
    println!("{}", summary(&thalweg));
    let (good, words) = judge(cli.situation.act, &default, &thalweg);
    println!("{words}");
    if dashboard.is_none() {
        println!("With DASHBOARD=1, make demo shows the same in a browser while it goes on.");
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn table(engine: Engine, default: &Measured, thalweg: &Measured) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["", Side::Default.on(engine), Side::Thalweg.on(engine), "times better"]);
    for measure in &MEASURES {
        let ratio = measure.ratio(default, thalweg);
        table.add_row([
            format!("{} [{}]", measure.title, measure.unit),
            short((measure.of)(default)),
            short((measure.of)(thalweg)),
            ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}x")),
        ]);
    }
    let counts = |side: &Measured| {
        let counts = side.executors.iter().map(|(component, n)| format!("{component} {n}"));
        counts.collect::<Vec<_>>().join(", ")
    };
    table.add_row(["executors".to_owned(), counts(default), counts(thalweg), String::new()]);
    table
}

fn summary(thalweg: &Measured) -> String {
    let mut lines = vec![format!("Thalweg carried out {} plan(s).", thalweg.actions)];
    for disruption in &thalweg.disruptions {
        lines.push(format!(
            "  while it was carried out: without output {:.1} s, lines replayed {}",
            disruption.zero_ms as f64 / 1_000.0,
            disruption.replayed
        ));
    }
    lines.extend(thalweg.notes.iter().map(|note| format!("  {note}")));
    lines.join("\n")
}

/// Whether Thalweg did what the situation asks for and ended at least as good.
fn judge(act: bool, default: &Measured, thalweg: &Measured) -> (bool, &'static str) {
    let latency = thalweg.complete_ms <= default.complete_ms * (1.0 + NOISE);
    let throughput = thalweg.throughput >= default.throughput * (1.0 - NOISE);
    match (act == (thalweg.actions > 0), latency && throughput) {
        (true, true) if act => (true, "Thalweg acted, and it ended at least as good."),
        (true, true) => (true, "There was nothing to gain, and Thalweg did nothing."),
        (true, false) => (false, "It did not end as good as without Thalweg."),
        (false, _) if act => (false, "Thalweg did not act, although there was something to gain."),
        (false, _) => (false, "Thalweg acted, although there was nothing to gain."),
    }
}

#[cfg(test)]
#[path = "../../../../../rust-core/cli/tests/docs/blocks.rs"]
mod blocks;

#[cfg(test)]
mod tests {
    #[test]
    fn it_takes_what_the_documentation_shows() {
        super::blocks::are_taken_by::<super::Cli>("target/debug/demo");
    }
}
