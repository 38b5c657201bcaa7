//! What running beside a cluster takes, whichever it is: settings, the engine, its log, and how it ends.

use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use serde_json::{Map, Value};
use thalweg_control::visible;
use thalweg_engine::{Engine, EngineSettings};
use thalweg_shell::{Ended, Eyes, Hands, Monitor};
use tracing_subscriber::EnvFilter;

use crate::exit::Failure;
use crate::settings::Given;
use crate::signals::ended_by_signals;

/// Options of running beside a cluster.
#[derive(Debug, Args)]
pub struct Running {
    /// Its folder: what it has learned, its ledger, and the socket at which the other commands reach it with the same option
    #[arg(long, value_name = "FOLDER", env = "THALWEG_DIR")]
    dir: PathBuf,
    /// How far it may go: observe, advise, confirm or act; over what the settings say
    #[arg(long, value_parser = ["observe", "advise", "confirm", "act"])]
    mode: Option<String>,
    #[command(flatten)]
    given: Given,
}

/// An engine that is open, and what it was opened with.
pub struct Opened {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Its settings.
    pub settings: EngineSettings,
}

impl Running {
    /// What the user sets, in the file and on the command line.
    pub fn given(&self) -> Result<Map<String, Value>, Failure> {
        let mut given = self.given.all()?;
        let dir = std::path::absolute(&self.dir).context("--dir")?;
        given.insert("thalweg.store.dir".to_owned(), dir.to_string_lossy().into());
        if let Some(mode) = &self.mode {
            given.insert("thalweg.mode".to_owned(), mode.as_str().into());
        }
        Ok(given)
    }

    /// Opens the engine with settings as they were read from these.
    pub fn open(
        &self,
        settings: EngineSettings,
        all: &Map<String, Value>,
    ) -> Result<Opened, Failure> {
        make_private(&self.dir).with_context(|| format!("--dir {}", self.dir.display()))?;
        log_to_stderr();
        let text = Value::Object(all.clone()).to_string();
        let engine = Engine::open(&text)
            .with_context(|| format!("nothing can be kept in {}", self.dir.display()))?;
        Ok(Opened { engine: engine.serve(), settings })
    }
}

impl Opened {
    /// Watches until it is told to end.
    pub fn watch(&self, eyes: impl Eyes, hands: Box<dyn Hands>) -> Result<(), Failure> {
        let ended = ended_by_signals().context("signals cannot be listened to")?;
        let interval = Duration::from_secs_f64(self.settings.core.sampling.get() / 1000.0);
        let times = (interval, self.settings.step_timeout);
        let monitor = Monitor::begin(Arc::clone(&self.engine), eyes, hands, times, ended);
        let mut monitor = monitor.map_err(|fault| anyhow!("{}", fault.text))?;
        match monitor.watch() {
            Ended::Asked => Ok(()),
            Ended::Followed => Err(Failure::GivenUp(
                "another process leads on the same store, so this one ends".to_owned(),
            )),
        }
    }

    /// Says what runs, where, and how to speak to it.
    pub fn say(&self, engine: &str, version: &str, place: &str) {
        let dir = self.settings.dir.display();
        let mode = serde_json::to_value(self.settings.core.mode).unwrap_or_default();
        eprintln!(
            "thalweg: beside {engine} {} at {}, in mode {}; thalweg status --dir {dir} asks it, Ctrl-C ends it",
            visible(version),
            visible(place),
            mode.as_str().unwrap_or_default(),
        );
    }
}

/// Makes a folder that nobody else may look into; one that is there is its maker's business, if only he may write into it.
fn make_private(dir: &Path) -> std::io::Result<()> {
    if !dir.is_dir() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let writable = std::fs::metadata(dir)?.permissions().mode() & 0o022;
    if writable != 0 {
        let text = "others may write into this folder, and so into what is decided by";
        return Err(std::io::Error::other(text));
    }
    Ok(())
}

/// The error channel, on which what clusters and stores say ends no line and gives a terminal no order.
struct Harmless;

impl std::io::Write for Harmless {
    /// Takes one event, as they are written whole.
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let shown = visible(text.strip_suffix('\n').unwrap_or(&text));
        std::io::stderr().write_all(format!("{shown}\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// What is told goes to the error channel, a line each; `RUST_LOG` says how much.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Harmless);
    // One that is there already is somebody's who wanted it.
    drop(log.with_ansi(false).with_target(false).try_init());
}
