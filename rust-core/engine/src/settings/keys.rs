//! The table of every key.

/// What a key's value must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A number between two bounds, both included.
    Number(f64, f64),
    /// A whole number between two bounds, both included.
    Whole(f64, f64),
    /// `true` or `false`.
    Flag,
    /// Any text.
    Text,
    /// Text that is a password, or may hold one: no message repeats it.
    Secret,
    /// A list of texts, or one text with commas between them.
    Texts,
}

/// One key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// Its value where it is not set, as text.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

pub(super) const fn key(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key { name, kind, default, doc }
}

pub(super) const SECS: Kind = Kind::Number(0.0, 604_800.0);
pub(super) const SHARE: Kind = Kind::Number(0.0, 1.0);

/// Every key, in the order of the reference.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().chain(super::policies::POLICY_KEYS)
}

/// Every key but those of the policies.
const KEYS: &[Key] = &[
    key(
        "thalweg.mode",
        Kind::Choice(&["observe", "advise", "act"]),
        "observe",
        "How far Thalweg may go: measure and explain, also plan, also carry plans out. Nothing is changed unless this is `act`. Below `act`, the engine's own scheduler places everything.",
    ),
    key(
        "thalweg.monitor.interval.secs",
        Kind::Number(1.0, 3600.0),
        "10",
        "Time between two observations.",
    ),
    key(
        "thalweg.metrics.window.secs",
        Kind::Number(1.0, 3600.0),
        "60",
        "Length of history over which rates and latencies are taken. Keep it at several times `executor.metrics.frequency.secs`.",
    ),
    key(
        "thalweg.metrics.max.age.secs",
        SECS,
        "0",
        "Statistics older than this are no evidence; 0 means three times `executor.metrics.frequency.secs`.",
    ),
    key(
        "thalweg.metrics.min.coverage",
        SHARE,
        "0.9",
        "Share of a topology's executors that must have fresh statistics, or it is held.",
    ),
    key(
        "thalweg.metrics.settle.secs",
        SECS,
        "60",
        "Time after a change or start during which nothing measured counts.",
    ),
    key(
        "thalweg.me-stream.strategy",
        Kind::Choice(&["auto", "bottleneck-level-priority", "parameter-planning-priority"]),
        "auto",
        "Who gets executors: only components that are short, or all by level; `auto` takes the first where the largest bottleneck time is at least twice the median.",
    ),
    key(
        "thalweg.me-stream.phi",
        Kind::Number(0.0, 16.0),
        "1",
        "How many executors a bottleneck level is worth (φ of equation 7).",
    ),
    key(
        "thalweg.me-stream.interval.secs",
        Kind::Number(1.0, 86_400.0),
        "60",
        "The interval in which bottlenecks are counted, and for which every other sign of trouble must hold.",
    ),
    key(
        "thalweg.me-stream.effective.bottlenecks",
        Kind::Whole(1.0, 1000.0),
        "2",
        "Effective bottlenecks within one interval that make a reallocation.",
    ),
    key(
        "thalweg.me-stream.accuracy",
        Kind::Number(0.0, 100.0),
        "1",
        "Standard errors above the threshold function from which latency is an effective bottleneck.",
    ),
    key(
        "thalweg.me-stream.capacity.limit",
        Kind::Number(0.01, 1.0),
        "0.8",
        "Busy share of an executor from which its component is short of executors.",
    ),
    key(
        "thalweg.me-stream.failed.limit",
        SHARE,
        "0.001",
        "Failed tuples per emitted tuple from which sources are short of executors.",
    ),
    key(
        "thalweg.me-stream.points",
        Kind::Whole(5.0, 10_000.0),
        "60",
        "Points kept for the threshold function.",
    ),
    key(
        "thalweg.me-stream.stable.fits",
        Kind::Whole(1.0, 1000.0),
        "5",
        "Consecutive fits that must agree before latency counts as stable.",
    ),
    key(
        "thalweg.me-stream.stable.change",
        SHARE,
        "0.05",
        "Relative change of the prediction that still counts as agreement.",
    ),
    key(
        "thalweg.me-stream.stable.error",
        SHARE,
        "0.1",
        "Root mean squared residual over mean latency below which a fit is good enough.",
    ),
    key(
        "thalweg.me-stream.relaxed.factor",
        Kind::Whole(1.0, 100.0),
        "6",
        "How many times longer the next observation may wait once every topology's latency is stable.",
    ),
    key(
        "thalweg.imbalance.limit",
        Kind::Number(1.0, 100.0),
        "1.3",
        "Load of the worst node over its fair share from which executors are moved.",
    ),
    key(
        "thalweg.imbalance.floor",
        SHARE,
        "0.5",
        "Busy share of the busiest executor below which neither imbalance nor rising latency is acted upon; the policy `thalweg` moves nothing below `thalweg.scaling.limit` either.",
    ),
    key(
        "thalweg.imbalance.min.gain",
        SHARE,
        "0.2",
        "Relative fall of the worst node's load that a move must promise.",
    ),
    key(
        "thalweg.network.round.trip.limit.millis",
        Kind::Number(0.0, 60_000.0),
        "50",
        "Round trip to a node from which it is reached too slowly to hold executors.",
    ),
    key(
        "thalweg.node.memory.secs",
        SECS,
        "1800",
        "How long a node's slowness is remembered after it was last seen.",
    ),
    key(
        "thalweg.learned.keep.hours",
        Kind::Number(1.0, 87_600.0),
        "336",
        "How long what was learned of a topology is kept after it was last seen.",
    ),
    key(
        "thalweg.scaling.enabled",
        Kind::Flag,
        "true",
        "Whether executor counts may change. With `false` every policy only moves executors; counts that an operator orders still hold.",
    ),
    key(
        "thalweg.placement.slots",
        Kind::Choice(&["workers", "shared", "engine"]),
        "workers",
        "What one slot can hold: any executors (Storm), or one of each component (Flink), then chosen by Thalweg or by the engine. The shell sets it.",
    ),
    key(
        "thalweg.placement.workers",
        Kind::Choice(&["asked", "free"]),
        "asked",
        "How many workers a topology may have: at most as many as it asks for (`topology.workers`), or as many as placing it well takes. Topologies that declare CPU are not limited, as under Storm's ResourceAwareScheduler.",
    ),
    key(
        "thalweg.placement.workers.free",
        Kind::Texts,
        "[]",
        "Topologies, by name, that may have more workers than they ask for.",
    ),
    key(
        "thalweg.placement.anchors.per.worker",
        Kind::Whole(1.0, 1000.0),
        "16",
        "Sources and ackers that share one worker of their own.",
    ),
    key(
        "thalweg.placement.rack.share",
        Kind::Number(0.01, 1.0),
        "1",
        "The largest part of an operator's executors that is placed on one rack, where a cluster has several. What runs is not moved for it.",
    ),
    key(
        "thalweg.placement.steps",
        Kind::Whole(0.0, 1e9),
        "1000000",
        "Steps that a scheduling round may spend on improving the placement of topologies with declared resources. A million take about a tenth of a second.",
    ),
    key(
        "thalweg.action.method",
        Kind::Choice(&["auto", "make-before-break", "drain", "rebalance"]),
        "auto",
        "How plans are carried out; `auto` tries the ways in this order.",
    ),
    key(
        "thalweg.action.cool.down.secs",
        SECS,
        "120",
        "Time between two actions on one topology; but for plans that add executors, it doubles with each further action taken while the last ones were recent. At least as long as the last action took, so that what waited meanwhile is worked off.",
    ),
    key(
        "thalweg.action.daily.limit",
        Kind::Whole(0.0, 10_000.0),
        "48",
        "Actions on one topology within a day.",
    ),
    key(
        "thalweg.action.blacklist.secs",
        SECS,
        "3600",
        "How long a kind of action that did not help is not tried again on the topology. Moves for another reason are. Each further failure doubles it, at most to 32 times; success resets it.",
    ),
    key(
        "thalweg.action.rollback",
        Kind::Flag,
        "true",
        "Whether an action after which a topology does clearly worse at the same load (a fifth less throughput, or half as much latency again) is undone. What an operator ordered never is.",
    ),
    key(
        "thalweg.action.step.timeout.secs",
        Kind::Whole(1.0, 3600.0),
        "60",
        "Time that one step of an action may take before its way back is taken.",
    ),
    key(
        "thalweg.action.settle.millis",
        Kind::Whole(0.0, 60_000.0),
        "1500",
        "Time given to new workers to connect, after their port is open and their heartbeat is seen.",
    ),
    key(
        "thalweg.action.rebalance.wait.secs",
        Kind::Whole(0.0, 3600.0),
        "0",
        "Wait time of a plain rebalance.",
    ),
    key(
        "thalweg.headroom.factor",
        Kind::Whole(1.0, 1000.0),
        "4",
        "Tasks given to a new topology's bolts, as a multiple of their parallelism hint; 1 turns head-room off.",
    ),
    key(
        "thalweg.headroom.max.tasks",
        Kind::Whole(1.0, 100_000.0),
        "64",
        "Most tasks that head-room gives a component.",
    ),
    key(
        "thalweg.headroom.components",
        Kind::Texts,
        "[]",
        "Components that get head-room even with a parallelism hint of 1, or although they are spouts.",
    ),
    key(
        "thalweg.shuffle.locality",
        Kind::Choice(&["spread", "keep"]),
        "spread",
        "Whether new topologies shuffle evenly over all tasks, or load-aware as Storm does by default (which starves added executors).",
    ),
    key(
        "thalweg.store.kind",
        Kind::Choice(&["embedded", "redis"]),
        "embedded",
        "Where routing tables, ledger and learned state are kept: a file on this machine, or Redis with such a file in front.",
    ),
    key(
        "thalweg.store.dir",
        Kind::Text,
        "",
        "Folder of that file; empty means `thalweg` under `storm.local.dir`.",
    ),
    key(
        "thalweg.store.ledger.limit",
        Kind::Whole(1.0, 10_000_000.0),
        "10000",
        "Records that the ledger keeps.",
    ),
    key(
        "thalweg.store.timeout.millis",
        Kind::Whole(1.0, 60_000.0),
        "2000",
        "Time for a connection to Redis, and for each answer.",
    ),
    key(
        "thalweg.store.redis.url",
        Kind::Secret,
        "redis://127.0.0.1:6379",
        "Where Redis is; `rediss://` for TLS.",
    ),
    key("thalweg.store.redis.user", Kind::Text, "", "ACL user; empty means the default user."),
    key(
        "thalweg.store.redis.password",
        Kind::Secret,
        "",
        "Its password; in YAML, digits alone need quotes.",
    ),
    key(
        "thalweg.store.redis.password.file",
        Kind::Secret,
        "",
        "A file that holds the password instead.",
    ),
    key(
        "thalweg.store.redis.ca.file",
        Kind::Text,
        "",
        "PEM file of the authorities to trust in place of the system's.",
    ),
    key(
        "thalweg.store.redis.prefix",
        Kind::Text,
        "thalweg",
        "What every key in Redis begins with.",
    ),
    key(
        "thalweg.recording.file",
        Kind::Text,
        "",
        "File to which everything that goes into decisions is written, for `thalweg replay`; empty means none. A file of that name is replaced at start.",
    ),
    key(
        "thalweg.recording.limit.mib",
        Kind::Whole(1.0, 1_000_000.0),
        "256",
        "Size at which a recording ends.",
    ),
    key(
        "thalweg.flink.level",
        Kind::Whole(0.0, 2.0),
        "2",
        "Flink: 2 also places subtasks on TaskManagers, 1 changes parallelism through REST only, 0 leaves Flink alone.",
    ),
    key(
        "thalweg.flink.rest.url",
        Kind::Text,
        "",
        "Flink: where the JobManager's REST interface is; empty means `rest.address` and `rest.port`.",
    ),
    key(
        "thalweg.flink.rescale.without.checkpoints",
        Kind::Flag,
        "false",
        "Flink: whether jobs that could not be restored may be restarted: those that take no checkpoints, have completed none yet, or whose last ones failed. They begin from nothing and lose their state, so set it only where no job keeps any.",
    ),
    key(
        "thalweg.flink.rescale.without.checkpoints.jobs",
        Kind::Texts,
        "[]",
        "Flink: the same for single jobs, by their names or ids.",
    ),
    key(
        "thalweg.native.library",
        Kind::Text,
        "",
        "Path of the native library; empty means the one in the jar.",
    ),
    key(
        "thalweg.delegate.scheduler",
        Kind::Text,
        "",
        "Class of the scheduler for everything that Thalweg leaves to Storm; empty means Storm's DefaultScheduler.",
    ),
    key(
        "thalweg.delegate.validator",
        Kind::Text,
        "",
        "Class of the topology validator that head-room takes the place of, and that it asks first; empty means none.",
    ),
];

impl Kind {
    /// What is allowed, for messages and the reference.
    pub fn allowed(self) -> String {
        match self {
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Number(low, high) => format!("a number from {low} to {high}"),
            Self::Whole(low, high) => format!("a whole number from {low} to {high}"),
            Self::Flag => "true or false".to_owned(),
            Self::Text | Self::Secret => "text".to_owned(),
            Self::Texts => "a list of texts, or one with commas between them".to_owned(),
        }
    }
}
