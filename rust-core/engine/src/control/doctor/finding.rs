//! What is found: a code, what it is about, a sentence, and its mend.

use serde_json::{Value, json};

/// Reasons of decisions that stay until somebody does something, and what that is.
pub const MENDS: [(&str, &str); 9] = [
    (
        "METRICS_MISSING",
        "thalweg explain {word}; on Storm in storm.yaml executor.metrics.frequency.secs: 10",
    ),
    (
        "NOT_TIMED",
        "use a source of Flink's new kind (FLIP-27), such as KafkaSource: those of the old kind do not tell how busy they are",
    ),
    (
        "ADOPTION_NEEDED",
        "thalweg scale {word} --adopt   (or in storm.yaml thalweg.adopt: on-next-action)",
    ),
    ("STOP_NEEDED", "in storm.yaml thalweg.placement.workers: free"),
    (
        "CLUSTER_LIMITED",
        "in storm.yaml of each supervisor more supervisor.slots.ports; on Flink more taskmanager.numberOfTaskSlots",
    ),
    ("CHECKPOINTS_MISSING", "in the job's configuration execution.checkpointing.interval: 60 s"),
    (
        "POOLS_KEPT",
        "thalweg.delegate.scheduler keeps pools apart: run such topologies on a cluster without it",
    ),
    ("SOURCE_LIMITED", "kafka-topics.sh --alter --topic TOPIC --partitions MORE"),
    ("WORKERS_LIMITED", "in storm.yaml thalweg.placement.workers.free: [\"{name}\"]"),
];

/// One finding.
pub fn finding(code: &str, about: &str, text: impl Into<String>, mend: impl Into<String>) -> Value {
    json!({ "code": code, "about": about, "text": text.into(), "mend": mend.into() })
}
