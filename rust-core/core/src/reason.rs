//! Reasons and their stable codes.

use serde::{Deserialize, Serialize};

macro_rules! reason_codes {
    ($($(#[doc = $doc:literal])* $name:ident = $setting:literal,)*) => {
        /// A stable name for why something was done or left.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum ReasonCode {
            $($(#[doc = $doc])* $name,)*
        }

        impl ReasonCode {
            /// Every code, with its meaning and the setting that changes it (empty where none does).
            pub const TABLE: &'static [(ReasonCode, &'static str, &'static str)] =
                &[$((ReasonCode::$name, concat!($($doc),*), $setting),)*];

            /// The setting that moves this reason's limit.
            pub fn setting(self) -> Option<&'static str> {
                let (_, _, setting) = Self::TABLE.iter().find(|(code, ..)| *code == self)?;
                (!setting.is_empty()).then_some(setting)
            }
        }
    };
}

reason_codes! {
    /// A component is busy for nearly all of its time, so it is short of executors.
    CapacityHigh = "thalweg.me-stream.capacity.limit",
    /// Latency rose above its own threshold function several times within one interval.
    BottleneckRising = "thalweg.me-stream.effective.bottlenecks",
    /// Tuples fail, so sources are short of executors.
    TuplesFailed = "thalweg.me-stream.failed.limit",
    /// The worst node is far above the mean while a better placement exists.
    NodesImbalanced = "thalweg.imbalance.limit",
    /// A node that holds executors is reached too slowly.
    LinkSlow = "thalweg.network.round.trip.limit.millis",
    /// Nothing is above its limit.
    NoBottleneck = "thalweg.me-stream.capacity.limit",
    /// Latency has come to rest; the next look is taken at the relaxed rate.
    LatencyStable = "thalweg.me-stream.relaxed.factor",
    /// A sign of trouble has not yet held for a whole interval.
    NotYetPersistent = "thalweg.me-stream.interval.secs",
    /// Too few executors have fresh statistics.
    MetricsMissing = "thalweg.metrics.min.coverage",
    /// What is measured right after a change says nothing yet.
    Settling = "thalweg.metrics.settle.secs",
    /// The topology is not running normally.
    TopologyNotActive = "",
    /// Some executors run nowhere.
    ExecutorsUnassigned = "",
    /// An action is still being carried out.
    ActionRunning = "",
    /// A topology with a higher bottleneck level goes first.
    HigherLevelFirst = "",
    /// The last action was too short a time ago.
    CoolDown = "thalweg.action.cool.down.secs",
    /// As many actions as are allowed were taken within a day.
    DailyBudget = "thalweg.action.daily.limit",
    /// An action of this kind did not help a short time ago; of moves, one for the same reason.
    Ineffective = "thalweg.action.blacklist.secs",
    /// The component already has as many executors as tasks; more tasks need a new submission.
    TaskLimited = "thalweg.headroom.factor",
    /// The cluster has no free slot for another worker.
    ClusterLimited = "",
    /// More workers would be better, but the topology may have no more than it asks for.
    WorkersLimited = "thalweg.placement.workers",
    /// No component is busy enough for more executors to help.
    NoGain = "thalweg.imbalance.floor",
    /// A better placement would lower the worst node by too little.
    GainTooSmall = "thalweg.imbalance.min.gain",
    /// The policy leaves everything as it is.
    PolicyStatic = "thalweg.policy",
    /// More is asked of a component than its executors can do.
    DemandAboveCapacity = "thalweg.policy",
    /// Fewer executors can do what is asked of a component.
    DemandBelowCapacity = "thalweg.policy",
    /// Executors fit what is asked of them.
    DemandMet = "thalweg.policy",
    /// What is asked of components, or what they can do, cannot be told from what was measured.
    RatesUnknown = "",
    /// Rates have not been measured for as long as the policy needs.
    WindowIncomplete = "thalweg.metrics.window.secs",
    /// A component makes others wait.
    Backpressure = "thalweg.policy",
    /// One executor gets so many records that more executors cannot help.
    SkewLimited = "thalweg.policy",
    /// A component does not get faster with more executors: what it waits for is elsewhere.
    ExternalLimited = "",
    /// A source still has to catch up with what waits before it.
    CatchingUp = "thalweg.scaling.catch.up.secs",
    /// What was measured contradicts itself, so part of it is missing.
    MetricsInconsistent = "",
    /// The engine does not tell how busy a component is, so it is not judged; the others are.
    NotTimed = "",
    /// An executor starts again and again, so its component is left alone and the rest is judged.
    ExecutorsRestarting = "",
    /// A component works on tuples after it has executed them, so that its executors cannot be judged by their busy time.
    WorkUnseen = "",
    /// All topologies together would have more than they may.
    BudgetLimited = "thalweg.scaling.executor.budget",
    /// A topology that has its share gets nothing that another waits for which has less.
    ShareLimited = "thalweg.scaling.shares",
    /// A topology waits for what all may have together.
    WaitsForShare = "thalweg.scaling.shares",
    /// The stop that an action needs costs more than it brings.
    CostAboveGain = "thalweg.scaling.horizon.secs",
    /// Misses of state cost more than the memory that may avoid them.
    StateMisses = "thalweg.memory.per.executor.mib",
    /// More memory would answer more accesses to state, but executors may not have more.
    MemoryLimited = "thalweg.memory.max.mib",
    /// Some memory answers no more accesses to state.
    MemorySpare = "thalweg.memory.per.executor.mib",
    /// A source has as many executors as partitions to read.
    SourceLimited = "",
    /// A restart would lose the topology's state, as there is no checkpoint to restore it from.
    CheckpointsMissing = "thalweg.flink.rescale.without.checkpoints",
    /// The topology's own scheduler keeps machines or pools apart, which a plan could break.
    PoolsKept = "thalweg.delegate.scheduler",
    /// The topology is of a kind that is not judged, or cannot be read.
    LeftAlone = "",
    /// A component may not have so few or so many executors: its user set bounds, or some of them have finished.
    BoundsLimited = "thalweg.scaling.bounds",
    /// A component's executor count would be another, but is not to change.
    CountFixed = "thalweg.scaling.fixed.components",
    /// With another number of executors of a component the topology started again and again, so that number stays.
    RescaleFailed = "thalweg.action.blacklist.secs",
    /// Other executor counts would be better, but counts are not to change.
    ScalingForbidden = "thalweg.scaling.enabled",
    /// Sources share workers with operators, as the engine's own scheduler places them. The change that gives them workers of their own stops the topology, once.
    AdoptionNeeded = "thalweg.adopt",
    /// Sources and operators share the only worker that the topology asks for, so that every change stops it.
    StopNeeded = "thalweg.placement.workers",
    /// An operator ordered it.
    Ordered = "",
    /// Nodes cannot carry old and new workers of all executors that are to move, so some move first.
    Staged = "",
    /// Nodes have no slots or memory for the new workers beside the old ones, so the topology stops meanwhile.
    NoRoomBeside = "",
    /// An operator ordered what cannot be done.
    OrderImpossible = "",
    /// The last action made things clearly worse at the same load, so it is undone.
    MadeWorse = "thalweg.action.rollback",
    /// The last action made things clearly worse, but what was before it cannot be had again.
    RollbackImpossible = "",
    /// The mode forbids acting.
    ModeForbids = "thalweg.mode",
    /// An operator paused changes of this kind.
    Paused = "",
    /// A freeze forbids acting now, or begins before the action would be done.
    Frozen = "thalweg.windows.freeze",
    /// At this hour nothing may be done.
    OutsideHours = "thalweg.windows.hours",
    /// A known event is near, or has begun, for which a component is to have more executors.
    EventAhead = "thalweg.windows.floors",
    /// Actions on the topology took as much time within a day as they may.
    DisruptionLimited = "thalweg.action.daily.disruption.secs",
    /// A component has to have as many executors as another one.
    KeptEqual = "thalweg.scaling.bounds",
    /// The plan waits for somebody's word.
    ApprovalNeeded = "thalweg.mode",
    /// As many people as have to approved of the plan.
    Approved = "thalweg.confirm.people",
    /// What the plan was made for has changed, so it is no longer to be had.
    ApprovalStale = "thalweg.confirm.expiry.secs",
    /// Somebody rejected this change a short time ago.
    Rejected = "thalweg.confirm.rejected.secs",
    /// The topology's own settings cannot be read, so nothing is changed.
    SettingsUnreadable = "",
}

/// One statement about a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Its stable name.
    pub code: ReasonCode,
    /// The statement, for people.
    pub text: String,
    /// What was measured.
    pub measured: Option<f64>,
    /// What it was held against.
    pub limit: Option<f64>,
    /// The setting that moves the limit.
    pub setting: Option<String>,
}

impl Reason {
    /// A reason that compares a measured value with a limit.
    pub fn compared(code: ReasonCode, measured: f64, limit: f64, text: impl Into<String>) -> Self {
        Self { measured: Some(measured), limit: Some(limit), ..Self::plain(code, text) }
    }

    /// The same with the setting of the policy that decided.
    pub fn changed_by(self, setting: &str) -> Self {
        Self { setting: Some(setting.to_owned()), ..self }
    }

    /// A reason without numbers.
    pub fn plain(code: ReasonCode, text: impl Into<String>) -> Self {
        let setting = code.setting().map(str::to_owned);
        Self { code, text: text.into(), measured: None, limit: None, setting }
    }
}
