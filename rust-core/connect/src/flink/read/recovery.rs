//! Whether a job that is restarted goes on where it was, as its checkpoints tell.

use serde_json::Value;
use thalweg_core::model::{Checkpoint, Obstacle};
use thalweg_core::units::Millis;

use super::super::json::{amount, list, rounded, text, whole};

/// So many failures in a row are no accident; a restart alone makes one.
const FAILURES: usize = 3;
/// Flink writes an interval for jobs without periodic checkpoints too: the longest there is.
const NEVER: u64 = i64::MAX as u64;

/// What stands against a restart, by a job's settings of checkpoints, and by what became of them, each of which is missing
/// where it takes none.
pub fn obstacle(settings: Option<&Value>, statistics: Option<&Value>) -> Option<Obstacle> {
    let periodic = interval(settings).is_some();
    let Some(statistics) = statistics.filter(|_| periodic) else {
        return Some(Obstacle::CheckpointsOff);
    };
    let latest = &statistics["latest"];
    if latest["completed"].is_object() {
        let completed = whole(&latest["completed"], "id").unwrap_or(0);
        return (failed_since(statistics, completed) >= FAILURES)
            .then_some(Obstacle::CheckpointsFail);
    }
    // After another JobManager took over, nothing is known of checkpoints but the one that it began from.
    (!latest["restored"].is_object()).then_some(Obstacle::NoCheckpointYet)
}

/// The time between two checkpoints, by a job's settings of them; nothing where it takes none by itself.
pub fn interval(settings: Option<&Value>) -> Option<Millis> {
    let interval = settings.and_then(|settings| whole(settings, "interval"));
    let periodic = interval.filter(|interval| *interval > 0 && *interval < NEVER)?;
    Some(Millis::saturating(periodic as f64))
}

fn failed_since(statistics: &Value, completed: u64) -> usize {
    let newer = list(statistics, "history").filter(|one| whole(one, "id").unwrap_or(0) > completed);
    newer.filter(|one| text(one, "status") == "FAILED").count()
}

/// The newest completed checkpoint, and its number.
pub fn newest(statistics: Option<&Value>) -> (Option<u64>, Option<Checkpoint>) {
    let newest = statistics.map(|statistics| &statistics["latest"]["completed"]);
    let id = newest.and_then(|newest| whole(newest, "id"));
    let checkpoint = newest.and_then(|newest| {
        let duration = Millis::saturating(amount(newest, "end_to_end_duration")?);
        Some(Checkpoint { duration, bytes: amount(newest, "checkpointed_size").map(rounded) })
    });
    (id, checkpoint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(settings: Value, statistics: Value) -> Option<Obstacle> {
        obstacle(Some(&settings), Some(&statistics))
    }

    fn each_5_seconds() -> Value {
        json!({ "interval": 5000 })
    }

    #[test]
    fn a_job_is_restored_from_its_last_checkpoint_or_the_one_that_it_began_from() {
        let completed = json!({ "latest": { "completed": { "id": 3 } }, "history": [] });
        assert_eq!(of(each_5_seconds(), completed), None);
        let restored = json!({ "latest": { "completed": null, "restored": { "id": 3 } } });
        assert_eq!(of(each_5_seconds(), restored), None);
    }

    #[test]
    fn without_periodic_checkpoints_it_begins_anew() {
        let off = Some(Obstacle::CheckpointsOff);
        // What Flink writes for a job whose interval is not set.
        assert_eq!(of(json!({ "interval": i64::MAX }), json!({ "latest": {} })), off);
        assert_eq!(of(json!({ "interval": -1 }), json!({ "latest": {} })), off);
        assert_eq!(of(json!({}), json!({ "latest": { "completed": { "id": 3 } } })), off);
        assert_eq!(obstacle(None, Some(&json!({}))), off);
        assert_eq!(obstacle(Some(&each_5_seconds()), None), off);
    }

    #[test]
    fn before_the_first_checkpoint_it_begins_anew() {
        let none_yet = json!({ "latest": { "completed": null, "failed": { "id": 1 } } });
        assert_eq!(of(each_5_seconds(), none_yet), Some(Obstacle::NoCheckpointYet));
    }

    #[test]
    fn one_failure_is_an_accident_and_three_in_a_row_are_not() {
        let with = |failed: &[u64]| {
            let failed: Vec<Value> =
                failed.iter().map(|id| json!({ "id": id, "status": "FAILED" })).collect();
            of(
                each_5_seconds(),
                json!({ "latest": { "completed": { "id": 3 } }, "history": failed }),
            )
        };
        assert_eq!(with(&[4]), None);
        assert_eq!(with(&[4, 5, 6]), Some(Obstacle::CheckpointsFail));
        assert_eq!(with(&[0, 1, 2]), None);
    }

    #[test]
    fn a_checkpoint_is_as_long_and_as_large_as_it_is_told() {
        let told = json!({ "latest": { "completed":
            { "id": 7, "end_to_end_duration": 120, "checkpointed_size": 4096 } } });
        let checkpoint = Checkpoint { duration: Millis::saturating(120.0), bytes: Some(4096) };
        assert_eq!(newest(Some(&told)), (Some(7), Some(checkpoint)));
        assert_eq!(
            newest(Some(&json!({ "latest": { "completed": { "id": 7 } } }))),
            (Some(7), None)
        );
        assert_eq!(newest(None), (None, None));
    }
}
