//! The settings of the shell in the JobManager, where the user sets nothing else.

use serde_json::{Map, Value};
use thalweg_core::units::Millis;

/// As the shell ships them.
const OF_THE_SHELL: &str =
    include_str!("../../../../jvm-adapter/flink/src/main/resources/io/thalweg/flink/defaults.json");

/// The settings of the shell in the JobManager at the level at which Flink chooses the slots, for counters that are fetched
/// so often.
///
/// The shell's own are for a JobManager that fetches them at least once a second. Elsewhere each look is the first one after
/// a fetch is due, so that it sees a fetch of its own and not half of one; the window has three of them, and counters are no
/// evidence only once some were missed.
pub fn defaults(fetches_each: Millis) -> Map<String, Value> {
    let mut all: Map<String, Value> =
        serde_json::from_str(OF_THE_SHELL).expect("the shell ships an object, and a test reads it");
    all.insert("thalweg.placement.slots".to_owned(), "engine".into());
    let secs = (fetches_each.get() / 1000.0).ceil();
    let mut at_least = |key: &str, least: f64| {
        let shipped = all.get(key).and_then(Value::as_f64).unwrap_or(0.0);
        if least > shipped {
            all.insert(key.to_owned(), least.into());
        }
    };
    if secs > 1.0 {
        let each = secs + 1.0;
        at_least("thalweg.monitor.interval.secs", each);
        at_least("thalweg.metrics.window.secs", 3.0 * each);
        at_least("thalweg.metrics.max.age.secs", 4.0 * each);
        at_least("thalweg.metrics.settle.secs", each);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(settings: &Map<String, Value>, key: &str) -> Option<f64> {
        settings.get(&format!("thalweg.{key}.secs")).and_then(Value::as_f64)
    }

    #[test]
    fn a_jobmanager_that_fetches_often_is_watched_as_from_within() {
        let quick = defaults(Millis::saturating(500.0));
        assert_eq!(secs(&quick, "monitor.interval"), Some(1.0));
        assert_eq!(secs(&quick, "metrics.window"), Some(5.0));
        assert_eq!(secs(&quick, "metrics.max.age"), Some(10.0));
        assert_eq!(quick["thalweg.placement.slots"], "engine");
    }

    #[test]
    fn a_jobmanager_as_it_is_shipped_is_watched_for_longer() {
        let slow = defaults(Millis::saturating(10_000.0));
        assert_eq!(secs(&slow, "monitor.interval"), Some(11.0));
        assert_eq!(secs(&slow, "metrics.window"), Some(33.0));
        assert_eq!(secs(&slow, "metrics.max.age"), Some(44.0));
        assert_eq!(secs(&slow, "metrics.settle"), Some(11.0));
    }
}
