//! Rounds of an engine as the shell in a scheduler has it make them: snapshots in, decisions and places out.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use thalweg_core::operator::Operator;
use thalweg_core::state::State;
use thalweg_engine::{Engine, EngineSettings};
use thalweg_policies::stats::summary;

use crate::cluster::{Load, at, seen, snapshot};
use crate::size::Size;
use crate::{Figures, counted, memory};

/// How long threads beside the engine may take with what they were given.
const PATIENCE: Duration = Duration::from_secs(60);

/// Once rounds have taken so long, one more is measured, and no others are made.
const ENOUGH: Duration = Duration::from_secs(12);

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
    pub const USUAL: Self = Self { warm: 15, measured: 9 };

    /// Makes rounds, each of which says what is kept of it and is told its number; gives what those that count said.
    ///
    /// # Errors
    /// When a round fails.
    pub fn make<T>(self, mut round: impl FnMut(u32) -> Result<T>) -> Result<Vec<T>> {
        let begun = Instant::now();
        let mut kept = Vec::new();
        for look in 1..=self.warm + self.measured {
            let late = begun.elapsed() > ENOUGH;
            let told = round(look)?;
            if look > self.warm || late {
                kept.push(told);
            }
            if late {
                break;
            }
        }
        Ok(kept)
    }
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
    let kept = count.make(|look| {
        let bytes = snapshot(size, load, look)?;
        let (peak, took) = memory::most(|| round(&engine, &bytes, look));
        let took = took?;
        if look == 1 {
            figures.insert("first_s".to_owned(), counted(took.decode + took.observe));
            figures.insert("snapshot_bytes".to_owned(), counted(bytes.len() as f64));
        }
        Ok((took, peak as f64))
    })?;
    let mut put = |name: &str, of: &dyn Fn(&(Took, f64)) -> f64| {
        let values: Vec<f64> = kept.iter().map(of).collect();
        figures.extend(summary(&values).map(|values| (name.to_owned(), values)));
    };
    put("decode_s", &|(took, _)| took.decode);
    put("observe_s", &|(took, _)| took.observe);
    put("assign_s", &|(took, _)| took.assign);
    put("round_s", &|(took, _)| took.decode + took.observe + took.assign);
    put("peak_bytes", &|(_, peak)| *peak);
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
    let mut plans = 0;
    let took = count.make(|look| {
        let seen = seen(size, load, look);
        let before = std::mem::take(&mut state);
        let begun = Instant::now();
        let decided = thalweg_core::decide(&seen, before, &settings, Operator::SILENT, at(look));
        let took = begun.elapsed().as_secs_f64();
        plans = decided.decisions.iter().filter(|decision| decision.plan.is_some()).count();
        state = decided.state;
        Ok(took)
    })?;
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
