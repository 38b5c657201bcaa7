//! The keys of the policies other than `me-stream`.

use super::key::{Key, Kind, SECS, SHARE, key};

const NAMES: &[&str] = &[
    "static",
    "threshold",
    "dhalion",
    "ds2",
    "flink-autoscaler",
    "conttune",
    "me-stream",
    "thalweg",
];

/// Every key of a policy, and the one that chooses it.
pub(super) const POLICY_KEYS: &[Key] = &[
    key(
        "thalweg.policy",
        Kind::Choice(NAMES),
        "me-stream",
        "The policy that decides. With another one than the default, keys of observation and action that are not written take the values recommended for it: interval, window and settling time; policies of others have no cool-down, daily limit, blacklist and rollback of Thalweg's.",
    ),
    key(
        "thalweg.scaling.target",
        Kind::Number(0.05, 1.0),
        "0.75",
        "Busy share at which the policy `thalweg` sizes components.",
    ),
    key(
        "thalweg.scaling.limit",
        Kind::Number(0.05, 1.0),
        "0.9",
        "Part of its capacity from which a component is short of executors.",
    ),
    key(
        "thalweg.scaling.quantile",
        SHARE,
        "0.9",
        "Quantile of the forecast demand that is planned for.",
    ),
    key(
        "thalweg.scaling.ahead.secs",
        SECS,
        "300",
        "How far ahead an action that has to be is sized.",
    ),
    key(
        "thalweg.scaling.catch.up.secs",
        SECS,
        "300",
        "Time in which a backlog is to be caught up with.",
    ),
    key(
        "thalweg.scaling.restart.secs",
        SECS,
        "30",
        "Time that an action is taken to stop a topology, until that was measured.",
    ),
    key(
        "thalweg.scaling.confidence",
        Kind::Number(0.0, 10.0),
        "1",
        "Standard deviations by which capacity is taken to be below its estimate.",
    ),
    key(
        "thalweg.scaling.alpha",
        Kind::Whole(0.0, 10_000.0),
        "3",
        "Distance from observed executor counts beyond which scaling is taken to be linear, or a little worse.",
    ),
    key(
        "thalweg.scaling.up.delay.secs",
        SECS,
        "20",
        "How long a component must have been short of executors; three times as long while it can still do what is asked.",
    ),
    key(
        "thalweg.scaling.down.window.secs",
        SECS,
        "600",
        "How long fewer executors must have been enough.",
    ),
    key(
        "thalweg.scaling.horizon.secs",
        SECS,
        "3600",
        "Time over which a saving has to pay for the stop that it needs; less where earlier savings lasted less, and more where as much has been to spare for longer.",
    ),
    key(
        "thalweg.scaling.disruption",
        Kind::Number(0.0, 1000.0),
        "16",
        "How many times dearer a second of the topology's stop is than a second of its executors.",
    ),
    key(
        "thalweg.scaling.latency.millis",
        Kind::Number(0.0, 3_600_000.0),
        "0",
        "Time in the operators that is aimed at, by queueing theory; 0 where only throughput counts.",
    ),
    key(
        "thalweg.memory.max.mib",
        Kind::Whole(0.0, 1_000_000.0),
        "0",
        "Memory that the policy `thalweg` may give each executor of a component that keeps state; 0 changes no memory, as where the engine cannot do it.",
    ),
    key(
        "thalweg.memory.per.executor.mib",
        Kind::Whole(1.0, 1_000_000.0),
        "4096",
        "Memory that is taken to cost as much as an executor costs without it.",
    ),
    key(
        "thalweg.scaling.priorities",
        Kind::Texts,
        "[]",
        "Topologies that go before others, each as `name=number`; the higher the number the earlier.",
    ),
    key(
        "thalweg.scaling.executor.budget",
        Kind::Whole(0.0, 1_000_000.0),
        "0",
        "Executors that sources and operators of all topologies may have together; who wants more than is left gets what is left; 0 is no limit.",
    ),
    key(
        "thalweg.threshold.target",
        Kind::Number(0.05, 1.0),
        "0.8",
        "Busy share that the policy `threshold` keeps executors near.",
    ),
    key(
        "thalweg.threshold.tolerance",
        SHARE,
        "0.1",
        "Relative distance from that share which changes nothing.",
    ),
    key(
        "thalweg.threshold.down.window.secs",
        SECS,
        "300",
        "How long fewer executors must have been enough.",
    ),
    key(
        "thalweg.dhalion.interval.secs",
        SECS,
        "300",
        "Time between two rounds of the policy `dhalion`.",
    ),
    key(
        "thalweg.dhalion.scale.down",
        SHARE,
        "0.8",
        "Part of its executors that an idle component keeps.",
    ),
    key(
        "thalweg.dhalion.blacklist.ratio",
        SHARE,
        "0.5",
        "Share of actions in vain from which a component is not changed for the same diagnosis again.",
    ),
    key(
        "thalweg.ds2.activation",
        Kind::Whole(1.0, 1000.0),
        "1",
        "Decisions in a row that the policy `ds2` needs to act; the largest counts.",
    ),
    key(
        "thalweg.ds2.target.rate.ratio",
        Kind::Number(1.0, 1000.0),
        "1.05",
        "Target rate over achieved rate of the sources above which all operators grow once nothing else would change.",
    ),
    key(
        "thalweg.ds2.headroom",
        Kind::Number(0.0, 10.0),
        "0",
        "Share of executors added to what each operator needs.",
    ),
    key(
        "thalweg.flink-autoscaler.target.utilization",
        Kind::Number(0.05, 1.0),
        "0.7",
        "Busy share at which the policy `flink-autoscaler` sizes components.",
    ),
    key(
        "thalweg.flink-autoscaler.utilization.boundary",
        SHARE,
        "0.3",
        "Distance from that share, both ways, within which nothing changes.",
    ),
    key(
        "thalweg.flink-autoscaler.catch.up.secs",
        SECS,
        "1800",
        "Time in which a backlog is to be caught up with.",
    ),
    key(
        "thalweg.flink-autoscaler.restart.secs",
        SECS,
        "300",
        "Time that a change is taken to stop the job.",
    ),
    key(
        "thalweg.flink-autoscaler.scale.down.interval.secs",
        SECS,
        "3600",
        "How long fewer executors must have been enough.",
    ),
    key(
        "thalweg.flink-autoscaler.observed.scalability",
        Kind::Flag,
        "false",
        "Whether executors are taken to pay off as they did before.",
    ),
    key(
        "thalweg.flink-autoscaler.effectiveness.detection",
        Kind::Flag,
        "false",
        "Whether a component stays as it is after a scale-up that brought less than a tenth of what was expected.",
    ),
    key(
        "thalweg.conttune.alpha",
        Kind::Whole(0.0, 10_000.0),
        "3",
        "Distance from observed executor counts within which the policy `conttune` trusts its model.",
    ),
    key(
        "thalweg.conttune.pressure",
        SHARE,
        "0.1",
        "Share of the input that cannot be taken from which all operators double.",
    ),
];
