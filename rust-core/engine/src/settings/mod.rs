//! What users may set: one table of keys, from which values, messages and the reference are made.

mod key;
mod keys;
mod parse;
mod policies;
mod policy_keys;
mod storms;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};
use thalweg_core::settings::rules::{self, Of};
use thalweg_core::settings::{
    Adopt, ConfirmSettings, Mode, PlanStrategy, Rules, Settings, SlotRule, WorkerLimit,
};
use thalweg_core::units::Millis;
use thalweg_ledger::Limits;
use thalweg_store::{Secret, StoreKind, StoreSettings};

use crate::error::{EngineError, kind_of};

pub use key::{Key, Kind};
pub use keys::keys;
use parse::Values;
pub use storms::{Unheld, nimbuses, unheld};

/// The settings of one engine, and what was wrong with what the user wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineSettings {
    /// What decisions are made with.
    pub core: Settings,
    /// Where tables and learned state are kept.
    pub store: StoreSettings,
    /// How long a publisher waits for the shared store.
    pub publish_timeout: Duration,
    /// How long one step of an action may take.
    pub step_timeout: Duration,
    /// How long Storm's own rebalance lets sources stand still before workers end.
    pub rebalance_wait: Duration,
    /// Where the status file is written.
    pub dir: PathBuf,
    /// Where people and tools are answered, if anywhere.
    pub control_socket: Option<PathBuf>,
    /// The file of the tokens of those who are answered in the shared store, if anybody is.
    pub control_tokens: Option<PathBuf>,
    /// How often executors report, in seconds.
    pub report_secs: f64,
    /// The part of all tuples that executors count, where the engine says so.
    pub counted_part: Option<f64>,
    /// How many Nimbuses there are, as far as their configuration says.
    pub nimbuses: usize,
    /// What is set for a scheduler that Thalweg has replaced, and does not hold.
    pub unheld: Vec<Unheld>,
    /// Where everything that goes into the core is recorded, if anywhere.
    pub recording: Option<PathBuf>,
    /// Bytes after which a recording ends.
    pub recording_limit: u64,
    /// How much of the ledger is kept, and what it is signed with.
    pub ledger: LedgerSettings,
    /// What the user wrote, as far as it is no secret.
    pub written: BTreeMap<String, Value>,
    /// What is wrong, each naming key, value and what is allowed. With any problem the mode is
    /// observe: a user who mistyped one setting did not mean to be acted upon by guesses.
    pub problems: Vec<String>,
}

/// How much of the ledger is kept, and what it is signed with.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerSettings {
    /// How much is kept.
    pub limits: Limits,
    /// The file of the private key; in the ledger's folder if none.
    pub key_file: Option<PathBuf>,
}

impl EngineSettings {
    /// Reads the settings from the text of a flat JSON object.
    ///
    /// # Errors
    /// When it is no JSON object.
    pub fn of_json(json: &str) -> Result<Self, EngineError> {
        // As it is given, and once more as it was written.
        thalweg_bounds::json(json.as_bytes(), 2)
            .map_err(|error| EngineError::Settings(error.to_string()))?;
        let given: Value =
            serde_json::from_str(json).map_err(|e| EngineError::Settings(e.to_string()))?;
        let given = given.as_object().ok_or_else(|| EngineError::Settings(kind_of(&given)))?;
        Ok(Self::read(given))
    }

    /// Reads the settings from a flat JSON object.
    pub fn read(given: &Map<String, Value>) -> Self {
        let (values, mut problems) = Values::read(given);
        let mut core = core(&values, given, &mut problems);
        let store = store(&values, given, &mut problems);
        if !problems.is_empty() {
            core.mode = Mode::Observe;
            core.faulty = true;
        }
        let dir = store.dir.clone();
        let publish_timeout = store.timeout.saturating_mul(2);
        let step_timeout =
            Duration::from_secs(u64::from(values.count("thalweg.action.step.timeout.secs")));
        let rebalance_wait =
            Duration::from_secs(u64::from(values.count("thalweg.action.rebalance.wait.secs")));
        let control_socket = match values.text("thalweg.control.socket") {
            "off" => None,
            "" => Some(dir.join(thalweg_control::socket::NAME)),
            path => Some(PathBuf::from(path)),
        };
        let tokens = values.text("thalweg.control.tokens.file");
        let control_tokens = (!tokens.is_empty()).then(|| PathBuf::from(tokens));
        let recording = values.text("thalweg.recording.file");
        let recording = (!recording.is_empty()).then(|| PathBuf::from(recording));
        let mib = u64::from(values.count("thalweg.recording.limit.mib"));
        let recording_limit = mib * 1024 * 1024;
        Self {
            core,
            store,
            publish_timeout,
            step_timeout,
            rebalance_wait,
            dir,
            control_socket,
            control_tokens,
            report_secs: report_secs(given),
            counted_part: given.get("topology.stats.sample.rate").and_then(Value::as_f64),
            nimbuses: nimbuses(given),
            unheld: unheld(given),
            recording,
            recording_limit,
            ledger: ledger(&values),
            written: written(given),
            problems,
        }
    }
}

fn ledger(values: &Values) -> LedgerSettings {
    let key_file = values.text("thalweg.ledger.key.file");
    LedgerSettings {
        limits: Limits {
            bytes: u64::from(values.count("thalweg.ledger.max.mib")) << 20,
            age_ms: u64::from(values.count("thalweg.ledger.max.age.hours")) * 3_600_000,
        },
        key_file: (!key_file.is_empty()).then(|| PathBuf::from(key_file)),
    }
}

/// What the user wrote about Thalweg. Of what may hold a secret, as of what is no key at all, only that it was written.
fn written(given: &Map<String, Value>) -> BTreeMap<String, Value> {
    let ours = given.iter().filter(|(name, _)| name.starts_with("thalweg."));
    let shown = ours.map(|(name, value)| {
        let key = keys().find(|key| key.name == name);
        let open = key.is_some_and(|key| key.kind != Kind::Secret);
        (name.clone(), if open { value.clone() } else { json!("(not shown)") })
    });
    shown.collect()
}

/// Whether counts of this part of all tuples say too little over a window of so many seconds: of one tuple in 20, 325/s
/// were read over 4 s where 200/s were true.
pub fn sampled_coarsely(part: f64, window_secs: f64) -> bool {
    part < 1.0 && window_secs < 20.0
}

/// How often executors report.
fn report_secs(given: &Map<String, Value>) -> f64 {
    given.get("executor.metrics.frequency.secs").and_then(Value::as_f64).unwrap_or(60.0)
}

fn core(values: &Values, given: &Map<String, Value>, problems: &mut Vec<String>) -> Settings {
    let mode = Mode::named(values.text("thalweg.mode")).unwrap_or_default();
    let zone = values.text(rules::ZONE);
    let (rules, wrong) = Rules::read(Of::Cluster, |key| rule_entries(values, key), zone);
    problems.extend(wrong);
    let strategy = match values.text("thalweg.me-stream.strategy") {
        "bottleneck-level-priority" => PlanStrategy::BottleneckLevelPriority,
        "parameter-planning-priority" => PlanStrategy::ParameterPlanningPriority,
        _ => PlanStrategy::Auto,
    };
    // Three reports may be lost before statistics count as stale.
    let report_secs = report_secs(given);
    let max_age = values.number("thalweg.metrics.max.age.secs");
    let max_age = if max_age > 0.0 { max_age } else { 3.0 * report_secs };
    let base = policies::read(values, problems);
    Settings {
        mode,
        rules,
        zone: zone.to_owned(),
        daily_stop: values.secs("thalweg.action.daily.disruption.secs"),
        confirm: ConfirmSettings {
            expiry: values.secs("thalweg.confirm.expiry.secs"),
            people: values.count("thalweg.confirm.people"),
            rejected: values.secs("thalweg.confirm.rejected.secs"),
        },
        strategy,
        phi: values.number("thalweg.me-stream.phi"),
        sampling: values.secs_or("thalweg.monitor.interval.secs", base.sampling),
        relaxed_factor: values.count_or("thalweg.me-stream.relaxed.factor", base.relaxed_factor),
        window: values.secs_or("thalweg.metrics.window.secs", base.window),
        max_age: Millis::saturating(max_age * 1000.0),
        min_coverage: values.share("thalweg.metrics.min.coverage"),
        settle: values.secs_or("thalweg.metrics.settle.secs", base.settle),
        points: values.count("thalweg.me-stream.points") as usize,
        stable_fits: values.count("thalweg.me-stream.stable.fits") as usize,
        stable_change: values.share("thalweg.me-stream.stable.change"),
        stable_error: values.share("thalweg.me-stream.stable.error"),
        accuracy: values.number("thalweg.me-stream.accuracy"),
        interval: values.secs("thalweg.me-stream.interval.secs"),
        effective_bottlenecks: values.count("thalweg.me-stream.effective.bottlenecks"),
        capacity_limit: values.share("thalweg.me-stream.capacity.limit"),
        failed_limit: values.share("thalweg.me-stream.failed.limit"),
        imbalance_limit: values.number("thalweg.imbalance.limit"),
        imbalance_floor: values.share("thalweg.imbalance.floor"),
        min_gain: values.share("thalweg.imbalance.min.gain"),
        round_trip_limit: Millis::saturating(
            values.number("thalweg.network.round.trip.limit.millis"),
        ),
        ability_memory: values.secs("thalweg.node.memory.secs"),
        cool_down: values.secs_or("thalweg.action.cool.down.secs", base.cool_down),
        daily_actions: values.count_or("thalweg.action.daily.limit", base.daily_actions),
        blacklist: values.secs_or("thalweg.action.blacklist.secs", base.blacklist),
        rollback: values.flag_or("thalweg.action.rollback", base.rollback),
        learned_keep: Millis::saturating(values.number("thalweg.learned.keep.hours") * 3_600_000.0),
        without_checkpoints: values.flag("thalweg.flink.rescale.without.checkpoints"),
        without_checkpoints_of: values
            .texts("thalweg.flink.rescale.without.checkpoints.jobs")
            .into_iter()
            .map(str::to_owned)
            .collect(),
        scaling_enabled: values.flag("thalweg.scaling.enabled"),
        fixed_components: values
            .texts("thalweg.scaling.fixed.components")
            .into_iter()
            .map(str::to_owned)
            .collect(),
        scale_sources: values.flag("thalweg.scaling.sources"),
        pinned_per_worker: values.count("thalweg.placement.anchors.per.worker"),
        rack_share: values.share("thalweg.placement.rack.share"),
        place_steps: values.count("thalweg.placement.steps").into(),
        slots: match values.text("thalweg.placement.slots") {
            "shared" => SlotRule::Shared,
            "engine" => SlotRule::Engine,
            "engine-workers" => SlotRule::EngineWorkers,
            _ => SlotRule::Workers,
        },
        worker_limit: match values.text("thalweg.placement.workers") {
            "free" => WorkerLimit::Free,
            _ => WorkerLimit::Asked,
        },
        adopt: match values.text("thalweg.adopt") {
            "on-next-action" => Adopt::OnNextAction,
            "now" => Adopt::Now,
            _ => Adopt::Never,
        },
        free_workers: values
            .texts("thalweg.placement.workers.free")
            .into_iter()
            .map(str::to_owned)
            .collect(),
        ..base
    }
}

/// The entries of a key from which rules are read.
fn rule_entries<'a>(values: &'a Values, key: &str) -> Vec<&'a str> {
    match key {
        rules::ZONE => vec![values.text(key)],
        // Plain ids are known by the key's own set.
        rules::FIXED => {
            let all = values.texts(key).into_iter();
            all.filter(|entry| entry.contains(['*', '?', '/'])).collect()
        }
        _ => values.texts(key),
    }
}

fn store(values: &Values, given: &Map<String, Value>, problems: &mut Vec<String>) -> StoreSettings {
    let written = |key: &str| Some(values.text(key).to_owned()).filter(|text| !text.is_empty());
    let local = given.get("storm.local.dir").and_then(Value::as_str).unwrap_or(".");
    let dir = written("thalweg.store.dir")
        .map_or_else(|| PathBuf::from(local).join("thalweg"), PathBuf::from);
    let password = written("thalweg.store.redis.password").or_else(|| {
        let file = written("thalweg.store.redis.password.file")?;
        match std::fs::read_to_string(&file) {
            Ok(text) => Some(text.trim_end().to_owned()),
            Err(error) => {
                // What is no path may be the password itself.
                let shown = if file.starts_with('/') { &file } else { "the file named there" };
                problems.push(format!(
                    "thalweg.store.redis.password.file: cannot read {shown}: {error}"
                ));
                None
            }
        }
    });
    StoreSettings {
        kind: match values.text("thalweg.store.kind") {
            "redis" => StoreKind::Redis,
            _ => StoreKind::Embedded,
        },
        dir,
        url: values.text("thalweg.store.redis.url").to_owned(),
        user: written("thalweg.store.redis.user"),
        password: password.map(Secret::new),
        ca_file: written("thalweg.store.redis.ca.file").map(PathBuf::from),
        prefix: values.text("thalweg.store.redis.prefix").to_owned(),
        timeout: Duration::from_millis(u64::from(values.count("thalweg.store.timeout.millis"))),
    }
}

#[cfg(test)]
mod tests;
