//! Settings of a run: the scenario's, and over them those of the command line.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Map, Value};
use thalweg_core::settings::Settings;
use thalweg_engine::EngineSettings;

/// What may be set on the command line.
#[derive(Debug, Clone, Args)]
pub struct Wanted {
    /// The policy that decides
    #[arg(long)]
    pub policy: Option<String>,
    /// A setting of the configuration reference; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl Wanted {
    /// The settings that hold over `base`.
    pub fn over(&self, base: &Map<String, Value>) -> Result<Settings> {
        read(&self.onto(base)?)
    }

    /// The same as they are written.
    pub fn onto(&self, base: &Map<String, Value>) -> Result<Map<String, Value>> {
        let mut given = base.clone();
        for pair in &self.set {
            let Some((key, value)) = pair.split_once('=') else {
                bail!("--set {pair}: expected KEY=VALUE");
            };
            let value =
                serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
            given.insert(key.trim().to_owned(), value);
        }
        if let Some(policy) = &self.policy {
            given.insert("thalweg.policy".to_owned(), Value::String(policy.clone()));
        }
        Ok(given)
    }
}

/// Reads settings under the names of the configuration reference.
pub fn read(given: &Map<String, Value>) -> Result<Settings> {
    let settings = EngineSettings::read(given);
    if !settings.problems.is_empty() {
        bail!("{}", settings.problems.join("\n"));
    }
    Ok(settings.core)
}
