//! `bench-learn`: what was learned of recoveries and of loads, beside the simple rules; writes JSON.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use comfy_table::{Table, presets};
use rayon::prelude::*;
use serde_json::{Value, json};
use thalweg_learn::{Boosted, recovery};
use thalweg_policies::foresight::{Cadence, Chosen};
use thalweg_policies::learned::{Beside, beside};
use thalweg_policies::matrix::root_above;
use thalweg_policies::origin::{commit, day, machine};

/// Seconds of a bin, and how far ahead: bins as published, and as short as the shortest lead.
const CADENCES: [Cadence; 5] = [(60, 60.0), (60, 300.0), (60, 900.0), (300, 300.0), (300, 900.0)];

/// Measures what was learned beside the simple rules that it would replace.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
    /// Leaves loads out
    #[arg(long)]
    no_loads: bool,
    /// Where results go
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let root = root_above(&std::env::current_dir()?).context("run this within the repository")?;
    let out = root.join(&arguments.out);
    fs::create_dir_all(&out)?;
    let recoveries = recoveries(&root)?;
    println!("{}", serde_json::to_string_pretty(&recoveries)?);
    let loads = if arguments.no_loads { Vec::new() } else { loads(&root, &arguments)? };
    for (secs, lead) in CADENCES {
        let of: Vec<&Beside> =
            loads.iter().filter(|l| l.bin_secs == secs && l.lead_secs == lead).collect();
        if !of.is_empty() {
            println!("bins of {secs} s, {lead} s ahead\n{}", table(&of));
        }
    }
    let told = json!({
        "name": "learn", "commit": commit(&root), "machine": machine(),
        "recovery": recoveries, "load": loads,
    });
    fs::write(out.join("learn.json"), serde_json::to_string_pretty(&told)?)?;
    println!("wrote {}/learn.json", out.display());
    Ok(())
}

fn recoveries(root: &Path) -> Result<Value> {
    let path = root.join("data/recovery/failures.csv");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let table = thalweg_learn::Table::read("failures.csv", &text)?;
    let begun = Instant::now();
    let judged = recovery::judge(&table, &Boosted)?;
    let secs = begun.elapsed().as_secs_f64();
    let scores = recovery::scores(&judged).into_iter().map(|score| {
        json!({ "name": score.name, "judged": score.judged, "mean_secs": score.mean_secs,
            "median_secs": score.median_secs, "groups": score.groups })
    });
    let model = recovery::model(&table, &Boosted, &day(root), "dos-group/khaos")?;
    Ok(json!({ "rows": table.rows.len(), "scores": scores.collect::<Vec<_>>(), "model": model,
        "took_secs": secs }))
}

fn loads(root: &Path, arguments: &Arguments) -> Result<Vec<Beside>> {
    let all = arguments.chosen.of(&CADENCES);
    all.into_par_iter()
        .map(|((secs, lead), series)| {
            beside(&series.bins(root, secs)?, series.name, lead, &Boosted)
        })
        .collect()
}

fn table(found: &[&Beside]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["series", "bins", "shipped", "trees", "trees where they won", "asked"]);
    for one in found {
        table.add_row([
            one.series.clone(),
            one.judged.to_string(),
            format!("{:.3}", one.mase_shipped),
            format!("{:.3}", one.mase_trees),
            format!("{:.3}", one.mase_gated),
            format!("{:.2}", one.asked),
        ]);
    }
    table
}

#[cfg(test)]
#[path = "../../../../rust-core/cli/tests/docs/blocks.rs"]
mod blocks;

#[cfg(test)]
mod tests {
    #[test]
    fn it_takes_what_the_documentation_shows() {
        super::blocks::are_taken_by::<super::Arguments>("target/release/bench-learn");
    }
}
