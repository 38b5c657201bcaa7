//! The alerts, each with what to do.

/// An alert.
pub struct Alert {
    pub name: &'static str,
    pub expr: &'static str,
    /// For how long it must hold.
    pub holds: &'static str,
    pub severity: &'static str,
    pub summary: &'static str,
    /// What it means for those who run topologies.
    pub meaning: &'static str,
    /// What to do, in order.
    pub steps: &'static [&'static str],
}

pub const ALERTS: &[Alert] = &[
    Alert {
        name: "ThalwegEngineDown",
        expr: "thalweg_engine_up == 0",
        holds: "2m",
        severity: "critical",
        summary: "Thalweg in {{ $labels.engine }} does not answer",
        meaning: "Nothing is measured or changed. Topologies run on as they are; the engine's own scheduler places what is new.",
        steps: &[
            "Look whether the scheduler (Nimbus, or the JobManager) runs on the machine of this engine.",
            "Look into its log for `thalweg`: a native library that could not be loaded is named there.",
            "Compare the folder given to `thalweg serve --engine` with the one that the scheduler names in its log.",
        ],
    },
    Alert {
        name: "ThalwegStatusStale",
        expr: "thalweg_engine_status_age_seconds > 300 and on (engine) thalweg_engine_leads == 1",
        holds: "2m",
        severity: "warning",
        summary: "Thalweg in {{ $labels.engine }} has not looked at its cluster for {{ $value }} s",
        meaning: "The monitor is stuck, or the engine's own interface does not answer it.",
        steps: &[
            "Look into the scheduler's log for refused or failed calls.",
            "On a secured cluster, see that the key the log names allows the calls.",
            "If nothing is said there, take a thread dump of the scheduler and restart it; topologies run on meanwhile.",
        ],
    },
    Alert {
        name: "ThalwegNobodyLeads",
        expr: "sum(thalweg_engine_leads) == 0",
        holds: "5m",
        severity: "warning",
        summary: "no engine leads",
        meaning: "Every engine that is watched follows another one, or none answers. No topology is changed.",
        steps: &[
            "See which Nimbus or JobManager leads, and watch that one too.",
            "If none leads, repair the engine's own election first.",
        ],
    },
    Alert {
        name: "ThalwegLedgerNotWritten",
        expr: "increase(thalweg_ledger_failures_total[10m]) > 0",
        holds: "2m",
        severity: "warning",
        summary: "Thalweg in {{ $labels.engine }} cannot write its ledger",
        meaning: "Scheduling goes on. Records wait in memory; the oldest 4,096 of them are kept, and what comes then is lost.",
        steps: &[
            "Read the reason in the scheduler's log, or as `ledger.fault` in its status: usually a full disk or a folder's rights.",
            "Once it is mended it is written again within seconds; a `gap` record tells what is missing, if anything is.",
        ],
    },
    Alert {
        name: "ThalwegSettingsWrong",
        expr: "thalweg_engine_problems > 0",
        holds: "1m",
        severity: "warning",
        summary: "{{ $value }} settings of {{ $labels.engine }} are wrong, so it only observes",
        meaning: "With a setting that is not allowed Thalweg changes nothing.",
        steps: &[
            "Read the problems in the dashboard, or in `status.json`: each names the key, the value and what is allowed.",
            "Correct them and restart the scheduler.",
        ],
    },
    Alert {
        name: "ThalwegStoreDown",
        expr: "thalweg_engine_store_up == 0",
        holds: "5m",
        severity: "warning",
        summary: "the store of {{ $labels.engine }} is out of reach",
        meaning: "Tables come from memory and are written to the journal on this machine. A successor elsewhere would not see them.",
        steps: &[
            "Repair Redis or the way to it.",
            "Nothing else is to be done: the journal is replayed when it is back.",
        ],
    },
    Alert {
        name: "ThalwegStatisticsMissing",
        expr: "thalweg_topology_coverage_ratio < 0.9",
        holds: "15m",
        severity: "warning",
        summary: "only {{ $value | humanizePercentage }} of the executors of {{ $labels.topology }} have fresh statistics",
        meaning: "The topology is held as it is, because nothing is decided without evidence.",
        steps: &[
            "See in the engine's own interface whether workers restart or heartbeats are late.",
            "Compare `thalweg.metrics.max.age.secs` with how often executors report.",
        ],
    },
    Alert {
        name: "ThalwegTopologySaturated",
        expr: "thalweg_topology_busy_ratio > 0.95",
        holds: "15m",
        severity: "warning",
        summary: "an executor of {{ $labels.topology }} has had no time left for a quarter of an hour",
        meaning: "Thalweg could not help, or may not. The first reason of the topology's decision says which of the two.",
        steps: &[
            "Read the reasons on the topology's page; each names the setting that moves its limit.",
            "`TASK_LIMITED`: submit the topology with more tasks. `CLUSTER_LIMITED`: add slots. `MODE_FORBIDS`: approve the plan, or let Thalweg act.",
            "`SKEW_LIMITED` or `EXTERNAL_LIMITED`: more executors do not help; look at the key or at what the component waits for.",
        ],
    },
    Alert {
        name: "ThalwegTuplesFail",
        expr: "thalweg_topology_failed_tuples > 0",
        holds: "10m",
        severity: "warning",
        summary: "tuples of {{ $labels.topology }} fail",
        meaning: "They are replayed, which is work done twice.",
        steps: &[
            "Look for the component with failures on the topology's page, and into its workers' logs.",
            "Compare the complete latency with the topology's message timeout.",
        ],
    },
    Alert {
        name: "ThalwegPlanWaits",
        expr: "thalweg_topology_plan_waiting == 1",
        holds: "10m",
        severity: "info",
        summary: "a plan for {{ $labels.topology }} waits for somebody's word",
        meaning: "It expires if nobody approves of it, and the topology stays as it is.",
        steps: &["Open the page of plans, read what it changes, and approve or reject it."],
    },
    Alert {
        name: "ThalwegPlanStuck",
        expr: "thalweg_plan_under_way_seconds > 1800",
        holds: "1m",
        severity: "critical",
        summary: "a plan of {{ $labels.engine }} has been in one phase for {{ $value }} s",
        meaning: "A change has begun and does not go on. The topology may run with paused sources.",
        steps: &[
            "See on the page of plans which step was reported last.",
            "See in the engine's own interface whether the topology is active; activate it if it is not.",
            "A restart of the scheduler takes the plan back, or carries it on if it was committed.",
        ],
    },
    Alert {
        name: "ThalwegPlansGivenUp",
        expr: "increase(thalweg_plans_total{result=\"given_up\"}[1h]) > 2",
        holds: "1m",
        severity: "warning",
        summary: "plans of {{ $labels.engine }} are given up again and again",
        meaning: "Each was taken back, and its kind is left for a while.",
        steps: &[
            "Read the code of each on the page of history.",
            "Repair what it names, or set the mode of this topology to `advise`.",
        ],
    },
    Alert {
        name: "ThalwegActionsDoNotHelp",
        expr: "increase(thalweg_outcomes_total{result=\"did_not_help\"}[6h]) > 3",
        holds: "1m",
        severity: "info",
        summary: "changes made by {{ $labels.engine }} have not helped",
        meaning: "What was predicted did not come. Thalweg stops such changes by itself for a while.",
        steps: &[
            "Compare predicted and realised latency on the topology's page.",
            "Replay a recording with another policy: `thalweg replay`.",
        ],
    },
];
