//! Settings of a run: the scenario's, or a file's, and over them those of the command line.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Map, Value};
use thalweg_core::settings::Settings;
use thalweg_engine::EngineSettings;

use crate::config;

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
            if key.trim().ends_with(".password") || holds_password(value) {
                bail!(
                    "--set {key}: others on this machine see what a process is started with, so a password belongs into a file: --settings FILE"
                );
            }
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

/// Whether a text is an address with a password in it.
pub fn holds_password(text: &str) -> bool {
    let authority = text.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
    authority.is_some_and(|(user, _)| user.contains(':'))
}

/// What may be set on the command line, and in a file that it names.
#[derive(Debug, Clone, Args)]
pub struct Given {
    #[command(flatten)]
    wanted: Wanted,
    /// Settings in a file, as Flink's `config.yaml` or `storm.yaml` has them; those of `--set` win
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

impl Given {
    /// What the user sets, in the file and on the command line.
    pub fn all(&self) -> Result<Map<String, Value>> {
        let of_file = self.settings.as_deref().map(config::read).transpose()?;
        self.wanted.onto(&of_file.unwrap_or_default())
    }
}

/// Reads settings under the names of the configuration reference.
pub fn read(given: &Map<String, Value>) -> Result<Settings> {
    Ok(read_all(given)?.core)
}

/// The same, with those of the engine around the core. Wrong ones are told here, where somebody reads them.
pub fn read_all(given: &Map<String, Value>) -> Result<EngineSettings> {
    let settings = EngineSettings::read(given);
    if !settings.problems.is_empty() {
        bail!("{}", settings.problems.join("\n"));
    }
    Ok(settings)
}
