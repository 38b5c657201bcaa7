//! What holds for all runs of a benchmark alike.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::clock::now_ms;
use crate::situation::{Side, Situation};

/// Where Thalweg keeps its routing tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    /// In a file of its own.
    #[default]
    Embedded,
    /// In Redis.
    Redis,
}

impl FromStr for Store {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "embedded" => Ok(Self::Embedded),
            "redis" => Ok(Self::Redis),
            _ => bail!("no store {text}: embedded or redis"),
        }
    }
}

/// What holds for every run alike.
#[derive(Debug, Clone)]
pub struct Options {
    /// Length of the stable stage that is measured.
    pub stage: Duration,
    /// Where Thalweg keeps its routing tables.
    pub store: Store,
    /// Where the cluster's logs and files are copied to, in a folder of their own for each run.
    pub keep: Option<PathBuf>,
    /// Thalweg's policy; its own default where none is named.
    pub policy: Option<String>,
    /// Further settings of Thalweg, over those of the benchmark.
    pub settings: Vec<(String, String)>,
}

impl Options {
    /// The folder in which a run that begins now is kept, if any is.
    pub(crate) fn keep_in(&self, situation: &Situation, side: Side) -> Result<Option<PathBuf>> {
        let name = format!("{}-{}-{}", situation.name, side.key(), now_ms()?);
        Ok(self.keep.as_ref().map(|keep| keep.join(name)))
    }
}

/// Keys of `storm.yaml` for one side; `folder` is where Thalweg writes its status.
///
/// Runs take minutes, so all times are short ones.
pub fn storm_settings(
    side: Side,
    options: &Options,
    folder: &Path,
    redis: Option<&str>,
) -> Map<String, Value> {
    let mut settings = Map::new();
    if side == Side::Default {
        let scheduler = "org.apache.storm.scheduler.DefaultScheduler";
        settings.insert("storm.scheduler".into(), scheduler.into());
        return settings;
    }
    let mut add = |given: Value| {
        if let Value::Object(given) = given {
            settings.extend(given);
        }
    };
    add(json!({
        "storm.scheduler": "io.thalweg.storm.ThalwegScheduler",
        "nimbus.topology.validator": "io.thalweg.storm.TaskHeadroom",
        "thalweg.mode": "act",
        "thalweg.store.dir": folder,
        "thalweg.monitor.interval.secs": 2,
        "thalweg.metrics.window.secs": 10,
        "thalweg.metrics.settle.secs": 10,
        "thalweg.placement.workers": "free",
    }));
    add(quick(options.policy.as_deref()));
    if let Some(policy) = &options.policy {
        add(json!({ "thalweg.policy": policy }));
    }
    if let Some(url) = redis {
        add(json!({ "thalweg.store.kind": "redis", "thalweg.store.redis.url": url }));
    }
    settings.extend(options.settings.iter().map(|(key, text)| (key.clone(), value(text))));
    settings
}

/// Times of a policy, in the same proportion to a run of minutes as its own to one of hours. The
/// policies of others have neither Thalweg's cool-down nor its blacklist.
fn quick(policy: Option<&str>) -> Value {
    match policy.unwrap_or("me-stream") {
        "me-stream" => json!({
            "thalweg.me-stream.interval.secs": 8,
            "thalweg.action.cool.down.secs": 30,
            "thalweg.action.blacklist.secs": 120,
        }),
        "thalweg" => json!({
            "thalweg.action.cool.down.secs": 30,
            "thalweg.action.blacklist.secs": 120,
            "thalweg.scaling.up.delay.secs": 5,
            "thalweg.scaling.down.window.secs": 30,
            "thalweg.scaling.ahead.secs": 30,
            "thalweg.scaling.catch.up.secs": 30,
            "thalweg.scaling.restart.secs": 1,
            "thalweg.scaling.horizon.secs": 300,
        }),
        _ => json!({}),
    }
}

/// What a text on the command line stands for: a number, a truth value, or itself.
pub(crate) fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// Reads `key=value`.
///
/// # Errors
/// When there is no `=`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("not key=value: {text}"))?;
    Ok((key.to_owned(), value.to_owned()))
}
