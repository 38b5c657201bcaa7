//! What may be set about a decision, typed and with its defaults.
//!
//! The names under which users set these values live in the engine's table of keys; the names are
//! repeated here only where a reason has to tell its reader which setting would change it.

mod budget;
mod mode;
mod policies;
mod policy_name;
pub mod rules;

pub use budget::{Budget, Resource};
pub use mode::{ActionKind, Mode};
pub use policies::{
    AutoscalerSettings, ConttuneSettings, DhalionSettings, Ds2Settings, ThalwegSettings,
    ThresholdSettings,
};
pub use policy_name::PolicyName;
pub use rules::Rules;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::units::{Millis, Share};

/// Who gets executors when a topology is short of them (algorithm 2 of the Me-Stream paper).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanStrategy {
    /// Only components that are short, the highest level first.
    BottleneckLevelPriority,
    /// Every component grows by its level.
    ParameterPlanningPriority,
    /// The first where bottleneck times differ much (largest at least twice the median), else the second.
    #[default]
    Auto,
}

/// What one slot can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotRule {
    /// A worker: any executors, all of which restart when one of them changes.
    #[default]
    Workers,
    /// A share of its node: at most one executor of each component; whatever changes restarts all.
    Shared,
    /// The same, but the engine chooses the slots by itself: only counts can be changed.
    Engine,
    /// A worker that the engine fills by itself: only counts can be changed, and any change restarts all.
    EngineWorkers,
}

impl SlotRule {
    /// Whether a slot holds at most one executor of each component, not whatever fits into a worker.
    pub fn is_shared(self) -> bool {
        matches!(self, Self::Shared | Self::Engine)
    }

    /// Whether executors are put into slots by Thalweg, not by the engine.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::Workers | Self::Shared)
    }

    /// Whether a part of a topology can be replaced while the rest runs; otherwise whatever changes restarts all.
    pub fn changes_in_parts(self) -> bool {
        self == Self::Workers
    }
}

/// How many workers a topology without declared compute may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerLimit {
    /// At most as many as it asks for: tuples within a worker need no serialisation, and some programs count on
    /// sharing one.
    #[default]
    Asked,
    /// As many as placing it well takes.
    Free,
}

impl WorkerLimit {
    /// Recordings from before there was a choice were made without a limit.
    fn of_old_recordings() -> Self {
        Self::Free
    }
}

/// When a topology whose sources share workers with operators gets another layout, which stops it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adopt {
    /// Not unless an order says so.
    Never,
    /// With the first change that needs it.
    #[default]
    OnNextAction,
    /// As soon as nothing else speaks against it.
    Now,
}

/// Everything that may be set about a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How far Thalweg may go.
    pub mode: Mode,
    /// Which policy decides.
    pub policy: PolicyName,
    /// What the policy `threshold` goes by.
    pub threshold: ThresholdSettings,
    /// What the policy `dhalion` goes by.
    pub dhalion: DhalionSettings,
    /// What the policy `ds2` goes by.
    pub ds2: Ds2Settings,
    /// What the policy `flink-autoscaler` goes by.
    pub autoscaler: AutoscalerSettings,
    /// What the policy `conttune` goes by.
    pub conttune: ConttuneSettings,
    /// What the policy `thalweg` goes by.
    pub thalweg: ThalwegSettings,
    /// Whether topologies may be restarted that could not be restored.
    pub without_checkpoints: bool,
    /// Topologies, by name or id, that may be restarted although they could not be restored.
    pub without_checkpoints_of: BTreeSet<String>,
    /// Whether executor counts may change; if not, executors are only moved.
    pub scaling_enabled: bool,
    /// Components, by their ids, whose executor counts no policy changes.
    pub fixed_components: BTreeSet<String>,
    /// Whether policies may change the executor counts of sources.
    pub scale_sources: bool,
    /// Topologies that go before others, by name; the higher the number the earlier.
    pub priorities: BTreeMap<String, u32>,
    /// Executors that sources and operators of all topologies may have together; 0 is no limit.
    pub executor_budget: u32,
    /// What else all topologies may have together, and how much of all of it each is owed.
    #[serde(default)]
    pub budget: Budget,
    /// Who gets executors.
    pub strategy: PlanStrategy,
    /// φ of equation 7: how many executors a level is worth.
    pub phi: f64,
    /// Time between two observations.
    pub sampling: Millis,
    /// How many times that the sampling may wait once the threshold function is stable.
    pub relaxed_factor: u32,
    /// Length of history over which rates and latencies are taken.
    pub window: Millis,
    /// Statistics older than this are no evidence.
    pub max_age: Millis,
    /// Share of a topology's executors that must have fresh statistics.
    pub min_coverage: Share,
    /// Time after a change during which nothing measured counts.
    pub settle: Millis,
    /// Points kept for the threshold function.
    pub points: usize,
    /// Consecutive fits that must agree before the threshold function counts as stable.
    pub stable_fits: usize,
    /// Relative change of the prediction that still counts as agreement.
    pub stable_change: Share,
    /// Root mean squared residual over mean latency below which a fit is good enough.
    pub stable_error: Share,
    /// Accuracy requirement of an effective bottleneck, in standard errors.
    pub accuracy: f64,
    /// The interval in which bottlenecks are counted, and over which other triggers must hold.
    pub interval: Millis,
    /// Effective bottlenecks within one interval that make a reallocation.
    pub effective_bottlenecks: u32,
    /// Capacity from which a component is short of executors.
    pub capacity_limit: Share,
    /// Failed tuples per emitted tuple from which sources are short of executors.
    pub failed_limit: Share,
    /// Worst node load over mean node load from which a topology is imbalanced.
    pub imbalance_limit: f64,
    /// Capacity under which no executor is busy enough for imbalance to matter.
    pub imbalance_floor: Share,
    /// Relative fall of the worst node load that a migration must promise.
    pub min_gain: Share,
    /// Round trip from which a node is reached too slowly to hold work.
    pub round_trip_limit: Millis,
    /// How long a node's slowness is remembered after it was last seen.
    pub ability_memory: Millis,
    /// How long what was learned of a topology is kept after it was last seen.
    pub learned_keep: Millis,
    /// Time between two actions on one topology.
    pub cool_down: Millis,
    /// Actions on one topology within a day.
    pub daily_actions: u32,
    /// How long an action of a kind that did not help is not tried again, the first time.
    pub blacklist: Millis,
    /// Whether an action that made things clearly worse is undone.
    pub rollback: bool,
    /// Sources and acknowledging executors that share one worker.
    #[serde(rename = "anchors_per_worker")]
    pub pinned_per_worker: u32,
    /// The largest part of a component's executors that one rack may hold.
    pub rack_share: Share,
    /// Steps that placing may spend on improvements.
    pub place_steps: u64,
    /// What one slot can hold.
    pub slots: SlotRule,
    /// How many workers a topology without declared compute may have.
    #[serde(default = "WorkerLimit::of_old_recordings")]
    pub worker_limit: WorkerLimit,
    /// Topologies, by name, that may have any number of them all the same.
    #[serde(default)]
    pub free_workers: BTreeSet<String>,
    /// When a topology is stopped to give its sources workers of their own.
    #[serde(default)]
    pub adopt: Adopt,
    /// What holds for some topologies and components.
    #[serde(default)]
    pub rules: Rules,
    /// The time zone of windows that name none.
    #[serde(default = "universal")]
    pub zone: String,
    /// Whether anything is wrong with the settings, so that nothing is changed whatever anybody says.
    #[serde(default)]
    pub faulty: bool,
    /// Time a day for which actions may stop one topology; zero is no limit.
    #[serde(default)]
    pub daily_stop: Millis,
    /// How plans are approved of.
    #[serde(default)]
    pub confirm: ConfirmSettings,
}

fn universal() -> String {
    "UTC".to_owned()
}

/// How plans are approved of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ConfirmSettings {
    /// How long a plan waits for it.
    pub expiry: Millis,
    /// How many different people have to approve.
    pub people: u32,
    /// How long what was rejected is not proposed again.
    pub rejected: Millis,
}

impl Default for ConfirmSettings {
    fn default() -> Self {
        Self { expiry: Millis::from_secs(900), people: 1, rejected: Millis::from_secs(3600) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let secs = |seconds: f64| Millis::saturating(seconds * 1000.0);
        Self {
            mode: Mode::Act,
            policy: PolicyName::default(),
            threshold: ThresholdSettings::default(),
            dhalion: DhalionSettings::default(),
            ds2: Ds2Settings::default(),
            autoscaler: AutoscalerSettings::default(),
            conttune: ConttuneSettings::default(),
            thalweg: ThalwegSettings::default(),
            without_checkpoints: false,
            without_checkpoints_of: BTreeSet::new(),
            scaling_enabled: true,
            fixed_components: BTreeSet::new(),
            scale_sources: true,
            priorities: BTreeMap::new(),
            executor_budget: 0,
            budget: Budget::default(),
            strategy: PlanStrategy::Auto,
            phi: 1.0,
            sampling: secs(10.0),
            relaxed_factor: 6,
            window: secs(60.0),
            max_age: secs(180.0),
            min_coverage: Share::saturating(0.9),
            settle: secs(60.0),
            points: 60,
            stable_fits: 5,
            stable_change: Share::saturating(0.05),
            stable_error: Share::saturating(0.10),
            accuracy: 1.0,
            interval: secs(60.0),
            effective_bottlenecks: 2,
            capacity_limit: Share::saturating(0.8),
            failed_limit: Share::saturating(0.001),
            imbalance_limit: 1.3,
            imbalance_floor: Share::saturating(0.5),
            min_gain: Share::saturating(0.2),
            round_trip_limit: secs(0.05),
            ability_memory: secs(1800.0),
            learned_keep: secs(336.0 * 3600.0),
            cool_down: secs(120.0),
            daily_actions: 48,
            blacklist: secs(3600.0),
            rollback: true,
            pinned_per_worker: 16,
            rack_share: Share::saturating(1.0),
            place_steps: 1_000_000,
            slots: SlotRule::Workers,
            worker_limit: WorkerLimit::Asked,
            free_workers: BTreeSet::new(),
            adopt: Adopt::default(),
            rules: Rules::default(),
            zone: universal(),
            faulty: false,
            daily_stop: Millis::ZERO,
            confirm: ConfirmSettings::default(),
        }
    }
}

impl Settings {
    /// What is limited, and to how much.
    pub fn limits(&self) -> impl Iterator<Item = (Resource, f64)> + use<> {
        let Budget { cores, memory_mib, money_per_hour, .. } = self.budget;
        let all = [
            (Resource::Executors, f64::from(self.executor_budget)),
            (Resource::Cores, cores),
            (Resource::Memory, memory_mib),
            (Resource::Money, money_per_hour),
        ];
        all.into_iter().filter(|(_, most)| *most > 0.0)
    }

    /// Whether a topology, by its id and name, may be restarted although it could not be restored.
    pub fn may_lose_state(&self, id: &str, name: &str) -> bool {
        let of = &self.without_checkpoints_of;
        self.without_checkpoints || of.contains(id) || of.contains(name)
    }

    /// The settings that the authors of a policy recommend for it, as far as they are known.
    ///
    /// Policies of others bring their own rules about when to act, so cool-down, daily limit,
    /// blacklist and rollback of Thalweg do not bind them.
    pub fn recommended(policy: PolicyName) -> Self {
        let secs = |seconds: f64| Millis::saturating(seconds * 1000.0);
        let own = Self { policy, ..Self::default() };
        match policy {
            PolicyName::MeStream => return own,
            PolicyName::Thalweg => {
                return Self {
                    window: secs(30.0),
                    settle: secs(30.0),
                    cool_down: secs(60.0),
                    relaxed_factor: 1,
                    ..own
                };
            }
            _ => {}
        }
        let free = Self {
            cool_down: Millis::ZERO,
            daily_actions: u32::MAX,
            blacklist: Millis::ZERO,
            rollback: false,
            relaxed_factor: 1,
            ..own
        };
        match policy {
            // Kubernetes looks every 15 s, and at pods that are ready for half a minute.
            PolicyName::Threshold => {
                Self { sampling: secs(15.0), window: secs(60.0), settle: secs(30.0), ..free }
            }
            PolicyName::Dhalion => Self {
                sampling: secs(60.0),
                window: free.dhalion.interval,
                settle: secs(60.0),
                ..free
            },
            // Rates over one policy interval, and two intervals of warm-up.
            PolicyName::Ds2 => {
                Self { sampling: secs(10.0), window: secs(10.0), settle: secs(20.0), ..free }
            }
            // The metrics window and stabilisation interval of the operator.
            PolicyName::FlinkAutoscaler => {
                Self { sampling: secs(60.0), window: secs(900.0), settle: secs(300.0), ..free }
            }
            PolicyName::Conttune => {
                Self { sampling: secs(30.0), window: secs(60.0), settle: secs(60.0), ..free }
            }
            PolicyName::Static | PolicyName::MeStream | PolicyName::Thalweg => free,
        }
    }
}
