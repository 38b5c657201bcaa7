//! `thalweg config`: checks a configuration before a scheduler reads it, and tells what may be set.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use thalweg_engine::{EngineSettings, Unheld, keys, nimbuses, sampled_coarsely, unheld};

use crate::exit::Failure;
use crate::yaml;

/// Checks a configuration before a scheduler reads it, or tells what may be set
#[derive(Debug, Args)]
pub struct Config {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Checks `storm.yaml`, or Flink's `config.yaml`: every key of Thalweg's, and what of the engine's keeps it from working
    Check(Check),
    /// Tells every key, its default, what is allowed and what it does
    Reference(Reference),
}

#[derive(Debug, Args)]
struct Check {
    /// The file
    file: PathBuf,
    /// Prints what was found as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Reference {
    /// Only keys that hold this text
    text: Option<String>,
    /// Prints them as JSON
    #[arg(long)]
    json: bool,
}

impl Config {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Check(check) => check.run(),
            What::Reference(reference) => reference.run(),
        }
    }
}

/// Something that is wrong with a file.
struct Found {
    key: String,
    text: String,
    mend: String,
}

impl Check {
    fn run(self) -> Result<(), Failure> {
        let text = std::fs::read_to_string(&self.file)
            .with_context(|| format!("cannot read {}", self.file.display()))?;
        let found = check(&self.file, &text)?;
        let line = |found: &Found| line_of(&found.key, &text);
        if self.json {
            let found: Vec<Value> = found
                .iter()
                .map(|f| json!({ "key": f.key, "line": line(f), "text": f.text, "mend": f.mend }))
                .collect();
            println!("{}", json!({ "file": self.file, "findings": found }));
        } else {
            for one in &found {
                let place = line(one).map_or(String::new(), |line| format!(":{line}"));
                println!("{}{place}: {}", self.file.display(), one.text);
                if !one.mend.is_empty() {
                    println!("    {}", one.mend);
                }
            }
            if found.is_empty() {
                println!("{}: nothing is wrong", self.file.display());
            }
        }
        if found.is_empty() { Ok(()) } else { Err(Failure::Found) }
    }
}

/// All that is wrong with a file.
fn check(file: &Path, text: &str) -> Result<Vec<Found>> {
    let given = parse(file, text)?;
    let mut found = Vec::new();
    for problem in EngineSettings::read(&given).problems {
        let key = problem.split([':', ' ']).next().unwrap_or_default().to_owned();
        found.push(Found { key, text: problem, mend: String::new() });
    }
    of_engine(&given, &mut found);
    Ok(found)
}

/// All that a configuration sets, under dotted keys.
pub fn read(file: &Path) -> Result<Map<String, Value>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    parse(file, &text)
}

fn parse(file: &Path, text: &str) -> Result<Map<String, Value>> {
    yaml::read(text).with_context(|| file.display().to_string())
}

/// What of the engine's own settings keeps Thalweg from working as its user thinks.
fn of_engine(given: &Map<String, Value>, found: &mut Vec<Found>) {
    let mut say = |key: &str, text: &str, mend: &str| {
        found.push(Found {
            key: key.to_owned(),
            text: format!("{key}: {text}"),
            mend: mend.to_owned(),
        });
    };
    let text = |key: &str| given.get(key).and_then(Value::as_str).unwrap_or_default();
    let ours = text("storm.scheduler").contains("io.thalweg");
    for Unheld { key, text, mend } in if ours { unheld(given) } else { Vec::new() } {
        say(key, text, &mend);
    }
    if nimbuses(given) > 1 && text("thalweg.store.kind") != "redis" {
        say(
            "nimbus.seeds",
            "several Nimbuses lead in turn, but the store is each one's own: orders, pauses and what was learned do not go over",
            "thalweg.store.kind: redis, and thalweg.store.redis.url",
        );
    }
    // As Storm has it where nothing is written.
    let rate = given.get("topology.stats.sample.rate").and_then(Value::as_f64).unwrap_or(0.05);
    let window = given.get("thalweg.metrics.window.secs").and_then(Value::as_f64);
    let coarse = window.is_some_and(|window| sampled_coarsely(rate, window));
    if rate < 0.05 || ours && coarse {
        say(
            "topology.stats.sample.rate",
            "so few tuples are counted that rates over the window are guesses",
            "topology.stats.sample.rate: 1.0",
        );
    }
    let report =
        given.get("executor.metrics.frequency.secs").and_then(Value::as_f64).unwrap_or(60.0);
    if ours && report > 20.0 {
        say(
            "executor.metrics.frequency.secs",
            "executors report so seldom that shortages are seen late",
            "executor.metrics.frequency.secs: 10",
        );
    }
    let storm = given.keys().any(|key| key.starts_with("storm.") || key.starts_with("nimbus."));
    if storm && !ours && given.keys().any(|key| key.starts_with("thalweg.")) {
        say(
            "storm.scheduler",
            "is not Thalweg's, so nothing of Thalweg runs",
            "storm.scheduler: io.thalweg.storm.ThalwegScheduler",
        );
    }
}

/// The line that sets a key, counted from 1.
fn line_of(key: &str, text: &str) -> Option<usize> {
    let last = key.rsplit('.').next().unwrap_or(key);
    let sets = |line: &str, key: &str| {
        let line = line.trim_start().trim_start_matches(['"', '\'']);
        line.strip_prefix(key)
            .is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
    };
    let find = |key: &str| text.lines().position(|line| sets(line, key)).map(|at| at + 1);
    find(key).or_else(|| find(last))
}

impl Reference {
    fn run(self) -> Result<(), Failure> {
        let wanted = |name: &str, doc: &str| {
            self.text
                .as_ref()
                .is_none_or(|text| name.contains(text.as_str()) || doc.contains(text.as_str()))
        };
        let found: Vec<_> = keys().filter(|key| wanted(key.name, key.doc)).collect();
        if self.json {
            let keys: Vec<Value> = found
                .iter()
                .map(|key| json!({ "key": key.name, "default": key.default, "allowed": key.kind.allowed(), "doc": key.doc }))
                .collect();
            println!("{}", Value::Array(keys));
            return Ok(());
        }
        for key in &found {
            let default = if key.default.is_empty() { "(empty)" } else { key.default };
            println!("{}: {default}\n    {}; {}", key.name, key.kind.allowed(), key.doc);
        }
        if found.is_empty() {
            return Err(anyhow!("no key has {}", self.text.unwrap_or_default()).into());
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, Option<usize>)> {
        let found = check(Path::new("storm.yaml"), text).unwrap();
        found.into_iter().map(|found| (found.key.clone(), line_of(&found.key, text))).collect()
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let text = "storm.scheduler: io.thalweg.storm.ThalwegScheduler\n\
                    executor.metrics.frequency.secs: 10\n\
                    thalweg.mode: act\n\
                    thalweg.mods: act\n\
                    thalweg.metrics.min.coverage: 7\n";
        let lines: Vec<Option<usize>> = found(text).into_iter().map(|(_, line)| line).collect();
        assert!(lines.contains(&Some(4)) && lines.contains(&Some(5)), "{:?}", found(text));
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn what_the_engines_keys_break_is_told() {
        let text = "storm.scheduler: io.thalweg.storm.ThalwegScheduler\n\
                    nimbus.seeds: [one, other]\n\
                    isolation.scheduler.machines: {words: 2}\n";
        let keys: Vec<String> = found(text).into_iter().map(|(key, _)| key).collect();
        for key in
            ["nimbus.seeds", "isolation.scheduler.machines", "executor.metrics.frequency.secs"]
        {
            assert!(keys.contains(&key.to_owned()), "{keys:?}");
        }
    }

    #[test]
    fn a_key_that_its_own_scheduler_reads_is_not_told() {
        let text = "storm.scheduler: io.thalweg.storm.ThalwegScheduler\n\
                    executor.metrics.frequency.secs: 10\n\
                    nimbus.seeds: [one]\n\
                    thalweg.delegate.scheduler: org.apache.storm.scheduler.IsolationScheduler\n\
                    isolation.scheduler.machines: {words: 2}\n";
        assert_eq!(found(text), []);
        let other = text.replace("scheduler.IsolationScheduler", "scheduler.DefaultScheduler");
        assert_eq!(found(&other), [("isolation.scheduler.machines".to_owned(), Some(5))]);
    }

    #[test]
    fn nested_keys_are_read_as_dotted_ones() {
        assert_eq!(found("thalweg:\n  mode: act\n  metrics:\n    min.coverage: 0.5\n"), []);
        assert_eq!(found("thalweg:\n  mode: dance\n"), [("thalweg.mode".to_owned(), Some(2))]);
    }
}
