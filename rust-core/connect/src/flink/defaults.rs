//! The settings of the shell in the JobManager, where the user sets nothing else.

use serde_json::{Map, Value};
use thalweg_core::units::Millis;

/// As the shell ships them.
const OF_THE_SHELL: &str =
    include_str!("../../../../jvm-adapter/flink/src/main/resources/io/thalweg/flink/defaults.json");

/// The settings of the shell in the JobManager at the level at which Flink chooses the slots, for counters that are fetched
/// so often.
///
/// The shell's own are for a JobManager that fetches them at least once a second. Elsewhere the window has three fetches and
/// more, and counters are no evidence only once some fetches have failed.
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
        at_least("thalweg.metrics.window.secs", 3.0 * secs);
        at_least("thalweg.metrics.max.age.secs", 4.0 * secs);
        at_least("thalweg.metrics.settle.secs", secs);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(settings: &Map<String, Value>, key: &str) -> Option<f64> {
        settings.get(&format!("thalweg.metrics.{key}.secs")).and_then(Value::as_f64)
    }

    #[test]
    fn a_jobmanager_that_fetches_often_is_watched_as_from_within() {
        let quick = defaults(Millis::saturating(500.0));
        assert_eq!(secs(&quick, "window"), Some(5.0));
        assert_eq!(secs(&quick, "max.age"), Some(10.0));
        assert_eq!(quick["thalweg.placement.slots"], "engine");
    }

    #[test]
    fn a_jobmanager_as_it_is_shipped_is_watched_for_longer() {
        let slow = defaults(Millis::saturating(10_000.0));
        assert_eq!(secs(&slow, "window"), Some(30.0));
        assert_eq!(secs(&slow, "max.age"), Some(40.0));
        assert_eq!(secs(&slow, "settle"), Some(10.0));
    }
}
