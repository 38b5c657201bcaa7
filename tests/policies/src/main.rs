//! `bench-policies`: compares all policies in the simulator; writes a table, plots, a page and JSON.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};
use thalweg_policies::contestant::Contestant;
use thalweg_policies::experiment::{Run, experiment};
use thalweg_policies::matrix::{Cell, Half, cells, root_above, write_scenario};
use thalweg_policies::measure::MEASURES;
use thalweg_policies::missing::wrong_scale_downs;
use thalweg_policies::origin::{commit, machine};
use thalweg_policies::page::{Figure, page};
use thalweg_policies::plot::{Line, bars, colour, course, scatter};
use thalweg_policies::table::Results;
use thalweg_sim::RunResult;

/// Compares all policies on the same scenarios, loads and seeds.
#[derive(Parser)]
struct Arguments {
    /// Seeds for each scenario and load
    #[arg(long, default_value_t = 30)]
    seeds: u64,
    /// Which half of scenarios and seeds
    #[arg(long, value_enum, default_value = "report")]
    half: Half,
    /// Only scenarios whose name begins so
    #[arg(long)]
    scenario: Option<String>,
    /// Only this load
    #[arg(long)]
    load: Option<String>,
    /// Only these policies
    #[arg(long, value_delimiter = ',')]
    policies: Vec<String>,
    /// A setting for all policies; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Runs with failing measurements for each policy; 0 leaves that out
    #[arg(long, default_value_t = 1000)]
    missing: u64,
    /// Prints what every policy did in each run with the first seed
    #[arg(long)]
    actions: bool,
    /// Threads; 0 takes as many as there are cores
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Writes the scenarios with their loads into this folder, for `thalweg tune`, and ends
    #[arg(long, value_name = "FOLDER")]
    write_scenarios: Option<PathBuf>,
    /// Where results go
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let root = root_above(&std::env::current_dir()?).context("run this within the repository")?;
    rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build_global()?;
    let mut cells = cells(&root, arguments.half)?;
    cells.retain(|cell| {
        arguments.scenario.as_ref().is_none_or(|name| cell.scenario.starts_with(name.as_str()))
            && arguments.load.as_ref().is_none_or(|name| cell.load == name)
    });
    if let Some(folder) = &arguments.write_scenarios {
        return write_scenarios(&cells, folder);
    }
    let mut contestants = Contestant::all();
    contestants.retain(|c| {
        arguments.policies.is_empty() || arguments.policies.iter().any(|name| name == c.name())
    });
    if cells.is_empty() || contestants.is_empty() {
        bail!("nothing is left to compare");
    }
    let extra = settings(&arguments.set)?;
    let seeds = arguments.half.seeds(arguments.seeds);
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} runs, {eta} left")?);
    let begun = Instant::now();
    let runs = experiment(&contestants, &cells, &seeds, &extra, &bar)?;
    bar.finish_and_clear();
    let results = Results { contestants: &contestants, cells: &cells, runs: &runs };
    if arguments.actions {
        runs.iter().filter(|run| Some(&run.result.seed) == seeds.first()).for_each(print_actions);
    }
    println!("{}", results.table());
    let mut notes = notes(&results, &arguments, begun.elapsed().as_secs_f64());
    let missing = missing(&contestants, arguments.missing)?;
    notes.extend(missing.iter().map(|(name, runs, wrong)| {
        format!("{name}: {wrong} of {runs} runs with failing measurements had a wrong scale-down.")
    }));
    let seconds = begun.elapsed().as_secs_f64();
    notes.iter().for_each(|note| println!("{note}"));
    write(&results, &arguments, &root, seconds, &notes, &missing)
}

fn print_actions(run: &Run) {
    let RunResult { scenario, policy, actions, reasons, .. } = &run.result;
    println!("{policy} on {scenario}: {} actions; reasons {reasons:?}", actions.len());
    for action in actions {
        let (decided, ended) = (action.decided_secs, action.ended_secs);
        let outcome = action.outcome.as_deref().unwrap_or("not judged");
        let (kind, counts, reason) = (&action.kind, &action.counts, &action.reason);
        println!("  {decided:6.0}-{ended:.0} s {kind} {counts:?}: {reason}; {outcome}");
    }
}

fn write_scenarios(cells: &[Cell], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for cell in cells {
        let file = folder.join(format!("{}-{}.toml", cell.scenario, cell.load));
        write_scenario(&file, &cell.run)?;
    }
    println!("wrote {} scenarios into {}", cells.len(), folder.display());
    Ok(())
}

/// Wrong scale-downs while measurements fail, by policy.
fn missing(contestants: &[Contestant], runs: u64) -> Result<Vec<(String, usize, usize)>> {
    let policies = contestants.iter().filter(|c| runs > 0 && !c.is_reference());
    policies
        .map(|who| {
            let (runs, wrong) = wrong_scale_downs(who, 0..runs)?;
            Ok((who.name().to_owned(), runs, wrong.len()))
        })
        .collect()
}

fn settings(pairs: &[String]) -> Result<Map<String, Value>> {
    pairs
        .iter()
        .map(|pair| {
            let (key, value) = pair
                .split_once('=')
                .with_context(|| format!("--set {pair}: expected KEY=VALUE"))?;
            let value =
                serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
            Ok((key.to_owned(), value))
        })
        .collect()
}

fn notes(results: &Results<'_>, arguments: &Arguments, seconds: f64) -> Vec<String> {
    let scenarios = results.names(|cell| cell.scenario.clone());
    let loads = results.names(|cell| cell.load.to_owned());
    vec![
        format!(
            "{} runs of two simulated hours in {seconds:.0} s: scenarios {}; loads {}; {} seeds each, the same for everybody.",
            results.runs.len(),
            scenarios.join(", "),
            loads.join(", "),
            arguments.seeds,
        ),
        "static keeps the counts that the user began with; static-right has what the highest load needs at a utilisation of 0.8, which no policy can know. Latency is from arrival to completion, reconfigurations included.".to_owned(),
    ]
}

fn write(
    results: &Results<'_>,
    arguments: &Arguments,
    root: &Path,
    seconds: f64,
    notes: &[String],
    missing: &[(String, usize, usize)],
) -> Result<()> {
    let out = root.join(&arguments.out);
    fs::create_dir_all(&out)?;
    let frame = json!({
        "name": "policies",
        "commit": commit(root),
        "machine": machine(),
        "seconds": seconds,
        "half": arguments.half,
        "seeds": arguments.seeds,
        "wrong_scale_downs": missing.iter().map(|(name, runs, wrong)| {
            (name.clone(), json!({ "runs": runs, "wrong": wrong }))
        }).collect::<Map<String, Value>>(),
    });
    let Value::Object(frame) = frame else { bail!("a frame is an object") };
    fs::write(out.join("policies.json"), serde_json::to_string_pretty(&results.json(frame))?)?;
    let figures = figures(results)?;
    for (index, figure) in figures.iter().enumerate() {
        fs::write(out.join(format!("policies-{:02}.svg", index + 1)), &figure.svg)?;
    }
    fs::write(out.join("policies.html"), page(results, notes, &figures))?;
    println!("wrote {}/policies.json, .html and {} plots", out.display(), figures.len());
    Ok(())
}

fn figures(results: &Results<'_>) -> Result<Vec<Figure>> {
    let names = || results.contestants.iter().enumerate();
    let measure = |key: &str| MEASURES.iter().find(|m| m.key == key).context("a known measure");
    let (cost, under) = (measure("executor_cost")?, measure("under_time")?);
    let both: Vec<_> = names()
        .filter_map(|(index, c)| {
            let x = results.summary(index, cost, |_| true)?;
            let y = results.summary(index, under, |_| true)?;
            Some((c.name().to_owned(), colour(index), x, y))
        })
        .collect();
    let title = "Cost against time in want of capacity";
    let mut figures = vec![Figure {
        title: title.to_owned(),
        svg: scatter(
            title,
            "executor-hours over those needed",
            "% of time under-provisioned",
            &both,
        )?,
    }];
    for key in ["reconfigurations_per_change", "p95_ms", "p99_ms", "backlog_area", "over_time"] {
        let measure = measure(key)?;
        let entries: Vec<_> = names()
            .filter_map(|(index, c)| {
                let found = results.summary(index, measure, |_| true)?;
                Some((c.name().to_owned(), colour(index), found))
            })
            .collect();
        if !entries.is_empty() {
            let svg = bars(measure.title, measure.unit, &entries)?;
            figures.push(Figure { title: measure.title.to_owned(), svg });
        }
    }
    figures.extend(courses(results)?);
    Ok(figures)
}

/// One run of each scenario under the step load, or the first load there is: executors over time.
fn courses(results: &Results<'_>) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for scenario in results.names(|cell| cell.scenario.clone()) {
        let of_scenario = |cell: usize| results.cells[cell].scenario == scenario;
        let cells = || (0..results.cells.len()).filter(|&cell| of_scenario(cell));
        let Some(cell) = cells().find(|&c| results.cells[c].load == "step").or(cells().next())
        else {
            continue;
        };
        let Some(seed) =
            results.runs.iter().find(|run| run.cell == cell).map(|run| run.result.seed)
        else {
            continue;
        };
        let runs = || results.runs.iter().filter(|run| run.cell == cell && run.result.seed == seed);
        let mut lines: Vec<Line> = runs()
            .filter(|run| !results.contestants[run.contestant].is_reference())
            .map(|run| Line {
                name: results.contestants[run.contestant].name().to_owned(),
                colour: colour(run.contestant),
                points: run
                    .result
                    .points
                    .iter()
                    .map(|p| (p.secs / 3600.0, f64::from(p.executors)))
                    .collect(),
            })
            .collect();
        if let Some(run) = runs().next() {
            let needed = run.result.points.iter().map(|p| (p.secs / 3600.0, f64::from(p.needed)));
            let colour = plotters::style::RGBColor(190, 190, 190);
            lines.insert(0, Line { name: "needed".to_owned(), colour, points: needed.collect() });
        }
        let title =
            format!("{scenario}, load {}, seed {seed}: executors", results.cells[cell].load);
        let svg = course(&title, "executors of operators", &lines, false)?;
        figures.push(Figure { title, svg });
    }
    Ok(figures)
}

#[cfg(test)]
#[path = "../../../rust-core/cli/tests/docs/blocks.rs"]
mod blocks;

#[cfg(test)]
mod tests {
    #[test]
    fn it_takes_what_the_documentation_shows() {
        super::blocks::are_taken_by::<super::Arguments>("target/release/bench-policies");
    }
}
