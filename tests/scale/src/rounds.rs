//! Rounds of an engine as the shell in a scheduler has it make them: snapshots in, decisions and places out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use thalweg_core::Decided;
use thalweg_core::operator::Operator;
use thalweg_core::state::State;
use thalweg_engine::{Engine, EngineSettings};
use thalweg_policies::stats::summary;

use crate::cluster::{Load, at, seen, snapshot};
use crate::size::Size;
use crate::{Figures, counted, memory};

/// How long threads beside the engine may take with what they were given.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many rounds there are.
#[derive(Debug, Clone, Copy)]
pub struct Count {
    /// Rounds that only fill windows and caches, the first among them.
    pub warm: u32,
    /// Rounds that are measured then.
    pub measured: u32,
}

impl Count {
    /// Enough that windows are full, and that what is stored each minute is among what is measured.
    pub const USUAL: Self = Self { warm: 15, measured: 12 };
}

/// Settings with which the engine only says what it would do, for all topologies at once.
pub fn settings(folder: &Path) -> Map<String, Value> {
    let given = json!({ "thalweg.mode": "advise", "thalweg.store.dir": folder });
    given.as_object().cloned().unwrap_or_default()
}

/// Opens an engine that leads.
///
/// # Errors
/// When it cannot be opened or does not lead.
pub fn open(settings: &Map<String, Value>) -> Result<Arc<Engine>> {
    let engine = Engine::open(&Value::from(settings.clone()).to_string())?.serve();
    engine.command(r#"{"op": "lead", "term": 1}"#, at(0))?;
    Ok(engine)
}

/// What one round took, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    decode: f64,
    observe: f64,
    assign: f64,
}

/// Makes one round: a look, and what `schedule()` asks then.
///
/// # Errors
/// When the engine refuses.
pub fn round(engine: &Engine, bytes: &[u8], look: u32) -> Result<Took> {
    let begun = Instant::now();
    let decoded = thalweg_codec::decode(bytes)?;
    let decode = begun.elapsed();
    drop(engine.observe(decoded, at(look))?);
    let observe = begun.elapsed() - decode;
    let begun = Instant::now();
    drop(engine.assign(&thalweg_codec::decode(bytes)?, at(look))?);
    let assign = begun.elapsed();
    let [decode, observe, assign] = [decode, observe, assign].map(|took| took.as_secs_f64());
    Ok(Took { decode, observe, assign })
}

/// Measures rounds over the embedded store, and leaves the engine as it is then.
///
/// # Errors
/// When the engine fails.
pub fn measure(
    size: Size,
    load: Load,
    count: Count,
    folder: &Path,
) -> Result<(Figures, Arc<Engine>)> {
    let before = memory::in_use();
    let engine = open(&settings(folder))?;
    let mut figures = Figures::new();
    let mut took: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut peaks = Vec::new();
    for look in 1..=count.warm + count.measured {
        let bytes = snapshot(size, load, look)?;
        let (peak, spent) = memory::most(|| round(&engine, &bytes, look));
        let Took { decode, observe, assign } = spent?;
        if look == 1 {
            figures.insert("first_s".to_owned(), counted(decode + observe));
            figures.insert("snapshot_bytes".to_owned(), counted(bytes.len() as f64));
        }
        if look <= count.warm {
            continue;
        }
        peaks.push(peak as f64);
        let all = [
            ("decode_s", decode),
            ("observe_s", observe),
            ("assign_s", assign),
            ("round_s", decode + observe + assign),
        ];
        for (name, secs) in all {
            took.entry(name).or_default().push(secs);
        }
    }
    for (name, secs) in took {
        figures.extend(summary(&secs).map(|secs| (name.to_owned(), secs)));
    }
    figures.extend(summary(&peaks).map(|peaks| ("peak_bytes".to_owned(), peaks)));
    let kept = settled().saturating_sub(before) as f64;
    figures.insert("kept_bytes".to_owned(), counted(kept));
    for (name, file) in [("store_bytes", "thalweg.redb"), ("status_bytes", "status.json")] {
        figures.insert(name.to_owned(), counted(length(&folder.join(file))?));
    }
    let ledger = folder.join("ledger");
    let files = std::fs::read_dir(&ledger).with_context(|| ledger.display().to_string())?;
    let mut bytes = 0.0;
    for file in files {
        bytes += length(&file?.path())?;
    }
    figures.insert("ledger_bytes".to_owned(), counted(bytes));
    Ok((figures, engine))
}

/// Measures decisions alone, on measurements of the same length.
///
/// # Errors
/// When there are none.
pub fn decide(size: Size, load: Load, count: Count) -> Result<Figures> {
    let settings = EngineSettings::read(&settings(Path::new("unused")).into_iter().collect()).core;
    let mut state = State::default();
    let mut took = Vec::new();
    let mut plans = 0;
    for look in 1..=count.warm + count.measured {
        let seen = seen(size, load, look);
        let begun = Instant::now();
        let decided = thalweg_core::decide(&seen, state, &settings, Operator::SILENT, at(look));
        if look > count.warm {
            took.push(begun.elapsed().as_secs_f64());
        }
        let Decided { state: next, decisions, .. } = decided;
        plans = decisions.iter().filter(|decision| decision.plan.is_some()).count();
        state = next;
    }
    let took = summary(&took).context("no rounds")?;
    let plans = counted(plans as f64);
    Ok(Figures::from([("decide_s".to_owned(), took), ("plans".to_owned(), plans)]))
}

/// What is in use once the threads beside have done what they were given.
pub fn settled() -> usize {
    let end = Instant::now() + PATIENCE;
    loop {
        let before = memory::in_use();
        std::thread::sleep(Duration::from_millis(100));
        let now = memory::in_use();
        if now == before || Instant::now() > end {
            return now;
        }
    }
}

fn length(file: &Path) -> Result<f64> {
    let found = std::fs::metadata(file).with_context(|| file.display().to_string())?;
    Ok(found.len() as f64)
}
